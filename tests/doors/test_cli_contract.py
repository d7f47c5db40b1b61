"""What holds for every command: errors in two lines, exit codes, signals, pipes, completion, hostile text, --json."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain import errors
from brain.app.cloud import CloudMaker, CloudOff, CloudStatus
from brain.app.ledger import LedgerBody, LedgerRows
from brain.app.policy import (
    Changed,
    Explained,
    PolicyChecked,
    PolicyDiff,
    PolicyShown,
    PolicyTested,
    PolicyVersion,
    Rule,
    Tried,
    Waiting,
)
from brain.governance.budget import Limits, Spend
from brain.governance.figures import Spending, SpentRow
from brain.governance.ledger import Verified
from brain.inbox import InboxDecision, Proposal
from brain.recalled import Recalled, Remembered
from brain.reports import (
    AdvisedModel,
    Check,
    DocumentDetail,
    DocumentRow,
    Excerpt,
    ExportReport,
    ForgetReport,
    Forgotten,
    ImportReport,
    ModelAdvice,
    ModelRow,
    ModelTable,
    RoleAdvice,
    Root,
    Status,
    VectorProgress,
)
from brain.types import (
    AddReport,
    Answer,
    Citation,
    Differences,
    Episode,
    Opinion,
    Request,
    Retrieved,
    Skill,
    Skipped,
)
from tests.doors.test_render import HOSTILE, harmless
from tests.fake_brain import brain, passage

ROOT = Path(__file__).parents[2]
EVIL = "".join(HOSTILE.values()) + "\ud800 [red]x[/red] [/nope] :smile:\n# forged line"

COMMANDS = {
    "add": ["add", "x"],
    "add --note": ["add", "--note", "x"],
    "sync": ["sync"],
    "remember": ["remember", "x"],
    "export": ["export", "d"],
    "import": ["import", "d", "--yes"],
    "search": ["search", "--explain", "ab"],
    "search md": ["search", "--format", "md", "ab"],
    "search files": ["search", "--format", "files", "ab"],
    "ask": ["ask", "ab"],
    "recall": ["recall", "ab"],
    "get": ["get", "x"],
    "get pattern": ["get", "x*"],
    "list": ["list"],
    "show": ["show", "x"],
    "open": ["open", "--print", "x"],
    "forget": ["forget", "x", "--yes"],
    "undo": ["undo"],
    "undo --list": ["undo", "--list"],
    "tag": ["tag", "x"],
    "context add": ["context", "add", "x", "y"],
    "context list": ["context", "list"],
    "context remove": ["context", "remove", "x"],
    "skill add": ["skill", "add", "x"],
    "skill list": ["skill", "list"],
    "skill find": ["skill", "find", "x"],
    "skill show": ["skill", "show", "x"],
    "inbox list": ["inbox", "list"],
    "inbox refuse": ["inbox", "refuse", "x"],
    "models list": ["models", "list"],
    "models advise": ["models", "advise"],
    "models pull": ["models", "pull", "x"],
    "models use": ["models", "use", "ask", "x"],
    "cloud status": ["cloud", "status"],
    "cloud disable": ["cloud", "disable"],
    "policy show": ["policy", "show", "--explain"],
    "policy check": ["policy", "check"],
    "policy test": ["policy", "test"],
    "policy diff": ["policy", "diff"],
    "policy history": ["policy", "history"],
    "policy explain": ["policy", "explain", "--explain"],
    "approve": ["approve"],
    "halt": ["halt", "x"],
    "ledger show": ["ledger", "show"],
    "ledger show all": ["ledger", "show", "--explain"],
    "ledger verify": ["ledger", "verify"],
    "ledger body": ["ledger", "body", "1"],
    "ledger export": ["ledger", "export"],
    "spend": ["spend"],
    "status": ["status"],
    "doctor": ["doctor"],
    "today": ["today", "x"],
    "edit": ["edit", "x", "y"],
    "folder list": ["folder", "list"],
    "folder remove": ["folder", "remove", "x"],
    "folder rename": ["folder", "rename", "x", "y"],
}


def answers(text: str) -> dict[str, Any]:
    """A value for every verb of `Brain` that says `text` wherever a text can stand."""
    found = passage(
        1,
        source=text,
        locator=text,
        title=text,
        heading=(text,),
        text=text,
        date=text,
        context=text,
    )
    report = AddReport(
        1,
        skipped=(Skipped(text, "refused", text, text),),
        notices=(text,),
        embedder=text,
    )
    episode = Episode("e" * 16, text, "ask", text, text, people=(text,), tags=(text,))
    row = DocumentRow("d" * 16, text, text, text, text, text, 1, (text,), "name", text)
    skill = Skill("5" * 16, text, text, text)
    decided = InboxDecision(text, (Proposal("9" * 16, text, text, text, text),))
    gone = Forgotten("f" * 16, "document", text, text, 1, text)
    answer = Answer(
        text,
        "unsure",
        text,
        citations=(Citation(1, "p", text, text, text, False),),
        passages=(found,),
        provider=text,
        model=text,
        embedder=text,
        degraded=text,
        notices=(text,),
        second_opinion=Opinion(
            text,
            text,
            text,
            (Citation(1, "p", text, text, text, False),),
            0.01,
            text,
            Differences((text,), (text,)),
        ),
    )

    def ask(_question: str, *, say: Any, **_options: Any) -> Answer:
        for kind in ("quote", "sentence", "sentence", "notice"):
            say(kind, text)
        return answer

    return {
        "add": report,
        "note": report,
        "sync": report,
        "library_today": report,
        "library_edit": report,
        "folders_all": [Root(text, 1, text)],
        "folders_remove": Root(text, 1, text),
        "folders_rename": report,
        "keep_import_from": ImportReport(
            text, report, (text,), (text,), roots=(text,), done=True
        ),
        "remember": episode,
        "keep_export": ExportReport(text, conflicts=(text,), notices=(text,)),
        "search": Retrieved(
            (found,), {}, degraded=text, embedder=text, index=text, explain={text: 1.0}
        ),
        "ask": ask,
        "recall": Recalled(
            text,
            (Remembered(episode, 1.0, (episode,), (episode,)),),
            degraded=text,
            since=text,
        ),
        "library_get": [
            Excerpt(text, "d", text, text, text, text, 1, 2, 3, text, text, text)
        ],
        "library_documents": [row],
        "library_document": DocumentDetail(
            row,
            text,
            text,
            metadata={text: text},
            notices=(text,),
            context=text,
            links=(text,),
        ),
        "library_locate": text,
        "library_forget": ForgetReport((gone,), True, text, (text,)),
        "library_forgotten": [gone],
        "library_undo": gone,
        "library_tag": (text,),
        "library_describe": None,
        "library_undescribe": None,
        "library_descriptions": [(text, text)],
        "skills_add": skill,
        "skills_get": skill,
        "skills_list": [skill],
        "skills_find": [skill],
        "inbox_waiting": (Proposal("9" * 16, text, text, text, text, text),),
        "inbox_accept": decided,
        "inbox_refuse": decided,
        "models_table": ModelTable(
            (ModelRow(text, text, ("ask",), (), 1, text),), text, (text,)
        ),
        "models_advise": ModelAdvice(
            1,
            1,
            text,
            (RoleAdvice(text, text, text, text, text),),
            (AdvisedModel(text, "ask", text, 1.0, text, 1, True, True, remark=text),),
            text,
            text,
        ),
        "models_pull": None,
        "models_use": text,
        "status": Status(
            text,
            embedder=text,
            embedder_reason=text,
            generator=text,
            index=text,
            index_reason=text,
            ollama=text,
            generations=(VectorProgress(1, text, 1, "live", 1, 1),),
            roots=(Root(text, 1, text),),
            notices=(text,),
        ),
        "cloud_status": CloudStatus(
            True,
            text,
            (CloudMaker(text, text, text, text, (text,), text, text),),
            (("today", 1, 1),),
        ),
        "cloud_disable": CloudOff(True, (text,)),
        "policy_show": PolicyShown(
            text,
            text,
            text,
            text,
            text,
            True,
            {text: True},
            ((text, text),),
            ((text, text),),
            (Rule(text, (text,), text, "deny", text, 1),),
            ((text, text),),
        ),
        "policy_check": PolicyChecked(1, 1, ()),
        "policy_test": PolicyTested((Tried(text, "", (text,)),), (text,)),
        "policy_diff": PolicyDiff(
            (text,), 1, (Changed(1, text, text, text, text, text),)
        ),
        "policy_history": [PolicyVersion(1, text, text, text)],
        "policy_explain": Explained(
            1, text, text, text, text, ((text, text, text, text),), ((text, text),)
        ),
        "policy_waiting": [Waiting(text, text, {text: text}, 1)],
        "policy_halt": True,
        "ledger_rows": LedgerRows(
            ({"id": 1, "at": text, "kind": text, "because": text, text: (text,)},), 2
        ),
        "ledger_verify": Verified(1, ()),
        "ledger_body": LedgerBody(1, text),
        "ledger_every": [{"id": 1, "record": "{}", "hash": "ab"}],
        "ledger_spending": Spending(
            "task",
            (SpentRow(text, 1, 1, 1, 1),),
            Spend(1, 1, 1),
            Limits(1, 1, 1, 1),
            False,
            1,
            1,
            text,
            text,
        ),
        "keep_doctor": [Check("D01", text, "warning", text, text)],
    }


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_hostile_text_reaches_no_terminal(words: list[str], terminal: bool) -> None:
    ran = brain(
        *words,
        terminal=terminal,
        progress=lambda bar: bar(f"notice: {EVIL}", 0, 0),
        **answers(EVIL),
    )
    assert ran.code == 0, ran.stderr
    for shown in (ran.stdout, ran.stderr):
        ours = (
            re.sub(r"\x1b\[[0-9;]*m", "", shown) if terminal else shown
        )  # colour that we put there ourselves
        assert harmless(ours)
        assert "]8;" not in ours
        assert "]52;" not in ours
    assert ran.stdout


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_speaks_json_and_nothing_else_on_stdout(words: list[str]) -> None:
    plain = [word for word in words if word not in ("--format", "md", "files")]
    ran = brain(*plain, "--json", **answers(EVIL))
    assert json.loads(ran.stdout)["schema"] == 2
    assert re.fullmatch(r"[\x20-\x7e\n]*", ran.stdout)


ERRORS = [
    (errors.BrainError, 1),
    (errors.UsageError, 2),
    (errors.NotFound, 3),
    (errors.Refused, 4),
    (errors.OverBudget, 5),
    (errors.Unavailable, 6),
    (errors.StoreError, 1),
    (errors.Interrupted, 130),
]


@pytest.mark.parametrize(
    ("kind", "code"), ERRORS, ids=lambda value: getattr(value, "__name__", "")
)
def test_every_error_is_two_lines_and_its_code(
    kind: type[errors.BrainError], code: int
) -> None:
    ran = brain("status", status=kind("what\x1b[2J happened\nand more", "what to do"))
    assert (ran.code, ran.stdout, ran.stderr) == (
        code,
        "",
        "brain: what happened and more\n  what to do\n",
    )
    ran = brain("status", "--json", status=kind("what happened", "what to do"))
    expected = {"kind": kind.kind, "message": "what happened", "hint": "what to do"}
    assert (ran.code, json.loads(ran.stdout), ran.stderr) == (
        code,
        {"schema": 2, "error": expected},
        "",
    )


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        KeyError("x"),
        RecursionError(),
        OSError("odd"),
        MemoryError(),
    ],
)
def test_a_bug_is_two_lines_too(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRAIN_DEBUG", raising=False)
    ran = brain("status", status=error)
    assert ran.code == 1
    assert len(ran.stderr.splitlines()) == 2
    assert "BRAIN_DEBUG=1" in ran.stderr
    assert "secret" not in ran.stderr
    assert (
        json.loads(brain("status", "--json", status=error).stdout)["error"]["kind"]
        == "internal"
    )
    monkeypatch.setenv("BRAIN_DEBUG", "1")
    assert "Traceback" in brain("status", status=error).stderr
    assert (
        "Traceback"
        not in brain("status", status=errors.NotFound("expected", "next")).stderr
    )


def test_an_error_of_the_system_names_the_file() -> None:
    ran = brain("status", status=PermissionError(13, "Permission denied", "/n/x.md"))
    assert (ran.code, ran.stderr.splitlines()[0]) == (
        1,
        "brain: /n/x.md: Permission denied",
    )


@pytest.mark.parametrize(
    "words",
    [
        ["serach", "x"],
        ["search"],
        ["search", "--nope", "x"],
        ["skill"],
        ["get"],
        ["search", "x", "-n", "many"],
    ],
)
def test_a_wrong_word_is_two_lines_and_2(words: list[str]) -> None:
    ran = brain(*words)
    assert (ran.code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 2)
    assert "--help" in ran.stderr.splitlines()[1]
    ran = brain(*words, "--json")
    assert (ran.code, json.loads(ran.stdout)["error"]["kind"], ran.stderr) == (
        2,
        "usage",
        "",
    )


def test_json_after_two_dashes_is_a_word() -> None:
    ran = brain("search", "--", "--json", search=errors.NotFound("no", "none"))
    assert (ran.stdout, ran.stderr) == ("", "brain: no\n  none\n")
    assert ran.called("search")[0][0] == (Request("--json"),)


def test_running_a_command_leaves_the_signals_of_the_process_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    assert brain("sync", sync=KeyboardInterrupt()).code == 130
    assert signal.getsignal(signal.SIGINT) is before


# In a process of its own: signals, pipes, completion.

SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from contextlib import contextmanager
from tests.fake_brain import FakeBrain
import brain.doors.cli as cli
from brain.doors.cli.signals import stop_on_signals
from brain.doors.cli.session import Session
from brain.doors.render import Out
from brain.types import Answer

def ask(question, *, say, **options):
    say("quote", "first")
    {body}
    return Answer(question, "supported", "")

@contextmanager
def opened(progress):
    try:
        yield FakeBrain(ask=ask)
    finally:
        print("closed", file=sys.stderr, flush=True)

stop_on_signals()
session = Session(Out(sys.stdout, sys.stderr), sys.stdin, opened, None, None)
sys.exit(cli.run(["ask", "x"], session))
"""


@pytest.fixture
def started() -> Iterator[Any]:
    """Starts the script with a body inside `ask`, and ends what is left of it."""
    running: list[subprocess.Popen[str]] = []

    def start(body: str, **streams: Any) -> subprocess.Popen[str]:
        code = SCRIPT.format(tests=str(Path(__file__).parent), body=body)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        running.append(
            subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-c", code],
                text=True,
                cwd=ROOT,
                **streams,
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_closes_the_brain_and_shows_no_traceback(
    started: Any, number: int, code: int
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("this run was started with that signal ignored (nohup)")
    process = started("time.sleep(60)")
    assert process.stdout.readline() == "| first\n"
    process.send_signal(number)
    try:
        _out, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # faulthandler then says where it stands
        _out, err = process.communicate()
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert err.startswith("closed")


def test_a_reader_that_leaves_ends_it_quietly(started: Any) -> None:
    process = started("[say('sentence', 'word ' * 2000) for _ in range(50)]")
    assert process.stdout.readline() == "| first\n"
    process.stdout.close()
    process.wait(timeout=20)
    assert (process.returncode, process.stderr.read()) == (0, "closed\n")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full"
)
def test_a_full_disk_behind_the_output_is_said(started: Any) -> None:
    with open("/dev/full", "w") as full:
        process = started("pass", stdout=full)
        _out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.splitlines()[1:] == [
        "brain: the output cannot be written: No space left on device",
        "  free some space or redirect it",
    ]


def of_the_program(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python -m brain WORDS` in a process of its own."""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    run = [sys.executable, "-m", "brain", *words]
    return subprocess.run(
        run,
        env=known | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_shell_completes_commands_and_options() -> None:
    ran = of_the_program(
        _BRAIN_COMPLETE="complete_bash", COMP_WORDS="brain se", COMP_CWORD="1"
    )
    assert ran.stdout.split() == ["search", "serve", "service"], ran.stderr
    ran = of_the_program(
        _BRAIN_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="brain search --lex"
    )
    assert "--lexical" in ran.stdout
    ran = of_the_program("--help")
    assert "--install-completion" in ran.stdout


def test_without_words_it_shows_the_help() -> None:
    assert of_the_program().stdout == of_the_program("--help").stdout
    assert of_the_program().returncode == 0


def test_a_wrong_call_shows_an_example_or_the_commands_there_are() -> None:
    assert brain("models").stderr.splitlines() == [
        "brain: missing command",
        "  its commands: list, advise, pull, use; try `brain models --help`",
    ]
    assert brain("search").stderr.splitlines()[1] == (
        "  for instance: brain search how hot for black tea; try `brain search --help`"
    )
    said = brain("list", "--limit", "x").stderr.splitlines()
    assert (
        said[0]
        == "brain: invalid value for '--limit' / '-n': it must be a whole number"
    )
    few = brain("list", "--limit", "0").stderr.splitlines()[0]
    assert few.endswith("'-n': it must be at least 1")
    judged = brain("feedback", "zzz").stderr.splitlines()[0]
    assert judged.endswith(": 'zzz' is not one of 'good', 'wrong', 'missing'")
    assert brain("zzz").stderr.splitlines()[1] == "  try `brain --help`"

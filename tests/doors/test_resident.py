"""The server behind the command line: the same words give the same output and code, with it and without."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brain import __version__
from brain.app import Brain
from brain.app.outside import Agree
from brain.app.pool import Busy, Pool
from brain.config import load
from brain.doors.cli import consent, front, wire
from brain.doors.cli.resident import Resident
from brain.errors import BrainError
from brain.governance.outbound import Shown
from brain.labels import Label
from brain.types import Answer, Request
from tests.end_to_end import ROOT, brain, home, process

NOTES = {
    "tea.md": "# Tea\n\nBlack tea wants water at 96 °C and four minutes.\n",
    "lease.md": "# Lease\n\nThe lease ends on 28 February 2029.\n",
}
# Ids and times differ between any two runs of one command.
VARYING = re.compile(
    r'kept as \w+|"episode": "\w+"|"took_ms": \d+|"at": "[^"]+"|"milliseconds": \d+'
)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resident]:
    """A home with two notes, and a server of it in this process, waited for however busy the machine is."""
    monkeypatch.setattr(front, "BEGUN_SECONDS", 60.0)
    monkeypatch.setattr(front, "CONNECT_SECONDS", 60.0)
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    assert brain("add", folder).code == 0
    with Pool(load, workers=2) as pool, Resident(pool) as resident:
        yield resident


def counted(resident: Resident, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of every command that the server did from now on."""
    done: list[str] = []
    run = resident._pool.run

    def noted(work: object) -> object:
        done.append("command")
        return run(work)  # type: ignore[arg-type]

    monkeypatch.setattr(resident._pool, "run", noted)
    return done


COMMANDS = [
    ("search", "black tea"),
    ("search", "--json", "lease"),
    ("search", "lease", "--format", "files"),
    ("search", "lease", "--format", "md", "--explain"),
    ("search", "tag:nothing", "lease"),
    ("ask", "--no-record", "when does the lease end?"),
    ("ask", "--no-record", "--json", "how hot for black tea?"),
    ("ask", "--no-record", "--why", "--explain", "how hot for black tea?"),
    ("ask", "--no-record", "who won the football match in Lisbon?"),
    ("recall", "lease"),
    ("recall", "--json", "lease"),
    ("recall",),
    ("search", "--limit", "no number", "lease"),
    ("search", "--json", "--limit", "0", "lease"),
    ("ask", "--local", "--cloud", "what?"),
    ("search",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_says_the_same_with_the_server_and_without(
    words: tuple[str, ...],
    served: Resident,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = counted(served, monkeypatch)
    monkeypatch.chdir(home().parent)
    alone = brain(*words)
    code = front.answered(words)
    shown = capfd.readouterr()
    assert done == ["command"]
    assert code == alone.code
    assert VARYING.sub("", shown.out) == VARYING.sub("", alone.stdout)
    assert VARYING.sub("", shown.err) == VARYING.sub("", alone.stderr)


def test_a_process_of_its_own_is_answered(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = counted(served, monkeypatch)
    ran = process("search", "--json", "black tea")
    assert done == ["command"]
    assert ran.code == 0
    assert ran.json["passages"][0]["source"].endswith("tea.md")


def test_what_was_added_meanwhile_is_found(served: Resident, tmp_path: Path) -> None:
    (tmp_path / "notes" / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")
    assert brain("sync").code == 0
    assert front.answered(["search", "dinghy", "--strict"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("search", "--help"),
        ("search", "-"),
        ("search", "--offline", "tea"),
        ("add", "x"),
        (),
    ],
    ids=" ".join,
)
def test_what_only_this_process_can_do_is_not_sent(
    words: tuple[str, ...], served: Resident
) -> None:
    assert front.answered(words) is None


def test_another_setting_in_the_environment_makes_a_command_work_by_itself(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_RETRIEVAL_RERANK", "on")
    assert front.answered(["search", "tea"]) is None
    monkeypatch.delenv("BRAIN_RETRIEVAL_RERANK")
    assert front.answered(["search", "tea"]) == 0


def test_a_key_makes_only_what_needs_it_work_by_itself(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has no key in its file, and a shell often has one."""
    question = ["ask", "--no-record", "when does the lease end?"]
    monkeypatch.setenv("SOME_API_KEY", "of something else")
    assert front.answered(question) is not None
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another one")
    assert front.answered(["search", "tea"]) == 0
    assert front.answered(["recall", "lease"]) is not None
    assert front.answered(question) is None
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    assert front.answered(question) is not None


def test_an_agent_that_asks_is_answered_only_by_a_server_with_the_same_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "BEGUN_SECONDS", 60.0)
    assert brain("add", "--note", "the dinghy is green").code == 0
    with Pool(load, workers=1) as pool, Resident(pool, called=lambda *_: {"did": 1}):
        monkeypatch.setenv("OPENAI_API_KEY", "another one")
        assert front.called({"name": "search"}) == {"did": 1}
        assert front.called({"name": "ask"}) is None
        monkeypatch.delenv("OPENAI_API_KEY")
        assert front.called({"name": "ask"}) == {"did": 1}


def test_a_server_of_another_version_is_not_asked(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert __version__ != "9.9"
    monkeypatch.setattr(front, "__version__", "9.9")
    assert front.answered(["search", "tea"]) is None


def test_without_a_server_or_with_a_dead_one_a_command_works_by_itself(
    tmp_path: Path,
) -> None:
    assert front.answered(["search", "tea"]) is None
    home().mkdir()
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(home() / wire.FILE))
    assert front.answered(["search", "tea"]) is None


def test_the_socket_is_its_owners_alone_and_goes_with_the_server(
    served: Resident,
) -> None:
    assert served.place.stat().st_mode & 0o777 == 0o600
    served.close()
    assert not served.place.exists()


def test_a_home_has_one_server(served: Resident) -> None:
    with pytest.raises(BrainError, match="running already"):
        Resident(served._pool)
    assert front.answered(["search", "tea"]) == 0


def test_a_server_that_was_killed_leaves_no_way_shut(tmp_path: Path) -> None:
    home().mkdir()
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(home() / wire.FILE))
    with Pool(load, workers=1) as pool, Resident(pool):
        assert brain("note", "the dinghy is green").code in (0, 2)
        assert front.answered(["recall", "dinghy"]) is not None


@pytest.mark.parametrize(
    "sent", [b"", b"\x00\x00", b"\xff\xff\xff\xff{}", b"\x00\x00\x00\x02[]"]
)
def test_garbage_on_the_socket_hurts_nobody(sent: bytes, served: Resident) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.connect(str(served.place))
        other.sendall(sent)
    assert front.answered(["search", "tea"]) == 0


def test_more_work_than_may_wait_is_turned_away_and_then_done_by_the_command_itself(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_work: object) -> object:
        raise Busy("68 requests are being answered", "try again")

    monkeypatch.setattr(served._pool, "run", full)
    assert front.answered(["search", "tea"]) is None


def test_a_command_whose_server_dies_in_the_middle_says_so(
    served: Resident, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(connection: socket.socket) -> None:
        wire.receive(connection)
        wire.send(connection, {"begun": True})
        wire.send(connection, {"out": "half an answ"})
        connection.close()

    monkeypatch.setattr(served, "_serve", dies)
    assert front.answered(["search", "tea"]) == 6
    shown = capfd.readouterr()
    assert shown.out == "half an answ"
    assert "the server stopped while it answered" in shown.err


def test_sixteen_callers_at_once_are_all_answered(served: Resident) -> None:
    codes: list[int | None] = []

    def call() -> None:
        codes.append(front.answered(["search", "--format", "files", "tea"]))

    callers = [threading.Thread(target=call) for _ in range(16)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert codes == [0] * 16


def test_serve_says_what_it_serves_and_ends_in_good_order(tmp_path: Path) -> None:
    assert brain("add", "--note", "the dinghy is green").code == 0
    serving = subprocess.Popen(
        [sys.executable, "-m", "brain", "serve"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert serving.stderr is not None
    assert serving.stderr.readline().startswith(f"serving {home()}")
    assert front.answered(["search", "dinghy"]) == 0
    serving.terminate()
    serving.communicate()
    assert serving.returncode == 143
    assert not (home() / wire.FILE).exists()


def test_a_path_too_long_for_a_socket_takes_the_folder_for_sockets(
    tmp_path: Path,
) -> None:
    long = Path("/" + "a" * 120)
    assert wire.address(long, {}) is None
    place = wire.address(long, {wire.RUNTIME: "/run/user/1"})
    assert place is not None
    assert place.parent == Path("/run/user/1")
    assert place != wire.address(Path("/" + "b" * 120), {wire.RUNTIME: "/run/user/1"})


@pytest.mark.parametrize("said", ["once", "hour", ""])
def test_the_person_at_the_terminal_that_asked_is_shown_what_would_leave(
    said: str,
    served: Resident,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server has no terminal: it is asked for at the one of the command."""
    heard: list[object] = []
    shown = Shown(
        body=b"the very bytes",
        digest="",
        provider="anthropic",
        model="a model",
        host="api.example",
        label=Label.INTERNAL,
        usd_micro=20_000,
        tokens=100,
        folders=("/notes",),
    )

    def asks(_brain: object, request: Request, *, say: object, agree: Agree) -> Answer:
        heard.append(agree(shown, ()))
        return Answer(request.question, "not_found", "nothing", provider="builtin")

    def at_this_terminal(_out: object, body: bytes, *, for_an_hour: bool) -> str:
        heard.append((body, for_an_hour))
        return said

    monkeypatch.setattr(Brain, "ask", asks)
    monkeypatch.setattr(consent, "answer", at_this_terminal)
    monkeypatch.setattr(front, "_is_a_person", lambda: True)
    assert front.answered(["ask", "what?"]) == 3
    assert heard == [(b"the very bytes", True), said]
    assert "would go to api.example (a model)" in capfd.readouterr().err


def test_without_a_person_nobody_is_asked(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asks(_brain: object, request: Request, *, say: object, agree: object) -> Answer:
        assert agree is None
        return Answer(request.question, "not_found", "nothing", provider="builtin")

    monkeypatch.setattr(Brain, "ask", asks)
    assert front.answered(["ask", "what?"]) == 3


def test_a_server_that_does_not_begin_is_not_waited_for(
    served: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every worker is busy: the command works by itself, and the server does not do it later as well."""
    monkeypatch.setattr(front, "BEGUN_SECONDS", 0.05)
    go_on = threading.Event()
    busy = [served._pool.submit(lambda _brain: go_on.wait(60)) for _ in range(2)]
    assert front.answered(["ask", "when does the lease end?"]) is None
    go_on.set()
    assert all(one.result() for one in busy)
    served._pool.run(lambda _brain: None)
    assert brain("status", "--json").json["episodes"] == 0


def test_a_server_that_keeps_nothing_leaves_commands_to_themselves(
    tmp_path: Path,
) -> None:
    assert brain("add", "--note", "the dinghy is green").code == 0
    with Pool(load, workers=1) as pool, Resident(pool, read_only=True):
        assert front.answered(["ask", "what is green?"]) is None
        assert front.told_by_the_server("version") is not None

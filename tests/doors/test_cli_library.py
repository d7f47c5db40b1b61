"""The library, skills, models and keeping commands against a stand-in `Brain`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from brain.config.secret import NO_SECRET
from brain.errors import NotFound
from brain.reports import (
    Check,
    DocumentDetail,
    DocumentRow,
    Excerpt,
    ForgetReport,
    Forgotten,
    ModelRow,
    ModelTable,
    NotRead,
    Root,
    Status,
    VectorProgress,
)
from brain.types import Scope, Skill
from tests.fake_brain import brain

EXCERPT = Excerpt(
    "notes/lease.md:120:2",
    "d0",
    "notes/lease.md",
    "Lease",
    "L120-121",
    "one\ntwo",
    120,
    121,
    300,
)
ROW = DocumentRow(
    "a1b2c3d4e5f60708",
    "notes/lease.md",
    "Lease",
    "text/markdown",
    date="2026-05-07",
    chunks=3,
    tags=("flat",),
)
DETAIL = DocumentDetail(
    ROW,
    "file:///n/lease.md",
    "line\n" * 20,
    dated_by="front matter",
    notices=("p. 7: no text layer",),
)
GONE = Forgotten("a1b2c3d4e5f60708", "document", "notes/lease.md", "Lease", 3)
OTHER = Forgotten("b1b2c3d4e5f60708", "document", "notes/flat.md", "Flat", 1)
SKILL = Skill(
    "5k111",
    "weekly-review",
    "Look back at the week, on Fridays",
    "1. Open the journal\n2. Read it",
)
PLAN = ForgetReport((GONE,))
DONE = ForgetReport((GONE,), done=True, undo_until="2026-06-06T00:00:00+00:00")


def forget(_references: list[str], *, dry_run: bool) -> ForgetReport:
    """What `Brain.forget` says to a plan and to the deed."""
    return PLAN if dry_run else DONE


def test_get_prints_the_text_and_nothing_else() -> None:
    ran = brain("get", "notes/lease.md:120:2", library_get=[EXCERPT])
    assert (ran.stdout, ran.stderr, ran.code) == ("one\ntwo\n", "", 0)
    assert ran.called("library_get") == [(("notes/lease.md:120:2",), {})]
    ran = brain(
        "get", "x", terminal=True, environ={"NO_COLOR": "1"}, library_get=[EXCERPT]
    )
    assert ran.stderr == "notes/lease.md lines 120-121 of 300\n"
    assert (
        json.loads(brain("get", "x", "--json", library_get=[EXCERPT]).stdout)["text"]
        == "one\ntwo"
    )


def test_what_a_number_meant_is_said_beside_the_text() -> None:
    ran = brain(
        "get",
        "2",
        terminal=True,
        environ={"NO_COLOR": "1"},
        library_get=[EXCERPT],
        library_meaning="2 of the last search",
    )
    said = "2 of the last search: notes/lease.md lines 120-121 of 300\n"
    assert ran.stderr == said
    ran = brain(
        "open", "2", library_locate="/n/x", library_meaning="2 of the last list"
    )
    assert ran.stderr == "opened /n/x (2 of the last list)\n"


def test_what_is_not_there_is_3() -> None:
    ran = brain(
        "get",
        "nope",
        library_get=NotFound(
            "nothing is stored under nope", "`brain list` shows what is"
        ),
    )
    assert ran.code == 3
    ran = brain(
        "get",
        "nope",
        "--json",
        library_get=NotFound(
            "nothing is stored under nope", "`brain list` shows what is"
        ),
    )
    assert (ran.code, json.loads(ran.stdout)["error"]["kind"]) == (3, "not_found")
    assert brain("get", "x*", library_get=NotFound("no document fits", "")).code == 3
    assert brain("list", library_documents=[]).code == 3
    assert brain("skill", "list", skills_list=[]).code == 3
    assert brain("context", "list", library_descriptions=[]).code == 3
    assert brain("undo", "--list", library_forgotten=[]).code == 3


def test_get_takes_a_pattern_and_heads_each_text_with_its_place() -> None:
    ran = brain("get", "notes/*", library_get=[EXCERPT, EXCERPT])
    assert (
        ran.stdout
        == "==> notes/lease.md:120 <==\none\ntwo\n\n==> notes/lease.md:120 <==\none\ntwo\n"
    )
    one = brain("get", "n*", library_get=[EXCERPT])
    assert one.stdout == "==> notes/lease.md:120 <==\none\ntwo\n"
    shape = json.loads(brain("get", "n*", "--json", library_get=[EXCERPT]).stdout)
    assert len(shape["excerpts"]) == 1


def test_a_path_with_the_sign_of_a_pattern_is_one_document() -> None:
    named = dataclasses.replace(EXCERPT, reference="notes/lease[1].md")
    assert brain("get", "notes/lease[1].md", library_get=[named]).stdout == "one\ntwo\n"


def test_list_and_show() -> None:
    ran = brain("list", "--tag", "flat", "-n", "5", library_documents=[ROW])
    assert ran.stdout == "1  a1b2c3  2026-05-07  notes/lease.md  Lease #flat\n"
    assert ran.called("library_documents") == [
        ((), {"scope": Scope(tags=("flat",)), "limit": 5, "sort": ""})
    ]
    shown = brain("show", "a1b2c3", library_document=DETAIL).stdout
    assert "2026-05-07 (from front matter)" in shown
    assert "p. 7: no text layer" in shown
    assert shown.count("\nline") == 12
    assert "… the whole text: brain get a1b2c3" in shown
    shape = json.loads(
        brain("show", "a1b2c3", "--json", library_document=DETAIL).stdout
    )["document"]
    assert (shape["id"], shape["tags"], shape["text"]) == (
        ROW.id,
        ["flat"],
        DETAIL.text,
    )
    assert (
        json.loads(brain("list", "--json", library_documents=[ROW]).stdout)[
            "documents"
        ][0]["source"]
        == "notes/lease.md"
    )


def test_open_hands_the_address_over_or_prints_it() -> None:
    ran = brain("open", "a1b2c3", library_locate="obsidian://open?path=x")
    assert (ran.launched, ran.stdout) == (["obsidian://open?path=x"], "")
    ran = brain("open", "a1b2c3", "--print", library_locate="/n/lease.md")
    assert (ran.launched, ran.stdout) == ([], "/n/lease.md\n")
    assert (
        json.loads(
            brain("open", "a1b2c3", "--json", library_locate="/n/lease.md").stdout
        )["address"]
        == "/n/lease.md"
    )


@pytest.mark.parametrize(
    ("words", "stdin", "terminal", "done"),
    [
        ([], "", False, False),
        (["--dry-run", "--yes"], "", False, False),
        (["--yes"], "", False, True),
        ([], "y\n", True, True),
        ([], "\n", True, False),
        ([], "y\n", False, False),
        (["--json"], "y\n", True, False),
        (["--json"], "", False, False),
        (["--json", "--yes"], "", False, True),
    ],
)
def test_forget_shows_first_and_takes_away_only_after_a_yes(
    words: list[str], stdin: str, terminal: bool, done: bool
) -> None:
    ran = brain(
        "forget",
        "notes/lease.md",
        *words,
        stdin=stdin,
        terminal=terminal,
        library_forget=forget,
    )
    asked = [options["dry_run"] for _args, options in ran.called("library_forget")]
    assert asked == ([True, False] if done else [True])
    # a script sees that nothing was done; a person who says no has made no mistake
    unasked = not done and not terminal and "--dry-run" not in words
    assert ran.code == (2 if unasked else 0)
    if "--json" in words:
        assert json.loads(ran.stdout)["done"] is done
    else:
        assert "1 entry would be forgotten" in ran.stdout
        assert ("1 entry forgotten" in ran.stdout) is done
        assert ("nothing was forgotten; add --yes" in ran.stderr) is not done


def test_undo_brings_back_the_last_or_the_one_named() -> None:
    lists = [[GONE, OTHER], []]  # before and after
    ran = brain("undo", library_undo=GONE, library_forgotten=lambda: lists.pop(0))
    assert ran.called("library_undo") == [(("last",), {})]
    assert ("notes/lease.md" in ran.stdout, "notes/flat.md" in ran.stdout) == (
        True,
        True,
    )
    ran = brain("undo", "a1b2c3", library_undo=GONE, library_forgotten=[])
    assert ran.called("library_undo") == [(("a1b2c3",), {})]
    assert "notes/lease.md" in brain("undo", "--list", library_forgotten=[GONE]).stdout
    assert (
        json.loads(
            brain("undo", "--json", library_undo=GONE, library_forgotten=[]).stdout
        )["items"][0]["id"]
        == GONE.id
    )


def test_tags_go_on_with_plus_and_off_with_minus() -> None:
    ran = brain("tag", "a1b2c3", "+x", "-y", "#z", "-work/old", library_tag=("x", "z"))
    assert ran.called("library_tag") == [
        (("a1b2c3",), {"add": ("x", "z"), "remove": ("y", "work/old")})
    ]
    assert ran.stdout == "#x #z\n"
    assert (
        json.loads(brain("tag", "a1b2c3", "-y", "--json", library_tag=()).stdout)[
            "tags"
        ]
        == []
    )
    assert brain("tag", "a1b2c3", library_tag=()).stdout == "no tags\n"
    assert brain("tag", "a1b2c3", "+", library_tag=()).code == 2


def test_contexts() -> None:
    pairs = [("/n/work", "contracts of the bakery")]
    ran = brain(
        "context",
        "add",
        "/n/work",
        "contracts",
        "of",
        "the",
        "bakery",
        library_describe=None,
        library_descriptions=pairs,
    )
    assert ran.called("library_describe") == [
        (("/n/work", "contracts of the bakery"), {})
    ]
    assert ran.stdout == "/n/work  contracts of the bakery\n"
    assert (
        brain(
            "context",
            "remove",
            "/n/work",
            library_undescribe=None,
            library_descriptions=[],
        ).code
        == 0
    )
    shape = json.loads(
        brain("context", "list", "--json", library_descriptions=pairs).stdout
    )
    assert shape["contexts"] == [
        {"path": "/n/work", "description": "contracts of the bakery"}
    ]


def test_skills() -> None:
    line = "weekly-review  active  Look back at the week, on Fridays\n"
    assert brain("skill", "list", skills_list=[SKILL]).stdout == line
    ran = brain("skill", "find", "look", "back", "-n", "2", skills_find=[SKILL])
    assert (ran.stdout, ran.called("skills_find")) == (
        line,
        [(("look back",), {"limit": 2})],
    )
    assert brain("skill", "add", "s", skills_add=SKILL).called("skills_add") == [
        ((Path("s"),), {})
    ]
    assert brain("skill", "show", "weekly-review", skills_get=SKILL).stdout.endswith(
        "\n1. Open the journal\n2. Read it\n"
    )
    assert (
        json.loads(brain("skill", "show", "x", "--json", skills_get=SKILL).stdout)[
            "skill"
        ]["name"]
        == "weekly-review"
    )


STATUS = Status(
    home="/h",
    database_bytes=3 * 2**20,
    documents=812,
    chunks=4100,
    episodes=1,
    embedder="builtin",
    embedder_reason="nomic-embed-text is being built",
    index="exact",
    index_reason="4,100 chunks are under 100,000",
    generations=(
        VectorProgress(2, "nomic-embed-text", 768, "building", 3200, 4100, 245.0),
    ),
    ollama="0.33.0 at 127.0.0.1",
    roots=(
        Root("/n", 800, "2026-05-07T09:00:00+02:00"),
        Root("/usb", 12, state="unmounted"),
    ),
    waiting=900,
)


def test_status_says_what_serves_and_why_and_what_waits() -> None:
    ran = brain("status", status=STATUS)
    assert ran.stdout.splitlines() == [
        "home     /h (3.0 MB)",
        "holds    812 documents, 4,100 passages, 1 episode, 0 skills",
        "meaning  builtin (nomic-embed-text is being built)",
        "reading  nomic-embed-text: 3,200 of 4,100 passages, about 4 min to go",
        "ollama   0.33.0 at 127.0.0.1",
        "folder   /n: 800 documents, looked at 2026-05-07 09:00",
        "folder   /usb: 12 documents, unmounted",
        "waiting  nothing",
    ]
    ran = brain("status", "--explain", status=STATUS)
    assert ran.stdout.splitlines()[3:5] == [
        "index    exact (4,100 chunks are under 100,000)",
        "vectors  nomic-embed-text 768: building, 3,200 of 4,100 chunks, about 4 min to go",
    ]
    shape = json.loads(brain("status", "--json", status=STATUS).stdout)
    assert shape["generations"][0]["eta_seconds"] == 245.0
    assert shape["roots"][1]["state"] == "unmounted"


def test_status_counts_what_the_model_that_answers_has_not_read() -> None:
    live = VectorProgress(1, "nomic-embed-text", 768, "live", 4000, 4100, None)
    facts = dataclasses.replace(STATUS, generations=(live,), waiting=100)
    assert brain("status", status=facts).stdout.splitlines()[-1] == (
        "waiting  100 passages found by words only so far (brain sync)"
    )


def test_status_names_what_could_not_be_read_and_lists_all_that_was_left_out() -> None:
    late = NotRead(
        "/n/book.pdf", "unreadable", "took too long to read", "open it", True, 3, True
    )
    hidden = NotRead("/n/.x", "hidden", "a hidden file")
    ran = brain(
        "status", status=dataclasses.replace(STATUS, unread=(late,), newer=2, skipped=4)
    )
    assert ran.stdout.splitlines()[-4:] == [
        "waiting  2 files new or changed (brain sync), 4 files skipped (brain status --skipped)",
        "1 unreadable: took too long to read",
        "  /n/book.pdf (tried 3 times, `brain sync` tries it again, its older text is found)",
        "  open it",
    ]
    ran = brain("status", "--skipped", library_left_out=[late, hidden])
    assert ran.stdout.splitlines()[-2:] == ["1 hidden: a hidden file", "  /n/.x"]
    shape = json.loads(
        brain("status", "--skipped", "--json", library_left_out=[hidden]).stdout
    )
    assert shape["left_out"][0]["source"] == "/n/.x"
    assert brain("status", "--skipped", library_left_out=[]).code == 0


def test_doctor_exits_1_for_errors_only() -> None:
    checks = [
        Check("D01", "home", "ok"),
        Check("D16", "backup", "warning", "none yet", "run `brain backup`"),
    ]
    ran = brain("doctor", "--deep", keep_doctor=checks)
    assert (ran.code, ran.called("keep_doctor")) == (
        0,
        [((), {"deep": True, "repair": False, "secret": NO_SECRET})],
    )
    assert ran.stdout.splitlines() == [
        "ok      home",
        "warning backup: none yet",
        "         run `brain backup`",
        "2 checks: 0 errors, 1 warning",
    ]
    ran = brain("doctor", "--explain", keep_doctor=checks)
    assert ran.stdout.splitlines()[:2] == [
        "ok      D01  home",
        "warning D16  backup: none yet",
    ]
    bad = [
        *checks,
        Check("D03", "database", "error", "page 7 is damaged", "restore a backup"),
    ]
    ran = brain("doctor", "--json", keep_doctor=bad)
    assert (ran.code, json.loads(ran.stdout)["errors"]) == (1, 1)


def test_models() -> None:
    table = ModelTable(
        (ModelRow("wordllama", "builtin", ("embed",), ("embed",), 16 * 2**20),),
        "Ollama does not answer",
    )
    assert (
        brain("models", "list", models_table=table).stdout
        == "wordllama  builtin  in use: embed  16 MB\nOllama does not answer\n"
    )
    ran = brain(
        "models",
        "use",
        "embed",
        "nomic-embed-text",
        models_use="4,100 chunks to embed; about 4 min",
    )
    assert (ran.stdout, ran.called("models_use")) == (
        "4,100 chunks to embed; about 4 min\n",
        [(("embed", "nomic-embed-text"), {})],
    )
    assert brain("models", "use", "rerank", "x", models_use="").code == 2
    ran = brain(
        "models",
        "pull",
        "nomic-embed-text",
        models_pull=lambda name, progress: progress("x", 1, 2),
    )
    assert (ran.code, ran.called("models_pull")[0][0][0]) == (0, "nomic-embed-text")


def test_a_download_can_be_stopped_and_says_how_to_go_on() -> None:
    seen: list[int] = []

    def pull(_name: str, progress: Callable[[str, int, int], None]) -> None:
        progress("pulling 970aa74c0a90", 50, 100)
        seen.append(50)
        raise KeyboardInterrupt

    ran = brain("models", "pull", "nomic-embed-text", models_pull=pull)
    assert (ran.code, seen) == (130, [50])
    assert ran.stderr.splitlines() == [
        "brain: interrupted",
        "  what was done is kept; run the same command again to go on",
    ]
    assert "970aa74c0a90" not in ran.stderr + ran.stdout

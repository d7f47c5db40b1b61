"""`add`, `sync`, `remember`, `export`, `import` against a stand-in `Brain`: calls, words, codes, JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from brain.doors.cli.session import edit_file
from brain.errors import BrainError, StoreError, Unavailable
from brain.reports import DocumentDetail, DocumentRow, ExportReport, ImportReport
from brain.types import AddReport, Change, Episode, Skipped
from tests.fake_brain import brain

REPORT = AddReport(
    added=812,
    unchanged=3,
    skipped=(
        Skipped("a.xyz", "unsupported", "no reader for .xyz"),
        Skipped(
            "b.pdf", "unreadable", "encrypted", "remove the password and add it again"
        ),
    ),
    chunks=4100,
    embedder="builtin",
)
CENSUS = "8,114 files: 6,020 md; about 4 min"
NOTE = AddReport(added=1, chunks=1, embedder="builtin", documents=("a1b2c3d4e5f60708",))


def test_add_says_counts_and_groups_what_was_skipped() -> None:
    ran = brain("add", "notes", "b.pdf", "--tag", "x", add=REPORT)
    assert ran.stdout.splitlines() == [
        "812 added, 3 unchanged, 2 skipped",
        "1 unreadable: encrypted",
        "  b.pdf",
        "  remove the password and add it again",
        "1 unsupported: no reader for .xyz",
        "  a.xyz",
    ]
    assert ran.called("add") == [
        (([Path("notes"), Path("b.pdf")],), {"tags": ["x"], "dry_run": False})
    ]
    assert ran.code == 1


def test_many_skipped_files_are_counted_and_the_first_named() -> None:
    files = tuple(
        Skipped(f"{n}.xyz", "unsupported", "no reader for .xyz") for n in range(1200)
    )
    lines = brain("add", ".", add=AddReport(skipped=files)).stdout.splitlines()
    assert lines == [
        "1,200 skipped",
        "1,200 unsupported: no reader for .xyz",
        "  0.xyz",
        "  1.xyz",
        "  2.xyz",
        "  … and 1,197 more (--verbose or --json lists all)",
    ]


@pytest.mark.parametrize(
    ("kind", "new", "strict", "code"),
    [
        ("unreadable", True, False, 1),
        ("unreadable", False, False, 0),
        ("unreadable", False, True, 1),
        ("unsupported", True, False, 0),
        ("unsupported", True, True, 1),
        ("refused", True, False, 0),
        ("ignored", True, True, 0),
    ],
)
def test_the_code_tells_new_failures_from_known_kinds(
    kind: str, new: bool, strict: bool, code: int
) -> None:
    report = AddReport(skipped=(Skipped("a", kind, "why", new=new),))
    assert brain("add", ".", *(["--strict"] if strict else []), add=report).code == code


def test_what_was_erased_is_asked_for_when_it_is_added_by_name() -> None:
    out = Skipped("/n/a.md", "erased", "you erased it, so it stays out", "", True)
    kept_out = AddReport(skipped=(out,))

    def add(_paths: list[Path], **options: object) -> AddReport:
        return AddReport(added=1) if options.get("again") else kept_out

    ran = brain("add", "/n/a.md", terminal=True, stdin="y\n", add=add)
    assert "you erased /n/a.md for good; take it in again?" in ran.stderr
    assert (ran.code, ran.stdout.splitlines()[0]) == (0, "1 added")
    for stdin, terminal in (("n\n", True), ("", False)):
        ran = brain("add", "/n/a.md", terminal=terminal, stdin=stdin, add=add)
        assert ran.code == 1
        assert len(ran.called("add")) == 1
    assert brain("add", "/n/a.md", "--yes", add=add).code == 0


def test_sync_names_what_changed_and_repeats_no_list_of_skipped_files() -> None:
    changes = (
        Change("updated", "/n/a.md"),
        *(Change("added", f"/n/{i}.md") for i in range(12)),
    )
    report = AddReport(
        added=12,
        updated=1,
        changes=changes,
        skipped=(
            Skipped("/n/.x", "hidden", "a hidden file"),
            Skipped("/n/old.pdf", "unreadable", "damaged", new=False),
            Skipped("/n/new.pdf", "unreadable", "encrypted"),
        ),
    )
    lines = brain("sync", sync=report).stdout.splitlines()
    assert lines[0] == "12 added, 1 updated, 3 skipped"
    assert lines[1] == "  added    /n/0.md"
    assert lines[11:13] == [
        "  … and 2 more added (--verbose or --json lists all)",
        "  updated  /n/a.md",
    ]
    assert lines[13:] == ["1 unreadable: encrypted", "  /n/new.pdf"]
    shape = json.loads(brain("sync", "--json", sync=report).stdout)
    assert shape["changes"][0] == {"outcome": "updated", "source": "/n/a.md"}
    assert len(shape["skipped"]) == 3


def test_an_editor_of_a_terminal_is_not_started_without_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for editor in ("", "vim -n"):
        monkeypatch.setenv("EDITOR", editor)
        with pytest.raises(BrainError, match="needs a terminal"):
            edit_file(tmp_path / "note.md")


def test_the_same_note_is_asked_for_before_it_is_added_again() -> None:
    same = AddReport(unchanged=1, documents=("a1b2c3d4",))

    def note(_text: str, **options: object) -> AddReport:
        return AddReport(added=1) if options.get("again") else same

    ran = brain("add", "--note", "x", terminal=True, stdin="y\n", note=note)
    assert "add it again?" in ran.stderr
    assert ran.stdout.startswith("1 added")
    assert len(brain("add", "--note", "x", note=note).called("note")) == 1
    assert brain("add", "--note", "x", "--yes", note=note).stdout.startswith("1 added")


def test_a_note_is_edited_from_its_text_and_a_file_in_its_place(tmp_path: Path) -> None:
    seen: list[str] = []

    def edit(path: Path) -> None:
        seen.append(path.read_text())
        path.write_text("another text")

    row = DocumentRow("a1b2c3d4", "note:a1b2c3d4", "Key", "text/markdown")
    detail = DocumentDetail(row, "note:a1b2c3d4", "under the mat")
    ran = brain(
        "edit",
        "a1b2c3",
        edit=edit,
        library_document=detail,
        library_editable=detail,
        library_edit=AddReport(updated=1),
    )
    assert (ran.code, seen) == (0, ["under the mat"])
    assert ran.called("library_edit") == [(("a1b2c3d4", "another text"), {})]
    place = tmp_path / "a.md"
    place.write_text("of the file")
    ran = brain(
        "edit",
        "a.md",
        edit=edit,
        library_document=DocumentDetail(row, place.as_uri(), "stored"),
        library_locate=str(place),
        add=AddReport(updated=1),
    )
    assert (ran.code, seen[-1], ran.called("add")) == (
        0,
        "of the file",
        [(([place],), {})],
    )


def test_add_json_gives_counts_and_every_skipped_file() -> None:
    ran = brain("add", "notes", "--json", add=REPORT)
    shape = json.loads(ran.stdout)
    assert ran.code == 1
    assert shape["schema"] == 2
    assert (
        shape["added"],
        shape["updated"],
        shape["unchanged"],
        shape["embedder"],
    ) == (
        812,
        0,
        3,
        "builtin",
    )
    assert shape["skipped"][1] == {
        "source": "b.pdf",
        "kind": "unreadable",
        "reason": "encrypted",
        "hint": "remove the password and add it again",
        "new": True,
    }
    assert ran.stderr == ""


def test_an_interrupted_add_says_how_many_files_are_left() -> None:
    ran = brain("add", ".", add=AddReport(added=7, interrupted=True, unread=65))
    assert "  65 files still to be read; `brain sync` goes on" in ran.stderr


def test_an_interrupted_add_keeps_and_says_so() -> None:
    ran = brain("add", ".", add=AddReport(added=7, interrupted=True))
    assert ran.code == 130
    assert ran.stdout == "7 added\n"
    assert "what was done is kept; run the same command again to go on" in ran.stderr
    ran = brain("add", ".", add=KeyboardInterrupt())
    assert (ran.code, ran.stdout) == (130, "")
    assert (
        ran.stderr
        == "brain: interrupted\n  what was done is kept; run the same command again to go on\n"
    )


def test_the_census_and_the_waiting_embeddings_are_talk() -> None:
    ran = brain(
        "add",
        ".",
        add=AddReport(
            added=1, chunks=12, waiting=12, notices=(CENSUS, "/n is registered")
        ),
        progress=lambda bar: bar(f"census: {CENSUS}", 0, 8114),
    )
    assert ran.stderr.splitlines() == [
        CENSUS,
        "/n is registered",
        "saved; 12 passages are found by words only so far: run `brain sync`",
    ]
    assert ran.code == 0


def test_a_dry_run_says_that_nothing_was_written() -> None:
    ran = brain("add", ".", "--dry-run", add=AddReport(added=2))
    assert ran.stdout == "dry run, nothing written: 2 added\n"
    assert ran.called("add")[0][1]["dry_run"] is True


def test_notes_come_from_the_argument_standard_input_and_the_editor(home: Path) -> None:
    ran = brain(
        "add", "--note", "Call Ana", "--title", "Lease", "--tag", "todo", note=NOTE
    )
    assert ran.called("note") == [(("Call Ana",), {"title": "Lease", "tags": ["todo"]})]
    assert ran.stdout == "1 added · a1b2c3\n"
    assert brain("add", "-", stdin="from a pipe\n", note=NOTE).called("note")[0][0] == (
        "from a pipe\n",
    )
    ran = brain(
        "add", "--edit", edit=lambda path: void(path.write_text("typed")), note=NOTE
    )
    assert ran.called("note")[0][0] == ("typed",)
    assert not list(home.glob("draft-*"))


def void(_value: object) -> None:
    """For a lambda that must return nothing."""


def test_a_text_from_the_editor_is_kept_when_saving_fails(home: Path) -> None:
    ran = brain(
        "add",
        "--edit",
        edit=lambda path: void(path.write_text("typed")),
        note=StoreError("the disk is full", "free"),
    )
    (kept,) = home.glob("draft-*")
    assert kept.read_text() == "typed"
    assert str(kept) in ran.stderr
    assert ran.code == 1


def test_an_empty_editor_adds_nothing(home: Path) -> None:
    ran = brain("add", "--edit", note=NOTE)
    assert (ran.code, ran.called("note"), list(home.glob("draft-*"))) == (1, [], [])


@pytest.mark.parametrize(
    "words",
    [
        ["add"],
        ["add", "x.md", "--note", "y"],
        ["add", "-", "x.md"],
        ["add", "--note", "y", "--dry-run"],
        ["add", "x.md", "--title", "y"],
        ["remember"],
        ["export", "d", "--only", "dreams"],
    ],
)
def test_words_that_do_not_fit_together_are_a_usage_error(words: list[str]) -> None:
    ran = brain(*words, note=NOTE, add=REPORT, keep_export=ExportReport("d"))
    assert ran.code == 2
    assert len(ran.stderr.splitlines()) == 2
    assert ran.stderr.startswith("brain: ")
    assert ran.brain.calls == []


def test_an_empty_standard_input_is_a_usage_error() -> None:
    assert brain("add", "-", stdin=" \n", note=NOTE).code == 2


def test_sync_reports_as_add_does() -> None:
    assert (
        brain("sync", sync=AddReport(removed=2, updated=1)).stdout
        == "1 updated, 2 removed\n"
    )
    assert brain("sync", sync=AddReport()).stdout == "nothing to add\n"


def test_import_shows_its_plan_and_waits_for_a_yes() -> None:
    plan = ImportReport("dir", AddReport(added=5), replaced=("note:1",), roots=("/n",))
    ran = brain("import", "dir", keep_import_from=plan)
    assert ran.called("keep_import_from") == [
        ((Path("dir"),), {"roots": False, "dry_run": True})
    ]
    assert "would be taken in: 5 documents added, 1 replaced" in ran.stdout
    assert "--roots" in ran.stdout
    assert "nothing was taken in; add --yes to do it" in ran.stderr

    ran = brain("import", "dir", "--yes", keep_import_from=replace(plan, done=True))
    assert [
        options["dry_run"] for _words, options in ran.called("keep_import_from")
    ] == [True, False]
    assert "`brain undo` brings it back" in ran.stdout


def test_import_in_json_tells_what_was_done_and_does_nothing_without_yes() -> None:
    plan = ImportReport("dir", AddReport(added=5), kept=("a.md",), episodes=2)
    ran = brain("import", "dir", "--json", keep_import_from=plan)
    said = json.loads(ran.stdout)
    assert (said["added"], said["kept"], said["episodes"]) == (5, ["a.md"], 2)
    assert (said["done"], said["dry_run"]) == (False, True)
    assert len(ran.called("keep_import_from")) == 1


def test_remember_joins_the_words_and_prints_the_id() -> None:
    episode = Episode(
        "e1e2e3e4e5e6e7e8", "2026-05-07T09:12:00+02:00", "note", "", "We chose SQLite"
    )
    ran = brain(
        "remember",
        "We",
        "chose",
        "SQLite",
        "--with",
        "Ana",
        "--at",
        "2026-05-07",
        remember=episode,
    )
    assert ran.stdout == "remembered e1e2e3 · 2026-05-07 09:12\n"
    options = {"at": "2026-05-07", "session": "", "people": ["Ana"], "tags": []}
    assert ran.called("remember") == [(("We chose SQLite",), options)]
    assert brain("remember", "-", stdin="piped", remember=episode).called("remember")[
        0
    ][0] == ("piped",)


def test_export_names_the_files_that_a_person_changed() -> None:
    report = ExportReport("out", written=10, unchanged=2, conflicts=("a.md",))
    ran = brain("export", "out", "--only", "episodes,notes", keep_export=report)
    assert ran.stdout.splitlines() == [
        "10 written, 2 unchanged in out",
        "1 file changed by hand, left as they are",
        "  a.md",
        "  run again with --force to replace them",
    ]
    assert ran.called("keep_export") == [
        ((Path("out"),), {"only": ("episodes", "notes"), "force": False})
    ]


def test_an_error_is_two_lines_or_one_object_with_the_same_code() -> None:
    error = Unavailable("Ollama does not answer", "start it with `ollama serve`")
    ran = brain("sync", sync=error)
    assert (ran.code, ran.stdout) == (6, "")
    assert (
        ran.stderr == "brain: Ollama does not answer\n  start it with `ollama serve`\n"
    )
    ran = brain("sync", "--json", sync=error)
    assert (ran.code, ran.stderr) == (6, "")
    assert json.loads(ran.stdout) == {
        "schema": 2,
        "error": {
            "kind": "unavailable",
            "message": "Ollama does not answer",
            "hint": "start it with `ollama serve`",
        },
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of this test."""
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_is_said_of_many_files_is_one_line_for_each_kind() -> None:
    of_files = [
        *(
            (f"{name}.md", f"a comment left out (line {at})")
            for at, name in enumerate("abcde")
        ),
        ("p.html", "54 words left out: menus (49), controls (5)"),
        ("f.pdf", "p. 7: no text layer"),
        ("g.pdf", "p. 12: a damaged picture"),
        ("q.html", "3 words left out: controls (3)"),
    ]
    lines = tuple(f"{source}: {notice}" for source, notice in of_files)
    report = AddReport(
        added=8, notices=("/n is registered", *lines), of_files=tuple(of_files)
    )
    ran = brain("add", "n", add=report)
    assert ran.stderr.splitlines() == [
        "/n is registered",
        "5 files: a comment left out: a.md, b.md, c.md and 2 more (--verbose or --json lists all)",
        "2 files: words left out: p.html, q.html",
        "f.pdf: p. 7: no text layer",
        "g.pdf: p. 12: a damaged picture",
    ]
    whole = brain("add", "n", "--verbose", add=report).stderr.splitlines()
    assert whole == ["/n is registered", *lines]
    shape = json.loads(brain("add", "n", "--json", add=report).stdout)
    assert shape["notices"] == ["/n is registered", *lines]


def test_verbose_names_every_file_and_who_embedded() -> None:
    many = AddReport(
        added=1,
        chunks=9,
        embedder="builtin",
        skipped=tuple(
            Skipped(f"{n}.bin", "unreadable", f"{n} MB, over the limit")
            for n in range(9)
        ),
    )
    short = brain("add", "n", add=many).stdout.splitlines()
    assert short[0] == "1 added, 9 skipped"
    assert len(short) == 6, "one block, three names"
    whole = brain("add", "n", "--verbose", add=many).stdout.splitlines()
    assert whole[0] == "1 added, 9 skipped · 9 chunks · embedder builtin"
    assert len(whole) == 11

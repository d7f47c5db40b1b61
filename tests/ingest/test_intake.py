"""Taking files in: only what changed is read, renames keep their identity, one bad file stops nothing, Ctrl-C keeps what was done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.file_facts import believable, shown, unchanged, uri_of
from brain.app.intake import CENSUS_FILES
from brain.config import Config
from brain.types import Request
from ingest import Found

Folder = Callable[..., Path]


def age(folder: Path, seconds: int = 10) -> None:
    """Make the files look as if they had been written a while ago."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def test_twice_changes_nothing(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "# A\n\nalpha", "sub/b.txt": "beta"})
    assert brain.add([place]).added == 2
    again = brain.add([place])
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)


def test_unchanged_files_are_not_read(
    config: Config, folder: Folder, tmp_path: Path
) -> None:
    """A file whose facts are as stored is not opened: making it unreadable shows it."""
    place = folder({"a.md": "alpha"})
    facts = Found(place / "a.md", 5, 1_000, 1_000, 7, "text/markdown")
    assert unchanged(facts, (5, 1_000, 1_000, 7, 10**12))
    assert not unchanged(facts, (5, 1_000, 1_000, 7, 1_500)), (
        "touched within two seconds of the look: read again"
    )
    assert not unchanged(facts, (6, 1_000, 1_000, 7, 10**12))
    assert not unchanged(facts, (5, 1_000, 1_000, 8, 10**12)), "another inode: replaced"
    assert not unchanged(facts, None)


def test_an_edit_is_seen(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "alpha text"})
    brain.add([place])
    (place / "a.md").write_text("alpha changed entirely")
    report = brain.sync()
    assert report.updated == 1
    assert brain.library.document("a.md").text == "alpha changed entirely"


def test_a_rename_keeps_id_and_tags(brain: Brain, folder: Folder) -> None:
    place = folder(
        {
            "a.md": "# Title\n\nalpha text here",
            "b.md": "other",
            "c.md": "third",
            "d.md": "fourth",
        }
    )
    brain.add([place], tags=("keep",))
    before = brain.library.document("a.md").row
    (place / "a.md").rename(place / "moved.md")
    report = brain.sync()
    assert (report.renamed, report.removed, report.added) == (1, 0, 0)
    after = brain.library.document("moved.md").row
    assert (after.id, after.tags) == (before.id, before.tags)


def test_a_copy_is_another_document(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "alpha text here"})
    brain.add([place])
    shutil.copy(place / "a.md", place / "copy.md")
    assert brain.sync().added == 1
    assert (
        brain.library.document("a.md").row.id
        != brain.library.document("copy.md").row.id
    )


def test_deleted_files_leave_at_sync(brain: Brain, folder: Folder) -> None:
    place = folder({f"{i}.md": f"text number {i}" for i in range(5)})
    brain.add([place])
    (place / "3.md").unlink()
    assert brain.sync().removed == 1
    assert len(brain.library.documents()) == 4
    (place / "3.md").write_text("text number 3")
    assert brain.sync().added == 1, "a file that comes back is taken in again"


def test_what_a_person_forgot_does_not_come_back_by_itself(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.md": "alpha text", "b.md": "beta text"})
    brain.add([place])
    brain.library.forget(["a.md"], dry_run=False)
    assert [skip.kind for skip in brain.sync().skipped] == ["forgotten"]
    assert len(brain.library.documents()) == 1
    assert brain.add([place / "a.md"]).added == 1


def test_a_missing_disk_forgets_nothing(brain: Brain, folder: Folder) -> None:
    place = folder({f"{i}.md": f"text {i}" for i in range(30)})
    brain.add([place])
    for i in range(20):
        (place / f"{i}.md").unlink()
    report = brain.sync()
    assert report.removed == 0
    assert len(brain.library.documents()) == 30
    assert any("20 of 30 files" in notice for notice in report.notices)
    shutil.rmtree(place)
    report = brain.sync()
    assert len(brain.library.documents()) == 30
    assert any("is not there" in notice for notice in report.notices)
    assert believable(3, 10)
    assert not believable(6, 100)


def test_one_bad_file_stops_nothing(brain: Brain, folder: Folder) -> None:
    place = folder(
        {
            "good.md": "fine",
            "bad.pdf": b"%PDF-1.4 broken",
            "binary.txt": b"\x00\x01\x02" * 50,
            "photo.psd": b"x",
        }
    )
    report = brain.add([place])
    assert report.added == 1
    reasons = {Path(skip.source).name: skip.kind for skip in report.skipped}
    assert reasons["bad.pdf"] == "unreadable"
    assert reasons["photo.psd"] == "unsupported"
    assert "binary.txt" in reasons
    names = {Path(row.source).name: row.entry for row in brain.library.documents()}
    assert names["photo.psd"] == "name"
    again = brain.add([place])
    assert not [skip for skip in again.skipped if skip.new], "reported once is known"


def test_a_file_that_turns_bad_keeps_what_was_stored(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.txt": "good words stored"})
    brain.add([place])
    (place / "a.txt").write_bytes(b"\x00\x00\x01" * 100)
    report = brain.sync()
    assert [skip.kind for skip in report.skipped]
    assert brain.library.document("a.txt").text == "good words stored"


def test_a_missing_path_is_listed_and_the_rest_goes_in(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.md": "alpha"})
    report = brain.add([place / "a.md", place / "nothing.md"])
    assert report.added == 1
    assert [(skip.kind, skip.reason) for skip in report.skipped] == [
        ("unreadable", "no such file or folder")
    ]


def test_ctrl_c_keeps_what_was_done(config: Config, folder: Folder) -> None:
    place = folder({f"{i:04}.md": f"text number {i}" for i in range(350)})

    def stop(what: str, done: int, _total: int) -> None:
        if what == "reading" and done >= 200:
            raise KeyboardInterrupt

    with Brain(config, progress=stop) as brain:
        report = brain.add([place])
        assert report.interrupted
        assert 200 <= report.added < 350
        kept = len(brain.library.documents())
        assert kept == report.added
    with Brain(config) as brain:
        assert brain.add([place]).added == 350 - kept
        assert len(brain.library.documents()) == 350


def test_a_dry_run_writes_nothing(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "alpha"})
    assert brain.add([place], dry_run=True).added == 1
    assert brain.library.documents() == []


def test_a_note_is_a_document_and_an_episode(brain: Brain) -> None:
    report = brain.note("Call Ana about the lease", tags=("todo",))
    assert report.added == 1
    assert brain.library.documents()[0].source.startswith("note:")
    assert brain.resources.store.episodes.last("note") is not None


def test_a_note_goes_to_the_notes_folder_when_there_is_one(
    config: Config, tmp_path: Path
) -> None:
    from dataclasses import replace

    place = tmp_path / "inbox"
    with Brain(
        replace(config, ingest=replace(config.ingest, notes_dir=str(place)))
    ) as brain:
        brain.note("Call Ana about the lease")
        assert brain.note("Call Ana about the lease").unchanged == 1
        assert len(list(place.glob("*.md"))) == 1
        brain.note("Call Ana about the lease", again=True)
    assert len(list(place.glob("*.md"))) == 2


@pytest.mark.fault
def test_the_census_speaks_above_two_thousand_files(
    config: Config, folder: Folder
) -> None:
    said: list[str] = []
    place = folder({f"{i}.md": f"n {i}" for i in range(CENSUS_FILES + 1)})
    with Brain(config, progress=lambda what, _done, _total: said.append(what)) as brain:
        report = brain.add([place])
    assert report.added == CENSUS_FILES + 1
    assert any(
        what.startswith(("census", "notice")) and "2,001 md" in what for what in said
    )


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_names_outside_utf8_go_in(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "alpha"})
    strange = os.fsencode(place) + b"/caf\xe9 #1.md"
    with open(strange, "wb") as file:
        file.write(b"coffee words")
    report = brain.add([place])
    assert report.added == 2
    path = Path(os.fsdecode(strange))
    assert "caf%E9" in uri_of(path)
    assert shown(path).endswith("caf\\xe9 #1.md")
    assert brain.add([place]).unchanged == 2


def test_a_look_that_finds_nothing_new_writes_nothing(
    brain: Brain, folder: Folder
) -> None:
    """Hidden folders are in every vault: leaving them out is no news that a search would have to note."""
    place = folder({".obsidian/app.json": "{}", ".trash/old.md": "gone"})
    brain.add([place])
    connection = brain.resources.store.connection.conn
    before = connection.total_changes
    brain.search(Request("anything"))
    assert connection.total_changes == before


def test_a_forgotten_note_is_gone_from_recall_too_and_undo_brings_both_back(
    brain: Brain,
) -> None:
    brain.note("The spare key lies under the blue pot")
    source = brain.library.documents()[0].source
    assert {
        item.kind for item in brain.library.forget([source], dry_run=False).items
    } == {
        "document",
        "episode",
    }
    assert brain.library.documents() == []
    assert brain.library.episodes() == []
    brain.library.undo()
    assert len(brain.library.documents()) == len(brain.library.episodes()) == 1

"""What a person erased stays away, whatever looks at its folder, until they say otherwise; and no mark tells what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from brain.app import Brain
from brain.config import Config
from brain.store.tombstones import Erased
from brain.types import Request

Folder = Callable[..., Path]
SECRET = "The password of the safe is kingfisher."


def sources(brain: Brain) -> set[str]:
    return {Path(row.source).name for row in brain.library.documents()}


def erased(brain: Brain, place: Path) -> None:
    """A folder with two files, of which one is erased."""
    brain.add([place])
    brain.keep.erase([str(place / "secret.md")], dry_run=False)


def test_no_look_at_the_folder_brings_it_back(brain: Brain, folder: Folder) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    erased(brain, place)
    for _ in range(2):
        found = brain.search(Request("kingfisher password"))
        assert all("kingfisher" not in item.text for item in found.passages)
        brain.ask(Request("what is the password of the safe?"))
        report = brain.sync()
        assert (report.added, [item.kind for item in report.skipped]) == (0, ["erased"])
        assert brain.add([place]).added == 0
    (place / "secret.md").write_text("another text under the same name")
    assert brain.sync().added == 0
    assert sources(brain) == {"tea.md"}


def test_nor_does_its_text_under_another_name_or_in_another_folder(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    erased(brain, place)
    (place / "secret.md").rename(place / "renamed.md")
    assert brain.sync().added == 0
    other = folder({"copy.md": SECRET}, "other")
    report = brain.add([other])
    assert (report.added, [item.kind for item in report.skipped]) == (0, ["erased"])
    assert sources(brain) == {"tea.md"}
    # met once, the new place is marked as well and not read again
    uri = (place / "renamed.md").as_uri()
    assert brain.resources.store.tombstones.covers(Erased(uri))


def test_an_export_from_before_does_not_bring_it_back(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    brain.add([place])
    brain.keep.export(tmp_path / "out")
    brain.keep.erase([str(place / "secret.md")], dry_run=False)
    (place / "secret.md").unlink()
    report = brain.keep.import_from(tmp_path / "out").taken
    assert [item.kind for item in report.skipped] == ["erased"]
    assert sources(brain) == {"tea.md"}


def test_a_person_who_names_it_is_asked(brain: Brain, folder: Folder) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    erased(brain, place)
    report = brain.add([place / "secret.md"])
    assert [(item.kind, item.new) for item in report.skipped] == [("erased", True)]
    assert brain.add([place / "secret.md"], dry_run=True).added == 0
    assert brain.add([place / "secret.md"], again=True).added == 1
    (place / "secret.md").write_text(f"{SECRET} It was changed.")
    assert brain.sync().updated == 1, "it is as any other file now"


def test_a_folder_that_was_erased_and_is_added_again_is_asked_for(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.md": "alpha text", "b.md": "beta text"})
    brain.add([place])
    brain.keep.erase([str(place)], dry_run=False)
    report = brain.add([place])
    assert [item.new for item in report.skipped] == [True, True]
    assert brain.add([place], again=True).added == 2


def test_a_copy_that_stays_stays(brain: Brain, folder: Folder) -> None:
    place = folder({"secret.md": SECRET, "copy.md": SECRET})
    erased(brain, place)
    assert sources(brain) == {"copy.md"}
    (place / "copy.md").touch()
    brain.sync()
    (place / "copy.md").rename(place / "moved.md")
    assert brain.sync().renamed == 1
    assert sources(brain) == {"moved.md"}


def test_an_empty_file_marks_no_other_empty_file(brain: Brain, folder: Folder) -> None:
    place = folder({"secret.md": "", "tea.md": "tea"})
    erased(brain, place)
    (place / "new.md").write_text("")
    assert brain.sync().added == 1


def test_the_marks_do_not_tell_what_was_erased(
    brain: Brain, config: Config, folder: Folder
) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    brain.add([place])
    content = brain.library.document("secret.md").content_hash
    brain.keep.erase([str(place / "secret.md")], dry_run=False)
    brain.sync()
    held = b"".join(path.read_bytes() for path in config.home.glob("brain.db*"))
    assert b"kingfisher" not in held
    assert b"secret.md" not in held
    assert content.encode() not in held
    rows = brain.resources.store.tombstones.marks()
    assert len(rows.days) == 2
    assert all(len(mark) == 64 for mark in rows.days)
    (key,) = json.loads(brain.resources.store.library.setting("tombstone_keys") or "")
    assert len(bytes.fromhex(key)) == 32


def test_an_older_backup_does_not_bring_it_back(config: Config, folder: Folder) -> None:
    place = folder({"secret.md": SECRET, "tea.md": "Green tea wants 70 degrees."})
    clock = [datetime(2026, 5, 4, 12).astimezone()]
    with Brain(config, now=lambda: clock[0]) as brain:
        brain.add([place])
        brain.note("A note of before")
        backup = Path(brain.keep.backup().path)
        clock[0] += timedelta(days=1)
        brain.keep.erase([str(place / "secret.md")], dry_run=False)
        report = brain.keep.restore(backup)
        assert any("erased since" in said for said in report.notices)
        assert "secret.md" not in sources(brain)
        assert len(brain.library.documents()) == 2
        assert b"kingfisher" not in config.database.read_bytes()
        assert brain.sync().added == 0
        errors = [
            item for item in brain.keep.doctor(deep=True) if item.level == "error"
        ]
        assert errors == []
        assert not list(config.home.glob("*.before-schema-*"))


def test_a_question_says_what_it_took_in(brain: Brain, folder: Folder) -> None:
    place = folder({"tea.md": "Green tea wants 70 degrees."})
    brain.add([place])
    assert brain.search(Request("tea")).notices == ()
    (place / "new.md").write_text("Black tea wants 95 degrees.")
    (place / "tea.md").write_text("Green tea wants 75 degrees.")
    found = brain.search(Request("tea"))
    assert found.notices == (
        "files that changed were taken in first: 1 added, 1 updated",
    )

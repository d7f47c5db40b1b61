"""An export is not believed: nothing here is lost to it, nothing is looked at unasked, nothing says what it is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config, Models
from brain.errors import BrainError
from brain.keeping.export.folder import MANIFEST
from brain.reports import ImportReport
from brain.store.documents import Origin
from ingest import load_text

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
Folder = Callable[..., Path]
Homes = Callable[..., Brain]


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def homes(tmp_path: Path, clock: Clock) -> Iterator[Homes]:
    """`homes("b")` opens a home of that name, as on another machine."""
    with ExitStack() as stack:

        def opened(name: str) -> Brain:
            config = Config(home=tmp_path / name, models=Models("wordllama", "builtin"))
            return stack.enter_context(Brain(config, now=clock))

        yield opened


def edited(export: Path, old: str, new: str) -> None:
    """Write something else in every file of an export, the manifest and what a person does not see included."""
    for path in export.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))


def retyped(export: Path, old: str, new: str) -> None:
    """Change words in the files that a person sees."""
    for path in export.rglob("*.md"):
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))


def texts(brain: Brain) -> dict[str, str]:
    rows = brain.library.documents()
    return {row.source: brain.library.document(row.id).text for row in rows}


def sources(brain: Brain) -> list[str]:
    return sorted(row.source for row in brain.library.documents())


def note_of(brain: Brain, text: str) -> str:
    """Add a note; its id."""
    (document_id,) = brain.note(text).documents
    return document_id


# -- what a second machine makes of it --------------------------------------------------------------------------------


def test_two_documents_of_equal_content_stay_two(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    one, two = homes("a"), homes("b")
    place = folder(
        {"a/rent.md": "The rent is 900.\n", "b/rent.md": "The rent is 900.\n"}
    )
    one.add([place])
    one.keep.export(tmp_path / "out")
    shutil.rmtree(place)  # on the other machine there is no such folder
    report = two.keep.import_from(tmp_path / "out")
    assert (report.taken.added, report.taken.renamed) == (2, 0)
    assert sources(two) == sources(one)


def test_a_copy_added_while_the_disk_of_the_original_is_away_is_no_rename(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    brain = homes("a")
    disk = folder({"papers/moss.md": "Moss holds water.\n"}, "usb")
    brain.add([disk])
    (tmp_path / "away").mkdir()
    shutil.move(disk / "papers", tmp_path / "away")  # unmounted: the mount point stays
    copies = folder({"moss.md": "Moss holds water.\n"}, "copies")
    report = brain.add([copies])
    assert (report.added, report.renamed) == (1, 0)
    shutil.move(tmp_path / "away" / "papers", disk)
    assert sources(brain) == [str(copies / "moss.md"), str(disk / "papers/moss.md")]


@pytest.mark.parametrize("beside", ["", "other.md"], ids=["alone", "beside another"])
def test_a_mount_point_that_is_empty_proves_no_rename(
    homes: Homes, folder: Folder, tmp_path: Path, beside: str
) -> None:
    brain = homes("a")
    files = {"moss.md": "Moss holds water.\n"}
    if beside:
        files[beside] = "Another.\n"
    disk = folder(files, "usb")
    brain.add([disk])
    for path in disk.iterdir():
        path.unlink()
    if beside:
        (disk / "NOT MOUNTED").write_text("put the disk in")
    copies = folder({"moss.md": "Moss holds water.\n"}, "copies")
    assert brain.add([copies]).renamed == 0
    assert str(disk / "moss.md") in sources(brain)


def test_a_file_that_was_written_anew_under_another_name_beside_the_others_is_renamed(
    homes: Homes, folder: Folder
) -> None:
    """As programs do that keep folders in step: the same content, another inode."""
    brain = homes("a")
    place = folder({"moss.md": "Moss holds water.\n", "rent.md": "900\n"})
    brain.add([place])
    (place / "roof.md").write_text("Moss holds water.\n")
    (place / "moss.md").unlink()
    assert brain.sync().renamed == 1


def test_what_a_second_home_knows_of_files_that_are_here_needs_no_second_reading(
    homes: Homes, folder: Folder, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    place = folder({"rent.md": "The rent is 900.\n", "moss.md": "Moss.\n"})
    for path in place.iterdir():
        _age(path)
    one.add([place])
    one.keep.export(tmp_path / "out")
    assert two.keep.import_from(tmp_path / "out", roots=True).registered
    (root,) = two.status().roots
    assert (root.path, root.documents) == (str(place), 2)
    report = two.sync()
    assert (report.unchanged, report.updated, report.added) == (2, 0, 0)


def _age(path: Path) -> None:
    import os

    os.utime(path, (1_700_000_000, 1_700_000_000))


# -- what is newer stays ----------------------------------------------------------------------------------------------


def test_an_older_export_never_replaces_a_newer_note(
    homes: Homes, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    name = note_of(one, "The rent is 900.")
    one.keep.export(tmp_path / "old")
    two.keep.import_from(tmp_path / "old")
    clock.pass_days(3)
    retyped(tmp_path / "old", "900", "950")  # the note was changed there …
    assert two.keep.import_from(tmp_path / "old").replaced == (f"note:{name}",)
    two.keep.export(tmp_path / "new")
    report = two.keep.import_from(tmp_path / "old")
    assert (report.replaced, report.taken.unchanged) == ((), 1)
    one.keep.export(tmp_path / "oldest")
    report = two.keep.import_from(tmp_path / "oldest")
    assert report.replaced == ()
    assert f"note:{name}" in report.kept
    assert texts(two) == {f"note:{name}": "The rent is 950."}


def test_what_an_import_replaces_waits_in_the_trash_and_undo_exchanges_the_two(
    homes: Homes, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    name = note_of(one, "The rent is 900.")
    one.library.tag(name, ["mine"], [])
    one.keep.export(tmp_path / "out")
    two.keep.import_from(tmp_path / "out")
    retyped(tmp_path / "out", "900", "950")
    clock.pass_days(1)
    assert one.keep.import_from(tmp_path / "out").replaced == (f"note:{name}",)
    assert texts(one) == {f"note:{name}": "The rent is 950."}
    assert [item.source for item in one.library.forgotten()] == [f"note:{name}"]
    for words in ("900", "950", "900"):
        one.library.undo()
        assert texts(one) == {f"note:{name}": f"The rent is {words}."}
        assert one.library.document(name).row.tags == ("mine",)
        assert [
            check.level
            for check in one.keep.doctor(deep=True)
            if check.level == "error"
        ] == []


def test_a_stranger_replaces_nothing_by_its_id(
    homes: Homes, tmp_path: Path, clock: Clock
) -> None:
    mine, theirs = homes("a"), homes("b")
    name = note_of(mine, "The deposit is 100.")
    other = note_of(theirs, "The deposit is 50.")
    theirs.keep.export(tmp_path / "out")
    for path in list((tmp_path / "out").rglob(f"*{other[:8]}*")):
        path.rename(path.with_name(path.name.replace(other[:8], name[:8])))
    edited(tmp_path / "out", f"id: {other}", f"id: {name}")
    edited(tmp_path / "out", f'"id": "{other}"', f'"id": "{name}"')
    mine.keep.import_from(tmp_path / "out")
    assert texts(mine) == {
        f"note:{name}": "The deposit is 100.",
        f"note:{other}": "The deposit is 50.",
    }


def test_a_time_that_has_not_come_makes_nothing_newer(
    homes: Homes, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    name = note_of(one, "The rent is 900.")
    one.keep.export(tmp_path / "out")
    two.keep.import_from(tmp_path / "out")
    document = two.library.document(name)
    later = replace_note(two, document.row.source, "The rent is 1.", clock, days=400)
    two.keep.export(tmp_path / "out")
    assert later
    report = one.keep.import_from(tmp_path / "out")
    assert report.kept == (f"note:{name}",)
    assert texts(one) == {f"note:{name}": "The rent is 900."}


def replace_note(brain: Brain, uri: str, text: str, clock: Clock, *, days: int) -> bool:
    """Write another text into a note at a time that is `days` ahead, and come back."""
    document = load_text(text, uri=uri, title="")
    ahead = (clock.now + timedelta(days=days)).isoformat()
    with brain.resources.store.write():
        outcome, _id = brain.resources.store.documents.save(
            document, Origin(uri), now=ahead
        )
    return outcome == "updated"


def test_the_newer_note_of_another_machine_comes_in(
    homes: Homes, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    name = note_of(one, "The rent is 900.")
    one.keep.export(tmp_path / "out")
    two.keep.import_from(tmp_path / "out")
    clock.pass_days(2)
    assert replace_note(two, f"note:{name}", "The rent is 950.", clock, days=-1)
    two.keep.export(tmp_path / "back")
    assert one.keep.import_from(tmp_path / "back").replaced == (f"note:{name}",)
    assert texts(one) == {f"note:{name}": "The rent is 950."}


def test_a_skill_and_a_description_of_a_folder_that_are_here_stay(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    mine, theirs = homes("a"), homes("b")
    for brain, words in ((mine, "Boil."), (theirs, "Run this script.")):
        skill = folder(
            {"SKILL.md": f"---\nname: tea\ndescription: Tea.\n---\n{words}\n"}, "tea"
        )
        brain.skills.add(skill)
        brain.resources.store.library.set_context("/n", words)
    theirs.keep.export(tmp_path / "out")
    report = mine.keep.import_from(tmp_path / "out")
    assert report.kept == ("skill tea", "the description of /n")
    assert mine.skills.get("tea").body == "Boil.\n"
    assert mine.resources.store.library.contexts() == {"/n": "Boil."}


# -- nothing unasked, nothing believed --------------------------------------------------------------------------------


def test_folders_of_the_manifest_are_looked_at_only_when_the_person_wants_it(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    mine, theirs = homes("a"), homes("b")
    place = folder({"rent.md": "900\n"})
    theirs.add([place])
    theirs.keep.export(tmp_path / "out")
    private = folder({"diary.md": "Nobody reads this.\n"}, "private")
    edited(tmp_path / "out", str(place), str(private))
    report = mine.keep.import_from(tmp_path / "out")
    assert report.roots == (str(private),)
    assert mine.resources.store.library.roots() == []
    mine.sync()
    assert "Nobody reads this.\n" not in texts(mine).values()
    assert mine.keep.import_from(tmp_path / "out", roots=True).registered
    assert [root["path"] for root in mine.resources.store.library.roots()] == [
        str(private)
    ]


def test_a_citation_never_points_to_a_file_that_does_not_hold_the_words(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    """A file of this disk that was never taken in, and an export that says what stands in it."""
    mine, theirs = homes("a"), homes("b")
    place = folder({"contract.md": "The deposit is 50.\n"})
    theirs.add([place])
    theirs.keep.export(tmp_path / "out")
    (place / "contract.md").write_text("The deposit is 100.\n")
    report = mine.keep.import_from(tmp_path / "out")
    assert texts(mine) == {}
    (skipped,) = report.taken.skipped
    assert (
        skipped.reason == "a file of this place is on this disk and says something else"
    )
    assert str(place / "contract.md") in skipped.hint


def test_the_file_on_this_disk_decides_over_an_edited_export_of_it(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    brain = homes("a")
    place = folder({"contract.md": "The deposit is 100.\n"})
    brain.add([place])
    brain.keep.export(tmp_path / "out")
    retyped(tmp_path / "out", "deposit is 100", "deposit is 50")
    report = brain.keep.import_from(tmp_path / "out")
    assert report.kept == (str(place / "contract.md"),)
    assert texts(brain) == {str(place / "contract.md"): "The deposit is 100.\n"}


def test_the_place_that_is_shown_follows_from_the_address(
    homes: Homes, folder: Folder, tmp_path: Path
) -> None:
    mine, theirs = homes("a"), homes("b")
    place = folder({"rent.md": "900\n"})
    theirs.add([place])
    theirs.keep.export(tmp_path / "out")
    edited(tmp_path / "out", f"source: {place}", "source: /bank/statement.md")
    edited(tmp_path / "out", f'source: "{place}', 'source: "/bank')
    edited(tmp_path / "out", f'"source": "{place}', '"source": "/bank')
    shutil.rmtree(place)
    mine.keep.import_from(tmp_path / "out")
    assert sources(mine) == [str(place / "rent.md")]


def test_what_was_imported_is_marked_and_ones_own_stays_ones_own(
    homes: Homes, tmp_path: Path
) -> None:
    mine, theirs = homes("a"), homes("b")
    own, other = note_of(mine, "Mine."), note_of(theirs, "Theirs.")
    for brain, name in ((mine, "one"), (theirs, "two")):
        brain.keep.export(tmp_path / name)
        mine.keep.import_from(tmp_path / name)
    sql = "SELECT id, trust FROM documents ORDER BY id"
    found = dict(mine.resources.store.connection.conn.execute(sql).fetchall())
    assert found == {own: "own", other: "imported"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://bank.example/statement",
        "file://host/a.md",
        "file:///a/../etc/passwd",
        "file:a.md",
        "x",
    ],
)
def test_an_address_that_brain_does_not_give_is_left_out_and_told(
    homes: Homes, tmp_path: Path, uri: str
) -> None:
    mine, theirs = homes("a"), homes("b")
    name = note_of(theirs, "Theirs.")
    theirs.keep.export(tmp_path / "out")
    edited(tmp_path / "out", f"uri: note:{name}", f"uri: {uri}")
    edited(tmp_path / "out", f'uri: "note:{name}"', f'uri: "{uri}"')
    edited(tmp_path / "out", f'"uri": "note:{name}"', f'"uri": "{uri}"')
    report = mine.keep.import_from(tmp_path / "out")
    assert texts(mine) == {}
    assert "none that brain gives" in report.taken.skipped[0].reason


MANIFESTS = {
    "no path": {"roots": [{"uri": "file:///x"}]},
    "a root that is a text": {"roots": ["/x"]},
    "roots that are a text": {"roots": "/x"},
    "a path that is a number": {"roots": [{"path": 5}]},
    "a relative path": {"roots": [{"path": "../x"}]},
    "NUL": {"roots": [{"path": "/x\0y"}]},
    "half a letter": {"roots": [{"path": "/x\ud800"}]},
    "options that are a list": {"roots": [{"path": "/x", "options": [1, 2]}]},
    "tags that are numbers": {"roots": [{"path": "/x", "options": {"tags": [1]}}]},
    "another format": {"format": 99},
    "a format that is no number": {"format": "one"},
    "a format that is true": {"format": True},
}


@pytest.mark.parametrize("said", MANIFESTS.values(), ids=MANIFESTS)
def test_an_odd_manifest_is_an_error_of_two_lines(
    homes: Homes, tmp_path: Path, said: dict[str, object]
) -> None:
    mine = homes("a")
    note_of(mine, "Mine.")
    mine.keep.export(tmp_path / "out")
    path = tmp_path / "out" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | said))
    with pytest.raises(BrainError) as caught:
        homes("b").keep.import_from(tmp_path / "out")
    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"format": 1', b"1e999"],
)
def test_a_manifest_that_is_none_is_an_error_of_two_lines(
    homes: Homes, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "out" / MANIFEST
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(BrainError, match="cannot be read"):
        homes("b").keep.import_from(tmp_path / "out")


# -- first the plan ---------------------------------------------------------------------------------------------------


def test_the_plan_says_what_the_import_then_does_and_writes_nothing(
    homes: Homes, folder: Folder, tmp_path: Path, clock: Clock
) -> None:
    one, two = homes("a"), homes("b")
    name = note_of(one, "The rent is 900.")
    one.add([folder({"moss.md": "Moss.\n"})])
    one.remember("We met Ana.")
    one.keep.export(tmp_path / "out")
    two.keep.import_from(tmp_path / "out")
    clock.pass_days(1)
    assert replace_note(two, f"note:{name}", "The rent is 950.", clock, days=0)
    note_of(two, "Another.")
    two.remember("We met Ben.")
    two.keep.export(tmp_path / "back")
    before = texts(one)
    plan = one.keep.import_from(tmp_path / "back", dry_run=True)
    assert texts(one) == before
    assert not plan.done
    done = one.keep.import_from(tmp_path / "back")
    assert done.done
    assert counted(plan) == counted(done)
    assert (done.taken.added, done.replaced, done.episodes) == (2, (f"note:{name}",), 2)


def counted(report: ImportReport) -> tuple[object, ...]:
    taken = report.taken
    return (
        taken.added,
        taken.updated,
        taken.unchanged,
        report.replaced,
        report.kept,
        report.episodes,
        report.skills,
        report.feedback,
        report.contexts,
        report.roots,
    )


def test_a_note_of_very_many_links_comes_back(homes: Homes, tmp_path: Path) -> None:
    """Its text would take half a minute to be read and embedded; what an export says of it holds the same 3 MB."""
    one, two = homes("a"), homes("b")
    links = tuple(
        f"The note about thing number {i} of the whole long list" for i in range(60_000)
    )
    note = load_text("See the list.", uri="note:list", media_type="text/markdown")
    _, name = one.resources.store.documents.save(
        replace(note, links=links), Origin(note.uri), now=NOON.isoformat()
    )
    one.keep.export(tmp_path / "out")
    report = two.keep.import_from(tmp_path / "out")
    assert report.taken.skipped == ()
    assert len(two.library.document(name).links) == 60_000

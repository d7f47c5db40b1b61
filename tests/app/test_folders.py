"""The added folders: they are listed, let go, and followed when they were moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brain.app import Brain
from brain.errors import NotFound, UsageError
from brain.types import Change, Request

Folder = Callable[..., Path]


def test_a_folder_that_was_moved_keeps_its_documents(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    place = folder({"a.md": "alpha text", "in/b.md": "beta text", "c.md": "gamma"})
    brain.add([place], tags=["vault"])
    brain.library.tag("a.md", add=["mine"])
    brain.library.describe(str(place / "in"), "old things")
    before = {row.title: row.id for row in brain.library.documents()}
    new = tmp_path / "vault"
    place.rename(new)
    (new / "c.md").write_text("gamma changed on the way")
    (said,) = brain.sync().notices
    assert "brain folder rename" in said
    report = brain.folders.rename(str(place), str(new))
    assert (report.renamed, report.added, report.removed) == (3, 0, 0)
    assert {row.title: row.id for row in brain.library.documents()} == before
    assert brain.library.document("a.md").row.tags == ("mine", "vault")
    assert brain.library.document("vault/c.md").text == "gamma changed on the way"
    assert brain.library.descriptions() == [(str(new / "in"), "old things")]
    assert [(item.path, item.documents) for item in brain.folders.all()] == [
        (str(new), 3)
    ]
    assert brain.sync().notices == ()


def test_what_was_forgotten_or_could_not_be_read_goes_with_the_folder(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    files = {"a b.md": "alpha text", "c.md": "gamma", "bad.pdf": "%PDF-1.4 no"}
    place = folder(files)
    brain.add([place])
    before = brain.library.document("bad.pdf").row.id
    brain.library.forget([str(place / "a b.md")], dry_run=False)
    new = tmp_path / "vault"
    place.rename(new)
    report = brain.folders.rename(str(place), str(new))
    assert (report.renamed, report.added, report.notices[1:]) == (1, 0, ())
    assert brain.library.document("bad.pdf").row.id == before
    assert [(item.source, item.kind) for item in brain.library.left_out()] == [
        (str(new / "a b.md"), "forgotten"),
        (str(new / "bad.pdf"), "unreadable"),
    ]
    brain.folders.remove(str(new))
    assert [item.kind for item in brain.library.left_out()] == ["forgotten"]


def test_what_is_not_in_the_new_folder_stays_and_is_said(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    place = folder({"a.md": "alpha text", "b.md": "beta text"})
    brain.add([place])
    (place / "b.md").unlink()
    new = tmp_path / "vault"
    place.rename(new)
    report = brain.folders.rename(str(place), str(new))
    assert report.renamed == 1
    assert any("1 documents of" in said for said in report.notices)
    assert len(brain.library.documents()) == 2


def test_only_a_folder_that_is_gone_was_moved(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    place = folder({"a.md": "alpha text"})
    brain.add([place])
    with pytest.raises(UsageError, match="still there"):
        brain.folders.rename(str(place), str(tmp_path / "new"))
    place.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="no folder"):
        brain.folders.rename(str(place), str(tmp_path / "new"))
    with pytest.raises(NotFound, match="no added folder"):
        brain.folders.rename(str(tmp_path / "x"), str(tmp_path / "elsewhere"))


def test_a_folder_that_is_removed_is_looked_at_no_more_and_its_documents_stay(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.md": "alpha text"})
    brain.add([place])
    assert brain.folders.remove(str(place)).documents == 1
    (place / "b.md").write_text("beta text")
    assert brain.sync().added == 0
    assert brain.search(Request("alpha")).passages
    assert brain.folders.all() == []
    with pytest.raises(NotFound):
        brain.folders.remove(str(place))


def test_a_sync_tells_what_became_of_which_file(brain: Brain, folder: Folder) -> None:
    files = {f"{i}.md": f"text number {i} of some" for i in range(6)}
    place = folder(files)
    brain.add([place])
    (place / "0.md").write_text("another text")
    (place / "1.md").unlink()
    (place / "2.md").rename(place / "x.md")
    (place / "new.md").write_text("quite new")
    found = {(item.outcome, Path(item.source).name) for item in brain.sync().changes}
    assert found == {
        ("updated", "0.md"),
        ("removed", "1.md"),
        ("renamed", "x.md"),
        ("added", "new.md"),
    }
    assert brain.sync().changes == ()
    assert Change("added", "a").outcome == "added"

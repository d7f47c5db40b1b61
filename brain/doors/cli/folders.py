"""The commands over the added folders: `folder list`, `remove`, `rename`.

Leaves the wording to `views.keeping` and `views.capture`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from brain.doors.cli import completion
from brain.doors.cli.app import KEEPING, group, shown
from brain.doors.cli.options import argument
from brain.doors.cli.session import Session
from brain.doors.views.capture import Added
from brain.doors.views.keeping import Message

if TYPE_CHECKING:
    from brain.app import Brain

folders = group("folder", KEEPING, "The folders that were added and are looked at.")


@shown(
    "list",
    group=folders,
    kind="roots",
    examples=("brain folder list",),
)
def folder_list(brain: Brain) -> object:
    """The added folders, their documents, and whether they are there."""
    return brain.folders.all()


@shown("remove", group=folders, examples=("brain folder remove ~/old-notes",))
def folder_remove(
    run: Session,
    path: Annotated[Path, argument("PATH", completion.folders)],
) -> object:
    """Look at a folder no more. What was read of it stays; `brain forget PATH` hides it."""
    with run.brain() as brain:
        root = brain.folders.remove(str(path))
    kept = "its documents stay" if root.documents else "nothing of it was in"
    return Message(f"{root.path} is no longer looked at; {kept}")


@shown(
    "rename",
    group=folders,
    examples=("brain folder rename ~/old-vault ~/Documents/vault",),
)
def folder_rename(
    run: Session,
    old: Annotated[Path, argument("OLD", completion.folders)],
    new: Annotated[Path, argument("NEW")],
) -> object:
    """Follow a folder that was moved: its documents keep their ids and tags."""
    with run.brain() as brain:
        report = brain.folders.rename(str(old), str(new))
    return Added(report, said=run.out.announced, again=True)

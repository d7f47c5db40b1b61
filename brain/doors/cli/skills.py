"""The commands over skills, the `SKILL.md` folders: `skill add`, `list`, `show`, `find`.

Leaves the wording to `views.library`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from brain.doors.cli import completion
from brain.doors.cli.app import SKILLS, group, shown
from brain.doors.cli.options import Limit, Words, argument
from brain.doors.cli.session import Session

if TYPE_CHECKING:
    from brain.app import Brain

skill = group(
    "skill", SKILLS, "How to do things: SKILL.md folders, found by description."
)


@shown(
    "add",
    group=skill,
    kind="skills",
    examples=("brain skill add ~/skills/weekly-review",),
)
def add(brain: Brain, path: Annotated[Path, argument("PATH")]) -> object:
    """Take in a folder with a SKILL.md, or the file itself."""
    return [brain.skills.add(path)]


@shown(
    "list",
    group=skill,
    kind="skills",
    examples=("brain skill list",),
)
def list_(brain: Brain) -> object:
    """All skills: name, status, what and when."""
    return brain.skills.list()


@shown(
    "find",
    group=skill,
    kind="skills",
    examples=("brain skill find prepare the tax return",),
)
def find(
    run: Session,
    words: Words,
    limit: Limit = 5,
) -> object:
    """The skills whose description fits the words best."""
    query = run.text(words, "question")
    with run.brain() as brain:
        return brain.skills.find(query, limit=limit)


@shown("show", group=skill, examples=("brain skill show weekly-review",))
def show(
    brain: Brain, name: Annotated[str, argument("NAME", completion.skills)]
) -> object:
    """One skill, whole."""
    return brain.skills.get(name)

"""The commands over skills, the `SKILL.md` folders: `skill add`, `list`, `show`, `find`.

Leaves the wording to `views.library`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brain.doors.cli.app import SKILLS, group, register
from brain.doors.cli.options import Json, Limit, argument
from brain.doors.cli.session import session

skill = group("skill", SKILLS, "How to do things: SKILL.md folders, found by description.")


@register("add", group=skill, examples=("brain skill add ~/skills/weekly-review",))
def add(
    context: typer.Context,
    path: Annotated[Path, argument("PATH")],
    as_json: Json = False,
) -> None:
    """Take in a folder with a SKILL.md, or the file itself."""
    run = session(context)
    with run.brain() as brain:
        added = brain.skills.add(path)
    run.show([added], "skills", as_json=as_json)


@register("list", group=skill, examples=("brain skill list",))
def list_(context: typer.Context, as_json: Json = False) -> None:
    """All skills: name, status, what and when."""
    run = session(context)
    with run.brain() as brain:
        found = brain.skills.list()
    run.show(found, "skills", as_json=as_json)


@register("find", group=skill, examples=("brain skill find prepare the tax return",))
def find(
    context: typer.Context,
    words: Annotated[list[str], argument("WORDS")],
    limit: Limit = 5,
    as_json: Json = False,
) -> None:
    """The skills whose description fits the words best."""
    run = session(context)
    query = run.text(words, "question")
    with run.brain() as brain:
        found = brain.skills.find(query, limit=limit)
    run.show(found, "skills", as_json=as_json)


@register("show", group=skill, examples=("brain skill show weekly-review",))
def show(
    context: typer.Context,
    name: Annotated[str, argument("NAME")],
    as_json: Json = False,
) -> None:
    """One skill, whole."""
    run = session(context)
    with run.brain() as brain:
        found = brain.skills.get(name)
    run.show(found, as_json=as_json)

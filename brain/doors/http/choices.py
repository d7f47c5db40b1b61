"""The names that a field of the page proposes: folders, tags and properties of the store.

Leaves completing to the browser. Serves the forms that narrow a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.doors.http.work import done

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.pool import Pool

MOST = 200  # names of each kind: a longer list helps nobody, and every page carries it
KINDS = ("folders", "tags", "properties")

Choices = dict[str, list[str]]


async def choices(pool: Pool) -> Choices:
    """The first names of each kind."""
    return await done(pool, _names)


def _names(_brain: Brain) -> Choices:
    from brain.app.completing import stored

    found = {}
    for kind in KINDS:
        rows = stored(kind)[:MOST]
        found[kind] = [row[0] for row in rows]
    return found

"""The commands over what agents want to write: `inbox list`, `inbox accept`, `inbox refuse`.

Leaves the wording to `views.inbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Annotated

from brain.doors.cli.app import LIBRARY, group, shown
from brain.doors.cli.options import argument
from brain.doors.cli.person import only_a_person, typed_word

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.inbox import Proposal

inbox = group(
    "inbox", LIBRARY, "What agents want to have remembered: you accept or refuse it."
)

ACCEPT = "accept"
Ids = Annotated[list[str], argument("ID")]


@shown("list", group=inbox, kind="proposals", examples=("brain inbox list",))
def list_(brain: Brain) -> object:
    """What waits, oldest first, each text whole."""
    return brain.inbox.waiting()


@shown("accept", group=inbox, examples=("brain inbox accept a1b2c3 d4e5f6",))
def accept(brain: Brain, ids: Ids) -> object:
    """Remember these, word for word. They are shown, and a person types a word at the terminal."""
    chosen = brain.inbox.named(ids)
    typed_word(ACCEPT, _as_shown(chosen))
    return brain.inbox.accept([one.id for one in chosen])


@shown("refuse", group=inbox, examples=("brain inbox refuse a1b2c3",))
def refuse(brain: Brain, ids: Ids) -> object:
    """Delete these. Only a person can."""
    only_a_person()
    return brain.inbox.refuse(ids)


def _as_shown(chosen: Sequence[Proposal]) -> str:
    """The texts as they are printed. They belong to the question: standard output may lead to where nobody reads."""
    from brain.doors.render import Out
    from brain.doors.views.inbox import texts

    written = StringIO()
    Out(written, written).print(texts(chosen))
    return written.getvalue().rstrip()

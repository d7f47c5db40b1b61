"""How what agents want to write reads: `inbox …`.

The texts are an agent's, so each stands behind a margin. Leaves accepting and refusing to `Brain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Lines, count, dim, given, line, moment, short_ids, theirs
from brain.doors.show import lists, shows

if TYPE_CHECKING:
    from brain.inbox import InboxDecision, Proposal


SHOWN = 60  # characters of a text that was decided on


@lists("proposals", "brain: nothing waits")
def proposals(waiting: Sequence[Proposal]) -> Lines:
    """Each of them, and how to decide."""
    done = texts(waiting)
    if waiting:
        done.append(dim("brain inbox accept ID …   brain inbox refuse ID …"))
    return done


def texts(waiting: Sequence[Proposal]) -> Lines:
    """Id, when, by whom, about what; below it the text."""
    ids = short_ids(one.id for one in waiting)
    done: Lines = []
    for one in waiting:
        about = given(" · about ", one.about)
        head = f"{ids[one.id]}  {moment(one.at)}  {one.by}{about} · {one.label}"
        done += [dim(head), theirs(one.text), line()]
    return done


@shows("InboxDecision")
def decided(decision: InboxDecision) -> Lines:
    """How many, and which."""
    number = len(decision.proposals)
    head = line(f"{count(number, 'proposal')} {decision.outcome}")
    ids = short_ids(one.id for one in decision.proposals)
    rows = [dim(f"  {ids[one.id]}  {one.text[:SHOWN]}") for one in decision.proposals]
    return [head, *rows]

"""How `brain quality` reads: a row for each task and month, and what the evidence proposes.

Leaves the figures to the values that it is handed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Lines, columns, dim, good, indented, line
from brain.doors.show import lists
from brain.doors.views.governance import dollars

if TYPE_CHECKING:
    from brain.app.outcomes import Figure, Proposal, Share

HEAD = (
    "month",
    "task",
    "stage",
    "answers",
    "absent",
    "good",
    "as the cloud",
    "here",
    "cost",
    "half within",
    "policy",
)
SHORT = 8  # hex digits of a policy
SECOND = 1_000  # milliseconds


@lists("quality", "no answer was kept yet: `brain ask` leaves an outcome each time")
def quality(figures: Sequence[Figure]) -> Lines:
    """A row for each task and month, the newest month first."""
    if not figures:
        return []
    rows: list[tuple[str, ...]] = [HEAD]
    for figure in figures:
        rows.append(
            (
                figure.month,
                figure.task,
                figure.stage,
                f"{figure.answers:,}",
                f"{figure.absent:.0%}",
                _share(figure.good, "not rated"),
                _share(figure.compared, "not compared"),
                f"{figure.local:.0%}",
                dollars(figure.usd_micro),
                f"{figure.p50 / SECOND:.1f} s",
                " ".join(policy[:SHORT] for policy in figure.policies),
            )
        )
    return columns(rows)


def _share(share: Share, without: str) -> str:
    """`18 of 20 (74 to 97 %)`; `without`: where there is none."""
    if not share.rated:
        return without
    low, high = round(100 * share.low), round(100 * share.high)
    return f"{share.good} of {share.rated} ({low} to {high} %)"


@lists("proposals", "no route of the policy sends anything away")
def proposals(found: Sequence[Proposal]) -> Lines:
    """Each task that may be sent away, with the evidence; of those that can stay here the edit of the policy."""
    done: Lines = []
    for one in found:
        name = good(one.task) if one.moves else dim(one.task)
        done.append(line(name, f" ({one.stage}): {one.because}"))
        if one.edit:
            done += indented([line(one.edit)])
    return done

"""The commands over the quality of answers: `quality show`, `quality propose`.

Leaves the wording to `views.quality`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.doors.cli.app import QUALITY, group, shown

if TYPE_CHECKING:
    from brain.app import Brain

quality = group(
    "quality",
    QUALITY,
    "How good the answers of each task are. By whom, for how much; what may move to this machine.",
)


@shown(
    "show",
    group=quality,
    kind="quality",
    examples=("brain quality show", "brain quality show --json | jq .quality"),
)
def show(brain: Brain) -> object:
    """Each task of each month: answers, how many were good (with the 90 % interval), share of this machine, cost."""
    return brain.judge.quality()


@shown(
    "propose",
    group=quality,
    kind="proposals",
    examples=("brain quality propose",),
)
def propose(brain: Brain) -> object:
    """Which task may move from a cloud to this machine, by what evidence, with the edit of the policy."""
    return brain.judge.proposals()

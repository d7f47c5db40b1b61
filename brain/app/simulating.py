"""What the router would send by the policy in force: over a judged set, or over the person's own questions.

Nothing is kept of it, and no way outside is looked for. Leaves the figures to `brain.evaluation.routing`. Serves
`.judge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.governed import policies_of
from brain.app.measure import MeasuredStore
from brain.app.resources import Resources
from brain.evaluation.own import OwnQuestion
from brain.evaluation.routing import Bounds, simulate, simulate_own
from brain.evaluation.routing_picture import picture
from brain.governance.in_force import write_private
from brain.governance.policy_text import CLOUD_BELOW, CLOUD_FOUND
from brain.reports import Figures

if TYPE_CHECKING:
    from brain.app.measure import Evaluation


def by_policy(resources: Resources) -> Evaluation:
    """What measures a judged set."""
    return partial(simulate, bounds=_bounds(resources))


def of_own(resources: Resources, questions: Sequence[OwnQuestion]) -> Figures:
    """Over these questions and the notes as they are. Raises `NotFound` where too few are judged."""
    store = MeasuredStore(resources)
    return simulate_own(questions, store, _bounds(resources), resources.progress)


def draw(report: Figures, path: Path) -> None:
    """The curve as SVG."""
    write_private(path, picture(report))


def _bounds(resources: Resources) -> Bounds:
    """What the policy in force asks for before anything goes."""
    limits = policies_of(resources).in_force().published.contents.limits
    return Bounds(float(limits.get(CLOUD_FOUND, 0)), float(limits.get(CLOUD_BELOW, 0)))

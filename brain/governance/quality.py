"""How good the answers of each task were, by whom, and for how much: the figures by which work moves from a cloud to
this machine.

A share is told with its 90 % interval (Wilson 1927), since a few ratings prove little; a task may move down only where
the lower end of the interval is high enough. Only what a person rated counts. Leaves the rows to
`brain.store.spending`, and changing the policy to a person. Serves `brain quality`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from brain.store.spending import OutcomeRow

LOCAL = "local"  # `OutcomeRow.provider` of a model of this machine
GOOD = "good"
Z = 1.645  # standard deviations of a 90 % interval, 5 % on each side
ENOUGH = 20  # rated local answers below which no task moves
MOVES_AT = 0.80  # the lower end of the interval from which a task may stay here
SETTLED = ("good", "wrong", "missing")


class Routed(Protocol):
    """The route of a task, as the policy has it."""

    @property
    def provider(self) -> str: ...
    @property
    def needs(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Share:
    """`good` of `rated` answers, with the 90 % interval of the share; 0 to 1 where nothing was rated."""

    good: int
    rated: int
    low: float
    high: float

    @staticmethod
    def of(good: int, rated: int) -> Share:
        """The share and its interval.

        >>> one = Share.of(18, 20)
        >>> round(one.low, 2), round(one.high, 2)
        (0.74, 0.97)
        """
        if not rated:
            return Share(0, 0, 0.0, 1.0)
        part = good / rated
        square = Z * Z / rated
        middle = (part + square / 2) / (1 + square)
        spread = Z * math.sqrt(part * (1 - part) / rated + square / (4 * rated))
        half = spread / (1 + square)
        # The share itself, where rounding would leave it outside
        low = min(part, max(0.0, middle - half))
        high = max(part, min(1.0, middle + half))
        return Share(good, rated, low, high)


@dataclass(frozen=True, slots=True)
class Figure:
    """One task in one month. `local`: share of the answers that this machine gave; `usd_micro`: what the others cost;
    `p50`: milliseconds of the median answer; `policies`: digests of those in force, in the order of their first answer.
    """

    task: str
    month: str
    answers: int
    good: Share
    local: float
    usd_micro: int
    p50: int
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the evidence says of one task that may leave this machine. `moves`: it can stay here; `edit`: the change of
    the policy, one line, "" where it cannot; `because`: the evidence, or what is missing of it.
    """

    task: str
    moves: bool
    because: str
    edit: str = ""


def figures(rows: Iterable[OutcomeRow]) -> list[Figure]:
    """Every task of every month, the newest month first."""
    groups: dict[tuple[str, str], list[OutcomeRow]] = defaultdict(list)
    for row in rows:
        groups[row.day[:7], row.task].append(row)
    newest_first = sorted(groups, key=lambda key: key[1])
    newest_first.sort(key=lambda key: key[0], reverse=True)
    return [_figure(task, month, groups[month, task]) for month, task in newest_first]


def _figure(task: str, month: str, rows: Sequence[OutcomeRow]) -> Figure:
    here = sum(row.provider == LOCAL for row in rows)
    return Figure(
        task,
        month,
        len(rows),
        rated(rows),
        here / len(rows),
        sum(row.usd_micro for row in rows),
        int(median(row.milliseconds for row in rows)),
        tuple(dict.fromkeys(row.policy for row in rows if row.policy)),
    )


def rated(rows: Iterable[OutcomeRow]) -> Share:
    """How many of those that a person rated were good."""
    said = [row.rating for row in rows if row.rating in SETTLED]
    return Share.of(said.count(GOOD), len(said))


def proposals(
    rows: Iterable[OutcomeRow], routes: Mapping[str, Routed]
) -> list[Proposal]:
    """For each task that its route may send away: whether it can stay here, or what evidence is missing.

    `routes`: task -> its route.
    """
    by_task: dict[str, list[OutcomeRow]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    found = []
    for task, route in sorted(routes.items()):
        if route.provider != LOCAL:
            found.append(_proposal(task, by_task[task]))
    return found


def _proposal(task: str, rows: Sequence[OutcomeRow]) -> Proposal:
    here = rated(row for row in rows if row.provider == LOCAL)
    away = rated(row for row in rows if row.provider != LOCAL)
    if here.rated < ENOUGH:
        missing = ENOUGH - here.rated
        said = f"{here.rated} local answers are rated; {missing} more are needed (`brain feedback good`)"
        return Proposal(task, False, said)
    said = f"{here.good} of {here.rated} local answers were good ({here.low:.0%} to {here.high:.0%})"
    if away.rated:
        said += f", of the cloud's {away.good} of {away.rated} ({away.low:.0%} to {away.high:.0%})"
    # Good enough by itself, or surely no worse than what the cloud gave
    if here.low >= MOVES_AT or (away.rated >= ENOUGH and here.low >= away.high):
        edit = (
            f'put before the other routes: [[route]] task = "{task}", model = "local"'
        )
        return Proposal(task, True, said, edit)
    return Proposal(task, False, f"{said}: at least {MOVES_AT:.0%} must be sure")

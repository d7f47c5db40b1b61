"""How good the answers of each task were, by whom, and for how much: the figures by which work moves from a cloud to
this machine.

A task stands at one of four stages, which its route in the policy says: 0 shadow (what is *answered* stays, and nothing
was answered here yet), 1 cautious (the same, with answers to judge by), 2 normal (what is *likely* stays), 3 local
only.
A share is told with its 90 % interval (Wilson 1927), since a few ratings prove little; a task moves on only where the
lower end of the interval is high enough. What a person rated counts, and where a cloud answered the same, whether this
machine said what it said. Leaves the rows to `brain.store`, and changing the policy to a person. Serves `brain
quality`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from types import MappingProxyType
from typing import Protocol, TypeVar

from brain.store.comparisons import ComparisonRow
from brain.store.spending import OutcomeRow

LOCAL = "local"  # `OutcomeRow.provider` of a model of this machine
GOOD = "good"
Z = 1.645  # standard deviations of a 90 % interval, 5 % on each side
ENOUGH = 20  # rated local answers below which no task moves
MOVES_AT = 0.80  # the lower end of the interval from which a task may stay here
SETTLED = ("good", "wrong", "missing")
LIKELY = "likely"  # how sure an answer must be to stay, from the stage *normal* on
NOT_FOUND = "not_found"  # the grade of what was called absent
SAME = "same"  # the verdict of a comparison
COMPARED = (SAME, "differs")
RATE = "must be rated (`brain feedback good`) or compared with a cloud (`shadow` of the policy)"
# From most that leaves to nothing. A new kind of task begins at the first: the route of all others names the strictest
# bar that there is, and nothing is known of it here.
STAGES = SHADOW, CAUTIOUS, NORMAL, LOCAL_ONLY = (
    "shadow",
    "cautious",
    "normal",
    "local only",
)

Row = TypeVar("Row", OutcomeRow, ComparisonRow)


class Routed(Protocol):
    """The route of a task, as the policy has it."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
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
    `p50`: milliseconds of the median answer; `policies`: digests of those in force, in the order of their first answer;
    `absent`: share that was called not in the notes; `compared`: how many said what a cloud said to the same; `stage`:
    where the task stands now.
    """

    task: str
    month: str
    answers: int
    good: Share
    local: float
    usd_micro: int
    p50: int
    policies: tuple[str, ...]
    absent: float = 0.0
    compared: Share = Share(0, 0, 0.0, 1.0)
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the evidence says of one task that may leave this machine. `moves`: to the next stage; `edit`: the change of
    the policy, one line, "" where it does not; `because`: the evidence, or what is missing of it.
    """

    task: str
    stage: str
    moves: bool
    because: str
    edit: str = ""


def figures(
    rows: Iterable[OutcomeRow],
    compared: Iterable[ComparisonRow] = (),
    now: Mapping[str, str] = MappingProxyType({}),
) -> list[Figure]:
    """Every task of every month, the newest month first. `now`: where each task stands."""
    groups = _by_month(rows)
    pairs = _by_month(compared)
    newest_first = sorted(groups, key=lambda key: key[1])
    newest_first.sort(key=lambda key: key[0], reverse=True)
    found = []
    for key in newest_first:
        figure = _figure(*key, groups[key], pairs[key])
        found.append(replace(figure, stage=now.get(figure.task, "")))
    return found


def _by_month(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.day[:7], row.task].append(row)
    return groups


def _figure(
    month: str, task: str, rows: Sequence[OutcomeRow], pairs: Sequence[ComparisonRow]
) -> Figure:
    here = sum(row.provider == LOCAL for row in rows)
    absent = sum(row.grade == NOT_FOUND for row in rows)
    verdicts = [pair.verdict for pair in pairs if pair.verdict in COMPARED]
    return Figure(
        task,
        month,
        len(rows),
        rated(rows),
        here / len(rows),
        sum(row.usd_micro for row in rows) + sum(pair.usd_micro for pair in pairs),
        int(median(row.milliseconds for row in rows)),
        tuple(dict.fromkeys(row.policy for row in rows if row.policy)),
        absent / len(rows),
        Share.of(verdicts.count(SAME), len(verdicts)),
    )


def rated(rows: Iterable[OutcomeRow]) -> Share:
    """How many of those that a person rated were good."""
    said = [row.rating for row in rows if row.rating in SETTLED]
    return Share.of(said.count(GOOD), len(said))


def stage_of(route: Routed, answers: int) -> str:
    """Where a task stands, by its route; `answers`: how many this machine ever gave to it."""
    if route.provider == LOCAL:
        return LOCAL_ONLY
    if route.needs == LIKELY:
        return NORMAL
    return CAUTIOUS if answers else SHADOW


def stages(rows: Iterable[OutcomeRow], routes: Mapping[str, Routed]) -> dict[str, str]:
    """Where each task stands. `routes`: task -> its route."""
    here = Counter(row.task for row in rows if row.provider == LOCAL)
    return {task: stage_of(route, here[task]) for task, route in routes.items()}


def proposals(
    rows: Iterable[OutcomeRow],
    compared: Iterable[ComparisonRow],
    routes: Mapping[str, Routed],
) -> list[Proposal]:
    """For each task that its route may send away: the next stage, or what evidence is missing. `routes`: task -> its
    route.
    """
    outcomes = _by_task(rows)
    comparisons = _by_task(compared)
    found = []
    for task, route in sorted(routes.items()):
        if route.provider != LOCAL:
            evidence = Evidence.of(outcomes[task], comparisons[task], route)
            found.append(_proposal(task, route, evidence))
    return found


def _by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.task].append(row)
    return found


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a step of one task. `answers`: that this machine gave; `here`: of those that the step is about,
    how many were good; `away`: of the cloud's; `alike`: how many said what the cloud said.
    """

    answers: int
    here: Share
    away: Share
    alike: Share

    @classmethod
    def of(
        cls,
        rows: Sequence[OutcomeRow],
        compared: Sequence[ComparisonRow],
        route: Routed,
    ) -> Evidence:
        """Of one task. The step from cautious to normal is about answers that are *likely*: those would stay then."""
        local = [row for row in rows if row.provider == LOCAL]
        about = [row for row in local if _concerned(row.grade, route)]
        pairs = [row for row in compared if _concerned(row.grade, route)]
        verdicts = [row.verdict for row in pairs if row.verdict in COMPARED]
        return cls(
            len(local),
            rated(about),
            rated(row for row in rows if row.provider != LOCAL),
            Share.of(verdicts.count(SAME), len(verdicts)),
        )

    @property
    def enough(self) -> bool:
        """Whether one kind of evidence is there in a number that proves something."""
        return max(self.here.rated, self.alike.rated) >= ENOUGH

    @property
    def speaks_for_it(self) -> bool:
        """Whether all that is there in number says so: good enough by itself, or surely no worse than the cloud's."""
        told = [share for share in (self.here, self.alike) if share.rated >= ENOUGH]
        if all(share.low >= MOVES_AT for share in told):
            return bool(told)
        both = min(self.here.rated, self.away.rated) >= ENOUGH
        return both and self.here.low >= self.away.high

    @property
    def said(self) -> str:
        """In figures."""
        told = []
        if self.here.rated:
            told.append(f"{_in_words(self.here)} local answers were good")
        if self.away.rated:
            told.append(f"{_in_words(self.away)} of the cloud's")
        if self.alike.rated:
            told.append(f"{_in_words(self.alike)} said what the cloud said")
        return ", ".join(told)


def _concerned(grade: str, route: Routed) -> bool:
    return route.needs == LIKELY or grade == LIKELY


def _in_words(share: Share) -> str:
    return f"{share.good} of {share.rated} ({share.low:.0%} to {share.high:.0%})"


def _proposal(task: str, route: Routed, evidence: Evidence) -> Proposal:
    stage = stage_of(route, evidence.answers)
    said = evidence.said
    if not evidence.enough:
        return Proposal(task, stage, False, _missing(evidence, route, said))
    if not evidence.speaks_for_it:
        because = f"{said}: at least {MOVES_AT:.0%} must be sure"
        return Proposal(task, stage, False, because)
    model = f'model = "{LOCAL}"'
    if route.needs != LIKELY:
        model = f'model = "{route.provider}/{route.model}", needs = "{LIKELY}"'
    edit = f'put before the other routes: [[route]] task = "{task}", {model}'
    return Proposal(task, stage, True, said, edit)


def _missing(evidence: Evidence, route: Routed, said: str) -> str:
    """What is there, and what more is needed."""
    if not evidence.answers and not evidence.alike.rated:
        begun = "nothing was answered here yet: each is tried here first, and stays where it is *answered*"
        if route.needs == LIKELY:
            begun = "nothing was answered here yet"
        return f"{begun}; {ENOUGH} {RATE}"
    kind = "" if route.needs == LIKELY else f" of those that are {LIKELY}"
    missing = ENOUGH - max(evidence.here.rated, evidence.alike.rated)
    before = f"{said}; " if said else ""
    return f"{before}{missing} more{kind} {RATE}"

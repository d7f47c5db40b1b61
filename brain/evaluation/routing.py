"""`brain policy simulate`: what the router would send away, and what that is worth, on questions with known answers.

Every question is asked here, and one that is not surely answered a second time, as the router does it. A stand-in cloud
then answers from the gold: it is right wherever the passages that would go to it hold the answer. A threshold on the
probability of the local answer gives a point of the curve: which share of the questions is sent, which share is right;
random routing is a straight line between the same two ends. Leaves out every real cloud, the money and the rules but
for two limits; the picture is `routing_picture`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.errors import NotFound
from brain.evaluation import retrieval
from brain.evaluation.answerability import ANSWERABLE, kind_of
from brain.evaluation.answers import Asked, holds, said, wanted
from brain.evaluation.folder import Line, read_set
from brain.evaluation.metrics import mean
from brain.evaluation.own import OwnQuestion
from brain.evaluation.retrieval import Measurable, Setup
from brain.protocols import Progress, silent
from brain.reports import Figures
from brain.types import Answer, Request

LEVELS = ("check", "likely", "answered")  # how sure an answer must be, from any to most
CHECK, LIKELY, ANSWERED = LEVELS
NOT_FOUND = "not_found"
STEPS = 20  # points of the curve besides its ends
LEAST_OWN = (
    20  # judged questions that the notes answer: with fewer one of them is over 5 %
)

Weak = Callable[[Asked], bool]
"""Whether an answer is so weak that it may leave."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Two limits of the policy. `least`: of `found`, below which nothing is sent; `below`: of `supported`, below which
    a likely answer is sent too.
    """

    least: float = 0.0
    below: float = 0.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One question. `first`, `second`: what is said here at once, and after the second try; `held`: a passage that
    would be sent holds the answer.
    """

    first: Asked
    second: Asked
    held: bool

    @property
    def kind(self) -> str:
        """ "answerable", or the kind of its absence."""
        return self.first.kind


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold. `sent`: share of the answerable questions that go to the cloud; `right`: share answered right;
    `random`: the same where as many were sent by chance; `absent`: kind -> share of those questions that go; `of_all`:
    share of all questions that go.
    """

    threshold: float
    sent: float
    right: float
    random: float
    absent: dict[str, float]
    of_all: float


# -- asking -----------------------------------------------------------------------------------------------


def simulate(directory: Path, setup: Setup, bounds: Bounds = Bounds()) -> Figures:
    """The report over a judged set: the curve, and the point of the policy and of each word that a route may need."""
    judged = read_set(directory)
    rows = []
    for part, brain, _names in setup.stores(judged, retrieval.fill):
        for number, query in enumerate(part.queries, 1):
            rows.append(_of_set(brain, query))
            setup.progress("questions", number, len(part.queries))
    return {"set": judged.name} | figures(rows, bounds)


def simulate_own(
    questions: Sequence[OwnQuestion],
    brain: Measurable,
    bounds: Bounds = Bounds(),
    progress: Progress = silent,
) -> Figures:
    """The same over a person's own judged questions, on their store. An answer counts as right where its first quote
    stands in a document that was named. Raises `NotFound` where too few are judged.
    """
    answerable = sum(bool(question.sources) for question in questions)
    if answerable < LEAST_OWN:
        raise NotFound(
            f"of {answerable} judged questions the notes hold the answer; {LEAST_OWN} are needed",
            "`brain eval init` drafts some, `brain feedback` adds to them; or name a set: --answers DIR",
        )
    rows = []
    for number, question in enumerate(questions, 1):
        rows.append(_own(brain, question))
        progress("questions", number, len(questions))
    return {"set": "own"} | figures(rows, bounds)


def _of_set(brain: Measurable, query: Line) -> Tried:
    """A question of a set: right is what holds one of the answers."""
    answers = wanted(query)

    def right(told: Answer) -> bool:
        return holds(told, answers)

    def held(text: str) -> bool:
        return any(answer.lower() in text.lower() for answer in answers)

    request = Request(query["text"], look=False, record=False)
    first, second = brain.tries(request)
    texts = [passage.text for passage in first.passages]
    return _tried(kind_of(query), first, second, right, any(map(held, texts)))


def _own(brain: Measurable, question: OwnQuestion) -> Tried:
    """A person's question: right is what stands in one of the documents that were named."""

    def right(told: Answer) -> bool:
        return bool(told.quotes) and told.quotes[0].source in question.sources

    kind = ANSWERABLE if question.sources else question.kind or "absent"
    request = Request(question.text, look=False, record=False)
    first, second = brain.tries(request)
    sources = {passage.source for passage in first.passages}
    held = not sources.isdisjoint(question.sources)
    return _tried(kind, first, second, right, held)


def _tried(
    kind: str,
    first: Answer,
    second: Answer,
    right: Callable[[Answer], bool],
    held: bool,
) -> Tried:
    one = said(first, kind, right=right(first))
    other = said(second, kind, right=right(second))
    # What is called absent shows a few passages; to a cloud alone all would have gone
    absent = one.word == NOT_FOUND and kind == ANSWERABLE
    return Tried(one, other, held or absent)


# -- figures ----------------------------------------------------------------------------------------------


def figures(rows: Sequence[Tried], bounds: Bounds = Bounds()) -> Figures:
    """All figures of these questions."""
    present = [row for row in rows if row.kind == ANSWERABLE]
    told = [row.first.supported for row in rows if row.first.word != NOT_FOUND]
    every = max(len(told) // STEPS, 1)
    thresholds = [0.0, *sorted(told)[::every], 1.01]
    curve = []
    for threshold in dict.fromkeys(thresholds):
        weak = _below(threshold)
        curve.append(_told(_point(rows, weak, bounds.least, threshold)))
    levels = {}
    for level in LEVELS[1:]:
        weak = _less_than(level)
        levels[level] = _told(_point(rows, weak, bounds.least))
    shipped = _point(rows, _by_policy(bounds.below), bounds.least, bounds.below)
    return {
        "queries": len(rows),
        "answerable": len(present),
        "least": bounds.least,
        "below": bounds.below,
        "all_cloud": round(mean([float(row.held) for row in present]), 4),
        "curve": curve,
        "levels": levels,
        "policy": _told(shipped),
    }


def _below(threshold: float) -> Weak:
    return lambda answer: answer.supported < threshold


def _less_than(level: str) -> Weak:
    weaker = LEVELS[: LEVELS.index(level)]
    return lambda answer: answer.word in weaker


def _by_policy(below: float) -> Weak:
    """Weak where *likely* is needed, and from `below` on."""

    def weak(answer: Asked) -> bool:
        unlikely = answer.supported < below
        return answer.word == CHECK or (answer.word == LIKELY and unlikely)

    return weak


def routed(row: Tried, weak: Weak, least: float) -> tuple[bool, bool]:
    """(whether it goes, whether it is answered right). What the notes hardly hold is never sent."""
    answer = row.first
    if answer.word == NOT_FOUND:
        return False, answer.right
    if weak(answer):
        answer = row.second
    goes = weak(answer) and row.first.found >= least  # as the rule reads it
    return goes, row.held if goes else answer.right


def _point(
    rows: Sequence[Tried], weak: Weak, least: float, threshold: float = 0.0
) -> Point:
    ways = [(row, *routed(row, weak, least)) for row in rows]
    present = [(goes, right) for row, goes, right in ways if row.kind == ANSWERABLE]
    sent = mean([float(goes) for goes, _right in present])
    right = mean([float(right) for _goes, right in present])
    absent = {}
    for kind in sorted({row.kind for row in rows} - {ANSWERABLE}):
        absent[kind] = mean([float(goes) for row, goes, _ in ways if row.kind == kind])
    of_all = mean([float(goes) for _row, goes, _right in ways])
    return Point(threshold, sent, right, _by_chance(rows, sent), absent, of_all)


def _by_chance(rows: Sequence[Tried], sent: float) -> float:
    """How many are right where so many are sent by chance."""
    present = [row for row in rows if row.kind == ANSWERABLE]
    here = mean([float(row.first.right) for row in present])
    there = mean([float(row.held) for row in present])
    return here + sent * (there - here)


def _told(point: Point) -> Figures:
    return {
        "threshold": round(point.threshold, 4),
        "sent": round(point.sent, 4),
        "right": round(point.right, 4),
        "random": round(point.random, 4),
        "absent": {kind: round(share, 4) for kind, share in point.absent.items()},
        "of_all": round(point.of_all, 4),
    }

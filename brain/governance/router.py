"""Which model answers: one on this machine first, a second time with more, and a cloud only where all of this holds:
the checked answer is weak, its evidence may leave, the rules allow it, and the money is there.

The one walk, in this order: is it in the notes at all · a local answer · is it good enough for this task · a second
local try · the gate, which asks the policy. Every step leaves a line with its numbers, which `ask --why` prints.
Handed what it may do as functions; leaves out how an answer is made (`brain.answering`), the rules (`policy`) and
sending (`gate`). Serves `ask`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from brain.labels import Label
from brain.types import Answer, AnswerState, Measures, Way

# How good an answer is, the worst first.
RANKS: tuple[AnswerState, ...] = ("check", "likely", "answered")
SUREST = len(RANKS) - 1
NEEDS: AnswerState = (
    "likely"  # how sure an answer must be to stay, where no route says more
)
ENDS = ("not_found", "incomplete", "refused", "over_budget")  # no state to improve on
NEVER = "by the routes of the policy this task never leaves"
FAILURE = "a failure is no reason to send anything"
OFF = "no cloud can be asked (`brain cloud status` says why)"
MARKED = "the answer of this machine stands, marked"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk. `said`: what happened, in a few words; `numbers`: what it was decided by."""

    name: str
    said: str
    numbers: Measures = field(default_factory=dict)

    def __str__(self) -> str:
        """As `--why` prints it."""
        numbers = ", ".join(f"{name} {value:g}" for name, value in self.numbers.items())
        return f"{self.name}: {self.said}" + (f" ({numbers})" if numbers else "")


class Here(Protocol):
    """What this machine can do."""

    def local(self) -> Answer:
        """The answer of this machine."""

    def again(self, first: Answer) -> Answer | None:
        """A second local try, with more passages and a larger model where there is one; None where there is no more."""


class Outside(Protocol):
    """What may happen outside this machine, where a person turned a cloud on. `needs`: how sure a local answer must be
    to stay, by the route of its task; `below`: and how likely right, where it is not *answered*; `model`: who would be
    asked, "" where the task never leaves.
    """

    @property
    def needs(self) -> AnswerState: ...
    @property
    def below(self) -> float: ...
    @property
    def model(self) -> str: ...

    def label(self, answer: Answer) -> Label:
        """The highest label of the question, the round before, and the best evidence without regard to any scope."""

    def send(self, answer: Answer) -> tuple[Answer | None, str]:
        """(the answer of the cloud over what may leave, None where none came; why). Never raises for what the rules,
        the person or the cloud say.
        """


def _shut(_first: Answer) -> None:
    """No cloud is on."""


@dataclass
class Walk:
    """The walk of one question. `outside`: asked only when an answer may have to leave; it gives None where no cloud is
    on, and then there is no second try either, unless it is asked for. `stayed`: the answer of this machine, where that
    of a cloud was given in its place.
    """

    here: Here
    way: Way = ""
    outside: Callable[[Answer], Outside | None] = _shut
    steps: list[Step] = field(default_factory=list)
    stayed: Answer | None = None
    _broke: bool = False

    def go(self) -> Answer:
        """The answer, and in `route` which way it came: "local", "second try" or "cloud"."""
        first = self.here.local()
        self._note("local answer", _said_of(first), _numbers(first))
        if first.state in ENDS:
            self._note("end", "nothing is generated anywhere for it")
            return replace(first, route="local")
        if self.way != "cloud" and self.way != "deep" and rank(first) == SUREST:
            self._note("grade", "good enough for every task")
            return replace(first, route="local")
        outside = self._open(first)
        best, route = first, "local"
        if self._again(first, outside):
            best, route = self._second(first)
            outside = None if self._broke else outside
        best = replace(best, route=route)
        if outside is None:
            return self._marked(best, OFF) if self.way == "cloud" else best
        if self.way != "cloud" and good_enough(best, outside.needs, outside.below):
            return best
        return self._sent(best, outside)

    def _again(self, first: Answer, outside: Outside | None) -> bool:
        """Whether a second local try is worth its time; says how good the first answer is."""
        if self.way in ("deep", "cloud"):
            return self.way == "deep"
        needs = outside.needs if outside else NEEDS
        below = outside.below if outside else 0.0
        enough = good_enough(first, needs, below)
        wanted = f"{needs} from {below:.2f} on" if below else needs
        said = f"{first.sure or 'unrated'}, {wanted} is needed"
        self._note("grade", f"{'good enough' if enough else 'weak'}: {said}")
        return outside is not None and not enough

    def _open(self, first: Answer) -> Outside | None:
        """The way outside, None where it is shut for this question."""
        if self.way == "local":
            return None
        outside = self.outside(first)
        if outside is None:
            return None
        if first.failed:
            self._note("end", f"{FAILURE}: {first.degraded}")
            return None
        self._note("route", outside.model or NEVER)
        return outside

    def _second(self, first: Answer) -> tuple[Answer, str]:
        """(the better one of two local answers, its route)."""
        second = self.here.again(first)
        if second is None:
            self._note("second local try", "there is nothing more to try here")
            return first, "local"
        if second.text == first.text:
            self._note("second local try", "it says the same", _numbers(second))
            return first, "local"
        self._note("second local try", _said_of(second), _numbers(second))
        if second.state == "incomplete" or second.failed:
            self._broke = True
            self._note("end", f"{FAILURE}: {second.degraded or second.state}")
            return first, "local"
        if second.state in ENDS or rank(second) < rank(first):
            return first, "local"
        return second, "second try"

    def _sent(self, best: Answer, outside: Outside) -> Answer:
        """What the cloud says, where it may be asked; else the local answer, marked."""
        if not outside.model:
            return best if self.way != "cloud" else self._marked(best, NEVER)
        label = outside.label(best)
        if label is Label.CONFIDENTIAL:
            self._note("label", "answered locally; the evidence is confidential")
            return self._marked(best, "the evidence is confidential")
        self._note("label", f"{label}: it may leave, where the rules allow it")
        answer, why = outside.send(best)
        self._note("gate", why)
        if answer is None:
            return self._marked(best, why)
        self._note("cloud", _said_of(answer), _numbers(answer))
        self.stayed = best
        return replace(answer, route="cloud")

    def _marked(self, best: Answer, why: str) -> Answer:
        return replace(best, notices=(*best.notices, f"{why}; {MARKED}"))

    def _note(self, name: str, said: str, numbers: Measures | None = None) -> None:
        self.steps.append(Step(name, said, numbers or {}))


def good_enough(answer: Answer, needs: AnswerState, below: float = 0.0) -> bool:
    """Whether an answer is as sure as its task needs. One that is not rated is not. `below`: of `supported`, under
    which one that is no more than likely is not either; where that was not measured the word decides.
    """
    if answer.sure is None or rank(answer) < RANKS.index(needs):
        return False
    chance = answer.confidence.supported
    return rank(answer) == SUREST or chance is None or chance >= below


def rank(answer: Answer) -> int:
    """How good an answer is, from 0; -1 where it is not rated."""
    return RANKS.index(answer.sure) if answer.sure is not None else -1


def _said_of(answer: Answer) -> str:
    sure = answer.sure or answer.state.replace("_", " ")
    return f"{sure}, by {answer.model or 'nobody'}"


def _numbers(answer: Answer) -> Measures:
    known = {
        "found": answer.confidence.found,
        "supported": answer.confidence.supported,
        "cited": float(sum(citation.verified for citation in answer.citations)),
    }
    return {name: round(value, 3) for name, value in known.items() if value is not None}

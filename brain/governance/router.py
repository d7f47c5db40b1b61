"""Which model answers: one on this machine first, a second time with more, and a cloud only where all of this holds:
the checked answer is weak, its evidence may leave, the rules allow it, and the money is there.

The one walk, in this order: is it in the notes at all · a local answer · is it good enough for this task · a second
local try · what the policy says · the gate. Every step leaves a line with its numbers, which `ask --why` prints.
Handed what it may do as functions; leaves out how an answer is made (`brain.answering`), the rules (`policy`) and
sending (`gate`). Serves `ask`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from brain.labels import Label
from brain.types import Answer, AnswerState, Measures, Way

Verdict = Literal["allow", "ask", "wait", "deny", "halt"]
# How good an answer is, the worst first.
RANKS: tuple[AnswerState, ...] = ("check", "likely", "answered")
ENDS = ("not_found", "incomplete", "refused", "over_budget")  # no state to improve on
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


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says of sending: `because` in the words of the rules, and the decision's id in the ledger."""

    verdict: Verdict
    because: str
    decision: str = ""


class Here(Protocol):
    """What this machine can do."""

    def local(self) -> Answer:
        """The answer of this machine."""

    def again(self, first: Answer) -> Answer | None:
        """A second local try, with more passages and a larger model where there is one; None where there is no more."""


class Outside(Protocol):
    """What may happen outside this machine, where a person turned a cloud on."""

    def label(self, answer: Answer) -> Label:
        """The highest label of the question, the session, and the best evidence without regard to any scope."""

    def ruling(self, answer: Answer, label: Label) -> Ruling:
        """What the policy says of handing it to the cloud model that its task is routed to."""

    def agreed(self, ruling: Ruling) -> bool:
        """Whether the person says yes, after what would be sent, to whom and for how much was shown."""

    def cloud(self, answer: Answer, ruling: Ruling) -> Answer:
        """The answer of the cloud, over what may leave. Never raises: it hands `answer` back, with the reason."""


@dataclass
class Walk:
    """The walk of one question. `needs`: how sure an answer must be to stay here; `outside`: None where no cloud is set
    up, and then there is no second try either, unless it is asked for.
    """

    here: Here
    needs: AnswerState
    way: Way = ""
    outside: Outside | None = None
    steps: list[Step] = field(default_factory=list)

    def go(self) -> Answer:
        """The answer, and in `route` which way it came: "local", "second try" or "cloud"."""
        first = self.here.local()
        self._note("local answer", _said_of(first), _numbers(first))
        if self._is_final(first):
            return replace(first, route="local")
        outside = self._open(first)
        best, route = first, "local"
        if self.way == "deep" or (not self.way and outside is not None):
            best, route = self._second(first)
        best = replace(best, route=route)
        if outside is None or (self.way != "cloud" and good_enough(best, self.needs)):
            return best
        return self._sent(best, outside)

    def _is_final(self, first: Answer) -> bool:
        """Whether nothing more is tried: there is nothing to improve, or it is good enough."""
        if first.state in ENDS:
            self._note("end", "nothing is generated anywhere for it")
            return True
        if self.way in ("deep", "cloud"):
            return False
        if good_enough(first, self.needs):
            self._note("grade", f"good enough: {first.sure}, {self.needs} is needed")
            return True
        self._note("grade", f"weak: {first.sure or 'unrated'}, {self.needs} is needed")
        return False

    def _open(self, first: Answer) -> Outside | None:
        """The way outside, None where it is shut for this question."""
        if self.way == "local" or self.outside is None:
            return None
        if first.degraded:
            failed = f"a failure is no reason to send anything: {first.degraded}"
            self._note("end", failed)
            return None
        return self.outside

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
        if second.state in ENDS or second.degraded or rank(second) < rank(first):
            return first, "local"
        return second, "second try"

    def _sent(self, best: Answer, outside: Outside) -> Answer:
        label = outside.label(best)
        best = replace(best, label=str(label))
        if label is Label.CONFIDENTIAL:
            self._note("label", "answered locally; the evidence is confidential")
            return self._marked(best, "the evidence is confidential")
        self._note("label", f"{label}: it may leave, where the rules allow it")
        ruling = outside.ruling(best, label)
        self._note("policy", f"{ruling.verdict}: {ruling.because}")
        if ruling.verdict not in ("allow", "ask"):
            return self._marked(best, f"not sent: {ruling.because}")
        if ruling.verdict == "ask" and not outside.agreed(ruling):
            self._note("person", "no")
            return self._marked(best, "not sent: you were asked and said no")
        answer = outside.cloud(best, ruling)
        if answer is best or answer.route != "cloud":
            self._note("cloud", "it gave no answer; the local one stands")
        else:
            self._note("cloud", _said_of(answer), _numbers(answer))
        return answer

    def _marked(self, best: Answer, why: str) -> Answer:
        return replace(best, notices=(*best.notices, f"{why}; {MARKED}"))

    def _note(self, name: str, said: str, numbers: Measures | None = None) -> None:
        self.steps.append(Step(name, said, numbers or {}))


def good_enough(answer: Answer, needs: AnswerState) -> bool:
    """Whether an answer is as sure as its task needs. One that is not rated is not."""
    return answer.sure is not None and rank(answer) >= RANKS.index(needs)


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

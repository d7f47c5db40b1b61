"""How hard a task is: low, medium or high, counted from facts that a person can count too.

Six facts, each with two steps; the sum of the steps decides. No model judges, so that the same question always goes
the same way and `ask --why` can print the reason. Leaves out what follows from it (the routes of the policy).
Serves the router.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ingest.words import numbers

Complexity = Literal["low", "medium", "high"]
COMPLEXITIES: tuple[Complexity, ...] = ("low", "medium", "high")
MEDIUM_FROM, HIGH_FROM = 2, 4  # steps in all
# fact -> the values from which it counts one step, and two
STEPS = {
    "parts": (2, 3),
    "documents": (2, 4),
    "evidence_tokens": (1_500, 5_000),
    "code_files": (1, 3),
    "constraints": (2, 4),
    "unsettled": (1, 1),
}
# What joins two questions: a mark of the end, a semicolon, or "and" before a question word or a verb that asks.
_JOINT = re.compile(
    r"[?;]+\s+|,?\s+(?:and|then|und|et|y)\s+(?=(?:also\s+)?(?:what|which|who|whom|whose|when|where|why|how|compare|"
    r"list|name|explain|describe|summari[sz]e|draft|write|plan|was|wer|wann|wo|warum|wie)\b)|\bas well as\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:must|only|exactly|at (?:most|least)|no (?:more|less|later|earlier) than|less than|more than|without|except|"
    r"unless|until|before|after|between|within|instead of|but not|in (?:english|german|french))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Demands:
    """What a task asks for. `parts`: questions in it; `documents`: that its evidence comes from; `evidence_tokens`: of
    the passages to be read; `code_files`: files of code among them or named; `constraints`: bounds and figures that an
    answer must keep to; `unsettled`: 1 where the evidence here does not surely answer it, so that it is not simple.
    """

    parts: int = 1
    documents: int = 0
    evidence_tokens: int = 0
    code_files: int = 0
    constraints: int = 0
    unsettled: int = 0

    @property
    def complexity(self) -> Complexity:
        """Low below two steps, high from four."""
        steps = sum(steps_of(name, getattr(self, name)) for name in STEPS)
        if steps >= HIGH_FROM:
            return "high"
        return "medium" if steps >= MEDIUM_FROM else "low"


def steps_of(fact: str, value: int) -> int:
    """How many steps a fact counts: 0, 1 or 2.

    >>> [steps_of("parts", value) for value in (1, 2, 3)]
    [0, 1, 2]
    """
    return sum(value >= least for least in STEPS[fact])


def parts_of(question: str) -> list[str]:
    """The questions that a text asks, each as it is written; the text alone where it asks one.

    >>> parts_of("What did we promise Halden, and when is it due?")
    ['What did we promise Halden', 'when is it due?']
    """
    found = [part.strip(" ,;") for part in _JOINT.split(question)]
    return [part for part in found if part] or [question.strip()]


def constraints_of(question: str) -> int:
    """How many bounds and figures a text names.

    >>> constraints_of("a letter of at most 200 words, without the price")
    3
    """
    return len(_BOUND.findall(question)) + len(numbers(question))

"""`brain eval answers`: is the first quote right, and do the words beside it hold what they promise?

Asks every question of a judged set as a person would, with the built-in answerer and the answer reader. `found` is
judged by whether a question can be answered, `supported` by whether the first quote holds the answer; the mass of a set
is halved between what it holds and what it does not. Leaves out fitting (benchmarks/fit_answers.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.evaluation import retrieval
from brain.evaluation.answerability import ANSWERABLE, kind_of
from brain.evaluation.folder import Line, read_set
from brain.evaluation.metrics import Weighted, auroc, calibration, mean, require
from brain.evaluation.retrieval import Measurable, Setup
from brain.reports import Figures
from brain.types import Answer, Request

PRESENT = 0.5  # share of the mass that can be answered
SHARES = (0.3, 0.5)  # of the mass, the surest first
WORDS = ("answered", "likely", "check", "not_found")
RIGHT = 0.85  # of those that may be called answered


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with what was said. `kind`: "answerable" or the kind of its absence; `right`: the first quote holds
    the answer.
    """

    kind: str
    found: float
    supported: float
    word: str
    right: bool


def answers(directory: Path, setup: Setup) -> Figures:
    """The report: every share between 0 and 1; AUROC by kind of absence."""
    require()
    judged = read_set(directory)
    rows = []
    for part, brain, _names in setup.stores(judged, retrieval.fill):
        for number, query in enumerate(part.queries, 1):
            rows.append(asked(brain, query))
            setup.progress("questions", number, len(part.queries))
    return {"set": judged.name} | figures(rows)


def asked(brain: Measurable, query: Line) -> Asked:
    """Ask one question of a set."""
    told = brain.ask(Request(query["text"], look=False, record=False))
    return said(told, kind_of(query), right=holds(told, wanted(query)))


def wanted(query: Line) -> list[str]:
    """The answers that a question of a set has; [] where it has none."""
    return query.get("answers") or [] if kind_of(query) == ANSWERABLE else []


def said(told: Answer, kind: str, *, right: bool) -> Asked:
    """What was said to a question of this kind."""
    known = told.confidence
    word = "not_found" if told.state == "not_found" else str(told.sure)
    return Asked(kind, known.found or 0.0, known.supported or 0.0, word, right)


def holds(told: Answer, wanted: Sequence[str]) -> bool:
    """Whether the first quote holds one of the answers, in whatever case."""
    if not told.quotes:
        return False
    said = told.quotes[0].quote.lower()
    return any(answer.lower() in said for answer in wanted)


def figures(rows: Sequence[Asked]) -> Figures:
    """All figures."""
    present = [row for row in rows if row.kind == ANSWERABLE]
    absent = [row for row in rows if row.kind != ANSWERABLE]
    masses = {
        True: PRESENT / max(len(present), 1),
        False: (1 - PRESENT) / max(len(absent), 1),
    }
    weighted = [
        (row.supported, row.right, masses[row.kind == ANSWERABLE]) for row in rows
    ]
    error, brier = calibration(weighted)
    at, share = called(weighted, RIGHT)
    return {
        "queries": len(rows),
        "first_quote": mean([float(row.right) for row in present]),
        "auroc": {
            "found": _areas(present, absent, "found"),
            "supported": _areas(present, absent, "supported"),
        },
        "ece": error,
        "brier": brier,
        "surest": {str(part): covered(weighted, part) for part in SHARES},
        "right_at_85": {"from": at, "share": share},
        "words": {word: _word(rows, masses, word) for word in WORDS},
        "false_absences": mean([float(row.word == "not_found") for row in present]),
    }


def _areas(
    present: Collection[Asked], absent: Collection[Asked], head: str
) -> dict[str, float | None]:
    """AUROC of the answerable against each kind of absence."""
    kinds = {"all": absent}
    for kind in sorted({row.kind for row in absent}):
        kinds[kind] = [row for row in absent if row.kind == kind]
    told = [getattr(row, head) for row in present]
    areas = {}
    for kind, rows in kinds.items():
        areas[kind] = auroc(told, [getattr(row, head) for row in rows])
    return areas


def _word(rows: Sequence[Asked], masses: dict[bool, float], word: str) -> Figures:
    """Of the answers called so: how many, and how many of their mass are right; of "not_found": are absent."""
    mine = [row for row in rows if row.word == word]
    right = whole = 0.0
    for row in mine:
        mass = masses[row.kind == ANSWERABLE]
        whole += mass
        good = row.kind != ANSWERABLE if word == "not_found" else row.right
        right += mass * good
    return {"answers": len(mine), "right": round(right / whole, 4) if whole else None}


def covered(weighted: Sequence[Weighted], share: float) -> float:
    """How many are right of the surest share of the mass."""
    found = 0.0
    for _at, mass, right in _as_surest(weighted):
        found = round(right / mass, 4)
        if mass >= share:
            break
    return found


def called(weighted: Sequence[Weighted], least: float) -> tuple[float, float]:
    """(from which chance on at least so many are right, how many of the right answers that holds)."""
    every = sum(weight * truth for _chance, truth, weight in weighted)
    best = (1.0, 0.0)
    for chance, mass, right in _as_surest(weighted):
        if right >= least * mass:
            best = (round(chance, 4), round(right / every, 4) if every else 0.0)
    return best


def _as_surest(weighted: Sequence[Weighted]) -> Iterator[tuple[float, float, float]]:
    """(chance, mass, how much of that is right) of all that are at least so sure, the surest first. Equal chances come
    together, so that the order of a file changes nothing.
    """
    mass = right = 0.0
    rows = sorted(weighted, key=_chance, reverse=True)
    for chance, tied in itertools.groupby(rows, key=_chance):
        for _same, truth, weight in tied:
            mass += weight
            right += weight * truth
        yield chance, mass, right


def _chance(row: Weighted) -> float:
    return row[0]

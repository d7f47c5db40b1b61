"""`brain eval calibrate`: the head `found` moved toward a person's feedback, and thresholds from a target risk.

The shipped coefficients are the prior (`brain.confidence.refit`); what comes out is kept only when it predicts feedback
that it was not fitted on at least as well as the shipped ones. Thresholds move only when enough answers were judged to
bound the risk; until then the shipped ones stand. Leaves out storage. Serves `Brain.calibrate`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from brain import confidence
from brain.evaluation.metrics import Pairs, calibration
from ingest.document import digest

MIN_ROWS = 10  # judged answers of one head: with fewer nothing can be left out and predicted
FOLDS = 5  # parts of the feedback, each predicted by a fit on the others
SURE = 0.90  # how sure a bound on a risk must be (RETRIEVAL.md §5)
RISK = 0.10  # of answers given as sure although the notes do not hold it (RETRIEVAL.md §5)
FALSE_ABSENCES = (
    0.02  # of questions that the notes do hold, called "not in your notes" (RETRIEVAL.md §5)
)
FOUND, BY_WORDS = "found", "found_by_words"

Row = tuple[Mapping[str, float], bool]  # (signals, do the notes hold it)
Heads = Mapping[str, Mapping[str, float]]  # coefficients by head


@dataclass(frozen=True, slots=True)
class Head:
    """What `found` computes with: coefficients by head (one that is missing is as shipped), floor and threshold.

    `shipped` is the digest of the coefficients that it was fitted from: it holds only beside those.
    """

    coefficients: Heads = field(default_factory=dict)
    floor: float = confidence.FLOOR
    threshold: float = confidence.THRESHOLD
    shipped: str = ""

    def found(self, signals: Mapping[str, float]) -> float:
        """The probability that the notes hold it."""
        return confidence.found(
            signals, self.coefficients.get(FOUND if signals.get("has_dense") else BY_WORDS)
        )


AS_SHIPPED = Head()


def shipped() -> Heads:
    """The coefficients in the program, by head."""
    return {FOUND: confidence.FOUND, BY_WORDS: confidence.FOUND_BY_WORDS}


def version(heads: Heads | None = None) -> str:
    """A digest of the shipped coefficients and thresholds: a head fitted from others no longer fits."""
    parts = [
        {name: dict(one) for name, one in (heads or shipped()).items()},
        confidence.FLOOR,
        confidence.THRESHOLD,
    ]
    return digest(json.dumps(parts, sort_keys=True))[:16]


def dumped(head: Head) -> str:
    """The head as text, for the store."""
    return json.dumps(asdict(head), sort_keys=True)


def loaded(text: str | None, heads: Heads | None = None) -> Head:
    """The head that was kept, or the shipped one when there is none or the program's coefficients have changed since."""
    facts = json.loads(text) if text else {}
    return Head(**facts) if facts.get("shipped") == version(heads) else AS_SHIPPED


def calibrated(rows: Sequence[Row], heads: Heads | None = None) -> tuple[Head, dict[str, Any]]:
    """(the head that fits these rows, what changed and why not). `heads`: the prior, as shipped when None.

    With too few rows the head is the shipped one.
    """
    coefficients: dict[str, Mapping[str, float]] = {}
    report: dict[str, Any] = {}
    pairs: list[tuple[float, bool]] = []
    for name, prior in (heads or shipped()).items():
        mine = [row for row in rows if bool(row[0].get("has_dense")) == (name == FOUND)]
        before, after = _predicted(mine, prior)
        report[name] = one = _judged(mine, before, after)
        if not one["kept"]:
            pairs += before
            continue
        pairs += after
        coefficients[name] = confidence.refit(mine, prior)
        one["changed"] = {
            key: {"shipped": round(prior[key], 4), "now": round(value, 4)}
            for key, value in coefficients[name].items()
            if round(value, 4) != round(prior[key], 4)
        }
    head = Head(coefficients, floor(pairs), threshold(pairs), version(heads))
    report["floor"] = {"shipped": confidence.FLOOR, "now": head.floor}
    report["threshold"] = {
        "shipped": confidence.THRESHOLD,
        "now": head.threshold,
        "needs": needed(RISK),
    }
    return head, report


def _predicted(rows: Sequence[Row], prior: Mapping[str, float]) -> tuple[Pairs, Pairs]:
    """(what the shipped coefficients say, what a fit on the other folds says) of every row; the same with few rows."""
    before = [(confidence.found(signals, prior), truth) for signals, truth in rows]
    if len(rows) < MIN_ROWS:
        return before, before
    fits = [
        confidence.refit([row for at, row in enumerate(rows) if at % FOLDS != fold], prior)
        for fold in range(FOLDS)
    ]
    return before, [
        (confidence.found(signals, fits[at % FOLDS]), truth)
        for at, (signals, truth) in enumerate(rows)
    ]


def _judged(rows: Sequence[Row], before: Pairs, after: Pairs) -> dict[str, Any]:
    """Whether the refit is kept, and why (Brier score on feedback that it has not seen)."""
    facts: dict[str, Any] = {
        "rows": len(rows),
        "answerable": sum(truth for _, truth in rows),
        "kept": False,
        "changed": {},
    }
    if len(rows) < MIN_ROWS:
        return facts | {
            "brier": None,
            "reason": f"{len(rows)} of at least {MIN_ROWS} judged answers",
        }
    old, new = calibration(before)[1], calibration(after)[1]
    reason = (
        "it predicts left-out feedback better"
        if new < old
        else "the shipped coefficients predict it as well"
    )
    return facts | {"brier": {"shipped": old, "now": new}, "kept": new < old, "reason": reason}


def threshold(pairs: Pairs) -> float:
    """The lowest probability from which on the notes surely enough hold it: risk <= RISK, with SURE.

    From the surest answer down, as far as the bound holds at every step (fixed-sequence testing: Angelopoulos et al. 2021);
    the shipped one while too few answers were judged.
    """
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    found: float | None = None
    wrong = 0
    for number, (chance, truth) in enumerate(ordered, 1):
        wrong += not truth
        if number < needed(RISK) or (number < len(ordered) and ordered[number][0] == chance):
            continue
        if not bounded(wrong, number, RISK):
            break
        found = chance
    return confidence.THRESHOLD if found is None else round(max(found, confidence.FLOOR), 4)


def floor(pairs: Pairs) -> float:
    """The shipped floor, or a lower one when it would deny too many questions that the notes hold.

    It is never raised from feedback: a false "not in your notes" costs more than a weak answer.
    """
    present = sorted(chance for chance, truth in pairs if truth)
    denied = sum(chance < confidence.FLOOR for chance in present)
    allowed = int(FALSE_ABSENCES * len(present))
    return confidence.FLOOR if denied <= allowed else round(present[allowed], 4)


def bounded(wrong: int, number: int, risk: float) -> bool:
    """Whether `wrong` of `number` proves, with SURE, that the risk is at most `risk` (exact binomial test)."""
    ways = (math.comb(number, k) * risk**k * (1 - risk) ** (number - k) for k in range(wrong + 1))
    return sum(ways) <= 1 - SURE


def needed(risk: float) -> int:
    """How many answers without a mistake prove the risk: 22 for 0.10, as RETRIEVAL.md §5 says."""
    return math.ceil(math.log(1 - SURE) / math.log(1 - risk))

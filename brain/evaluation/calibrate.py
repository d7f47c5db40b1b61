"""`brain eval calibrate`: the probability `found` moved toward a person's feedback, and thresholds from a target risk.

The shipped coefficients are the prior (`brain.confidence.refit`); what comes out is kept only when it predicts feedback
that it was not fitted on at least as well as the shipped ones. Thresholds move only when enough answers were judged to
bound the risk; until then the shipped ones stand. Leaves out storage. Serves `Brain.calibrate`.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from brain import confidence
from brain.evaluation.metrics import Pair, Pairs, calibration
from ingest.document import digest

MIN_ROWS = 10  # judged answers of one head: with fewer nothing can be left out and predicted
FOLDS = 5  # parts of the feedback, each predicted by a fit on the others
SURE = 0.90  # how sure a bound on a risk must be
RISK = 0.10  # of answers given as sure although the notes do not hold it
FALSE_ABSENCES = 0.02  # of questions that the notes do hold, called "not in your notes"
FOUND, BY_WORDS = "found", "found_by_words"

Signals = Mapping[str, float]
Coefficients = Mapping[str, float]
Row = tuple[Signals, bool]  # (signals, do the notes hold it)
Heads = Mapping[str, Coefficients]  # coefficients by head


@dataclass(frozen=True, slots=True)
class Head:
    """What `found` computes with: coefficients by head (one that is missing is as shipped), floor and threshold.

    `shipped` is the digest of the coefficients that it was fitted from: it holds only beside those.
    """

    coefficients: Heads = field(default_factory=dict)
    floor: float = confidence.FLOOR
    threshold: float = confidence.THRESHOLD
    shipped: str = ""

    def found(self, signals: Signals) -> float:
        """The probability that the notes hold it."""
        return confidence.found(signals, self.coefficients.get(_head_of(signals)))


AS_SHIPPED = Head()


def _head_of(signals: Signals) -> str:
    """The head that speaks: another one where nothing was ranked by meaning."""
    return FOUND if signals.get("has_dense") else BY_WORDS


def shipped() -> Heads:
    """The coefficients in the program, by head."""
    return {FOUND: confidence.FOUND, BY_WORDS: confidence.FOUND_BY_WORDS}


def version(heads: Heads | None = None) -> str:
    """A digest of the shipped coefficients and thresholds: a head fitted from others no longer fits."""
    plain = {name: dict(one) for name, one in (heads or shipped()).items()}
    facts = [plain, confidence.FLOOR, confidence.THRESHOLD]
    return digest(json.dumps(facts, sort_keys=True))[:16]


def dumped(head: Head) -> str:
    """The head as text, for the store."""
    return json.dumps(asdict(head), sort_keys=True)


def loaded(text: str | None, heads: Heads | None = None) -> Head:
    """The head that was kept; the shipped one when there is none, or the program's coefficients have changed since."""
    facts = json.loads(text) if text else {}
    return Head(**facts) if facts.get("shipped") == version(heads) else AS_SHIPPED


def calibrated(rows: Sequence[Row], heads: Heads | None = None) -> tuple[Head, dict[str, Any]]:
    """(the head that fits these rows, what changed and why not). `heads`: the prior, as shipped when None.

    With too few rows the head is the shipped one.
    """
    coefficients: dict[str, Coefficients] = {}
    report: dict[str, Any] = {}
    pairs: list[Pair] = []
    for name, prior in (heads or shipped()).items():
        mine = [row for row in rows if _head_of(row[0]) == name]
        before, after = _predicted(mine, prior)
        report[name] = _judged(mine, before, after)
        if not report[name]["kept"]:
            pairs += before
            continue
        pairs += after
        coefficients[name] = confidence.refit(mine, prior)
        report[name]["changed"] = _changed(prior, coefficients[name])
    head = Head(coefficients, floor(pairs), threshold(pairs), version(heads))
    report["floor"] = {"shipped": confidence.FLOOR, "now": head.floor}
    report["threshold"] = {
        "shipped": confidence.THRESHOLD,
        "now": head.threshold,
        "needs": needed(RISK),
    }
    return head, report


def _changed(prior: Coefficients, fitted: Coefficients) -> dict[str, dict[str, float]]:
    """The coefficients that a reader would see change."""
    changed = {}
    for name, value in fitted.items():
        before = round(prior[name], 4)
        now = round(value, 4)
        if now != before:
            changed[name] = {"shipped": before, "now": now}
    return changed


def _predicted(rows: Sequence[Row], prior: Coefficients) -> tuple[list[Pair], list[Pair]]:
    """(what the shipped coefficients say, what a fit on the other folds says) of every row; the same with few rows."""
    before = [(confidence.found(signals, prior), truth) for signals, truth in rows]
    if len(rows) < MIN_ROWS:
        return before, before
    fits = []
    for fold in range(FOLDS):
        others = [row for number, row in enumerate(rows) if number % FOLDS != fold]
        fits.append(confidence.refit(others, prior))
    after = []
    for number, (signals, truth) in enumerate(rows):
        fit = fits[number % FOLDS]
        after.append((confidence.found(signals, fit), truth))
    return before, after


def _judged(rows: Sequence[Row], before: Pairs, after: Pairs) -> dict[str, Any]:
    """Whether the refit is kept, and why (Brier score on feedback that it has not seen)."""
    facts: dict[str, Any] = {
        "rows": len(rows),
        "answerable": sum(truth for _, truth in rows),
        "kept": False,
        "changed": {},
        "brier": None,
        "reason": f"{len(rows)} of at least {MIN_ROWS} judged answers",
    }
    if len(rows) < MIN_ROWS:
        return facts
    _error, old = calibration(before)
    _error, new = calibration(after)
    facts["brier"] = {"shipped": old, "now": new}
    facts["kept"] = new < old
    facts["reason"] = "the shipped coefficients predict it as well"
    if new < old:
        facts["reason"] = "it predicts left-out feedback better"
    return facts


def threshold(pairs: Pairs) -> float:
    """The lowest probability from which on the notes surely enough hold it: risk <= RISK, with SURE.

    From the surest answer down, as far as the bound holds at every step (fixed-sequence testing: Angelopoulos et al.
    2021); the shipped one while too few answers were judged.
    """
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    lowest: float | None = None
    judged = 0
    wrong = 0
    for chance, tied in itertools.groupby(ordered, key=lambda pair: pair[0]):
        for _chance, truth in tied:
            judged += 1
            wrong += not truth
        if judged < needed(RISK):
            continue
        if not bounded(wrong, judged, RISK):
            break
        lowest = chance
    if lowest is None:
        return confidence.THRESHOLD
    return round(max(lowest, confidence.FLOOR), 4)


def floor(pairs: Pairs) -> float:
    """The shipped floor, or a lower one when it would deny too many questions that the notes hold.

    It is never raised from feedback: a false "not in your notes" costs more than a weak answer.
    """
    present = sorted(chance for chance, truth in pairs if truth)
    denied = [chance for chance in present if chance < confidence.FLOOR]
    allowed = int(FALSE_ABSENCES * len(present))
    if len(denied) <= allowed:
        return confidence.FLOOR
    return round(present[allowed], 4)


def bounded(wrong: int, number: int, risk: float) -> bool:
    """Whether `wrong` of `number` proves, with SURE, that the risk is at most `risk` (exact binomial test)."""
    chance = 0.0
    for k in range(wrong + 1):
        chance += math.comb(number, k) * risk**k * (1 - risk) ** (number - k)
    return chance <= 1 - SURE


def needed(risk: float) -> int:
    """How many answers without a mistake prove the risk: 22 for 0.10."""
    return math.ceil(math.log(1 - SURE) / math.log(1 - risk))

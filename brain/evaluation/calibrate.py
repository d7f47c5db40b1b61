"""`brain eval calibrate`: the probability `found` moved toward a person's feedback, and thresholds from a target risk.

The shipped coefficients are the prior (`brain.confidence.refit`); what comes out is kept only when it predicts feedback
that it was not fitted on at least as well as the shipped ones. Thresholds move only when enough answers were judged to
bound the risk; until then the shipped ones stand. Leaves out storage. Serves `Brain.calibrate`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from brain import confidence
from brain.evaluation.metrics import Pair, Pairs, calibration, evenly
from brain.types import Measures
from ingest.document import digest

if TYPE_CHECKING:
    # A search reads the head: it need not load every report.
    from brain.reports import Figures

MIN_ROWS = (
    10  # judged answers of one head: with fewer nothing can be left out and predicted
)
FOLDS = 5  # parts of the feedback, each predicted by a fit on the others
SURE = 0.90  # how sure a bound on a risk must be
RISK = 0.10  # of answers given as sure although the notes do not hold it
FALSE_ABSENCES = 0.02  # of questions that the notes do hold, called "not in your notes"
FOUND = "found"
BY_WORDS = "found_by_words"

Row = tuple[Measures, bool]  # (signals, do the notes hold it)
Heads = Mapping[str, Measures]  # coefficients by head

# The coefficients in the program.
SHIPPED: Heads = {FOUND: confidence.FOUND, BY_WORDS: confidence.FOUND_BY_WORDS}


@dataclass(frozen=True, slots=True)
class Head:
    """What `found` computes with: coefficients by head (one that is missing is as shipped), floor and threshold.

    `shipped` is the digest of the coefficients that it was fitted from: it holds only beside those.
    """

    coefficients: Heads = field(default_factory=dict)
    floor: float = confidence.FLOOR
    threshold: float = confidence.THRESHOLD
    shipped: str = ""

    def found(self, signals: Measures) -> float:
        """The probability that the notes hold it."""
        return confidence.found(signals, self.coefficients.get(_head_of(signals)))


AS_SHIPPED = Head()


def _head_of(signals: Measures) -> str:
    """The head that speaks: another one where nothing was ranked by meaning."""
    return FOUND if signals.get("has_dense") else BY_WORDS


def version(heads: Heads = SHIPPED) -> str:
    """A digest of the shipped coefficients and thresholds: a head fitted from others no longer fits."""
    facts = [heads, confidence.FLOOR, confidence.THRESHOLD]
    return digest(json.dumps(facts, sort_keys=True))[:16]


def dumped(head: Head) -> str:
    """The head as text, for the store."""
    return json.dumps(asdict(head), sort_keys=True)


def loaded(text: str | None, heads: Heads = SHIPPED) -> Head:
    """The head that was kept; the shipped one when there is none, or the program's coefficients have changed since."""
    if not text:
        return AS_SHIPPED
    try:
        facts = json.loads(text)
        if facts.get("shipped") != version(heads):
            return AS_SHIPPED
        return Head(**facts)
    except (ValueError, TypeError, AttributeError, RecursionError):  # a damaged row
        return AS_SHIPPED


def calibrated(rows: Sequence[Row], heads: Heads = SHIPPED) -> tuple[Head, Figures]:
    """(the head that fits these rows, what changed and why not). `heads`: the prior.

    With too few rows the head is the shipped one.
    """
    coefficients = {}
    report: Figures = {}
    pairs: list[Pair] = []
    for name, prior in heads.items():
        mine = [row for row in rows if _head_of(row[0]) == name]
        before, after = _predicted(mine, prior)
        judged = _judged(before, after)
        report[name] = judged
        if judged["kept"]:
            pairs += after
            fitted = confidence.refit(mine, prior)
            coefficients[name] = fitted
            judged["changed"] = _changed(prior, fitted)
        else:
            pairs += before
    head = Head(coefficients, floor(pairs), threshold(pairs), version(heads))
    report["floor"] = _moved(confidence.FLOOR, head.floor)
    report["threshold"] = _moved(confidence.THRESHOLD, head.threshold)
    report["threshold"]["needs"] = needed(RISK)
    return head, report


def _changed(prior: Measures, fitted: Measures) -> Figures:
    """The coefficients that a reader would see change."""
    changed = {}
    for name, value in fitted.items():
        before = round(prior[name], 4)
        now = round(value, 4)
        if now != before:
            changed[name] = _moved(before, now)
    return changed


def _moved(shipped: float, now: float) -> dict[str, float]:
    return {"shipped": shipped, "now": now}


def _predicted(rows: Sequence[Row], prior: Measures) -> tuple[list[Pair], list[Pair]]:
    """(what the shipped coefficients say, what a fit on the other folds says) of every row; the same with few rows."""
    before = _said(rows, prior)
    if len(rows) < MIN_ROWS:
        return before, before
    after = list(before)
    for fold in range(FOLDS):
        others = [row for number, row in enumerate(rows) if number % FOLDS != fold]
        fit = confidence.refit(others, prior)
        after[fold::FOLDS] = _said(rows[fold::FOLDS], fit)
    return before, after


def _said(rows: Sequence[Row], coefficients: Measures) -> list[Pair]:
    return [(confidence.found(signals, coefficients), truth) for signals, truth in rows]


def _judged(before: Pairs, after: Pairs) -> Figures:
    """Whether the refit is kept, and why (Brier score on feedback that it has not seen)."""
    facts: Figures = {
        "rows": len(before),
        "answerable": sum(truth for _, truth in before),
        "kept": False,
        "changed": {},
        "brier": None,
        "reason": f"{len(before)} of at least {MIN_ROWS} judged answers",
    }
    if len(before) < MIN_ROWS:
        return facts
    _error, old = calibration(evenly(before))
    _error, new = calibration(evenly(after))
    facts["brier"] = _moved(old, new)
    facts["reason"] = "the shipped coefficients predict it as well"
    if new < old:
        facts["kept"] = True
        facts["reason"] = "it predicts left-out feedback better"
    return facts


def threshold(pairs: Pairs) -> float:
    """The lowest probability from which on the notes surely enough hold it: risk <= RISK, with SURE.

    From the surest answer down, as far as the bound holds at every step (fixed-sequence testing: Angelopoulos et al.
    2021); the shipped one while too few answers were judged.
    """
    lowest = confidence.THRESHOLD
    for chance in sorted({chance for chance, _truth in pairs}, reverse=True):
        answered = [truth for other, truth in pairs if other >= chance]
        if len(answered) < needed(RISK):
            continue
        if not bounded(answered.count(False), len(answered), RISK):
            break
        lowest = round(max(chance, confidence.FLOOR), 4)
    return lowest


def floor(pairs: Pairs) -> float:
    """The shipped floor, or a lower one when it would deny too many questions that the notes hold.

    It is never raised from feedback: a false "not in your notes" costs more than a weak answer.
    """
    present = sorted(chance for chance, truth in pairs if truth)
    allowed = int(FALSE_ABSENCES * len(present))
    if present and present[allowed] < confidence.FLOOR:
        return round(present[allowed], 4)
    return confidence.FLOOR


def bounded(wrong: int, number: int, risk: float) -> bool:
    """Whether `wrong` of `number` proves, with SURE, that the risk is at most `risk` (exact binomial test)."""
    chance = 0.0
    for k in range(wrong + 1):
        ways = math.comb(number, k)
        chance += ways * risk**k * (1 - risk) ** (number - k)
    return chance <= 1 - SURE


def needed(risk: float) -> int:
    """How many answers without a mistake prove the risk: 22 for 0.10."""
    return math.ceil(math.log(1 - SURE) / math.log(1 - risk))

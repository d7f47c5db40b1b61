"""`brain eval answerability`: does the probability `found` tell the questions that can be answered from the others?

Reads the probability that `Brain.search` (or, for conversations, `Brain.recall`) gives, as shipped. Leaves out fitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brain import confidence
from brain.evaluation import recall, retrieval
from brain.evaluation.folder import Line, read_set
from brain.evaluation.metrics import (
    Pairs,
    Weighted,
    at_prior,
    auroc,
    brier_skill,
    calibration,
    evenly,
    require,
    risk_coverage,
    shortened,
)
from brain.evaluation.retrieval import Measurable, Setup
from brain.reports import Figures
from brain.types import Request

ANSWERABLE = "answerable"
QUARTER = 0.25  # share of answerable questions under which calibration is judged, beside a half

Rows = Sequence[tuple[str, float]]  # ("answerable" or the kind of absence, probability)


def answerability(directory: Path, setup: Setup) -> Figures:
    """The report that docs/RETRIEVAL.md explains: AUROC by kind of absence, ECE, Brier, AURC, the shipped threshold."""
    require()
    judged = read_set(directory)
    rows: list[tuple[str, float]] = []
    fill = recall.fill if judged.talks else retrieval.fill
    for part, brain, _names in setup.stores(judged, fill):
        for number, query in enumerate(part.queries, 1):
            told = chance(brain, query["text"], recalled=part.talks)
            rows.append((kind_of(query), told))
            setup.progress("questions", number, len(part.queries))
    return {"set": judged.name} | figures(rows)


def chance(brain: Measurable, question: str, *, recalled: bool) -> float:
    """What the person is told: the probability that the store holds it; 0 where nothing was found at all."""
    request = Request(question, look=False)
    told = brain.recall(request) if recalled else brain.search(request)
    return told.confidence.found or 0.0


def kind_of(query: Line) -> str:
    """ "answerable", or the kind of absence."""
    if query.get("answerable", 1) not in (0, False):
        return ANSWERABLE
    return str(query.get("kind") or query.get("category") or "absent")


def figures(rows: Rows) -> Figures:
    """All figures from (kind, probability) rows."""
    present = [p for kind, p in rows if kind == ANSWERABLE]
    absent = {"all": [p for kind, p in rows if kind != ANSWERABLE]}
    for kind in sorted({kind for kind, _p in rows} - {ANSWERABLE}):
        absent[kind] = [p for one, p in rows if one == kind]
    pairs = [(p, kind == ANSWERABLE) for kind, p in rows]
    half = weighted(pairs, 0.5)
    # One probability cannot fit two priors: the odds are moved to the rarer one.
    rarer = weighted(at_prior(pairs, QUARTER), QUARTER)
    ece, brier = calibration(half)
    ece_rarer, brier_rarer = calibration(rarer)
    ece_as_told, _brier = calibration(weighted(pairs, QUARTER))
    curve, area = risk_coverage(pairs)
    given = [truth for p, truth in pairs if p >= confidence.THRESHOLD]
    denied = [p for p in present if p < confidence.FLOOR]
    return {
        "queries": len(rows),
        "auroc": {kind: auroc(present, found) for kind, found in absent.items()},
        "ece": ece,
        "brier": brier,
        "brier_skill": brier_skill(half),
        "ece_25_75": ece_rarer,
        "brier_25_75": brier_rarer,
        "brier_skill_25_75": brier_skill(rarer),
        "ece_25_75_as_told": ece_as_told,
        "aurc": area,
        "curve": shortened(curve),
        "threshold": confidence.THRESHOLD,
        "coverage": _share(len(given), len(pairs)),
        "risk": _share(given.count(False), len(given)),
        "floor": confidence.FLOOR,
        "false_absences": _share(len(denied), len(present)),
    }


def _share(part: int, whole: int) -> float:
    """0 of nothing."""
    return round(part / max(whole, 1), 4)


def weighted(pairs: Pairs, share: float) -> list[Weighted]:
    """With weights under which this share of the mass is answerable; all alike when one of the two is missing."""
    answerable = sum(truth for _p, truth in pairs)
    absent = len(pairs) - answerable
    if not answerable or not absent:
        return evenly(pairs)
    weights = {True: share / answerable, False: (1 - share) / absent}
    return [(p, truth, weights[truth]) for p, truth in pairs]

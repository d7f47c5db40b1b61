"""`brain eval answerability`: does the probability `found` tell the questions that can be answered from the others?

Reads the probability that `Brain.search` (or, for conversations, `Brain.recall`) gives, as shipped. Leaves out fitting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brain import confidence
from brain.evaluation import recall, retrieval
from brain.evaluation.folder import read_set
from brain.evaluation.metrics import (
    Pairs,
    at_prior,
    auroc,
    brier_skill,
    calibration,
    require,
    risk_coverage,
    shortened,
)
from brain.evaluation.retrieval import Measurable, OpenStore, stores
from brain.protocols import Progress, silent
from brain.types import Request

ANSWERABLE = "answerable"
QUARTER = 0.25  # share of answerable questions under which calibration is judged, beside a half

Rows = Sequence[tuple[str, float]]  # ("answerable" or the kind of absence, probability)


def answerability(
    directory: Path,
    open_brain: OpenStore,
    *,
    filler: OpenStore | None = None,
    vectors: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The report that docs/RETRIEVAL.md explains: AUROC by kind of absence, ECE, Brier, AURC, the shipped threshold.

    `filler` and `vectors` as for `retrieval`.
    """
    require()
    judged = read_set(directory)
    rows: list[tuple[str, float]] = []
    fill = recall.fill if judged.talks else retrieval.fill
    for part, brain, _names in stores(judged, fill, open_brain, filler, vectors):
        for number, query in enumerate(part.queries, 1):
            rows.append(
                (kind_of(query), chance(brain, query["text"], recalled=part.talks))
            )
            progress("questions", number, len(part.queries))
    return {"schema": 1, "set": judged.name} | figures(rows)


def chance(brain: Measurable, question: str, *, recalled: bool) -> float:
    """What the person is told: the probability that the store holds it; 0 where nothing was found at all."""
    request = Request(question, look=False)
    told = brain.recall(request) if recalled else brain.search(request)
    return told.confidence.found or 0.0


def kind_of(query: Mapping[str, Any]) -> str:
    """ "answerable", or the kind of absence."""
    if query.get("answerable", 1) not in (0, False):
        return ANSWERABLE
    return str(query.get("kind") or query.get("category") or "absent")


def figures(rows: Rows) -> dict[str, Any]:
    """All figures from (kind, probability) rows."""
    present = [p for kind, p in rows if kind == ANSWERABLE]
    absent = {"all": [p for kind, p in rows if kind != ANSWERABLE]}
    for kind in sorted({kind for kind, _p in rows} - {ANSWERABLE}):
        absent[kind] = [p for one, p in rows if one == kind]
    pairs = [(p, kind == ANSWERABLE) for kind, p in rows]
    half = weights(pairs, 0.5)
    quarter = weights(pairs, QUARTER)
    # One probability cannot fit two priors: the odds are moved to the rarer one.
    rarer = at_prior(pairs, QUARTER)
    ece, brier = calibration(pairs, half)
    ece_rarer, brier_rarer = calibration(rarer, quarter)
    curve, area = risk_coverage(pairs)
    given = [truth for p, truth in pairs if p >= confidence.THRESHOLD]
    denied = [p for p in present if p < confidence.FLOOR]
    return {
        "queries": len(rows),
        "auroc": {kind: auroc(present, found) for kind, found in absent.items()},
        "ece": ece,
        "brier": brier,
        "brier_skill": brier_skill(pairs, half),
        "ece_25_75": ece_rarer,
        "brier_25_75": brier_rarer,
        "brier_skill_25_75": brier_skill(rarer, quarter),
        "ece_25_75_as_told": calibration(pairs, quarter)[0],
        "aurc": area,
        "curve": [
            {"coverage": coverage, "risk": risk} for coverage, risk in shortened(curve)
        ],
        "threshold": confidence.THRESHOLD,
        "coverage": _share(len(given), len(pairs)),
        "risk": _share(given.count(False), len(given)),
        "floor": confidence.FLOOR,
        "false_absences": _share(len(denied), len(present)),
    }


def _share(part: int, whole: int) -> float:
    """0 of nothing."""
    return round(part / max(whole, 1), 4)


def weights(pairs: Pairs, share: float) -> list[float]:
    """Weights under which this share of the mass is answerable; all alike when one of the two is missing."""
    truths = [truth for _p, truth in pairs]
    if len(set(truths)) < 2:
        return [1.0] * len(pairs)
    each = {truth: truths.count(truth) for truth in (True, False)}
    return [(share if truth else 1 - share) / each[truth] for truth in truths]

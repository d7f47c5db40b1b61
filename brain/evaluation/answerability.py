"""`brain eval answerability`: does the head `found` tell the questions that the store can answer from the others?

Reads the probability that `Brain.search` (or, for conversations, `Brain.recall`) gives, as shipped. Leaves out fitting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brain import confidence
from brain.evaluation import recall as talks
from brain.evaluation import retrieval as notes
from brain.evaluation.folder import conversations, read_set
from brain.evaluation.metrics import (
    at_prior,
    auroc,
    brier_skill,
    calibration,
    require,
    risk_coverage,
    shortened,
)
from brain.evaluation.retrieval import Home, OpenBrain
from brain.protocols import BrainLike, Progress, silent

ANSWERABLE = "answerable"
HALF, QUARTER = (
    0.5,
    0.25,
)  # shares of answerable questions under which calibration is judged (RETRIEVAL.md §5)

Rows = Sequence[tuple[str, float]]  # ("answerable" or the kind of absence, probability)


def answerability(
    directory: Path,
    open_brain: OpenBrain,
    *,
    filler: OpenBrain | None = None,
    vectors: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The report of RETRIEVAL.md §5: AUROC by kind of absence, ECE, Brier, AURC, the shipped threshold.

    `filler` and `vectors` as for `retrieval`.
    """
    require()
    judged = read_set(directory)
    rows: list[tuple[str, float]] = []
    for part in conversations(judged):
        with Home.of(vectors, judged, part) as home:
            (talks if part.talks else notes).fill(home, part, open_brain, filler)
            with open_brain(home) as brain:
                brain.sync()
                for number, query in enumerate(part.queries, 1):
                    rows.append((kind_of(query), chance(brain, query["text"], recalled=part.talks)))
                    progress("questions", number, len(part.queries))
    return {"schema": 1, "set": judged.name} | figures(rows)


def chance(brain: BrainLike, question: str, *, recalled: bool) -> float:
    """What the person is told: the probability that the store holds it; 0 where nothing was found at all."""
    told = brain.recall(question) if recalled else brain.search(question, look=False)
    return told.confidence.found if told.confidence.found is not None else 0.0


def kind_of(query: Mapping[str, Any]) -> str:
    """ "answerable", or the kind of absence."""
    if query.get("answerable", 1) not in (0, False):
        return ANSWERABLE
    return str(query.get("kind") or query.get("category") or "absent")


def figures(rows: Rows) -> dict[str, Any]:
    """All figures from (kind, probability) rows."""
    present = [p for kind, p in rows if kind == ANSWERABLE]
    kinds = sorted({kind for kind, _ in rows} - {ANSWERABLE})
    areas = {"all": auroc(present, [p for kind, p in rows if kind != ANSWERABLE])}
    areas |= {kind: auroc(present, [p for k, p in rows if k == kind]) for kind in kinds}
    pairs = [(p, kind == ANSWERABLE) for kind, p in rows]
    half, quarter = weights(pairs, HALF), weights(pairs, QUARTER)
    rarer = at_prior(
        pairs, QUARTER
    )  # one probability cannot fit two priors: the odds are moved to the rarer one
    curve, area = risk_coverage(pairs)
    given = [truth for p, truth in pairs if p >= confidence.THRESHOLD]
    return {
        "queries": len(rows),
        "auroc": areas,
        "ece": calibration(pairs, half)[0],
        "brier": calibration(pairs, half)[1],
        "brier_skill": brier_skill(pairs, half),
        "ece_25_75": calibration(rarer, quarter)[0],
        "brier_25_75": calibration(rarer, quarter)[1],
        "brier_skill_25_75": brier_skill(rarer, quarter),
        "ece_25_75_as_told": calibration(pairs, quarter)[0],
        "aurc": area,
        "curve": [{"coverage": coverage, "risk": risk} for coverage, risk in shortened(curve)],
        "threshold": confidence.THRESHOLD,
        "coverage": round(len(given) / len(pairs), 4) if pairs else 0.0,
        "risk": round(given.count(False) / len(given), 4) if given else 0.0,
        "floor": confidence.FLOOR,
        "false_absences": round(sum(p < confidence.FLOOR for p in present) / len(present), 4)
        if present
        else 0.0,
    }


def weights(pairs: Sequence[tuple[float, bool]], share: float) -> list[float]:
    """Weights under which this share of the mass is answerable; all alike when one of the two is missing."""
    positive = sum(truth for _, truth in pairs)
    negative = len(pairs) - positive
    if not positive or not negative:
        return [1.0] * len(pairs)
    return [share / positive if truth else (1 - share) / negative for _, truth in pairs]

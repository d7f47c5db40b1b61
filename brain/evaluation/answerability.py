"""`brain eval answerability`: does the head `found` tell the questions that the store can answer from the others?

Reads the probability that `Brain.search` (or, for conversations, `Brain.recall`) gives, as shipped. Leaves out fitting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brain import confidence
from brain.evaluation.folder import Judged, conversations, read_set, write_files
from brain.evaluation.metrics import auroc, calibration, risk_coverage
from brain.evaluation.recall import take_in
from brain.evaluation.retrieval import Home, OpenBrain
from brain.protocols import Progress, silent

ANSWERABLE = "answerable"


def answerability(
    directory: Path, open_brain: OpenBrain, *, vectors: Path | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """The report of RETRIEVAL.md §5: AUROC by kind of absence, ECE, Brier, AURC, the shipped threshold."""
    judged = read_set(directory)
    rows: list[tuple[str, float]] = []
    for part in conversations(judged):
        with Home(vectors, f"{judged.name}-{part.name}") as home, open_brain(home) as brain:
            talks = bool(part.documents) and bool(part.documents[0].get("conv"))
            if talks:
                take_in(brain, part)
            else:
                write_files(part, home / "corpus")
                brain.add([home / "corpus"])
                brain.sync()
            for number, query in enumerate(part.queries, 1):
                if talks:
                    said = brain.recall(query["text"]).confidence.found
                else:
                    said = brain.search(query["text"], look=False).confidence.found
                rows.append((kind_of(query), said if said is not None else 0.0))
                progress("questions", number, len(part.queries))
    return report(judged, rows)


def kind_of(query: Mapping[str, Any]) -> str:
    """"answerable", or the kind of absence."""
    kind = str(query.get("kind") or "")
    if query.get("answerable", 1) not in (0, False):
        return ANSWERABLE
    return kind or str(query.get("category") or "absent")


def report(judged: Judged, rows: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """All figures from (kind, probability) rows."""
    present = [p for kind, p in rows if kind == ANSWERABLE]
    kinds = sorted({kind for kind, _ in rows} - {ANSWERABLE})
    areas = {"all": auroc(present, [p for kind, p in rows if kind != ANSWERABLE])}
    areas |= {kind: auroc(present, [p for k, p in rows if k == kind]) for kind in kinds}
    pairs = [(p, kind == ANSWERABLE) for kind, p in rows]
    balanced = {share: calibration(pairs, _weights(pairs, share)) for share in (0.5, 0.25)}
    _curve, area = risk_coverage(pairs)
    given = [truth for p, truth in pairs if p >= confidence.THRESHOLD]
    return {
        "schema": 1,
        "set": judged.name,
        "queries": len(rows),
        "auroc": areas,
        "ece": balanced[0.5][0],
        "brier": balanced[0.5][1],
        "ece_25_75": balanced[0.25][0],
        "brier_25_75": balanced[0.25][1],
        "aurc": area,
        "threshold": confidence.THRESHOLD,
        "coverage": round(len(given) / len(pairs), 4) if pairs else 0.0,
        "risk": round(given.count(False) / len(given), 4) if given else 0.0,
        "floor": confidence.FLOOR,
        "false_absences": round(sum(p < confidence.FLOOR for p in present) / len(present), 4) if present else 0.0,
    }


def _weights(pairs: Sequence[tuple[float, bool]], share: float) -> list[float]:
    """Weights under which this share of the mass is answerable."""
    positive = sum(truth for _, truth in pairs) or 1
    negative = (len(pairs) - positive) or 1
    return [share / positive if truth else (1 - share) / negative for _, truth in pairs]

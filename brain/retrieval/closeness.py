"""How close the candidates' vectors are to the question's, to their neighbours', and to one another.

Works on at most a few hundred vectors that are already stored; computes no embedding. Leaves out every weight. Serves
`retrieve`; loads numpy, so it is imported only when there is a vector to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SCALE = 5.0  # cosines of one question spread over about 0.2: times this, they are of the size of the lexical shares
FEW, MANY = (
    3,
    10,
)  # candidates of the first look that feedback leans on, narrowly and widely (RM3 uses 10)
SOFT = 3.0  # how much flatter the weights of the wide feedback are than those of the narrow one
CROWD = 5  # nearest other candidates that say how crowded the place of a candidate is

Matrix = Any  # numpy.ndarray of float32


def cosines(ids: Sequence[str], vectors: Mapping[str, Matrix], question: Matrix) -> Matrix:
    """The cosine of each candidate; a candidate without a vector gets the least one."""
    known = {key: float(vectors[key] @ question) for key in ids if key in vectors}
    least = min(known.values(), default=0.0)
    return np.array([known.get(key, least) for key in ids], np.float32)


def best_sentences(
    ids: Sequence[str], sentences: Mapping[str, Matrix], question: Matrix, otherwise: Matrix
) -> Matrix:
    """The cosine of the best sentence of each candidate, that of the whole where no sentence has a vector."""
    best = otherwise.copy()
    for row, key in enumerate(ids):
        if key in sentences and len(sentences[key]):
            best[row] = float((sentences[key] @ question).max())
    return best


def windows(
    ids: Sequence[str],
    vectors: Mapping[str, Matrix],
    beside: Mapping[str, tuple[str | None, str | None]],
    question: Matrix,
    alone: Matrix,
) -> Matrix:
    """How much closer a short text is together with the ones before and after it, than alone; 0 for other texts."""
    gain = np.zeros(len(ids), np.float32)
    for row, key in enumerate(ids):
        around = [
            vectors[other]
            for other in beside.get(key, ())
            if other is not None and other in vectors
        ]
        if around and key in vectors:
            total = vectors[key] + sum(around)
            gain[row] = float(total @ question) / (float(np.linalg.norm(total)) or 1.0) - alone[row]
    return gain


def feedback(
    ids: Sequence[str], vectors: Mapping[str, Matrix], look: Sequence[float]
) -> dict[str, Matrix]:
    """What the best candidates of a first look say about all: "few", "many" (mean cosine with them, itself left out,
    weighed by their scores, Rocchio 1971) and "crowd" (mean cosine with the nearest others, whatever their score).
    """
    dimensions = len(next(iter(vectors.values())))
    matrix = np.stack([vectors.get(key, np.zeros(dimensions, np.float32)) for key in ids])
    alike = matrix @ matrix.T
    scores = np.asarray(look)
    others = alike - np.diag(np.full(len(ids), 2.0, np.float32))
    nearest = np.sort(others, axis=1)[:, -CROWD:]
    return {
        "few": _pull(alike, scores, FEW, 1.0),
        "many": _pull(alike, scores, MANY, SOFT),
        "crowd": np.where(nearest > -1.0, nearest, 0.0).mean(axis=1),
    }


def _pull(alike: Matrix, scores: Matrix, count: int, softness: float) -> Matrix:
    top = np.argsort(-scores, kind="stable")[:count]
    weights = np.tile(np.exp((scores[top] - scores[top[0]]) / softness), (len(scores), 1))
    weights[top, np.arange(len(top))] = 0.0
    return (weights * alike[:, top]).sum(axis=1) / (weights.sum(axis=1) + np.float32(1e-6))

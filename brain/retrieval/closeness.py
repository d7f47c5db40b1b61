"""How close the candidates' vectors are to the question's, to their neighbours', and to one another.

Works on at most a few hundred vectors that are already stored; computes no embedding. Leaves out every weight. Serves
`candidates`; loads numpy, so it is imported only when there is a vector to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SCALE = 5.0  # cosines of one question spread over about 0.2: times this, they are of the size of the lexical shares
# Candidates of the first look that feedback leans on, narrowly and widely (RM3 uses 10).
FEW = 3
MANY = 10
SOFTNESS = 3.0  # how much flatter the weights of the wide feedback are than those of the narrow one
NEAREST = 5  # other candidates that say how crowded the place of a candidate is
TINY = np.float32(1e-6)  # of weights: no division by nothing
# Taken off a candidate's cosine with itself, so that it is no neighbour of its own.
BELOW_ANY_COSINE = 2.0

Matrix = Any  # numpy.ndarray of float32
Vectors = Mapping[str, Matrix]
"""Vectors, or sentences' vectors, by chunk id."""


def cosines(ids: Sequence[str], vectors: Vectors, question: Matrix) -> Matrix:
    """The cosine of each candidate; a candidate without a vector gets the least one."""
    known = {}
    for key in ids:
        if key in vectors:
            cosine = vectors[key] @ question
            known[key] = float(cosine)
    least = min(known.values(), default=0.0)
    values = [known.get(key, least) for key in ids]
    return np.array(values, np.float32)


def best_sentences(
    ids: Sequence[str], sentences: Vectors, question: Matrix, otherwise: Matrix
) -> Matrix:
    """The cosine of the best sentence of each candidate, that of the whole where no sentence has a vector."""
    best = otherwise.copy()
    for row, key in enumerate(ids):
        own = sentences.get(key, ())
        if len(own):
            cosine = own @ question
            best[row] = float(cosine.max())
    return best


def windows(
    ids: Sequence[str],
    vectors: Vectors,
    beside: Mapping[str, Sequence[str | None]],
    question: Matrix,
    alone: Matrix,
) -> Matrix:
    """How much closer a short text is together with the ones before and after it, than alone; 0 for other texts."""
    gain = np.zeros(len(ids), np.float32)
    for row, key in enumerate(ids):
        near = [other for other in beside.get(key, ()) if other in vectors]
        if not near or key not in vectors:
            continue
        around = [vectors[str(other)] for other in near]
        together = vectors[key] + sum(around)
        length = float(np.linalg.norm(together)) or 1.0
        cosine = float(together @ question) / length
        gain[row] = cosine - alone[row]
    return gain


def feedback(
    ids: Sequence[str], vectors: Vectors, first_scores: Sequence[float]
) -> Vectors:
    """What the best candidates of a first look say about all: "few", "many" (mean cosine with them, itself left out,
    weighed by their scores, Rocchio 1971) and "crowd" (mean cosine with the nearest others, whatever their score).
    """
    unknown = np.zeros_like(next(iter(vectors.values())))
    matrix = np.stack([vectors.get(key, unknown) for key in ids])
    alike = matrix @ matrix.T
    scores = np.asarray(first_scores)
    itself = np.full(len(ids), BELOW_ANY_COSINE, np.float32)
    by_closeness = np.sort(alike - np.diag(itself), axis=1)
    nearest = by_closeness[:, -NEAREST:]
    return {
        "few": _weighted_mean(alike, scores, FEW, 1.0),
        "many": _weighted_mean(alike, scores, MANY, SOFTNESS),
        "crowd": np.where(nearest > -1.0, nearest, 0.0).mean(axis=1),
    }


def _weighted_mean(
    alike: Matrix, scores: Matrix, count: int, softness: float
) -> Matrix:
    """The mean cosine of each candidate with the `count` best others, weighed by their scores."""
    top = np.argsort(-scores, kind="stable")[:count]
    best = scores[top]
    behind = (best - best[0]) / softness
    weights = np.tile(np.exp(behind), (len(scores), 1))
    weights[top, np.arange(len(top))] = 0.0
    total = weights.sum(axis=1) + TINY
    weighted = weights * alike[:, top]
    return weighted.sum(axis=1) / total

"""How sure: `found` (is it in the notes at all?) and `supported` (does the answer follow?), and the checkable grade.

Two logistic models with shipped coefficients, refitted toward them on a person's feedback (MAP with a Gaussian prior:
few answers move them little). Leaves out measuring: signals come from retrieval, support features from the answerer, both
as named numbers. Fitted by benchmarks/fit_confidence.py, figures in benchmarks/CONFIDENCE.md. Serves `ask` and `search`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

INTERCEPT = "intercept"
FLOOR = 0.05  # found: below it "not in your notes"; placeholder until fitted
THRESHOLD = 0.5
SUPPORTED_AT = 0.8
MAX_UNCITED = 0.25  # share of uncited sentences from which an answer is weak (SOVEREIGNTY §5)
PRIOR_VARIANCE = 0.25  # of a coefficient around the shipped one: 30 rows move the probability by about .1
NEWTON_STEPS = 25  # at most; three to six are enough
NEWTON_CLOSE = 1e-8  # change of a coefficient at which it stops
FOUND: Mapping[str, float] = {INTERCEPT: 0.0}
FOUND_BY_WORDS: Mapping[str, float] = {INTERCEPT: 0.0}
SUPPORTED: Mapping[str, float] = {INTERCEPT: 0.0}


def found(signals: Mapping[str, float], coefficients: Mapping[str, float] | None = None) -> float:
    """The probability that the notes hold it, 0 to 1, from `Retrieved.signals`.

    Never below FLOOR when every rare term of the question stands in one chunk.
    """
    shipped = FOUND if signals.get("has_dense") else FOUND_BY_WORDS
    chance = probability(signals, coefficients or shipped)
    return max(chance, FLOOR) if signals.get("rare_together") else chance


def supported(features: Mapping[str, float], coefficients: Mapping[str, float] | None = None) -> float:
    """The probability that the first quoted sentence answers the question; for the extractive answerer only."""
    return probability(features, coefficients or SUPPORTED)


def in_doubt(chance: float | None) -> bool:
    """Whether `found` lies in the unsure band: not absent, not surely there. Unknown is no doubt."""
    return chance is not None and chance < THRESHOLD


def grade(*, claims: int, uncited: int, unverified: int, found: float | None) -> Literal["strong", "weak"]:
    """The checkable grade of a written answer: weak when a sentence is not borne out by its citation, when more than
    one in four has none, when there is no claim at all, or when `found` is in doubt (SOVEREIGNTY §5).
    """
    weak = unverified > 0 or claims == 0 or uncited > MAX_UNCITED * claims or in_doubt(found)
    return "weak" if weak else "strong"


def probability(features: Mapping[str, float], coefficients: Mapping[str, float]) -> float:
    """The logistic function of the weighted sum; a feature that is not there counts as 0."""
    z = sum(weight * (1.0 if name == INTERCEPT else features.get(name, 0.0)) for name, weight in coefficients.items())
    return _logistic(z)


def refit(
    rows: Sequence[tuple[Mapping[str, float], bool]],
    shipped: Mapping[str, float],
    *,
    steps: int = NEWTON_STEPS,
) -> dict[str, float]:
    """Coefficients moved toward a person's feedback: the maximum a posteriori under a Gaussian prior around `shipped`.

    `rows`: (features, was it right). Newton's method on the penalised log-likelihood, which is convex; no rows, no change.
    """
    names = list(shipped)
    prior = [shipped[name] for name in names]
    x = [[1.0 if name == INTERCEPT else features.get(name, 0.0) for name in names] for features, _ in rows]
    y = [float(right) for _, right in rows]
    w = list(prior)
    for _ in range(steps):
        chances = [_logistic(sum(a * b for a, b in zip(w, row, strict=True))) for row in x]
        slope = [
            sum((p - t) * row[i] for p, t, row in zip(chances, y, x, strict=True)) + (w[i] - prior[i]) / PRIOR_VARIANCE
            for i in range(len(w))
        ]
        curve = [
            [
                sum(p * (1 - p) * row[i] * row[j] for p, row in zip(chances, x, strict=True))
                + (1 / PRIOR_VARIANCE if i == j else 0.0)
                for j in range(len(w))
            ]
            for i in range(len(w))
        ]
        step = _solve(curve, slope)
        w = [value - change for value, change in zip(w, step, strict=True)]
        if max(map(abs, step), default=0.0) < NEWTON_CLOSE:
            break
    return dict(zip(names, w, strict=True))


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x with matrix x = right, by Gaussian elimination; the matrix is symmetric and positive definite here."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, size):
            share = rows[k][i] / rows[i][i]
            rows[k] = [a - share * b for a, b in zip(rows[k], rows[i], strict=True)]
    x = [0.0] * size
    for i in reversed(range(size)):
        x[i] = (rows[i][size] - sum(rows[i][j] * x[j] for j in range(i + 1, size))) / rows[i][i]
    return x


def _logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))

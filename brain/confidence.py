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
FLOOR = 0.03  # of `found`: below it "not in your notes"; at most 2 % false absences on the sets left out
THRESHOLD = (
    0.32  # of `found`: from here on at most one in five topics is absent, with 90 % confidence; below it: unsure
)
SUPPORTED_AT = 0.87  # of `supported`: wrong in at most 10 % with 90 % confidence, near misses apart (CONFIDENCE.md)
MAX_UNCITED = 0.25  # share of uncited sentences from which an answer is weak (SOVEREIGNTY §5)
FOREIGN_COVERAGE = 0.4  # idf share, of a question without English function words, from which it is never called absent
NEAR_MISSES = 1 / 3  # of the questions that the notes cannot answer: the topic is there, the fact is not (RETRIEVAL §5)
TINY = 1e-9
MOST_LOG_ODDS = 8.0  # one in three thousand: beyond it nothing was measured
PRIOR_VARIANCE = 0.25  # of a coefficient around the shipped one: 30 rows move the probability by about .1
NEWTON_STEPS = 25  # at most; three to six are enough
NEWTON_CLOSE = 1e-8  # change of a coefficient at which it stops
FOUND: Mapping[str, float] = {
    INTERCEPT: -2.633,
    "fused_top_cosine": 0.639,
    "bm25": -0.580,
    "lexical_margin": -0.184,
    "share": 2.948,
    "coverage_1": 1.436,
    "coverage_best": -5.036,
    "sentence_coverage": 2.007,
    "pairs": 0.691,
    "gap": -5.062,
    "matched": 3.159,
    "missing": -1.762,
    "named": 1.550,
    "unnamed": 0.188,
    "unfit": -0.871,
    "terms": -0.524,
    "spoken": 0.629,
    "other_speaker": -3.197,
    "foreign": 1.041,
}
FOUND_BY_WORDS: Mapping[str, float] = {
    INTERCEPT: -3.077,
    "bm25": 1.450,
    "lexical_margin": -0.196,
    "share": 2.180,
    "coverage_1": -0.274,
    "coverage_best": -2.729,
    "sentence_coverage": 2.313,
    "pairs": 0.922,
    "gap": -3.597,
    "matched": 3.174,
    "missing": -1.864,
    "named": 1.417,
    "unnamed": -0.301,
    "unfit": -0.767,
    "terms": 0.113,
    "spoken": 1.860,
    "other_speaker": -2.876,
    "foreign": 1.215,
}
SUPPORTED: Mapping[str, float] = {
    INTERCEPT: -8.039,
    "probability": -0.340,
    "coverage": 2.512,
    "near": -0.044,
    "cosine": 0.822,
    "fits": 0.090,
    "fits_not": -0.123,
    "gap_here": -1.164,
    "turned": -0.461,
    "opposite": -5.831,
    "kind_number": 0.077,
    "kind_who": 0.364,
    "rank": 0.954,
    "found": -1.658,
    "words": 3.828,
    "fused_top_cosine": 1.539,
    "bm25": -1.524,
    "sentence_coverage": 3.324,
    "coverage_1": 1.031,
    "coverage_best": -8.379,
    "lexical_margin": -1.508,
    "share": 6.876,
    "gap": -8.757,
    "matched": 5.437,
    "missing": -4.166,
    "unnamed": 0.126,
    "named": 3.793,
    "has_names": 0.260,
    "unfit": -2.000,
    "pairs": 1.159,
    "rare_together": -0.297,
    "terms": -2.497,
}


def found(signals: Mapping[str, float], coefficients: Mapping[str, float] | None = None) -> float:
    """The probability that the notes hold it, 0 to 1, from `Retrieved.signals`.

    Never below FLOOR when every rare term of the question stands in one chunk, nor when a good part of a question in a
    language other than English does.
    """
    shipped = FOUND if signals.get("has_dense") else FOUND_BY_WORDS
    chance = among_near_misses(probability(signals, coefficients or shipped))
    half_there = signals.get("foreign") and signals.get("coverage_best", 0.0) >= FOREIGN_COVERAGE
    return max(chance, FLOOR) if signals.get("rare_together") or half_there else chance


def supported(features: Mapping[str, float], coefficients: Mapping[str, float] | None = None) -> float:
    """The probability that the first quoted sentence answers the question; for the extractive answerer only."""
    return probability(features, coefficients or SUPPORTED)


def in_doubt(chance: float | None, threshold: float = THRESHOLD) -> bool:
    """Whether `found` lies in the unsure band: not absent, not surely there. Unknown is no doubt."""
    return chance is not None and chance < threshold


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


def among_near_misses(chance: float) -> float:
    """The probability when one absent fact in three is a near miss, which retrieval cannot tell from a present one.

    `chance` knows only topics that are absent. With odds r for those, the odds become r / (2/3 + r/3): at most 3 to 1.
    """
    r = chance / max(1 - chance, TINY)
    return r / (r + (1 - NEAR_MISSES) + NEAR_MISSES * r)


def topic_log_odds(chance: float | None) -> float:
    """The log odds that `among_near_misses` was given, from what it gave; 0 when unknown. Kept within ±MOST_LOG_ODDS."""
    if chance is None:
        return 0.0
    r = (1 - NEAR_MISSES) * chance / max(1 - chance * (1 + NEAR_MISSES), TINY)
    return min(max(math.log(max(r, TINY)), -MOST_LOG_ODDS), MOST_LOG_ODDS)


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

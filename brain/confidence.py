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
FLOOR = 0.035  # of `found`: below it "not in your notes"; at most 2 % false absences on the sets left out
THRESHOLD = 0.32  # of `found`: from here on at most one in five topics is absent, with 90 % confidence; below it: unsure
SUPPORTED_AT = 0.89  # of `supported`: wrong in at most 10 % with 90 % confidence, near misses apart (CONFIDENCE.md)
MAX_UNCITED = 0.25  # share of uncited sentences from which an answer is weak (SOVEREIGNTY §5)
FOREIGN_COVERAGE = 0.4  # idf share, of a question without English function words, from which it is never called absent
MUCH_MATCHED = 0.6  # of the signal `matched`: 12 nats, three or four rare words; from there on it is never called absent
NEAR_MISSES = (
    1 / 3
)  # of the questions that the notes cannot answer: the topic is there, the fact is not (RETRIEVAL §5)
TINY = 1e-9
MOST_LOG_ODDS = 8.0  # one in three thousand: beyond it nothing was measured
PRIOR_VARIANCE = (
    0.25  # of a coefficient around the shipped one: 30 rows move the probability by about .1
)
NEWTON_STEPS = 25  # at most; three to six are enough
NEWTON_CLOSE = 1e-8  # change of a coefficient at which it stops
FOUND: Mapping[str, float] = {
    INTERCEPT: -4.235,
    "fused_top_cosine": 0.620,
    "bm25": -0.439,
    "lexical_margin": -0.279,
    "share": 2.611,
    "coverage_1": 1.510,
    "coverage_best": -3.776,
    "sentence_coverage": 2.543,
    "pairs": 0.395,
    "gap": -3.732,
    "matched": 2.185,
    "missing": -1.621,
    "named": 1.317,
    "unnamed": 0.079,
    "unfit": -0.861,
    "terms": 0.165,
    "spoken": 0.807,
    "other_speaker": -3.605,
    "foreign": 0.919,
}
FOUND_BY_WORDS: Mapping[str, float] = {
    INTERCEPT: -2.471,
    "bm25": 0.801,
    "lexical_margin": -0.313,
    "share": 1.988,
    "coverage_1": 1.492,
    "coverage_best": -4.285,
    "sentence_coverage": 2.348,
    "pairs": 0.530,
    "gap": -3.010,
    "matched": 2.910,
    "missing": -1.863,
    "named": 1.282,
    "unnamed": -0.194,
    "unfit": -0.749,
    "terms": 0.146,
    "spoken": 0.853,
    "other_speaker": -3.736,
    "foreign": 1.218,
}
SUPPORTED: Mapping[str, float] = {
    INTERCEPT: -11.631,
    "probability": -0.591,
    "coverage": 2.157,
    "near": 0.219,
    "cosine": 0.973,
    "fits": 0.111,
    "fits_not": 0.261,
    "gap_here": -1.101,
    "turned": -0.426,
    "opposite": -3.109,
    "kind_number": 0.150,
    "kind_who": 0.392,
    "rank": 0.466,
    "found": -1.795,
    "words": 4.023,
    "fused_top_cosine": 1.581,
    "bm25": -1.151,
    "sentence_coverage": 5.038,
    "coverage_1": 1.450,
    "coverage_best": -6.566,
    "lexical_margin": -1.731,
    "share": 6.734,
    "gap": -6.476,
    "matched": 3.766,
    "missing": -4.447,
    "unnamed": -0.015,
    "named": 3.559,
    "has_names": 0.327,
    "unfit": -2.511,
    "pairs": 0.524,
    "rare_together": -0.273,
    "terms": -1.001,
}


def found(signals: Mapping[str, float], coefficients: Mapping[str, float] | None = None) -> float:
    """The probability that the notes hold it, 0 to 1, from `Retrieved.signals`.

    Never below FLOOR when every rare term of the question stands in one chunk, nor when much of it does. Always below it when
    no word of the question, no relative and no misspelling of one stands in what was read, and vectors are those of the
    built-in embedder, which knows little more than words: of 9,642 answerable questions none is like that.
    """
    shipped = FOUND if signals.get("has_dense") else FOUND_BY_WORDS
    chance = among_near_misses(probability(signals, coefficients or shipped))
    if signals.get("rare_together") or much_there(signals):
        return max(chance, FLOOR)
    nothing = signals.get("matched") == 0 and not signals.get("sentence_cosine")
    return min(chance, FLOOR / 2) if nothing else chance


def much_there(signals: Mapping[str, float]) -> bool:
    """Whether one passage holds so much of the question that it is never called absent: a long claim has words that stand
    nowhere, and still its topic is there. Of other languages, whose function words weigh too, a share counts.
    """
    if signals.get("foreign"):
        return signals.get("coverage_best", 0.0) >= FOREIGN_COVERAGE
    return signals.get("matched", 0.0) >= MUCH_MATCHED


def supported(
    features: Mapping[str, float], coefficients: Mapping[str, float] | None = None
) -> float:
    """The probability that the first quoted sentence answers the question; for the extractive answerer only."""
    return probability(features, coefficients or SUPPORTED)


def in_doubt(chance: float | None, threshold: float = THRESHOLD) -> bool:
    """Whether `found` lies in the unsure band: not absent, not surely there. Unknown is no doubt."""
    return chance is not None and chance < threshold


def grade(
    *, claims: int, uncited: int, unverified: int, found: float | None
) -> Literal["strong", "weak"]:
    """The checkable grade of a written answer: weak when a sentence is not borne out by its citation, when more than
    one in four has none, when there is no claim at all, or when `found` is in doubt (SOVEREIGNTY §5).
    """
    weak = unverified > 0 or claims == 0 or uncited > MAX_UNCITED * claims or in_doubt(found)
    return "weak" if weak else "strong"


def probability(features: Mapping[str, float], coefficients: Mapping[str, float]) -> float:
    """The logistic function of the weighted sum; a feature that is not there counts as 0."""
    z = sum(
        weight * (1.0 if name == INTERCEPT else features.get(name, 0.0))
        for name, weight in coefficients.items()
    )
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
    x = [
        [1.0 if name == INTERCEPT else features.get(name, 0.0) for name in names]
        for features, _ in rows
    ]
    y = [float(right) for _, right in rows]
    w = list(prior)
    for _ in range(steps):
        chances = [_logistic(sum(a * b for a, b in zip(w, row, strict=True))) for row in x]
        slope = [
            sum((p - t) * row[i] for p, t, row in zip(chances, y, x, strict=True))
            + (w[i] - prior[i]) / PRIOR_VARIANCE
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

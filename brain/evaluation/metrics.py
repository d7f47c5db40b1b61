"""The figures: ranking metrics by `ir_measures`, areas and calibration of probabilities, bootstrap intervals.

Leaves out running anything. `ir_measures` and scikit-learn are the optional extra `eval`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from brain.errors import Unavailable

RANKING = ("nDCG@10", "S@1", "R@5", "R@10", "R@20", "RR@10")
BINS = 10  # equal-mass bins of the calibration error (RETRIEVAL.md §5)
RESAMPLES = 1_000  # of the bootstrap
SEED = 20260507

Run = Mapping[str, Mapping[str, float]]  # query -> document -> score


def ranking(qrels: Mapping[str, Mapping[str, int]], run: Run) -> dict[str, dict[str, float]]:
    """Metric -> query -> value, for every query that has a relevant document."""
    try:
        import ir_measures
    except ImportError:
        raise Unavailable("the evaluation needs ir_measures", "install it: pip install 'sovereign-brain[eval]'") from None
    names = {
        "nDCG@10": ir_measures.nDCG @ 10, "S@1": ir_measures.Success @ 1, "R@5": ir_measures.R @ 5,
        "R@10": ir_measures.R @ 10, "R@20": ir_measures.R @ 20, "RR@10": ir_measures.RR @ 10,
    }  # fmt: skip
    judged = {query: dict(grades) for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in names}
    back = {str(measure): name for name, measure in names.items()}
    found = {query: dict(scores) for query, scores in run.items() if query in judged and scores}
    for item in ir_measures.iter_calc(list(names.values()), judged, found) if found else ():
        values[back[str(item.measure)]][item.query_id] = float(item.value)
    return values


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the queries."""
    return {name: round(sum(one.values()) / max(len(one), 1), 4) for name, one in values.items()}


def percentile(numbers: Sequence[float], share: float) -> float:
    """The value below which this share of the numbers lies."""
    ordered = sorted(numbers)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def interval(values: Mapping[str, float], other: Mapping[str, float] | None = None) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, or of the mean difference to `other`."""
    numbers = [value - (other[key] if other else 0.0) for key, value in values.items()]
    if not numbers:
        return 0.0, 0.0
    random_ = random.Random(SEED)
    sums = sorted(sum(random_.choices(numbers, k=len(numbers))) / len(numbers) for _ in range(RESAMPLES))
    return round(sums[int(0.025 * RESAMPLES)], 4), round(sums[int(0.975 * RESAMPLES)], 4)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The probability that a positive stands above a negative; None without both."""
    if not positive or not negative:
        return None
    from sklearn.metrics import roc_auc_score

    labels = [1] * len(positive) + [0] * len(negative)
    return round(float(roc_auc_score(labels, [*positive, *negative])), 4)


def calibration(pairs: Sequence[tuple[float, bool]], weights: Sequence[float] | None = None) -> tuple[float, float]:
    """(expected calibration error over BINS of equal mass, Brier score), both weighted."""
    weighted = sorted(zip(pairs, weights or [1.0] * len(pairs), strict=True), key=lambda item: item[0][0])
    total = sum(weight for _, weight in weighted) or 1.0
    brier = sum(weight * (p - truth) ** 2 for (p, truth), weight in weighted) / total
    error, mass, bins = 0.0, 0.0, [[0.0, 0.0, 0.0] for _ in range(BINS)]
    for (p, truth), weight in weighted:
        held = bins[min(int(mass / total * BINS), BINS - 1)]
        held[0] += weight
        held[1] += weight * p
        held[2] += weight * truth
        mass += weight
    error = sum(abs(said - true) for held, said, true in bins if held) / total
    return round(error, 4), round(brier, 4)


def risk_coverage(pairs: Sequence[tuple[float, bool]]) -> tuple[list[tuple[float, float]], float]:
    """([(coverage, risk)] when the surest share is answered, the area under that curve)."""
    curve, wrong = [], 0
    for number, (_p, truth) in enumerate(sorted(pairs, key=lambda pair: -pair[0]), 1):
        wrong += not truth
        curve.append((number / len(pairs), wrong / number))
    area = sum(risk for _, risk in curve) / len(curve) if curve else 0.0
    return curve, round(area, 4)


def rounded(values: Mapping[str, Any], digits: int = 4) -> dict[str, Any]:
    """The same with floats rounded."""
    return {key: round(value, digits) if isinstance(value, float) else value for key, value in values.items()}

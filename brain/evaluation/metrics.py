"""The figures: ranking metrics by `ir_measures`, areas and calibration of probabilities, bootstrap intervals.

Leaves out running anything. `ir_measures` and scikit-learn are the optional extra `eval`. Questions with equal
probability stay together in every figure, so that the order of a file changes nothing.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from brain.errors import Unavailable

RANKING = ("nDCG@10", "S@1", "R@5", "R@10", "R@20", "RR@10")
BINS = 10  # equal-mass bins of the calibration error (RETRIEVAL.md §5)
RESAMPLES = 1_000  # of the bootstrap
SEED = 20260507
TAIL = 0.025  # on either side of a 95 % interval
CURVE_POINTS = 20  # of a risk-coverage curve that are reported: every twentieth of the questions

Run = Mapping[str, Mapping[str, float]]  # query -> document -> score
Pairs = Sequence[tuple[float, bool]]  # (probability, truth)


def require() -> None:
    """Raise `Unavailable` when the extra is not installed: before minutes of work, not after them."""
    _ir_measures()
    _sklearn()


def _ir_measures() -> ModuleType:
    try:
        import ir_measures
    except ImportError:
        raise _missing("ir_measures") from None
    found: ModuleType = ir_measures
    return found


def _sklearn() -> ModuleType:
    try:
        import sklearn.metrics
    except ImportError:
        raise _missing("scikit-learn") from None
    found: ModuleType = sklearn.metrics
    return found


def _missing(name: str) -> Unavailable:
    return Unavailable(
        f"the evaluation needs {name}", "install it: pip install 'sovereign-brain[eval]'"
    )


def ranking(qrels: Mapping[str, Mapping[str, int]], run: Run) -> dict[str, dict[str, float]]:
    """Metric -> query -> value, for every query that has a relevant document; 0 where nothing was found."""
    library = _ir_measures()
    names = {
        "nDCG@10": library.nDCG @ 10,
        "S@1": library.Success @ 1,
        "R@5": library.R @ 5,
        "R@10": library.R @ 10,
        "R@20": library.R @ 20,
        "RR@10": library.RR @ 10,
    }
    judged = {
        query: dict(grades)
        for query, grades in qrels.items()
        if any(grade > 0 for grade in grades.values())
    }
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in names}
    back = {str(measure): name for name, measure in names.items()}
    found = {query: dict(scores) for query, scores in run.items() if query in judged and scores}
    for item in library.iter_calc(list(names.values()), judged, found) if found else ():
        values[back[str(item.measure)]][item.query_id] = float(item.value)
    return values


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the queries."""
    return {name: round(sum(one.values()) / max(len(one), 1), 4) for name, one in values.items()}


def percentile(numbers: Sequence[float], share: float) -> float:
    """The value below which this share of the numbers lies (nearest rank); 0 of nothing."""
    ordered = sorted(numbers)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def latency(milliseconds: Sequence[float]) -> dict[str, float]:
    """{"p50_ms", "p95_ms"}, or nothing when nothing was timed."""
    if not milliseconds:
        return {}
    return {
        "p50_ms": round(percentile(milliseconds, 0.5), 2),
        "p95_ms": round(percentile(milliseconds, 0.95), 2),
    }


def interval(
    values: Mapping[str, float], other: Mapping[str, float] | None = None
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, or of the mean difference to `other` (paired by key)."""
    numbers = [value - (other[key] if other else 0.0) for key, value in values.items()]
    if not numbers:
        return 0.0, 0.0
    random_ = random.Random(SEED)
    sums = sorted(
        sum(random_.choices(numbers, k=len(numbers))) / len(numbers) for _ in range(RESAMPLES)
    )
    return round(sums[int(TAIL * RESAMPLES)], 4), round(sums[int((1 - TAIL) * RESAMPLES)], 4)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The probability that a positive stands above a negative, ties counting half; None without both."""
    if not positive or not negative:
        return None
    labels = [1] * len(positive) + [0] * len(negative)
    return round(float(_sklearn().roc_auc_score(labels, [*positive, *negative])), 4)


def calibration(pairs: Pairs, weights: Sequence[float] | None = None) -> tuple[float, float]:
    """(expected calibration error over BINS of equal mass, Brier score), both weighted."""
    weighted = sorted(
        zip(pairs, weights or [1.0] * len(pairs), strict=True), key=lambda item: item[0][0]
    )
    total = sum(weight for _, weight in weighted) or 1.0
    brier = sum(weight * (p - truth) ** 2 for (p, truth), weight in weighted) / total
    mass, bins = 0.0, [[0.0, 0.0] for _ in range(BINS)]
    for _p, tied in itertools.groupby(weighted, key=lambda item: item[0][0]):
        group = list(tied)
        held = sum(weight for _, weight in group)
        chosen = bins[
            min(int((mass + held / 2) / total * BINS), BINS - 1)
        ]  # the bin in which its middle lies
        chosen[0] += sum(weight * p for (p, _), weight in group)
        chosen[1] += sum(weight * truth for (_, truth), weight in group)
        mass += held
    return round(sum(abs(said - true) for said, true in bins) / total, 4), round(brier, 4)


def at_prior(pairs: Pairs, share: float) -> list[tuple[float, bool]]:
    """The same evidence where `share` of the questions can be answered, if the odds told were those of one half (Bayes)."""
    ratio = share / (1 - share)
    return [(p * ratio / (p * ratio + 1 - p), truth) for p, truth in pairs]


def brier_skill(pairs: Pairs, weights: Sequence[float] | None = None) -> float:
    """1 - Brier / Brier of always saying the (weighted) share of the answerable; above 0 is better than that."""
    weights = weights or [1.0] * len(pairs)
    share = sum(w * truth for (_, truth), w in zip(pairs, weights, strict=True)) / (
        sum(weights) or 1.0
    )
    constant = share * (1 - share)
    brier = calibration(pairs, weights)[1]
    return round(1 - brier / constant, 4) + 0.0 if constant else 0.0  # never -0.0


def risk_coverage(pairs: Pairs) -> tuple[list[tuple[float, float]], float]:
    """([(coverage, risk)] when the surest share is answered, the area under that curve).

    Among equal probabilities the risk is that of any order on average.
    """
    curve: list[tuple[float, float]] = []
    wrong = 0.0
    for share in _wrong_shares(pairs):
        wrong += share
        number = len(curve) + 1
        curve.append((number / len(pairs), wrong / number))
    area = sum(risk for _, risk in curve) / len(curve) if curve else 0.0
    return curve, round(area, 4)


def _wrong_shares(pairs: Pairs) -> Iterator[float]:
    """From the surest on, the chance that each answered question has no answer."""
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    for _p, tied in itertools.groupby(ordered, key=lambda pair: pair[0]):
        group = [not truth for _, truth in tied]
        yield from itertools.repeat(sum(group) / len(group), len(group))


def shortened(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """CURVE_POINTS of a curve, its end among them, rounded."""
    places = sorted(
        {max(1, round(len(curve) * step / CURVE_POINTS)) - 1 for step in range(1, CURVE_POINTS + 1)}
    )
    return [(round(curve[at][0], 4), round(curve[at][1], 4)) for at in places if at < len(curve)]

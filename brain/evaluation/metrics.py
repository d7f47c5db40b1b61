"""The figures: ranking metrics by `ir_measures`, areas and calibration of probabilities, bootstrap intervals.

Leaves out running anything. `ir_measures` and scikit-learn are the optional extra `eval`. Questions with equal
probability stay together in every figure, so that the order of a file changes nothing. Serves `brain eval`.
"""

from __future__ import annotations

import importlib
import itertools
import random
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType

from brain.errors import Unavailable

# As reports name them, and as `ir_measures` does.
MEASURES = {
    "nDCG@10": "nDCG@10",
    "S@1": "Success@1",
    "R@5": "R@5",
    "R@10": "R@10",
    "R@20": "R@20",
    "RR@10": "RR@10",
}
RANKING = tuple(MEASURES)
BINS = 10  # equal-mass bins of the calibration error
RESAMPLES = 1_000  # of the bootstrap
SEED = 20260507  # the same values give the same interval
TAIL = 0.025  # on either side of a 95 % interval
CURVE_POINTS = (
    20  # of a risk-coverage curve that are reported: every twentieth of the questions
)

Values = Mapping[str, float]  # query -> value
Qrels = Mapping[str, Mapping[str, int]]  # query -> document -> grade
Run = Mapping[str, Values]  # query -> document -> score
Measurements = dict[str, dict[str, float]]  # metric -> query -> value
Pair = tuple[float, bool]  # a probability, and whether it came true
Pairs = Sequence[Pair]
Weighted = tuple[float, bool, float]  # the same, and how much it counts
Point = tuple[float, float]  # of a risk-coverage curve


def require() -> None:
    """Raise `Unavailable` when the extra is not installed: before minutes of work, not after them."""
    _library("ir_measures")
    _library("sklearn.metrics")


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        called = name.replace("sklearn.metrics", "scikit-learn")
        hint = "install it: pip install 'sovereign-brain[eval]'"
        raise Unavailable(f"the evaluation needs {called}", hint) from None


def ranking(qrels: Qrels, run: Run) -> Measurements:
    """Metric -> query -> value, for every query that has a relevant document; 0 where nothing was found."""
    library = _library("ir_measures")
    names = {library.parse_measure(theirs): ours for ours, theirs in MEASURES.items()}
    judged = {
        query: grades
        for query, grades in qrels.items()
        if max(grades.values(), default=0) > 0
    }
    found = {
        query: scores for query, scores in run.items() if query in judged and scores
    }
    values = {name: dict.fromkeys(judged, 0.0) for name in RANKING}
    if found:
        for item in library.iter_calc(list(names), judged, found):
            name = names[item.measure]
            values[name][item.query_id] = float(item.value)
    return values


def mean(numbers: Collection[float]) -> float:
    """0 of nothing."""
    return sum(numbers) / max(len(numbers), 1)


def means(values: Run) -> dict[str, float]:
    """The mean of each metric over the queries."""
    return {
        name: round(mean(by_query.values()), 4) for name, by_query in values.items()
    }


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """{"p50_ms", "p95_ms"} by nearest rank, or nothing when nothing was timed."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    figures = {}
    for percent in (50, 95):
        rank = percent * len(ordered) // 100
        milliseconds = ordered[rank] * 1_000
        figures[f"p{percent}_ms"] = round(milliseconds, 2)
    return figures


def interval(values: Values, other: Values) -> list[float]:
    """95 % bootstrap interval of the mean difference to `other` (paired by key)."""
    numbers = [value - other[key] for key, value in values.items()]
    if not numbers:
        return [0.0, 0.0]
    dice = random.Random(SEED)
    resampled = []
    for _ in range(RESAMPLES):
        sample = dice.choices(numbers, k=len(numbers))
        resampled.append(mean(sample))
    resampled.sort()
    low = resampled[int(TAIL * RESAMPLES)]
    high = resampled[int((1 - TAIL) * RESAMPLES)]
    return [round(low, 4), round(high, 4)]


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The probability that a positive stands above a negative, ties counting half; None without both."""
    if not positive or not negative:
        return None
    labels = [1] * len(positive) + [0] * len(negative)
    area = _library("sklearn.metrics").roc_auc_score(labels, [*positive, *negative])
    return round(float(area), 4)


def evenly(pairs: Pairs) -> list[Weighted]:
    """Each pair counting alike."""
    return [(p, truth, 1.0) for p, truth in pairs]


def calibration(weighted: Sequence[Weighted]) -> Point:
    """(expected calibration error over BINS of equal mass, Brier score), both weighted."""
    rows = sorted(weighted, key=_probability)
    total = 0.0
    squares = 0.0
    for p, truth, weight in rows:
        total += weight
        squares += weight * (p - truth) ** 2
    total = total or 1.0
    told = [0.0] * BINS
    true = [0.0] * BINS
    mass = 0.0
    for p, tied in itertools.groupby(rows, key=_probability):
        group = list(tied)
        held = sum(weight for _p, _truth, weight in group)
        # All of equal probability go where the middle of their mass lies, so that their order does not matter.
        middle = (mass + held / 2) / total
        number = min(int(middle * BINS), BINS - 1)
        told[number] += sum(weight * p for _p, _truth, weight in group)
        true[number] += sum(weight * truth for _p, truth, weight in group)
        mass += held
    gaps = 0.0
    for said, was in zip(told, true, strict=True):
        gaps += abs(said - was)
    return round(gaps / total, 4), round(squares / total, 4)


def _probability(row: Sequence[float]) -> float:
    return row[0]


def at_prior(pairs: Pairs, share: float) -> list[Pair]:
    """The same evidence where `share` of the questions can be answered, if the odds told were those of one half.

    By Bayes: the odds are multiplied by those of the share.
    """
    ratio = share / (1 - share)
    moved = []
    for p, truth in pairs:
        weighted = p * ratio
        moved.append((weighted / (weighted + 1 - p), truth))
    return moved


def brier_skill(rows: Sequence[Weighted]) -> float:
    """1 - Brier / Brier of always saying the (weighted) share of the answerable; above 0 is better than that."""
    mass = 0.0
    held = 0.0
    for _p, truth, weight in rows:
        mass += weight
        held += weight * truth
    share = held / (mass or 1.0)
    constant = share * (1 - share)
    if not constant:
        return 0.0
    _error, brier = calibration(rows)
    skill = round(1 - brier / constant, 4)
    # Adding nothing turns -0.0 into 0.0.
    return skill + 0.0


def risk_coverage(pairs: Pairs) -> tuple[list[Point], float]:
    """([(coverage, risk)] when the surest share is answered, the area under that curve).

    Among equal probabilities the risk is that of any order on average.
    """
    curve: list[Point] = []
    wrong = 0.0
    ordered = sorted(pairs, key=_probability, reverse=True)
    for _p, tied in itertools.groupby(ordered, key=_probability):
        misses = [not truth for _p, truth in tied]
        share = mean(misses)
        for _miss in misses:
            wrong += share
            answered = len(curve) + 1
            curve.append((answered / len(pairs), wrong / answered))
    area = mean([risk for _coverage, risk in curve])
    return curve, round(area, 4)


def shortened(curve: Sequence[Point]) -> list[dict[str, float]]:
    """CURVE_POINTS of a curve, its end among them, rounded: {"coverage", "risk"} of each."""
    ends = {
        round(len(curve) * step / CURVE_POINTS) for step in range(1, CURVE_POINTS + 1)
    }
    points = []
    for end in sorted(ends - {0}):
        coverage, risk = curve[end - 1]
        points.append({"coverage": round(coverage, 4), "risk": round(risk, 4)})
    return points

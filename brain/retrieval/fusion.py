"""One score from many features: groups of features, each with a weight that depends on the question and both rankings.

score = sum over groups g of weight_g(question) * (coefficients_g . features_g). The weights are linear in a dozen
numbers that are known before any judgment (query performance prediction: Cronen-Townsend 2002, Shtok 2012); the
coefficients are in brain/fitted.json, fitted on all development sets together by benchmarks/fit_fusion.py. Pure Python,
so that search by words alone loads no numpy. Leaves out where the features come from. Serves `retrieve`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from statistics import fmean, pstdev

from brain.fitted import FITTED
from brain.text.question import Question
from brain.types import Measures

LEAST_WEIGHT = 0.05  # no group is silenced or turned round, however odd the question
TOP = 10  # candidates of either ranking that are looked at
CLOSE_BEHIND = 5  # candidates behind the first, whose mean says how far it leads
MAX_Z = 1.5  # question numbers are clipped at so many standard deviations (left-out questions: .7641; at 3: .7635)
# Wider clip: a script unknown to the embedder may silence the vectors; the number is bounded by itself.
MAX_Z_OF = {"estranged": 4.0}
MAX_SPREADS = (
    3.0  # spreads: further below the nearest the top by words makes no difference
)
CODE_CHARACTERS = "_()[]{}=:<>\"'`"  # programs are full of them, prose is not
TINY = 1e-6
SPREAD_LEAST = (
    0.05  # of the cosines, times closeness.SCALE: no division by a spread of nothing
)

_FUSION = FITTED["fusion"]
# feature -> weight in the look before feedback: chosen by hand, flat around these values
FIRST_LOOK: Measures = _FUSION["first_look"]
# number known of a question -> (mean, deviation) over the development sets
LOOK_SCALE: dict[str, tuple[float, float]] = _FUSION["look_scale"]
# group -> (weight of an average question, slopes per deviation)
WEIGHTS: dict[str, tuple[float, Measures]] = _FUSION["weights"]
# group -> feature -> coefficient
HYBRID: dict[str, Measures] = _FUSION["hybrid"]
# feature -> coefficient, when there are only words
WORDS_ONLY: Measures = _FUSION["words_only"]

Features = Measures


@dataclass(frozen=True, slots=True)
class GroupWeights:
    """`weights` of the groups for one question, and the `numbers` known of it from which they follow."""

    numbers: Measures
    weights: Measures

    @property
    def dense_share(self) -> float:
        """The weight of the dense groups in the whole, 0 to 1: what `--explain` shows."""
        weights = defaultdict(float, self.weights)
        dense = weights["meaning"] + weights["feedback"]
        whole = weights["words"] + weights["meaning"] + weights["feedback"]
        return dense / (whole or 1)


def weigh(known: Measures) -> GroupWeights:
    """Weigh the groups for one question, of which the `numbers` are known."""
    standard = {}
    for name, (mean, deviation) in LOOK_SCALE.items():
        most = MAX_Z_OF.get(name, MAX_Z)
        z = (known[name] - mean) / deviation
        standard[name] = max(-most, min(most, z))
    weights = {}
    for group, (at_rest, slopes) in WEIGHTS.items():
        moved = sum(slope * standard[name] for name, slope in slopes.items())
        weights[group] = max(LEAST_WEIGHT, at_rest + moved)
    return GroupWeights(known, weights)


def numbers(
    question: Question,
    idf: Measures,
    count: int,
    features: Sequence[Features],
    texts: Sequence[str],
) -> Measures:
    """What is known of a question before any judgment, by name; the weights use those that are in LOOK_SCALE.

    `features` and `texts` are those of all candidates, `count` the chunks in store.
    """
    known = _question_numbers(question, idf, count) | _ranking_numbers(features, texts)
    spread = known["spread"] + SPREAD_LEAST
    below = -known["words_top_nearness"] / spread
    known["estranged"] = known["foreign"] * min(MAX_SPREADS, below)
    return known


def first_score(features: Features) -> float:
    """The score from which feedback starts: fixed weights, no feedback in it."""
    return _weighted(features, FIRST_LOOK)


def group_scores(features: Features, weights: GroupWeights) -> Measures:
    """What each group adds to the score of one candidate."""
    scores = {}
    for group, coefficients in HYBRID.items():
        scores[group] = weights.weights[group] * _weighted(features, coefficients)
    return scores


def words_only(features: Features) -> float:
    """The score when there is no vector to look at."""
    return _weighted(features, WORDS_ONLY)


def _weighted(features: Features, coefficients: Measures) -> float:
    values = map(features.__getitem__, coefficients)
    score: float = sum(map(mul, coefficients.values(), values))
    return score


def _question_numbers(
    question: Question, idf: Measures, count: int
) -> dict[str, float]:
    """What the question says by itself."""
    rarity = foreign = 0.0
    if question.stems:
        rarity = fmean(idf[stem] for stem in question.stems) / math.log(count + 2)
    if question.everything:
        not_ascii = [word for word in question.everything if not word.isascii()]
        foreign = len(not_ascii) / len(question.everything)
    return {
        "words": math.log1p(len(question.stems)),
        "rarity": rarity,
        "foreign": foreign,
        "stopped": question.stopped,
    }


def _ranking_numbers(
    features: Sequence[Features], texts: Sequence[str]
) -> dict[str, float]:
    """What the two rankings look like, and whether they agree."""
    bm25 = [one["bm25"] for one in features]
    cosine = [one["cosine"] for one in features]
    by_words = _top(bm25)
    by_meaning = _top(cosine)
    first_by_words, first_by_meaning = by_words[0], by_meaning[0]
    best = bm25[first_by_words]
    nearest = cosine[first_by_meaning]
    spread = pstdev(cosine)
    return {
        "covered": features[first_by_words]["coverage"],
        "sentence": max(one["sentence"] for one in features),
        "words_lead": _lead([bm25[i] for i in by_words]) / (best + TINY),
        "meaning_lead": _lead([cosine[i] for i in by_meaning]),
        "meaning_stands_out": (nearest - fmean(cosine)) / (spread + TINY),
        "nearest": nearest,
        "spread": spread,
        "agreement": len(set(by_words) & set(by_meaning)) / TOP,
        "correlation": _correlation(bm25, cosine, pstdev(bm25) * spread),
        "words_top_nearness": cosine[first_by_words] - nearest,
        "meaning_top_words": bm25[first_by_meaning] / (best + TINY),
        "length": fmean(features[i]["length"] for i in by_meaning),
        "code": fmean(code_share(texts[i]) for i in by_meaning),
        "by_sentence": float(any(one.get("has_sentences") for one in features)),
    }


def _top(scores: Sequence[float]) -> list[int]:
    """The places of the TOP highest scores, best first."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:TOP]


def _lead(ranked: Sequence[float]) -> float:
    """By how much the first is ahead of the mean of those close behind it."""
    behind = ranked[1 : CLOSE_BEHIND + 1]
    return ranked[0] - fmean(behind) if behind else 0.0


def _correlation(a: Sequence[float], b: Sequence[float], spread: float) -> float:
    """Pearson's, 0 when one of the two does not vary. `spread`: of both, multiplied."""
    if spread < TINY * TINY:
        return 0.0
    mean_product = fmean(map(mul, a, b))
    product_of_means = fmean(a) * fmean(b)
    return mean_product / spread - product_of_means / spread


def code_share(text: str) -> float:
    """The share of characters that programs are full of and prose is not."""
    return sum(map(text.count, CODE_CHARACTERS)) / (len(text) or 1)

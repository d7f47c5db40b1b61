"""One score from many signs: groups of signs, each with a weight that depends on the question and on the two rankings.

score = sum over groups g of weight_g(question) * (coefficients_g . signs_g). The weights are linear in a dozen numbers that
are known before any judgment (query performance prediction: Cronen-Townsend 2002, Shtok 2012), the coefficients are in
coefficients.py, fitted on all development sets together by benchmarks/fit_fusion.py. Pure Python, so that search by
words alone loads no numpy. Leaves out where the signs come from. Serves `retrieve`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from brain.retrieval.coefficients import FIRST_LOOK, HYBRID, LOOK_SCALE, WEIGHTS, WORDS_ONLY
from brain.retrieval.query import Query

LEAST_WEIGHT = 0.05  # no group is silenced or turned round, however odd the question
TOP = 10  # candidates of either ranking that are looked at
CLOSE_BEHIND = 5  # candidates behind the first, whose mean says how far it leads
MOST = 1.5  # standard deviations: a stranger question weighs like this one; 3 gave .7635 on questions left out, 1.5 .7641
MOST_OF = {
    "estranged": 4.0
}  # it is bounded by itself, and an embedder that knows no Arabic must be told so aloud
STRANGE = 3.0  # spreads: further below the nearest the top by words makes no difference
CODE_SIGNS = "_()[]{}=:<>\"'`"
TINY = 1e-6
SPREAD_LEAST = 0.05  # of the cosines, times closeness.SCALE: no division by a spread of nothing

Signs = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a question once both rankings are there: `numbers` for explanations, `weights` of the groups."""

    numbers: Mapping[str, float]
    weights: Mapping[str, float]

    @property
    def dense_share(self) -> float:
        """The weight of the meaning groups in the whole, 0 to 1: what `--explain` shows."""
        meaning = self.weights.get("meaning", 0.0) + self.weights.get("feedback", 0.0)
        return meaning / (
            sum(
                self.weights[group]
                for group in ("words", "meaning", "feedback")
                if group in self.weights
            )
            or 1
        )


def look(
    query: Query, idf: Mapping[str, float], count: int, signs: Sequence[Signs], texts: Sequence[str]
) -> Looked:
    """Weigh the groups for one question. `signs` and `texts` are those of all candidates, `count` the chunks in store."""
    seen = numbers(query, idf, count, signs, texts)
    standard = {}
    for name, (mean, deviation) in LOOK_SCALE.items():
        most = MOST_OF.get(name, MOST)
        standard[name] = max(-most, min(most, (seen[name] - mean) / deviation))
    weights = {
        group: max(
            LEAST_WEIGHT, at_rest + sum(slope * standard[name] for name, slope in slopes.items())
        )
        for group, (at_rest, slopes) in WEIGHTS.items()
    }
    return Looked(seen, weights)


def numbers(
    query: Query, idf: Mapping[str, float], count: int, signs: Sequence[Signs], texts: Sequence[str]
) -> dict[str, float]:
    """What is known of a question before any judgment, by name; the weights use those that are in LOOK_SCALE."""
    seen = _query_numbers(query, idf, count) | _ranking_numbers(signs, texts)
    below = -seen["words_top_nearness"] / (seen["spread"] + SPREAD_LEAST)
    return seen | {"estranged": seen["foreign"] * min(STRANGE, below)}


def first_look(signs: Signs) -> float:
    """The score from which feedback starts: fixed weights, no feedback in it."""
    return sum(weight * signs[name] for name, weight in FIRST_LOOK.items())


def parts(signs: Signs, looked: Looked) -> dict[str, float]:
    """What each group adds to the score of one candidate."""
    return {
        group: looked.weights[group]
        * sum(weight * signs[name] for name, weight in coefficients.items())
        for group, coefficients in HYBRID.items()
    }


def words_only(signs: Signs) -> float:
    """The score when there is no vector to look at."""
    return sum(weight * signs[name] for name, weight in WORDS_ONLY.items())


def _query_numbers(query: Query, idf: Mapping[str, float], count: int) -> dict[str, float]:
    """What the question says by itself."""
    stems = query.stems
    said = query.everything
    return {
        "words": math.log1p(len(stems)),
        "rarity": fmean(idf[stem] for stem in stems) / math.log(count + 2) if stems else 0.0,
        "foreign": sum(not word.isascii() for word in said) / len(said) if said else 0.0,
        "stopped": query.stopped,
    }


def _ranking_numbers(signs: Sequence[Signs], texts: Sequence[str]) -> dict[str, float]:
    """What the two rankings look like, and whether they agree."""
    bm25 = [sign["bm25"] for sign in signs]
    cosine = [sign["cosine"] for sign in signs]
    by_words = sorted(range(len(signs)), key=lambda i: -bm25[i])[:TOP]
    by_meaning = sorted(range(len(signs)), key=lambda i: -cosine[i])[:TOP]
    best, near = bm25[by_words[0]], cosine[by_meaning[0]]
    spread = pstdev(cosine)
    return {
        "covered": signs[by_words[0]]["coverage"],
        "sentence": max(sign["sentence"] for sign in signs),
        "words_lead": _lead([bm25[i] for i in by_words]) / (best + TINY),
        "meaning_lead": _lead([cosine[i] for i in by_meaning]),
        "meaning_stands_out": (near - fmean(cosine)) / (spread + TINY),
        "nearest": near,
        "spread": spread,
        "agreement": len(set(by_words) & set(by_meaning)) / TOP,
        "correlation": _correlation(bm25, cosine),
        "words_top_nearness": cosine[by_words[0]] - near,
        "meaning_top_words": bm25[by_meaning[0]] / (best + TINY),
        "length": fmean(signs[i]["length"] for i in by_meaning),
        "code": fmean(_code(texts[i]) for i in by_meaning),
        "by_sentence": float(any(sign.get("has_sentences") for sign in signs)),
    }


def _lead(ranked: Sequence[float]) -> float:
    """By how much the first is ahead of the mean of those close behind it."""
    behind = ranked[1 : CLOSE_BEHIND + 1]
    return ranked[0] - fmean(behind) if behind else 0.0


def _correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Pearson's, 0 when one of the two does not vary."""
    spread = pstdev(a) * pstdev(b)
    if spread < TINY * TINY:
        return 0.0
    return fmean(x * y for x, y in zip(a, b, strict=True)) / spread - fmean(a) * fmean(b) / spread


def _code(text: str) -> float:
    """The share of characters that programs are full of and prose is not."""
    return sum(map(text.count, CODE_SIGNS)) / (len(text) or 1)

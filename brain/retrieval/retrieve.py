"""The walk from a question to ranked passages: candidates of two rankings, one score for each, variety.

Leaves out where candidates come from (candidates.py), the weights (brain/fitted.json) and the confidence (signals.py
names what it needs). Serves search, ask and recall.
"""

from __future__ import annotations

from collections.abc import Mapping

from brain.retrieval import fusion
from brain.retrieval.candidates import Candidates, Ranking, Sources, but, candidates
from brain.retrieval.named_documents import named_documents, with_sign
from brain.retrieval.signals import signals
from brain.retrieval.variety import FIRST, collapse, named_first, spread
from brain.text.places import matched
from brain.types import Measures, Mode, Passage, Place, Request, Retrieved

PER_DOCUMENT = 3  # passages of one document in the first ten
# Signs of a passage, each a reason to come before what both rankings put first (`Overlap.features`).
REASONS = ("date", "speaker", "before", "number", "time", "ordered")
NO_RANK = 10**6  # a place behind every other


def retrieve(request: Request, sources: Sources, *, varied: bool = True) -> Retrieved:
    """The best passages, as many as the request wants. Never raises for the index or the embedder: then words alone
    answer, and it is said.

    Mode "lexical" or "dense" uses one ranking only. `varied` False keeps copies, and lets one document fill the list.
    """
    found = candidates(request, sources)
    ranked, weights = rank(found, request.mode)
    if varied:
        asked_about = named_documents(ranked, found.question)
        ranked = with_sign(ranked, asked_about)
        words = [text.said for text in found.texts]
        known = dict(zip(found.ids, words, strict=True))
        ranked = collapse(ranked, known, frozenset(found.question.stems))
        ranked = named_first(ranked, known, request.question)
        ranked = spread(
            ranked,
            PER_DOCUMENT,
            standing_alone=found.beside.keys(),
            asked_about=asked_about,
        )
    best = ranked[: request.limit]
    places = matched(best, found.idf)
    return Retrieved(
        passages=tuple(map(_at, best, places)),
        signals=signals(found, ranked[:FIRST]),
        degraded=found.degraded,
        no_dense=found.no_dense,
        embedder=sources.embedder.name if sources.embedder and found.dense else "",
        index=found.index,
        explain=_explained(weights),
    )


def _at(passage: Passage, place: Place | None) -> Passage:
    return but(passage, matched=place)


def rank(
    found: Candidates, mode: Mode = "hybrid"
) -> tuple[list[Passage], fusion.GroupWeights | None]:
    """The passages by their score, each with its ranks and the parts of its score; the weights where both rankings
    were fused.
    """
    weights = None
    explained: list[Measures]
    columns = found.features
    if mode == "dense" or not found.has_vectors:
        explained = [{"words": _single_score(column, mode)} for column in columns]
    else:
        texts = [passage.text for passage in found.passages]
        known = fusion.numbers(
            found.question,
            found.idf,
            found.count,
            columns,
            texts,
        )
        weights = fusion.weigh(known)
        explained = [fusion.group_scores(column, weights) for column in columns]
    lexical = _places(found.lexical)
    dense = _places(found.dense)
    ranked = []
    for passage, groups in zip(found.passages, explained, strict=True):
        score = sum(groups.values())
        ranks = {
            "lexical": lexical.get(passage.id),
            "dense": dense.get(passage.id),
        }
        scored = but(passage, score=score, ranks=ranks, explain=groups)
        ranked.append(scored)
    ranked.sort(key=_order)
    signs = dict(zip(found.ids, columns, strict=True))
    return _agreed_first(ranked, signs), weights


def _agreed_first(
    ranked: list[Passage], signs: Mapping[str, Measures]
) -> list[Passage]:
    """The same passages; what both rankings put first comes first, unless the one before it has a sign that tells
    (REASONS). `explain` names what decided: "agreed", or "outranked_by_date".
    """
    both = {"lexical": 1, "dense": 1}
    place = next((i for i, one in enumerate(ranked) if one.ranks == both), 0)
    if place == 0:
        return ranked
    first, agreed = ranked[0], ranked[place]
    for reason in REASONS:
        more = signs[first.id][reason] - signs[agreed.id][reason]
        if more > 0:
            explain = {**agreed.explain, f"outranked_by_{reason}": more}
            ranked[place] = but(agreed, explain=explain)
            return ranked
    explain = {**agreed.explain, "agreed": first.score - agreed.score}
    lifted = but(agreed, score=first.score, explain=explain)
    return [lifted, *ranked[:place], *ranked[place + 1 :]]


def _order(passage: Passage) -> tuple[float, int, int]:
    """Best score first; where two are equal the places in the rankings decide."""
    lexical = passage.ranks["lexical"] or NO_RANK
    dense = passage.ranks["dense"] or NO_RANK
    return -passage.score, lexical, dense


def _places(ranking: Ranking) -> Mapping[str, int]:
    """Chunk id -> place, from 1."""
    return {key: place for place, (key, _) in enumerate(ranking, start=1)}


def _single_score(features: Measures, mode: Mode) -> float:
    """The score by one ranking alone."""
    if mode != "dense":
        return fusion.words_only(features)
    if "cosine" not in features:
        return 0.0
    return (features["cosine"] + features["sentence_cosine"]) / 2


def _explained(weights: fusion.GroupWeights | None) -> Measures:
    """The query-level numbers for `--explain`: the weight of dense against lexical, and what it follows from."""
    if weights is None:
        return {}
    explained = {"dense_share": weights.dense_share}
    for group, weight in weights.weights.items():
        explained[f"weight_{group}"] = weight
    explained |= weights.numbers
    return explained

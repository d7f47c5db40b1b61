"""The walk from a question to ranked passages: two rankings, every candidate seen by both, one score, variety.

Works over whatever it is handed: store or memory, any index, any embedder or none. What could not look is named in
`degraded`, and the rest answers. Leaves out the weights (coefficients.py) and the confidence (signals.py names what it
needs). Serves search, ask and recall.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from brain.errors import BrainError
from brain.protocols import Embedder, Searchable, VectorIndex
from brain.retrieval import fusion
from brain.retrieval.overlap import Overlap
from brain.retrieval.signals import signals
from brain.retrieval.variety import FIRST, collapse, spread
from brain.text.question import Question, expression
from brain.text.sheet import Sheet, sheets, words_of_each
from brain.types import Mode, Passage, Retrieved, Scope
from ingest.terms import stem

CANDIDATES = 40  # of each ranking; 50 changes no figure by .002 and costs a quarter more
SENTENCES_FOR = 30  # candidates whose sentence vectors are compared (benchmarks/RETRIEVAL.md)
READ_CHARACTERS = 32_000  # of all candidates' texts: about 3 ms; short lines are all read, of chunks of 1,300 letters 25
READ_AT_LEAST = 20  # candidates, however long
# What decides which texts are read; flat from 6 to 12 (benchmarks/RETRIEVAL.md)
BM25_FIRST = 6.0
COSINE_FIRST = 9.0
PER_DOCUMENT = 3  # passages of one document in the first ten
COMMON_SHARE = (
    0.25  # of all chunks: a word in more of them is asked only when nothing rarer is there
)
COMMON_FROM = (
    20_000  # chunks from which common words are left out; below, asking them costs less than 5 ms
)
EVERYTHING = Scope()
NO_RANK = 10**6  # a place behind every other

Beside = dict[str, tuple[str | None, str | None]]
"""Id of a short chunk -> ids of the chunk before and of the one after it, where there are such."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What one search looks through."""

    searchable: Searchable
    index: VectorIndex | None = None
    embedder: Embedder | None = None
    scope: Scope = EVERYTHING


@dataclass(slots=True)
class Candidates:
    """What the two rankings found, and what was read of it.

    `lexical` and `dense`: (chunk id, score), best first. `texts` and `features` go with `passages`, one for each.
    `beside` holds the chunks next to each short one.
    """

    question: Question
    idf: Mapping[str, float]
    count: int
    lexical: list[tuple[str, float]] = field(default_factory=list)
    dense: list[tuple[str, float]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    texts: list[Sheet] = field(default_factory=list)
    features: list[dict[str, float]] = field(default_factory=list)
    degraded: str = ""
    index: str = ""
    has_vectors: bool = False
    beside: Beside = field(default_factory=dict)

    @property
    def ceiling(self) -> float:
        """The sum of the idf of the question's words: what a BM25 is measured against; never 0."""
        return sum(self.idf[term] for term in self.question.stems) or 1.0


def retrieve(
    question: str | Question,
    *,
    searchable: Searchable,
    index: VectorIndex | None,
    embedder: Embedder | None,
    scope: Scope = EVERYTHING,
    limit: int = 10,
    mode: Mode = "hybrid",
    per_document: int | None = PER_DOCUMENT,
    collapse_copies: bool = True,
) -> Retrieved:
    """The best `limit` passages. Never raises for the index or the embedder: then words alone answer, and it is said.

    `mode` "lexical" or "dense" uses one ranking only. `per_document` None lets one document fill the list.
    """
    sources = Sources(searchable, index, embedder, scope)
    found = candidates(Question.of(question), sources, mode)
    ranked, weights = rank(found, mode)
    if collapse_copies:
        said = {p.id: text.said for p, text in zip(found.passages, found.texts, strict=True)}
        ranked = collapse(ranked, said)
    if per_document is not None:
        ranked = spread(ranked, per_document, standing_alone=found.beside.keys())
    return Retrieved(
        passages=tuple(ranked[:limit]),
        signals=_signals(found, ranked),
        degraded=found.degraded,
        embedder=embedder.name if embedder and found.dense else "",
        index=found.index,
        explain=_explained(weights),
    )


def candidates(question: Question, sources: Sources, mode: Mode = "hybrid") -> Candidates:
    """Both rankings, the passages of either, and every feature of each of them."""
    searchable, scope = sources.searchable, sources.scope
    count = searchable.count()
    frequencies = searchable.document_frequencies(tuple(dict.fromkeys(question.words)))
    weights = {stem(word): idf(frequencies[word], count) for word in question.words}
    found = Candidates(question, weights, count)
    most = COMMON_SHARE * count if count > COMMON_FROM else math.inf
    asked = expression(question, lambda word: frequencies[word] <= most)
    if mode != "dense":
        found.lexical = searchable.match(asked, limit=CANDIDATES, scope=scope)
    target = None if mode == "lexical" else _dense(found, sources)
    ids = list(dict.fromkeys(key for key, _ in (*found.lexical, *found.dense)))
    bm25 = dict(found.lexical)
    bm25 |= searchable.match_scores(asked, [key for key in ids if key not in bm25])
    found.passages = _promising(found, searchable.passages(ids, scope=scope), bm25)
    _add_neighbours(found, sources)
    _read_all(found, bm25)
    if target is not None and found.passages and sources.embedder is not None:
        _compare_all(found, searchable, str(sources.embedder.fingerprint), target)
    return found


def rank(
    found: Candidates, mode: Mode = "hybrid"
) -> tuple[list[Passage], fusion.GroupWeights | None]:
    """The passages by their score, each with its ranks and the parts of its score; the weights where both rankings
    were fused.
    """
    weights = None
    explained: list[dict[str, float]]
    if mode == "dense" or not found.has_vectors:
        scores = [_single_score(features, mode) for features in found.features]
        explained = [{"words": score} for score in scores]
    else:
        texts = [passage.text for passage in found.passages]
        weights = fusion.weigh(found.question, found.idf, found.count, found.features, texts)
        explained = [fusion.group_scores(features, weights) for features in found.features]
        scores = [sum(groups.values()) for groups in explained]
    lexical, dense = _places(found.lexical), _places(found.dense)
    ranked = []
    for passage, score, groups in zip(found.passages, scores, explained, strict=True):
        ranks = {"lexical": lexical.get(passage.id), "dense": dense.get(passage.id)}
        ranked.append(replace(passage, score=score, ranks=ranks, explain=groups))
    ranked.sort(
        key=lambda p: (-p.score, p.ranks["lexical"] or NO_RANK, p.ranks["dense"] or NO_RANK)
    )
    return ranked, weights


def idf(frequency: int, count: int) -> float:
    """BM25's idf with one added inside the logarithm, so that it is never negative."""
    return math.log(1 + (max(count - frequency, 0) + 0.5) / (frequency + 0.5))


def _places(ranking: list[tuple[str, float]]) -> dict[str, int]:
    """Chunk id -> place, from 1."""
    return {key: place for place, (key, _) in enumerate(ranking, start=1)}


def _single_score(features: Mapping[str, float], mode: Mode) -> float:
    """The score by one ranking alone."""
    if mode != "dense":
        return fusion.words_only(features)
    if "cosine" not in features:
        return 0.0
    return (features["cosine"] + features["sentence_cosine"]) / 2


def _signals(found: Candidates, ranked: list[Passage]) -> dict[str, float]:
    """The signals of confidence over the ranking as it will be shown."""
    cosines: dict[str, float] = {}
    sentences: dict[str, float] = {}
    for passage, features in zip(found.passages, found.features, strict=True):
        if "cosine" in features:
            cosines[passage.id] = features["cosine"]
        if features.get("has_sentences"):
            sentences[passage.id] = features["sentence_cosine"]
    return signals(
        found.question,
        found.idf,
        lexical=found.lexical,
        dense=found.dense,
        passages=ranked[:FIRST],
        cosines=cosines,
        sentences=sentences,
        count=found.count,
    )


def _dense(found: Candidates, sources: Sources) -> Any:
    """Fill the dense ranking and return the question's vector, or say in `degraded` why there is none."""
    if sources.embedder is None:
        found.degraded = "words only: no embedder"
        return None
    if sources.index is None:
        found.degraded = "words only: no vector index"
        return None
    allowed = sources.searchable.allowed
    try:
        target = sources.embedder.embed_query(found.question.text)
        found.dense = sources.index.query(target, limit=CANDIDATES, allowed=allowed(sources.scope))
    except BrainError as error:
        found.degraded = f"words only: {error.message}"
        return None
    found.index = sources.index.name
    return target


def _promising(
    found: Candidates, passages: list[Passage], bm25: Mapping[str, float]
) -> list[Passage]:
    """The candidates whose texts are read: all of them, unless they are long; then the best by both scores alone."""
    if sum(len(passage.text) for passage in passages) <= READ_CHARACTERS:
        return passages
    cosine = dict(found.dense)
    least = min(cosine.values(), default=0.0)
    ceiling = found.ceiling

    def by_both(passage: Passage) -> float:
        by_words = BM25_FIRST * bm25.get(passage.id, 0.0) / ceiling
        return by_words + COSINE_FIRST * cosine.get(passage.id, least)

    kept: list[Passage] = []
    characters = 0
    for passage in sorted(passages, key=by_both, reverse=True):
        characters += len(passage.text)
        if characters > READ_CHARACTERS and len(kept) >= READ_AT_LEAST:
            break
        kept.append(passage)
    return kept


def _add_neighbours(found: Candidates, sources: Sources) -> None:
    """The short passages among the candidates get the text before and after them."""
    searchable = sources.searchable
    found.beside = searchable.neighbours([passage.id for passage in found.passages])
    if not found.beside:
        return
    texts = {passage.id: passage.text for passage in found.passages}
    missing = sorted(_beside(found.beside) - texts.keys())
    for passage in searchable.passages(missing, scope=sources.scope):
        texts[passage.id] = passage.text
    for i, passage in enumerate(found.passages):
        before, after = found.beside.get(passage.id, (None, None))
        if before or after:
            found.passages[i] = replace(
                passage, before=texts.get(before or "", ""), after=texts.get(after or "", "")
            )


def _beside(beside: Beside) -> set[str]:
    """The ids of all chunks that stand next to a short one."""
    return {key for pair in beside.values() for key in pair if key is not None}


def _read_all(found: Candidates, bm25: Mapping[str, float]) -> None:
    """The features that stand in the texts."""
    overlap = Overlap(found.question, found.idf)
    ceiling = found.ceiling
    found.texts = sheets([passage.text for passage in found.passages])
    named = overlap.named(found.texts)
    titles = words_of_each([" ".join((p.title, *p.heading)) for p in found.passages])
    average = sum(len(text.pieces) for text in found.texts) / (len(found.texts) or 1)
    for passage, title, text in zip(found.passages, titles, found.texts, strict=True):
        features = overlap.features(passage, title, text, average=average, named=named)
        found.features.append({"bm25": bm25.get(passage.id, 0.0) / ceiling} | features)


def _compare_all(found: Candidates, searchable: Searchable, fingerprint: str, target: Any) -> None:
    """The features that need vectors, for all candidates; none when no candidate has one."""
    from brain.retrieval import closeness

    ids = [passage.id for passage in found.passages]
    vectors = searchable.vectors([*ids, *sorted(_beside(found.beside) - set(ids))], fingerprint)
    if not any(key in vectors for key in ids):
        return
    cosine = closeness.cosines(ids, vectors, target)
    window = closeness.windows(ids, vectors, found.beside, target, cosine)
    for i, features in enumerate(found.features):
        features["cosine"] = float(cosine[i]) * closeness.SCALE
        features["window"] = float(window[i]) * closeness.SCALE
        features["sentence_cosine"] = features["cosine"]
    promising = _most_promising(found.features)
    sentences = searchable.sentence_vectors([ids[i] for i in promising], fingerprint)
    best = closeness.best_sentences(ids, sentences, target, cosine)
    for i, features in enumerate(found.features):
        features["sentence_cosine"] = float(best[i]) * closeness.SCALE
        features["has_sentences"] = float(ids[i] in sentences)
    first_scores = [fusion.first_score(features) for features in found.features]
    for name, values in closeness.feedback(ids, vectors, first_scores).items():
        for features, value in zip(found.features, values, strict=True):
            features[name] = float(value) * closeness.SCALE
    found.has_vectors = True


def _most_promising(features: list[dict[str, float]]) -> list[int]:
    """The places of the candidates whose sentences are compared with the question, best first."""
    first_scores = [fusion.first_score(one) for one in features]
    order = sorted(range(len(features)), key=lambda i: -first_scores[i])
    return order[:SENTENCES_FOR]


def _explained(weights: fusion.GroupWeights | None) -> dict[str, float]:
    """The query-level numbers for `--explain`: the weight of dense against lexical, and what it follows from."""
    if weights is None:
        return {}
    named = {f"weight_{group}": weight for group, weight in weights.weights.items()}
    return {"dense_share": weights.dense_share} | named | dict(weights.numbers)

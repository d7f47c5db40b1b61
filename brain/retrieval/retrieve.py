"""The walk from a question to ranked passages: two rankings, every candidate seen by both, one score, variety.

Works over whatever it is handed: store or memory, any index, any embedder or none. What could not look is named in
`degraded`, and the rest answers. Leaves out the weights (coefficients.py) and the confidence (signals.py names what it
needs). Serves search, ask and recall.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from brain.errors import BrainError
from brain.protocols import Embedder, Searchable, VectorIndex
from brain.retrieval import fusion
from brain.retrieval.query import Query, expression, read
from brain.retrieval.reading import Lens
from brain.retrieval.signals import signals
from brain.retrieval.variety import collapse, spread
from brain.types import Passage, Retrieved, Scope
from ingest.terms import pieces, stem

Mode = Literal["hybrid", "lexical", "dense"]
CANDIDATES = 40  # of each ranking; 50 changes no figure by .002 and costs a quarter more
SENTENCES_FOR = 30  # candidates whose sentence vectors are compared (RETRIEVAL.md §3)
READ_CHARACTERS = 32_000  # of all candidates' texts: about 3 ms; short lines are all read, chunks of 1,300 letters 25
READ_AT_LEAST = 20  # candidates, however long
BM25_FIRST, COSINE_FIRST = (
    6.0,
    9.0,
)  # what decides which texts are read; flat from 6 to 12 (benchmarks/RETRIEVAL.md)
PER_DOCUMENT = 3  # passages of one document in the first ten
COMMON_SHARE = (
    0.25  # of all chunks: a word in more of them is asked only when nothing rarer is there
)
COMMON_FROM = (
    20_000  # chunks from which common words are left out; below, asking them costs less than 5 ms
)
EVERYTHING = Scope()
NO_RANK = 10**6


@dataclass(slots=True)
class Candidates:
    """What the two rankings found, and what was read of it. Scores by chunk id."""

    query: Query
    idf: Mapping[str, float]
    count: int
    lexical: list[tuple[str, float]] = field(default_factory=list)
    dense: list[tuple[str, float]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    signs: list[dict[str, float]] = field(default_factory=list)
    said: dict[str, frozenset[str]] = field(default_factory=dict)
    degraded: str = ""
    index: str = ""
    has_vectors: bool = False
    beside: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)


def retrieve(
    question: str,
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

    `mode` "lexical" or "dense" looks with one eye only. `per_document` None lets one document fill the list.
    """
    found = candidates(
        question, searchable=searchable, index=index, embedder=embedder, scope=scope, mode=mode
    )
    ranked, looked = rank(found, mode)
    if collapse_copies:
        ranked = collapse(ranked, found.said)
    if per_document is not None:
        ranked = spread(ranked, per_document, standing_alone=found.beside.keys())
    cosines = {
        p.id: sign["cosine"]
        for p, sign in zip(found.passages, found.signs, strict=True)
        if "cosine" in sign
    }
    sentences = {
        p.id: sign["sentence_cosine"]
        for p, sign in zip(found.passages, found.signs, strict=True)
        if sign.get("has_sentences")
    }
    return Retrieved(
        passages=tuple(ranked[:limit]),
        signals=signals(
            question,
            found.idf,
            lexical=found.lexical,
            dense=found.dense,
            passages=ranked[:10],
            cosines=cosines,
            sentences=sentences,
            count=found.count,
        ),
        degraded=found.degraded,
        embedder=embedder.name if embedder and found.dense else "",
        index=found.index,
        explain=_explained(looked),
    )


def candidates(
    question: str,
    *,
    searchable: Searchable,
    index: VectorIndex | None,
    embedder: Embedder | None,
    scope: Scope = EVERYTHING,
    mode: Mode = "hybrid",
) -> Candidates:
    """Both rankings, the passages of either, and every sign of each of them."""
    query = read(question)
    count = searchable.count()
    frequencies = searchable.document_frequencies(tuple(dict.fromkeys(query.words)))
    idf = {stem(word): _idf(frequencies[word], count) for word in query.words}
    found = Candidates(query, idf, count)
    ceiling = COMMON_SHARE * count if count > COMMON_FROM else math.inf
    asked = expression(query, lambda word: frequencies[word] <= ceiling)
    if mode != "dense":
        found.lexical = searchable.match(asked, limit=CANDIDATES, scope=scope)
    target = (
        None if mode == "lexical" else _dense(found, searchable, index, embedder, scope, question)
    )
    ids = list(dict.fromkeys(key for key, _ in (*found.lexical, *found.dense)))
    bm25 = dict(found.lexical)
    bm25 |= searchable.match_scores(asked, [key for key in ids if key not in bm25])
    found.passages = _promising(found, searchable.passages(ids, scope=scope), bm25)
    _add_neighbours(found, searchable, scope)
    ids = [passage.id for passage in found.passages]
    _read_all(found, bm25)
    if target is not None and ids and embedder is not None:
        _compare_all(found, searchable, str(embedder.fingerprint), target)
    return found


def rank(found: Candidates, mode: Mode = "hybrid") -> tuple[list[Passage], fusion.Looked | None]:
    """The passages by their score, each with its ranks and the parts of its score."""
    looked = None
    if mode == "dense" or not found.has_vectors:
        scores = [_one_eyed(sign, mode) for sign in found.signs]
        explained: list[dict[str, float]] = [{"words": score} for score in scores]
    else:
        looked = fusion.look(
            found.query, found.idf, found.count, found.signs, [p.text for p in found.passages]
        )
        explained = [fusion.parts(sign, looked) for sign in found.signs]
        scores = [sum(part.values()) for part in explained]
    lexical = {key: place for place, (key, _) in enumerate(found.lexical, start=1)}
    dense = {key: place for place, (key, _) in enumerate(found.dense, start=1)}
    order = sorted(
        range(len(scores)),
        key=lambda i: (
            -scores[i],
            lexical.get(found.passages[i].id, NO_RANK),
            dense.get(found.passages[i].id, NO_RANK),
        ),
    )
    return [
        replace(
            found.passages[i],
            score=scores[i],
            ranks={
                "lexical": lexical.get(found.passages[i].id),
                "dense": dense.get(found.passages[i].id),
            },
            explain=explained[i],
        )
        for i in order
    ], looked


def _one_eyed(signs: Mapping[str, float], mode: Mode) -> float:
    if mode == "dense":
        return (signs["cosine"] + signs["sentence_cosine"]) / 2 if "cosine" in signs else 0.0
    return fusion.words_only(signs)


def _idf(frequency: int, count: int) -> float:
    """BM25's idf with one added inside the logarithm, so that it is never negative."""
    return math.log(1 + (max(count - frequency, 0) + 0.5) / (frequency + 0.5))


def _dense(
    found: Candidates,
    searchable: Searchable,
    index: VectorIndex | None,
    embedder: Embedder | None,
    scope: Scope,
    question: str,
) -> Any:
    """Fill the dense ranking and return the question's vector, or say in `degraded` why there is none."""
    if embedder is None or index is None:
        found.degraded = (
            "words only: no embedder" if embedder is None else "words only: no vector index"
        )
        return None
    try:
        target = embedder.embed_query(question)
        found.dense = index.query(target, limit=CANDIDATES, allowed=searchable.allowed(scope))
    except BrainError as error:
        found.degraded = f"words only: {error.message}"
        return None
    found.index = index.name
    return target


def _promising(
    found: Candidates, passages: list[Passage], bm25: Mapping[str, float]
) -> list[Passage]:
    """The candidates whose texts are read: all of them, unless they are long; then the best by both scores alone."""
    if sum(len(passage.text) for passage in passages) <= READ_CHARACTERS:
        return passages
    cosine = dict(found.dense)
    least = min(cosine.values(), default=0.0)
    ceiling = _ceiling(found)

    def look(passage: Passage) -> float:
        return BM25_FIRST * bm25.get(passage.id, 0.0) / ceiling + COSINE_FIRST * cosine.get(
            passage.id, least
        )

    kept: list[Passage] = []
    characters = 0
    for passage in sorted(passages, key=look, reverse=True):
        characters += len(passage.text)
        if characters > READ_CHARACTERS and len(kept) >= READ_AT_LEAST:
            break
        kept.append(passage)
    return kept


def _ceiling(found: Candidates) -> float:
    """The sum of the idf of the question's words: what a BM25 is measured against."""
    return sum(found.idf[term] for term in found.query.stems) or 1.0


def _add_neighbours(found: Candidates, searchable: Searchable, scope: Scope) -> None:
    """The short passages among the candidates get the text before and after them."""
    found.beside = searchable.neighbours([passage.id for passage in found.passages])
    if not found.beside:
        return
    texts = {passage.id: passage.text for passage in found.passages}
    missing = {
        key
        for pair in found.beside.values()
        for key in pair
        if key is not None and key not in texts
    }
    texts |= {
        passage.id: passage.text for passage in searchable.passages(sorted(missing), scope=scope)
    }
    for i, passage in enumerate(found.passages):
        before, after = found.beside.get(passage.id, (None, None))
        if before or after:
            found.passages[i] = replace(
                passage, before=texts.get(before or "", ""), after=texts.get(after or "", "")
            )


def _read_all(found: Candidates, bm25: Mapping[str, float]) -> None:
    """The signs that stand in the texts."""
    lens = Lens(found.query, found.idf)
    ceiling = _ceiling(found)
    named = lens.named(found.passages)
    read_pieces = [pieces(passage.text) for passage in found.passages]
    average = sum(map(len, read_pieces)) / (len(read_pieces) or 1)
    for passage, words in zip(found.passages, read_pieces, strict=True):
        found.said[passage.id] = frozenset(words)
        signs = lens.read(passage, words, average=average, named=named)
        found.signs.append({"bm25": bm25.get(passage.id, 0.0) / ceiling} | signs)


def _compare_all(found: Candidates, searchable: Searchable, fingerprint: str, target: Any) -> None:
    """The signs that need vectors, for all candidates; none when no candidate has one."""
    from brain.retrieval import closeness

    ids = [passage.id for passage in found.passages]
    wanted = dict.fromkeys(
        (*ids, *(key for pair in found.beside.values() for key in pair if key is not None))
    )
    vectors = searchable.vectors(list(wanted), fingerprint)
    if not any(key in vectors for key in ids):
        return
    cosine = closeness.cosines(ids, vectors, target)
    window = closeness.windows(ids, vectors, found.beside, target, cosine)
    for i, sign in enumerate(found.signs):
        sign |= {
            "cosine": float(cosine[i]) * closeness.SCALE,
            "window": float(window[i]) * closeness.SCALE,
        }
        sign["sentence_cosine"] = sign["cosine"]
    promising = sorted(range(len(ids)), key=lambda i: -fusion.first_look(found.signs[i]))[
        :SENTENCES_FOR
    ]
    sentences = searchable.sentence_vectors([ids[i] for i in promising], fingerprint)
    best = closeness.best_sentences(ids, sentences, target, cosine)
    for i, sign in enumerate(found.signs):
        sign["sentence_cosine"] = float(best[i]) * closeness.SCALE
        sign["has_sentences"] = float(ids[i] in sentences)
    looks = [fusion.first_look(sign) for sign in found.signs]
    for name, values in closeness.feedback(ids, vectors, looks).items():
        for sign, value in zip(found.signs, values, strict=True):
            sign[name] = float(value) * closeness.SCALE
    found.has_vectors = True


def _explained(looked: fusion.Looked | None) -> dict[str, float]:
    """The query-level numbers for `--explain`: the weight of dense against lexical, and what it follows from."""
    if looked is None:
        return {}
    weights = {f"weight_{group}": weight for group, weight in looked.weights.items()}
    return {"dense_share": looked.dense_share} | weights | dict(looked.numbers)

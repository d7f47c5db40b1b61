"""Candidates for a question: what the two rankings find, and every feature of each of them.

Works over whatever it is handed: store or memory, any index, any embedder or none; what could not look is named in
`degraded`. Leaves out the score (fusion.py) and the order (retrieve.py). Serves `retrieve`, `why_not` and the fit of
the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from brain.errors import BrainError
from brain.protocols import WORD_VECTORS, Embedder, Searchable, VectorIndex
from brain.retrieval import fusion
from brain.retrieval.overlap import Overlap
from brain.text.question import Question, expression
from brain.text.sheet import Sheet, sheet, sheets
from brain.types import Measures, Passage, Request, Scope
from ingest.terms import stem

Ranking = list[tuple[str, float]]
"""(chunk id, score), best first."""
Neighbour = str | None
Beside = dict[str, tuple[Neighbour, Neighbour]]
"""Id of a short chunk -> ids of the chunk before and of the one after it, where there are such."""

# Of each ranking; 50 changes no figure by .002 and costs a quarter more.
CANDIDATES = 40
# Characters of all candidates' texts: about 3 ms. Short lines are all read, of chunks of 1,300 letters 25.
READ_CHARACTERS = 32_000
READ_AT_LEAST = 20  # candidates, however long
# What decides which texts are read; flat from 6 to 12 (benchmarks/RETRIEVAL.md)
BM25_FIRST = 6.0
COSINE_FIRST = 9.0
# Of all chunks: a word in more of them is asked only when nothing rarer is there.
COMMON_SHARE = 0.25
# Chunks from which common words are left out; below, asking them costs less than 5 ms.
COMMON_FROM = 20_000


@dataclass(frozen=True, slots=True)
class Sources:
    """What one search looks through."""

    searchable: Searchable
    index: VectorIndex | None = None
    embedder: Embedder | None = None

    def nearest(self, request: Request, limit: int) -> tuple[Any, Ranking]:
        """(the question's vector, the chunks closest to it). Raises `BrainError` when nothing can look."""
        if self.embedder is None:
            raise BrainError("no embedder")
        if self.index is None:
            raise BrainError("no vector index")
        vector = self.embedder.embed_query(request.question)
        allowed = self.searchable.allowed(request.scope)
        return vector, self.index.query(vector, limit=limit, allowed=allowed)


@dataclass(slots=True)
class Candidates:
    """What the two rankings found, and what was read of it.

    `texts` and `features` go with `passages`, one for each. `beside` holds the chunks next to each short one, `earlier`
    the turns before each turn of a conversation, the nearest first. `index` names the vector index that answered.
    `no_dense`: why nothing was looked for by meaning.
    """

    question: Question
    idf: Measures
    count: int
    lexical: Ranking = field(default_factory=list)
    dense: Ranking = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    texts: list[Sheet] = field(default_factory=list)
    features: list[dict[str, float]] = field(default_factory=list)
    degraded: str = ""
    no_dense: str = ""
    index: str = ""
    has_vectors: bool = False
    beside: Beside = field(default_factory=dict)
    earlier: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ceiling(self) -> float:
        """The sum of the idf of the question's words: what a BM25 is measured against; never 0."""
        return sum(self.idf[term] for term in self.question.stems) or 1.0

    @property
    def ids(self) -> list[str]:
        """The ids of the passages."""
        return [passage.id for passage in self.passages]


def candidates(request: Request, sources: Sources) -> Candidates:
    """Both rankings, the passages of either, and every feature of each of them; in the mode of the request."""
    question = Question.of(request.question)
    searchable = sources.searchable
    count = searchable.count()
    words = tuple(dict.fromkeys(question.words))
    frequencies = searchable.document_frequencies(words)
    weights = {}
    for word in question.words:
        weights[stem(word)] = idf(frequencies[word], count)
    found = Candidates(question, weights, count)
    most = math.inf
    if count > COMMON_FROM:
        most = COMMON_SHARE * count
    rare = [word for word in question.words if frequencies[word] <= most]
    asked = expression(question, rare)
    if request.mode != "dense":
        found.lexical = searchable.match(asked, limit=CANDIDATES, scope=request.scope)
    vector = None
    if request.mode != "lexical":
        vector = _dense(found, request, sources)
    bm25 = dict(found.lexical)
    ids = list(bm25 | dict(found.dense))
    unscored = [key for key in ids if key not in bm25]
    bm25 |= searchable.match_scores(asked, unscored)
    passages = searchable.passages(ids, scope=request.scope)
    found.passages = _promising(found, passages, bm25)
    _add_neighbours(found, searchable, request.scope)
    _read_all(found, bm25)
    if vector is not None and found.passages:
        _compare_all(found, sources, vector)
    return found


def idf(frequency: int, count: int) -> float:
    """BM25's idf with one added inside the logarithm, so that it is never negative."""
    others = max(count - frequency, 0)
    return math.log(1 + (others + 0.5) / (frequency + 0.5))


def _dense(found: Candidates, request: Request, sources: Sources) -> Any:
    """Fill the dense ranking and return the question's vector, or say in `degraded` why there is none."""
    try:
        vector, found.dense = sources.nearest(request, CANDIDATES)
    except BrainError as error:
        found.no_dense = error.message
        found.degraded = f"words only: {error.message}"
        return None
    found.index = sources.index.name if sources.index else ""
    return vector


def _promising(
    found: Candidates, passages: list[Passage], bm25: Measures
) -> list[Passage]:
    """The candidates whose texts are read: all of them, unless they are long; then the best by both scores alone."""
    lengths = [len(passage.text) for passage in passages]
    if sum(lengths) <= READ_CHARACTERS:
        return passages
    cosine = dict(found.dense)
    least = min(cosine.values(), default=0.0)
    ceiling = found.ceiling

    def by_both(passage: Passage) -> float:
        by_words = BM25_FIRST * bm25.get(passage.id, 0.0) / ceiling
        by_meaning = COSINE_FIRST * cosine.get(passage.id, least)
        return by_words + by_meaning

    kept: list[Passage] = []
    characters = 0
    for passage in sorted(passages, key=by_both, reverse=True):
        characters += len(passage.text)
        if characters > READ_CHARACTERS and len(kept) >= READ_AT_LEAST:
            break
        kept.append(passage)
    return kept


def _add_neighbours(found: Candidates, searchable: Searchable, scope: Scope) -> None:
    """The short passages among the candidates get the text before and after them."""
    found.beside = searchable.neighbours(found.ids)
    if not found.beside:
        return
    two_back = _two_back(found, searchable)
    texts = {passage.id: passage.text for passage in found.passages}
    wanted = _beside(found.beside).union(two_back.values())
    for passage in searchable.passages(sorted(wanted - texts.keys()), scope=scope):
        texts[passage.id] = passage.text
    # Read together, before who speaks is asked of each
    sheets(texts.values())
    for place, passage in enumerate(found.passages):
        if passage.id not in found.beside:
            continue
        key_before, key_after = found.beside[passage.id]
        before = texts.get(key_before or "", "")
        after = texts.get(key_after or "", "")
        found.passages[place] = but(passage, before=before, after=after)
        if _is_turn(passage):
            earlier = (before, texts.get(two_back.get(passage.id, ""), ""))
            found.earlier[passage.id] = [turn for turn in earlier if turn]


def _is_turn(passage: Passage) -> bool:
    """Whether a short passage is said in answer to the one before it: a round of a conversation that was recorded, or
    a text that begins with who speaks. A short section is about something else than the one before it.
    """
    recorded = passage.id == passage.document_id
    return recorded or bool(sheet(passage.text).named_speaker)


def _two_back(found: Candidates, searchable: Searchable) -> dict[str, str]:
    """Id of a round that was recorded -> id of the one two before it in its session."""
    before = {}
    for passage in found.passages:
        key, _after = found.beside.get(passage.id, (None, None))
        if key and passage.id == passage.document_id:
            before[passage.id] = key
    behind = searchable.neighbours(sorted(set(before.values())))
    found_back = {}
    for key, one_back in before.items():
        two_back, _after = behind.get(one_back, (None, None))
        if two_back:
            found_back[key] = two_back
    return found_back


def but(passage: Passage, **changes: Any) -> Passage:
    """The same passage with other values: `dataclasses.replace` at a tenth of its cost; a search makes a hundred."""
    other = object.__new__(Passage)
    vars(other).update(vars(passage), **changes)
    return other


def _beside(beside: Beside) -> set[str]:
    """The ids of all chunks that stand next to a short one."""
    keys = chain.from_iterable(beside.values())
    return {key for key in keys if key is not None}


def _read_all(found: Candidates, bm25: Measures) -> None:
    """The features that stand in the texts."""
    passages = found.passages
    overlap = Overlap(found.question, found.idf)
    ceiling = found.ceiling
    texts = [passage.text for passage in passages]
    before = list(chain.from_iterable(found.earlier.values()))
    # What was said before a turn is read along, so that it is there when it is looked up by its text
    found.texts = sheets(texts + before)[: len(texts)]
    titles = sheets([_titled(passage) for passage in passages])
    named = overlap.named(found.texts)
    lengths = [len(text.pieces) for text in found.texts]
    average = sum(lengths) / (len(lengths) or 1)
    for passage, title, text in zip(passages, titles, found.texts, strict=True):
        by_words = bm25.get(passage.id, 0.0)
        said = overlap.features(
            passage,
            title,
            text,
            average=average,
            named=named,
            earlier=found.earlier.get(passage.id, ()),
        )
        said["bm25"] = by_words / ceiling
        found.features.append(said)


def _titled(passage: Passage) -> str:
    """Title, headings and names of a passage as one text."""
    parts = (passage.title, *passage.heading, passage.names)
    return " ".join(parts).rstrip()


def _compare_all(found: Candidates, sources: Sources, question_vector: Any) -> None:
    """The features that need vectors, for all candidates; none when no candidate has one."""
    from brain.retrieval import closeness

    searchable = sources.searchable
    fingerprint = str(sources.embedder.fingerprint) if sources.embedder else ""
    ids = found.ids
    around = sorted(_beside(found.beside).difference(ids))
    vectors = searchable.vectors([*ids, *around], fingerprint)
    if vectors.keys().isdisjoint(ids):
        return
    sentences = searchable.sentence_vectors(ids, fingerprint)
    cosine = closeness.cosines(ids, vectors, question_vector)
    best = closeness.best_sentences(ids, sentences, question_vector, cosine)
    reads = not fingerprint.startswith(f"{WORD_VECTORS}@")
    if not reads:
        # Vectors of words say of one sentence little that they do not say of all
        best = (best + cosine) / 2
    columns = {
        "cosine": cosine,
        "window": closeness.windows(
            ids, vectors, found.beside, question_vector, cosine
        ),
        "sentence_cosine": best,
    }
    _set_all(found, columns)
    for key, features in zip(ids, found.features, strict=True):
        features["has_sentences"] = float(reads and key in sentences)
    first_scores = [fusion.first_score(features) for features in found.features]
    feedback = closeness.feedback(ids, vectors, first_scores)
    _set_all(found, feedback)
    found.has_vectors = True


def _set_all(found: Candidates, columns: Mapping[str, Any]) -> None:
    """Features of all candidates by name, from cosines or differences of cosines."""
    from brain.retrieval.closeness import SCALE

    for name, values in columns.items():
        for features, value in zip(found.features, values.tolist(), strict=True):
            features[name] = value * SCALE

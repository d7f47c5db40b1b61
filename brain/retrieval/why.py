"""Why a document was not found: the first stage of the walk at which it was lost, with its ranks up to there.

Runs the same walk as `retrieve`, and looks further down either ranking. Leaves out any remedy. Serves `brain why-not`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brain.errors import BrainError
from brain.retrieval.candidates import Ranking, Sources, candidates
from brain.retrieval.retrieve import rank, retrieve
from brain.text.question import Question, expression
from brain.types import Request, Texts
from ingest.terms import stem, tokens

DEPTH = 1_000  # places of each ranking in which a lost document is looked for
Stage = Literal[
    "not stored", "out of scope", "no candidate", "cut", "collapsed", "found"
]


@dataclass(frozen=True, slots=True)
class Trace:
    """`stage` is where the document went. Ranks are 1-based, of its best chunk; None beyond the first DEPTH, or when
    not a candidate. `shared`: the words of the question that stand in it.
    """

    stage: Stage
    lexical: int | None = None
    dense: int | None = None
    fused: int | None = None
    shared: Texts = ()
    limit: int = 10

    def __str__(self) -> str:
        """One line for a person."""
        if self.stage in ("not stored", "out of scope"):
            return self.stage
        words = ", ".join(self.shared) or "no word of the question"
        fused = "not among the candidates"
        if self.fused:
            fused = f"fused {self.fused}"
        ranks = f"{_said(self.lexical)} lexical, {_said(self.dense)} dense, {fused}"
        return f"{self.stage}: holds {words}; {ranks}, cut at {self.limit}"


def why_not(request: Request, chunks: set[str], sources: Sources) -> Trace:
    """Trace one document, whose chunks have these ids, through the stages of `retrieve`. Raises nothing of its own."""
    searchable = sources.searchable
    limit = request.limit
    if not chunks:
        return Trace("not stored", limit=limit)
    inside = searchable.passages(sorted(chunks), scope=request.scope)
    if not inside:
        return Trace("out of scope", limit=limit)
    question = Question.of(request.question)
    texts = [f"{passage.header} {passage.text}" for passage in inside]
    shared = _shared(question, " ".join(texts))
    by_words = searchable.match(expression(question), limit=DEPTH, scope=request.scope)
    lexical = _place(by_words, chunks)
    dense = _dense_place(request, sources, chunks)
    ranked, _ = rank(candidates(request, sources))
    fused = _place([(passage.id, passage.score) for passage in ranked], chunks)
    shown = set()
    stood_for: set[str] = set()
    for passage in retrieve(request, sources).passages:
        shown.add(passage.id)
        stood_for.update(passage.versions)
    stage: Stage = "cut"
    if not chunks.isdisjoint(shown):
        stage = "found"
    elif fused is None:
        stage = "no candidate"
    elif inside[0].source in stood_for:
        stage = "collapsed"
    return Trace(stage, lexical, dense, fused, shared, limit)


def _place(ranking: Ranking, chunks: set[str]) -> int | None:
    """The place, from 1, of the first of these chunks in a ranking."""
    for place, (key, _score) in enumerate(ranking, start=1):
        if key in chunks:
            return place
    return None


def _shared(question: Question, text: str) -> Texts:
    """The words of the question that stand in a text, in any of their forms, each once."""
    held = set(map(stem, tokens(text)))
    shared = [word for word in question.words if stem(word) in held]
    return tuple(dict.fromkeys(shared))


def _dense_place(request: Request, sources: Sources, chunks: set[str]) -> int | None:
    try:
        _, by_meaning = sources.nearest(request, DEPTH)
    except BrainError:
        return None
    return _place(by_meaning, chunks)


def _said(place: int | None) -> str:
    if place:
        return f"rank {place}"
    return f"beyond {DEPTH:,}"

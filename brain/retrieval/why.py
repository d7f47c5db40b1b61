"""Why a document was not found: the first stage of the walk at which it was lost, with its ranks up to there.

Runs the same walk as `retrieve`, and looks further down either ranking. Leaves out any remedy. Serves `brain why-not`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from brain.errors import BrainError
from brain.protocols import Embedder, Searchable, VectorIndex
from brain.retrieval.candidates import Sources, candidates
from brain.retrieval.retrieve import rank, retrieve
from brain.text.question import Question, expression
from brain.types import Scope
from ingest.terms import stem, tokens

DEPTH = 1_000  # places of each ranking in which a lost document is looked for
EVERYTHING = Scope()
Stage = Literal["not stored", "out of scope", "no candidate", "cut", "collapsed", "found"]


class Traceable(Searchable, Protocol):
    """A `Searchable` that knows which chunks a document has."""

    def documents(self, reference: str) -> list[str]:
        """Ids of the chunks of one document, named by id, source or address; [] when nothing is stored."""
        ...


@dataclass(frozen=True, slots=True)
class Lost:
    """`stage` is where the document went. Ranks are 1-based, of its best chunk; None beyond the first DEPTH, or when
    not a candidate. `shared`: the words of the question that stand in it.
    """

    stage: Stage
    lexical: int | None = None
    dense: int | None = None
    fused: int | None = None
    shared: tuple[str, ...] = ()
    limit: int = 10

    def __str__(self) -> str:
        """One line for a person."""
        if self.stage in ("not stored", "out of scope"):
            return self.stage
        words = (
            f"holds {', '.join(self.shared)}" if self.shared else "holds no word of the question"
        )
        fused = f"fused {self.fused}" if self.fused else "not among the candidates"
        return f"{self.stage}: {words}; {_said(self.lexical)} lexical, {_said(self.dense)} dense, {fused}, cut at {self.limit}"


def why_not(
    question: str | Question,
    document: str,
    *,
    searchable: Traceable,
    index: VectorIndex | None,
    embedder: Embedder | None,
    scope: Scope = EVERYTHING,
    limit: int = 10,
) -> Lost:
    """Trace one document, named by id, source or address, through the stages of `retrieve`. Raises nothing of its own."""
    chunks = set(searchable.documents(document))
    if not chunks:
        return Lost("not stored", limit=limit)
    inside = searchable.passages(sorted(chunks), scope=scope)
    if not inside:
        return Lost("out of scope", limit=limit)
    question = Question.of(question)
    sources = Sources(searchable, index, embedder, scope)
    shared = _shared(question, " ".join(f"{passage.header} {passage.text}" for passage in inside))
    lexical = _place(searchable.match(expression(question), limit=DEPTH, scope=scope), chunks)
    dense = _dense_place(question, sources, chunks)
    ranked, _ = rank(candidates(question, sources))
    fused = _place([(passage.id, passage.score) for passage in ranked], chunks)
    shown = retrieve(
        question, searchable=searchable, index=index, embedder=embedder, scope=scope, limit=limit
    ).passages
    stage: Stage = "cut"
    if any(passage.id in chunks for passage in shown):
        stage = "found"
    elif fused is None:
        stage = "no candidate"
    elif any(inside[0].source in passage.versions for passage in shown):
        stage = "collapsed"
    return Lost(stage, lexical, dense, fused, shared, limit)


def _place(ranking: list[tuple[str, float]], chunks: set[str]) -> int | None:
    return next((place for place, (key, _) in enumerate(ranking, start=1) if key in chunks), None)


def _shared(question: Question, text: str) -> tuple[str, ...]:
    """The words of the question that stand in a text, in any of their forms, each once."""
    held = {stem(word) for word in tokens(text)}
    return tuple(word for word in dict.fromkeys(question.words) if stem(word) in held)


def _dense_place(question: Question, sources: Sources, chunks: set[str]) -> int | None:
    if sources.index is None or sources.embedder is None:
        return None
    try:
        vector = sources.embedder.embed_query(question.text)
        allowed = sources.searchable.allowed(sources.scope)
        return _place(sources.index.query(vector, limit=DEPTH, allowed=allowed), chunks)
    except BrainError:
        return None


def _said(place: int | None) -> str:
    return f"rank {place}" if place else f"beyond {DEPTH:,}"

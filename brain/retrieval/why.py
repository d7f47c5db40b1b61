"""Why a document was not found: the first stage of the walk at which it was lost, with its ranks up to there.

Runs the same walk as `retrieve`, and looks further down either ranking. Leaves out any remedy. Serves `brain why-not`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from brain.errors import BrainError
from brain.protocols import Embedder, Searchable, VectorIndex
from brain.retrieval.query import expression, read
from brain.retrieval.reading import Lens
from brain.retrieval.retrieve import candidates, rank, retrieve
from brain.types import Scope

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
    question: str,
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
    query = read(question)
    lens = Lens(query, dict.fromkeys(query.stems, 1.0))
    held = lens.terms_in(" ".join(f"{passage.header} {passage.text}" for passage in inside))
    shared = tuple(
        dict.fromkeys(word for word in query.words if not held.isdisjoint(lens.terms_in(word)))
    )
    lexical = _place(searchable.match(expression(query), limit=DEPTH, scope=scope), chunks)
    dense = _dense_place(question, searchable, index, embedder, scope, chunks)
    ranked, _ = rank(
        candidates(question, searchable=searchable, index=index, embedder=embedder, scope=scope)
    )
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


def _dense_place(
    question: str,
    searchable: Searchable,
    index: VectorIndex | None,
    embedder: Embedder | None,
    scope: Scope,
    chunks: set[str],
) -> int | None:
    if index is None or embedder is None:
        return None
    try:
        vector = embedder.embed_query(question)
        return _place(index.query(vector, limit=DEPTH, allowed=searchable.allowed(scope)), chunks)
    except BrainError:
        return None


def _said(place: int | None) -> str:
    return f"rank {place}" if place else f"beyond {DEPTH:,}"

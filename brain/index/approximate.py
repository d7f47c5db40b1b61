"""Approximate search over an opened Chroma directory, as a `VectorIndex`: current, scoped, and exact where it matters.

What the outbox has and Chroma does not is laid over its answers, so that it never lags. A scope is met by asking for
more, doubled three times; when that does not fill the answer, the exact index gives it. Leaves out opening, proving and
falling back after a failure (chain.py). Serves long-lived doors and very large stores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from brain.errors import Unavailable
from brain.index.overlay import Delta, best, unit

if TYPE_CHECKING:
    from brain.protocols import VectorIndex, Vectors

OVERFETCH = 2  # times `limit` asked for under a scope at first
DOUBLINGS = 3  # HOUSE §7: then the exact index answers
SMALL_SCOPE = (
    1_000  # ids: a scope this small is a handful of dot products, and Chroma would rarely meet it
)


class Room(Protocol):
    """An opened Chroma directory: `ChromaDirectory` in this process, or `Worker` in another."""

    def upsert(self, kind: str, ids: Sequence[str], vectors: Vectors) -> None: ...
    def delete(self, kind: str, ids: Sequence[str]) -> None: ...
    def nearest(self, kind: str, vector: Vectors, *, limit: int) -> list[tuple[str, float]]: ...
    def ids(self, kind: str) -> set[str]: ...
    def count(self, kind: str) -> int: ...
    def close(self) -> None: ...


class ChromaIndex:
    """`VectorIndex` over one kind. Raises `Unavailable` when Chroma fails. `exact` is called when a scope needs it."""

    name = "chroma"

    def __init__(
        self,
        room: Room,
        *,
        kind: str,
        dimensions: int,
        exact: Callable[[], VectorIndex],
        delta: Delta | None = None,
    ) -> None:
        self._room, self._kind, self._dimensions = room, kind, dimensions
        self._exact = exact
        self._delta = delta

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Set vectors; they are scaled to length 1. Raises `ValueError` for one that has no direction."""
        import numpy as np

        rows = [unit(vector, self._dimensions) for vector in vectors]
        good = [row for row in rows if row is not None]
        if len(good) < len(rows):
            raise ValueError("a vector without a direction cannot be compared")
        if good:
            self._room.upsert(self._kind, ids, np.stack(good))

    def delete(self, ids: Sequence[str]) -> None:
        """Leave these out; unknown ids are no error."""
        if ids:
            self._room.delete(self._kind, ids)

    def ids(self) -> set[str]:
        """Every chunk that can be found."""
        written = self._room.ids(self._kind)
        return (
            written
            if self._delta is None
            else (written - self._delta.changed) | set(self._delta.ids)
        )

    def query(
        self, vector: Vectors, *, limit: int, allowed: set[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first."""
        target = unit(vector, self._dimensions)
        if target is None or limit < 1:
            return []
        if self._delta is not None and not self._delta.refresh():
            raise Unavailable("the vector index is too far behind", "run `brain sync`")
        if allowed is not None and len(allowed) <= SMALL_SCOPE:
            return self._exact().query(target, limit=limit, allowed=allowed)
        found = self._widened(target, limit, allowed)
        if found is None:
            return self._exact().query(target, limit=limit, allowed=allowed)
        return best(
            found + (self._delta.scores(target, allowed) if self._delta is not None else []), limit
        )

    def _widened(
        self, target: Vectors, limit: int, allowed: set[str] | None
    ) -> list[tuple[str, float]] | None:
        """The written chunks that count; None when three doublings did not bring `limit` of them."""
        changed: set[str] = set() if self._delta is None else self._delta.changed
        wanted = limit * OVERFETCH if changed or allowed is not None else limit
        for _ in range(DOUBLINGS + 1):
            found = self._room.nearest(self._kind, target, limit=wanted)
            kept = [
                pair
                for pair in found
                if pair[0] not in changed and (allowed is None or pair[0] in allowed)
            ]
            if len(kept) >= limit or len(found) >= self._room.count(self._kind):
                return kept
            wanted *= 2
        return None

    def close(self) -> None:
        """Close the directory."""
        self._room.close()

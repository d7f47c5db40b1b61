"""Approximate search over an opened snapshot, as a `VectorIndex`: current, scoped, and exact where it matters.

What the outbox has and the snapshot does not is laid over its answers, so that it never lags. A scope is met by asking
for more, doubled three times; when that does not fill the answer, the exact index gives it. Leaves out opening, proving
and falling back after a failure (chain.py). Serves long-lived doors and very large stores.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from brain.errors import Unavailable
from brain.index.chroma_child import ChromaChild
from brain.index.overlay import Allowed, Overlay, Scored, best, unit
from brain.store.vectors import ChunkVectors

if TYPE_CHECKING:
    from brain.protocols import VectorIndex, Vectors

OVERFETCH = 2  # times `limit` asked for at first where some of the answer may not count
DOUBLINGS = 3  # then the exact index answers, which is quicker by then
# Ids: a scope this small is a handful of dot products, and Chroma would rarely meet it.
SMALL_SCOPE = 1_000


class ChromaIndex:
    """`VectorIndex` over one kind. Raises `Unavailable` when Chroma fails. `exact` is asked where a scope needs it."""

    name = "chroma"

    def __init__(
        self,
        child: ChromaChild,
        stored: ChunkVectors,
        overlay: Overlay,
        exact: VectorIndex,
    ) -> None:
        self._child = child
        self._stored = stored
        self._overlay = overlay
        self._exact = exact

    def query(self, vector: Vectors, *, limit: int, allowed: Allowed = None) -> Scored:
        """(chunk id, cosine), best first."""
        target = unit(vector, self._stored.dimensions)
        if target is None or limit < 1:
            return []
        if not self._overlay.refresh():
            raise Unavailable("the Chroma index is too far behind", "run `brain sync`")
        found = None
        if allowed is None or len(allowed) > SMALL_SCOPE:
            found = self._written(target, limit, allowed)
        if found is None:
            return self._exact.query(target, limit=limit, allowed=allowed)
        return best(found + self._overlay.scores(target, allowed), limit)

    @cached_property
    def _size(self) -> int:
        """How many the snapshot holds; that does not change."""
        return self._child.count(self._stored.kind)

    def _written(self, target: Vectors, limit: int, allowed: Allowed) -> Scored | None:
        """The written chunks that count; None when three doublings did not bring `limit` of them."""
        changed = self._overlay.changed
        wanted = limit
        if changed or allowed is not None:
            wanted = limit * OVERFETCH
        for _ in range(DOUBLINGS + 1):
            found = self._child.nearest(self._stored.kind, target, limit=wanted)
            kept = [pair for pair in found if pair[0] not in changed]
            if allowed is not None:
                kept = [pair for pair in kept if pair[0] in allowed]
            if len(kept) >= limit or len(found) >= self._size:
                return kept
            wanted *= 2
        return None

"""What changed since an index was written: the chunks named by the outbox, with their present vectors, in memory.

It is laid over the written part, so that no index lags behind the store. Leaves out the written part itself. Serves
mapped files and Chroma alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from brain.index.mapped_file import Block
from brain.store.vectors import ChunkVectors, by_kind

if TYPE_CHECKING:
    from brain.protocols import Vectors

Scored = list[tuple[str, float]]
"""(chunk id, cosine)."""
Allowed = set[str] | None
"""The chunks that a scope lets through, None when it lets everything through."""

# Outbox rows read for one overlay: about 0.3 s; beyond that it is quicker to write the index again.
MAX_ROWS = 20_000


class Overlay:
    """`changed` names every chunk whose written vector no longer counts; `ids` and `matrix` hold the present ones."""

    def __init__(self, stored: ChunkVectors, *, seq: int) -> None:
        self._stored = stored
        self.seq = seq
        self.changed: set[str] = set()
        self._vectors: dict[str, Vectors] = {}
        self._matrix: Vectors | None = None

    def refresh(self) -> bool:
        """Take in what is new in the outbox. False when the way from `seq` to now is too long or no longer there."""
        if self._stored.table.last_seq() == self.seq:
            return True
        # One row more than is bearable tells that there are too many.
        changes = self._stored.table.changes(self.seq, limit=MAX_ROWS + 1)
        if changes is None or len(changes) > MAX_ROWS:
            return False
        self._look_again(by_kind(changes).get(self._stored.kind, []))
        if changes:
            self.seq = changes[-1].seq
        return True

    def _look_again(self, ids: list[str]) -> None:
        """What counts is the present vector of a chunk, not what a row of the outbox says was done to it."""
        if not ids:
            return
        present = self._present(ids)
        gone = set(ids).difference(present)
        self.put(list(present), list(present.values()))
        self.drop(gone)

    def _present(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """What those of the chunks have now that have a vector."""
        return self._stored.vectors(ids)

    def put(self, ids: Sequence[str], vectors: Sequence[Vectors] | Vectors) -> None:
        """These chunks have these vectors now; rows of length 1."""
        self.changed.update(ids)
        self._vectors.update(zip(ids, vectors, strict=True))
        self._matrix = None

    def drop(self, ids: Iterable[str]) -> None:
        """These chunks have none any more."""
        self.changed.update(ids)
        for chunk_id in ids:
            self._vectors.pop(chunk_id, None)
        # It is put together again when it is asked for.
        self._matrix = None

    @property
    def ids(self) -> list[str]:
        """The chunks that have a vector here, in the order of `matrix`."""
        return list(self._vectors)

    @property
    def matrix(self) -> Vectors:
        """float32, shape (ids, dimensions)."""
        import numpy as np

        if self._matrix is None:
            rows = list(self._vectors.values())
            self._matrix = np.stack(rows).astype(np.float32, copy=False)
        return self._matrix

    @property
    def block(self) -> Block:
        """Everything here, as it is written into a file; there must be something."""
        return Block(self.ids, [1] * len(self._vectors), self.matrix)

    def scores(self, vector: Vectors, allowed: Allowed) -> Scored:
        """(chunk id, cosine) of everything here that `allowed` lets through, in no order."""
        if not self._vectors:
            return []
        scores = self.matrix @ vector
        pairs = list(zip(self._vectors, scores.tolist(), strict=True))
        if allowed is None:
            return pairs
        return [pair for pair in pairs if pair[0] in allowed]


def best(pairs: Scored, limit: int) -> Scored:
    """The `limit` highest, best first; equal ones by their id, so that the order is always the same."""
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:limit]


def unit(vector: Vectors, dimensions: int) -> Vectors | None:
    """float32 of length 1 and shape (dimensions,); None without a direction. Raises `ValueError` for another shape."""
    import numpy as np

    array = np.asarray(vector, dtype=np.float32).reshape(-1)
    if array.shape != (dimensions,):
        raise ValueError(
            f"a vector of {array.shape[0]} numbers where the index holds {dimensions}"
        )
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length == 0:
        return None
    return array / length

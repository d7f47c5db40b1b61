"""Exact search: the cosine of the question with every vector there is. The oracle, the fallback, the everyday index.

It reads a derived, memory-mapped file and lays over it what the outbox says has changed, so it never lags and never
answers for a deleted chunk. Leaves out any approximation. Serves one-shot commands, and everyone when Chroma fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.faults import reach
from brain.index import exact_file
from brain.index.files import locked
from brain.index.overlay import Allowed, Overlay, Scored, best, unit
from brain.store.vectors import ChunkVectors

if TYPE_CHECKING:
    from brain.protocols import Vectors

BLOCK_ROWS = 16_384  # rows multiplied at once: 16 MB at 256 dimensions
# Changed rows from which the file is written again at close: they cost about 15 ms per command.
REWRITE_ROWS = 1_000


class ExactIndex:
    """`VectorIndex` over the stored vectors of one kind and fingerprint. Never raises for a damaged file."""

    name = "exact"

    def __init__(self, stored: ChunkVectors, directory: Path) -> None:
        self._stored = stored
        self._path = directory / exact_file.name_of(stored.kind, stored.fingerprint)
        self._written: exact_file.Written | None = None
        self._overlay = Overlay(stored, seq=0)

    def ids(self) -> set[str]:
        """Every chunk that can be found."""
        self._current()
        return (set(self._rows) - self._overlay.changed) | set(self._overlay.ids)

    def query(self, vector: Vectors, *, limit: int, allowed: Allowed = None) -> Scored:
        """(chunk id, cosine), best first; equal ones by id. 0.5 ms at 10,000 chunks, 10 ms at 100,000, once mapped."""
        import numpy as np

        target = unit(vector, self._stored.dimensions)
        if target is None or limit < 1:
            return []
        written = self._current()
        scores = np.empty(len(written.ids), np.float32)
        for start in range(0, len(scores), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            np.dot(written.matrix[block], target, out=scores[block])
        found = self._top(scores, limit, allowed)
        return best(found + self._overlay.scores(target, allowed), limit)

    def _top(self, scores: Vectors, limit: int, allowed: Allowed) -> Scored:
        """The best written rows that still count, more than `limit` only where scores are equal."""
        import numpy as np

        # What changed since is found in the overlay, or nowhere any more.
        scores[self._rows_of(self._overlay.changed)] = -math.inf
        rows = np.arange(len(scores))
        if allowed is not None:
            rows = np.array(self._rows_of(allowed), np.int64)
            scores = scores[rows]
        place = len(scores) - limit
        if place > 0:
            least = np.partition(scores, place)[place]
            keep = np.flatnonzero(scores >= least)
            rows = rows[keep]
            scores = scores[keep]
        return self._named(rows, scores)

    def _named(self, rows: Any, scores: Vectors) -> Scored:
        """The chunks of these rows with their scores, without those whose row no longer counts."""
        ranked = zip(rows.tolist(), scores.tolist(), strict=True)
        names = self._current_ids
        return [
            (names[row].decode(), score) for row, score in ranked if score != -math.inf
        ]

    def _rows_of(self, ids: set[str]) -> list[int]:
        """Where those of the chunks stand that are in the written part."""
        rows = self._rows if ids else {}
        return [rows[chunk_id] for chunk_id in ids if chunk_id in rows]

    def prepare(self) -> None:
        """Write the file now where it is missing or far behind, so that the first question does not wait for it."""
        self._current()
        self.close()

    def close(self) -> None:
        """Write the file again when much has changed. The index may be used afterwards; it opens itself again."""
        changed = len(self._overlay.changed)
        if self._written is not None and changed > REWRITE_ROWS:
            self._write(self._merged(), seq=self._overlay.seq)
        self._forget()

    # -- the written part -----------------------------------------------------------------------------------------

    def _current(self) -> exact_file.Written:
        """The written part, with the overlay brought up to date; read, or built, when it is not there."""
        if self._written is not None and self._overlay.refresh():
            return self._written
        self._forget()
        found = exact_file.read(self._path, self._stored.fingerprint)
        if found is not None and self._stored.table.mark(found.seq) == found.mark:
            self._use(found)
            if self._overlay.refresh():
                return found
        return self._build()

    def _build(self) -> exact_file.Written:
        """From SQLite, without a model: through the file when it can be written, else in memory."""
        # Before the vectors are read: what changes meanwhile comes in by the overlay.
        seq = self._stored.table.last_seq()
        if self._write(self._stored.stream(), seq=seq):
            found = exact_file.read(self._path, self._stored.fingerprint)
            if found is not None:
                return self._use(found)
        return self._use(self._in_memory(seq))

    def _in_memory(self, seq: int) -> exact_file.Written:
        import numpy as np

        names: list[bytes] = []
        blocks = [np.empty((0, self._stored.dimensions), np.float32)]
        for ids, rows in self._stored.stream():
            names.extend(chunk_id.encode() for chunk_id in ids)
            blocks.append(rows)
        matrix = np.concatenate(blocks)
        return exact_file.Written(np.array(names, dtype=bytes), matrix, seq, None)

    def _merged(self) -> Iterator[tuple[list[str], Vectors]]:
        """The written rows that still count, then the changed ones."""
        import numpy as np

        written = self._current()
        count = len(written.ids)
        kept = np.ones(count, bool)
        kept[self._rows_of(self._overlay.changed)] = False
        for start in range(0, count, BLOCK_ROWS):
            block = kept[start : start + BLOCK_ROWS]
            rows = start + np.flatnonzero(block)
            names = written.ids[rows].tolist()
            yield [name.decode() for name in names], written.matrix[rows]
        if self._overlay.ids:
            yield self._overlay.ids, self._overlay.matrix

    def _write(self, blocks: Iterator[tuple[list[str], Vectors]], *, seq: int) -> bool:
        """Write the file; False when another process does so now, or the disk does not take it."""
        lock = self._path.with_suffix(".lock")
        with suppress(OSError), locked(lock, seconds=0) as held:
            if held:
                reach("index.exact_write")
                mark = self._stored.table.mark(seq)
                exact_file.write(
                    self._path, self._stored.fingerprint, blocks, seq=seq, mark=mark
                )
                return True
        return False

    def _use(self, written: exact_file.Written) -> exact_file.Written:
        self._forget()
        self._written = written
        self._overlay = Overlay(self._stored, seq=written.seq)
        return written

    def _forget(self) -> None:
        self._written = None
        self.__dict__.pop("_rows", None)
        self.__dict__.pop("_current_ids", None)

    @cached_property
    def _current_ids(self) -> Sequence[bytes]:
        """The written ids; not turned into a list, since a question needs a dozen of them."""
        assert self._written is not None
        ids: Sequence[bytes] = self._written.ids
        return ids

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Where each written chunk stands; 30 ms at 100,000, and only for a scope or a change."""
        return {name.decode(): row for row, name in enumerate(self._current_ids)}

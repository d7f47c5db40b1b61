"""An index over a derived, memory-mapped file, with what the outbox says has changed laid over it.

So it never lags and never answers for a deleted chunk, and the file can be deleted at any time. What a row is, and how
it is scored, say its two kinds: vectors of chunks (exact.py) and signs of sentences (sentences.py). Leaves the file's
form to mapped_file.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.faults import reach
from brain.index import mapped_file
from brain.index.files import locked
from brain.index.mapped_file import Block, Layout, Written
from brain.index.overlay import Allowed, Overlay, Scored, best, unit
from brain.store.vectors import ChunkVectors

if TYPE_CHECKING:
    from brain.protocols import Vectors

BLOCK_CHUNKS = 16_384  # chunks copied at once when the file is written again
# Changed rows from which the file is written again at close: they cost about 15 ms per command.
REWRITE_ROWS = 1_000


class MappedIndex:
    """`VectorIndex` over what is stored for one kind and fingerprint. Never raises for a damaged file."""

    name = ""
    layout: Layout

    def __init__(self, stored: ChunkVectors, directory: Path) -> None:
        self._stored = stored
        self._path = directory / self.layout.name_of(stored.kind, stored.fingerprint)
        self._written: Written | None = None
        self._overlay = self._lay_over(0)

    # -- what a kind says -----------------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[Block]:
        """Everything, from SQLite."""
        raise NotImplementedError

    def _lay_over(self, seq: int) -> Overlay:
        """What has changed since `seq`."""
        return Overlay(self._stored, seq=seq)

    def _scores(self, written: Written, target: Vectors) -> Vectors:
        """The score of each written chunk, float32."""
        raise NotImplementedError

    # -- questions ------------------------------------------------------------------------------------------------

    def ids(self) -> set[str]:
        """Every chunk that can be found."""
        self._current()
        return (set(self._rows) - self._overlay.changed) | set(self._overlay.ids)

    def query(self, vector: Vectors, *, limit: int, allowed: Allowed = None) -> Scored:
        """(chunk id, score), best first; equal ones by id."""
        target = unit(vector, self._stored.dimensions)
        if target is None or limit < 1:
            return []
        scores = self._scores(self._current(), target)
        found = self._top(scores, limit, allowed)
        return best(found + self._overlay.scores(target, allowed), limit)

    def _top(self, scores: Vectors, limit: int, allowed: Allowed) -> Scored:
        """The best written chunks that still count, more than `limit` only where scores are equal."""
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
        """The chunks of these places with their scores, without those whose written part no longer counts."""
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

    def _current(self) -> Written:
        """The written part, with the overlay brought up to date; read, or built, when it is not there."""
        if self._written is not None and self._overlay.refresh():
            return self._written
        self._forget()
        found = self._read()
        if found is not None and self._stored.table.mark(found.seq) == found.mark:
            self._use(found)
            if self._overlay.refresh():
                return found
        return self._build()

    def _read(self) -> Written | None:
        return mapped_file.read(self._path, self.layout, self._stored.fingerprint)

    def _build(self) -> Written:
        """From SQLite, without a model: through the file when it can be written, else in memory."""
        # Before the vectors are read: what changes meanwhile comes in by the overlay.
        seq = self._stored.table.last_seq()
        if self._write(self._blocks(), seq=seq):
            found = self._read()
            if found is not None:
                return self._use(found)
        made = mapped_file.in_memory(
            self.layout, self._stored.fingerprint, self._blocks(), seq=seq
        )
        return self._use(made)

    def _merged(self) -> Iterator[Block]:
        """The written chunks that still count, then the changed ones."""
        import numpy as np

        written = self._current()
        kept = np.ones(len(written.ids), bool)
        kept[self._rows_of(self._overlay.changed)] = False
        ends = np.cumsum(written.counts, dtype=np.int64)
        for start in range(0, len(kept), BLOCK_CHUNKS):
            block = slice(start, start + BLOCK_CHUNKS)
            counts = written.counts[block]
            first = int(ends[start]) - int(counts[0])
            rows = written.rows[first : int(ends[block][-1])]
            wanted = kept[block]
            names = written.ids[block][wanted].tolist()
            yield Block(
                [name.decode() for name in names],
                counts[wanted],
                rows[np.repeat(wanted, counts)],
            )
        if self._overlay.ids:
            yield self._overlay.block

    def _write(self, blocks: Iterator[Block], *, seq: int) -> bool:
        """Write the file; False when another process does so now, or the disk does not take it."""
        lock = self._path.with_suffix(".lock")
        with suppress(OSError), locked(lock, seconds=0) as held:
            if held:
                reach("index.exact_write")
                mapped_file.write(
                    self._path,
                    self.layout,
                    self._stored.fingerprint,
                    blocks,
                    seq=seq,
                    mark=self._stored.table.mark(seq),
                )
                return True
        return False

    def _use(self, written: Written) -> Written:
        self._forget()
        self._written = written
        self._overlay = self._lay_over(written.seq)
        return written

    def _forget(self) -> None:
        self._written = None
        for name in ("_rows", "_current_ids", "_starts"):
            self.__dict__.pop(name, None)

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

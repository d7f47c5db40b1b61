"""Which index answers: Chroma where it pays and is proven, else exact search, and always said which and why.

A one-shot command scans exactly up to `exact_limit` chunks, which is quicker than importing Chroma. A door that lives
long, or a larger store, asks a snapshot of Chroma in a process of its own, and falls back to exact search on any
failure. `[index] engine` forces one. Chroma holds the vectors of chunks only: their sentences are ten times as many
(600,000 are .9 GB there), and are looked for by their signs (sentences.py) whichever answers. Words alone are the
caller's last resort. Leaves writing snapshots to snapshot.py. Serves `Brain` and, through it, every door.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from brain.errors import BrainError, Unavailable
from brain.index import snapshot
from brain.index.chroma_child import ChromaChild, ChromaDied
from brain.index.chroma_index import ChromaIndex
from brain.index.exact import ExactIndex
from brain.index.open_snapshots import OpenSnapshots
from brain.index.overlay import Allowed, Overlay, Scored, best, unit
from brain.index.sentences import SentenceIndex
from brain.protocols import Progress, silent
from brain.store.snapshots import Snapshot, dimensions_of
from brain.store.vectors import KINDS, ChunkVectors, VectorTable

if TYPE_CHECKING:
    from brain.protocols import Vectors

# Chunks of WIDTH dimensions, of wider ones fewer: at 200,000 a command that starts takes 1.5 s of processor exactly and
# 3.9 s with Chroma. `[index] exact_limit` in the configuration.
EXACT_LIMIT = 400_000
WIDTH = 256
# Chunks that each of the two first looks brings, by its own vector and by its best sentence; those of either are
# scored by both (benchmarks/RETRIEVAL.md).
LOOKED_AT = 150
QUERY_SECONDS = 20.0  # per answer of Chroma; then exact search
AUTO, EXACT, CHROMA = "auto", "exact", "chroma"  # `[index] engine`
NONE_YET = "until a snapshot of Chroma is written"


def max_exact(limit: int, fingerprint: str) -> int:
    """How many chunks of these dimensions are as much to read as `limit` of WIDTH; never more than `limit`."""
    return min(limit, limit * WIDTH // dimensions_of(fingerprint))


class Indexes:
    """The vector indexes of one fingerprint, one per kind; the snapshot behind them is opened on first use.

    `name` is "chroma" or "exact", `reason` why, both also after a failure in between; `fallback` is the reason when
    Chroma should have answered and could not, else "".
    """

    def __init__(
        self,
        table: VectorTable,
        directory: Path,
        fingerprint: str,
        *,
        engine: str = AUTO,
        exact_limit: int = EXACT_LIMIT,
        long_lived: bool = False,
        snapshots: OpenSnapshots | None = None,
    ) -> None:
        self._table = table
        self._directory = directory
        self._fingerprint = fingerprint
        self._engine = engine
        self._exact_limit = exact_limit
        self._long_lived = long_lived
        self._snapshots = snapshots or OpenSnapshots()
        self._none_yet = False
        self._child: ChromaChild | None = None
        self._tried: Snapshot | None = None  # opened, or given up
        self._exact: dict[str, ExactIndex] = {}
        self._sentences: dict[str, SentenceIndex] = {}
        self._chroma: dict[str, ChromaIndex] = {}
        self.name = ""
        self.reason = ""
        self.fallback = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that has Chroma open, None when none does."""
        return self._child.pid if self._child else None

    @property
    def wants_chroma(self) -> bool:
        """Whether Chroma should answer, not whether it can."""
        return self._choice()[0] == CHROMA

    def index(self, kind: str) -> ServingIndex:
        """The index of this kind; the choice is made once, at the first call."""
        if not self.name:
            self.name, self.reason = self._choice()
            if self.name == CHROMA:
                self._enter()
        return ServingIndex(self, kind)

    def update(self, *, progress: Progress = silent) -> int | None:
        """Write a snapshot where Chroma is to answer and one is due, and remove what nobody uses; the next question
        opens it. For the end of a large taking in, and for doors that live long.

        Returns how many vectors it holds, 0 when none was due, None when another process writes one.
        """
        self._table.drop_damaged()
        self._table.prune()
        self.close()
        if self.wants_chroma:
            return snapshot.update(
                self._table, self._directory, self._fingerprint, progress=progress
            )
        unused = any(True for _ in snapshot.leftovers(self._table, self._directory))
        if unused or snapshot.gone(self._table, self._directory):
            snapshot.tidy(self._table, self._directory)
        return 0

    def stored(self, kind: str) -> ChunkVectors:
        """The vectors of this kind in the store."""
        return self._table.of(kind, self._fingerprint)

    def exact(self, kind: str) -> ExactIndex:
        """The exact index of this kind."""
        if kind not in self._exact:
            self._exact[kind] = ExactIndex(self.stored(kind), self._directory)
        return self._exact[kind]

    def sentences(self, kind: str) -> SentenceIndex | None:
        """The sentences of this kind; None while some of the store are still to come: then chunks answer alone."""
        if self._table.without_sentences(self._fingerprint):
            return None
        if kind not in self._sentences:
            self._sentences[kind] = SentenceIndex(self.stored(kind), self._directory)
        return self._sentences[kind]

    def prepare(self) -> None:
        """Write the files that a command will read, before the first question has to wait for them."""
        most = max_exact(self._exact_limit, self._fingerprint)
        for kind in KINDS:
            if self._table.total() <= most:
                self.exact(kind).prepare()
            sentences = self.sentences(kind)
            if sentences is not None:
                sentences.prepare()

    def chroma(self, kind: str) -> ChromaIndex | None:
        """The approximate index of this kind over the present snapshot, None where exact search is to answer."""
        if self.name != CHROMA and not (self.fallback or self._none_yet):
            return None
        if self._tried != self._table.snapshots.current(self._fingerprint):
            self._let_go()
            self._enter()  # another process has written a newer one
        if self._child is None or self._tried is None:
            return None
        if kind not in self._chroma:
            stored = self.stored(kind)
            overlay = Overlay(stored, seq=self._tried.applied_seq)
            self._chroma[kind] = ChromaIndex(
                self._child, stored, overlay, self.exact(kind)
            )
        return self._chroma[kind]

    def give_up(self, error: Unavailable) -> None:
        """Chroma failed: exact search until there is another snapshot. One that killed its process is not opened again,
        by nobody where that can be noted.
        """
        self.name = EXACT
        self.reason = self.fallback = f"{error.message}; exact search answers"
        self._let_go(failed=True)
        if isinstance(error, ChromaDied) and error.crashed and self._tried is not None:
            with suppress(BrainError):  # a full disk, a home that can only be read
                self._table.snapshots.discard(self._tried.n)
                self._tried = None

    def close(self) -> None:
        """Let go of everything; it opens again when it is used."""
        for index in (*self._exact.values(), *self._sentences.values()):
            index.close()
        self._exact.clear()
        self._sentences.clear()
        self._let_go()
        self._tried = None
        self.name = ""
        self.reason = ""
        self.fallback = ""

    def _choice(self) -> tuple[str, str]:
        """(the index that should answer, why)."""
        if self._engine != AUTO:
            return self._engine, "chosen in the configuration"
        if self._long_lived:
            return CHROMA, "kept open by this process"
        count = sum(self._table.size(kind) for kind in KINDS)
        most = max_exact(self._exact_limit, self._fingerprint)
        if count <= most:
            return EXACT, f"{count:,} chunks: up to {most:,} are searched exactly"
        return CHROMA, f"{count:,} chunks"

    def _enter(self) -> None:
        """Open the present snapshot in a process of its own, or say why exact search answers."""
        # Noted before it is opened: one that kills its process is to be given up.
        self._tried = found = self._table.snapshots.current(self._fingerprint)
        self._none_yet = found is None and self._long_lived and self._engine == AUTO
        if self._none_yet:
            # Nothing is missing: one is written when there is time, and exact search is as good
            self.name, self.reason, self.fallback = EXACT, NONE_YET, ""
            return
        try:
            if why := snapshot.doubt(self._directory, found):
                raise Unavailable(why, "run `brain sync`")
            assert found is not None  # else there is a doubt
            place = snapshot.directory_of(self._directory, found.n)
            self._child = self._snapshots.take(place, seconds=QUERY_SECONDS)
            self.name, self.reason, self.fallback = CHROMA, self._choice()[1], ""
        except Unavailable as error:
            self.give_up(error)

    def _let_go(self, *, failed: bool = False) -> None:
        self._chroma.clear()
        if self._child is not None:
            self._snapshots.give_back(self._child, failed=failed)
        self._child = None


class ServingIndex:
    """`VectorIndex` that asks Chroma while it serves, and exact search otherwise. `name` says which answered last.

    Its score is the mean of two cosines: that of the chunk, and that of its best sentence. A long note holds many
    facts, and a vector of all of it is near to none of them.
    """

    def __init__(self, indexes: Indexes, kind: str) -> None:
        self._indexes = indexes
        self._kind = kind

    @property
    def name(self) -> str:
        """ "chroma" or "exact"."""
        return self._indexes.name or EXACT

    @property
    def reason(self) -> str:
        """Why that one."""
        return self._indexes.reason

    @property
    def fallback(self) -> str:
        """Why not the one that should have answered; "" when it did."""
        return self._indexes.fallback

    def query(self, vector: Vectors, *, limit: int, allowed: Allowed = None) -> Scored:
        """(chunk id, score), best first, from the index named by `name` afterwards."""
        sentences = self._indexes.sentences(self._kind)
        if sentences is None or limit < 1:
            return self._by_chunk(vector, limit=limit, allowed=allowed)
        most = max(limit, LOOKED_AT)
        found = dict(self._by_chunk(vector, limit=most, allowed=allowed))
        if len(found) == most:  # fewer are all that there are
            found |= sentences.query(vector, limit=most, allowed=allowed)
        stored = self._indexes.stored(self._kind)
        return best(_scored(stored, list(found), vector), limit)

    def _by_chunk(self, vector: Vectors, *, limit: int, allowed: Allowed) -> Scored:
        """(chunk id, cosine of its own vector), best first."""
        chroma = self._indexes.chroma(self._kind)
        if chroma is not None:
            try:
                return chroma.query(vector, limit=limit, allowed=allowed)
            except Unavailable as error:
                self._indexes.give_up(error)
        return self._indexes.exact(self._kind).query(
            vector, limit=limit, allowed=allowed
        )


def _scored(stored: ChunkVectors, ids: list[str], vector: Vectors) -> Scored:
    """The chunks with the mean of their own cosine and that of their best sentence, in no order."""
    import numpy as np

    target = unit(vector, stored.dimensions)
    found = stored.in_sentences(ids)
    if target is None or not found.ids:
        return []
    starts = np.cumsum([0, *found.counts[:-1]])
    of_sentences = np.maximum.reduceat(found.sentences @ target, starts)
    scores = (found.own @ target + of_sentences) / 2
    return list(zip(found.ids, scores.tolist(), strict=True))

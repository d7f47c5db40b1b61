"""Which index answers: Chroma where it pays and is proven, else exact search, and always said which and why.

A one-shot command below `exact_limit` chunks scans exactly, which is faster than importing Chroma. A long-lived door,
or a larger store, asks Chroma in its own process, and falls back to exact search on any failure. Words alone are the
caller's last resort. Leaves out writing Chroma (sync.py). Serves `Brain` and, through it, every door.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from brain.errors import Unavailable
from brain.index.approximate import ChromaIndex
from brain.index.child import Worker, WorkerDied
from brain.index.exact import ExactIndex
from brain.index.files import LOCK
from brain.index.overlay import Delta
from brain.index.proof import directory_of, doubt, file_limit
from brain.index.sync import apply
from brain.index.truth import KINDS, Truth, length_of
from brain.protocols import Progress, silent
from brain.types import Synced

if TYPE_CHECKING:
    from brain.protocols import Vectors

# Chunks of WIDTH dimensions, of wider ones fewer: at 200,000 a command that starts takes 1.5 s of processor exactly and
# 3.9 s with Chroma (HOUSE §7 says 100,000). `[index] exact_limit` in the configuration.
EXACT_LIMIT = 400_000
WIDTH = 256
LOCK_SECONDS = 0.2  # a search waits no longer for a writer; exact search answers meanwhile
QUERY_SECONDS = 20.0  # per answer of Chroma; then exact search


class Indexes:
    """The vector indexes of one fingerprint: one per kind, over one Chroma directory that is opened on first use.

    `name` is "chroma" or "exact", `reason` why, both also after a failure in between; `fallback` is the reason when Chroma
    should have answered and could not, else "".
    """

    def __init__(
        self,
        truth: Truth,
        directory: Path,
        fingerprint: str,
        *,
        exact_limit: int = EXACT_LIMIT,
        long_lived: bool = False,
    ) -> None:
        self.truth, self.directory, self.fingerprint = truth, directory, fingerprint
        self._exact_limit, self._long_lived = exact_limit, long_lived
        self._worker: Worker | None = None
        self._generation = 0
        self._seq = 0
        self._open: dict[str, Chosen] = {}
        self.name, self.reason, self.fallback = "", "", ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def index(self, kind: str) -> Chosen:
        """The index of this kind; the choice is made once, at the first call."""
        if not self.name:
            self._choose()
        if kind not in self._open:
            exact = ExactIndex(self.truth, self.directory, kind=kind, fingerprint=self.fingerprint)
            self._open[kind] = Chosen(self, exact, self._approximate(kind, exact))
        return self._open[kind]

    def sync(self, *, progress: Progress = silent) -> Synced:
        """Let go of Chroma, bring it up to date, and open it again at the next question. For long-lived doors."""
        self.close()
        return apply(self.truth, self.directory, self.fingerprint, progress=progress)

    def give_up(self, error: Unavailable) -> None:
        """Chroma failed: exact search from now on; a directory that killed its process is not opened again."""
        self.name = "exact"
        self.reason = self.fallback = f"{error.message}; exact search answers"
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
        if isinstance(error, WorkerDied) and error.crashed:
            self.truth.generations.bury(self._generation)

    def close(self) -> None:
        """Let go of everything; it opens again when it is used."""
        for chosen in self._open.values():
            chosen.exact.close()
        self._open.clear()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
        self.name, self.reason, self.fallback = "", "", ""

    def _choose(self) -> None:
        count, most = (
            sum(self.truth.size(kind) for kind in KINDS),
            most_exactly(self._exact_limit, self.fingerprint),
        )
        if not self._long_lived and count <= most:
            self.name, self.reason = (
                "exact",
                f"{count:,} chunks: up to {most:,} are searched exactly",
            )
            return
        self.name, self.reason = (
            "chroma",
            f"{count:,} chunks" if not self._long_lived else "kept open by this process",
        )
        try:
            self._enter()
        except Unavailable as error:
            self.give_up(error)

    def _enter(self) -> None:
        """Open the proven generation in a process of its own. Raises `Unavailable` with the reason why not."""
        generations = self.truth.generations
        if doubts := doubt(self.directory, generations.usable(self.fingerprint)):
            raise Unavailable(doubts, "run `brain sync`")
        self._worker = Worker(seconds=QUERY_SECONDS)
        if not self._worker.lock(self.directory / LOCK, seconds=LOCK_SECONDS):
            raise Unavailable(
                "the Chroma index is in use by another process", "run `brain sync` later"
            )
        found = generations.usable(self.fingerprint)  # again, now that nobody else can change it
        if doubts := doubt(self.directory, found):
            raise Unavailable(doubts, "run `brain sync`")
        assert found is not None
        self._generation, self._seq = found.n, found.applied_seq
        place = directory_of(self.directory, found.n)
        self._worker.open(place, file_bytes=file_limit(found.count, found.dimensions))

    def _approximate(self, kind: str, exact: ExactIndex) -> ChromaIndex | None:
        found = self.truth.generations.usable(self.fingerprint)
        if self._worker is None or found is None:
            return None
        delta = Delta(self.truth, kind, self.fingerprint, seq=self._seq)
        return ChromaIndex(
            self._worker, kind=kind, dimensions=found.dimensions, exact=lambda: exact, delta=delta
        )


def most_exactly(limit: int, fingerprint: str) -> int:
    """How many chunks of these dimensions are as much to read as `limit` of WIDTH; never more than `limit`."""
    return min(limit, limit * WIDTH // length_of(fingerprint))


class Chosen:
    """`VectorIndex` that asks Chroma while it serves, and exact search otherwise. `name` says which answered last."""

    def __init__(
        self, indexes: Indexes, exact: ExactIndex, approximate: ChromaIndex | None
    ) -> None:
        self._indexes, self.exact, self._approximate = indexes, exact, approximate

    @property
    def name(self) -> str:
        """ "chroma" or "exact"."""
        return self._indexes.name or self.exact.name

    @property
    def reason(self) -> str:
        """Why that one."""
        return self._indexes.reason

    @property
    def fallback(self) -> str:
        """Why not the one that should have answered; "" when it did."""
        return self._indexes.fallback

    def query(
        self, vector: Vectors, *, limit: int, allowed: set[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first, from the index named by `name` afterwards."""
        if self._approximate is not None and self._indexes.name == "chroma":
            try:
                return self._approximate.query(vector, limit=limit, allowed=allowed)
            except Unavailable as error:
                self._indexes.give_up(error)
        return self.exact.query(vector, limit=limit, allowed=allowed)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Lay these over what is stored, for this process alone: the store's own changes come by the outbox."""
        self.exact.upsert(ids, vectors)

    def delete(self, ids: Sequence[str]) -> None:
        """Leave these out, for this process alone."""
        self.exact.delete(ids)

    def ids(self) -> set[str]:
        """Every chunk that can be found: what the store holds, which no index may lack."""
        return self.exact.ids()

    def close(self) -> None:
        """Let go of everything."""
        self._indexes.close()

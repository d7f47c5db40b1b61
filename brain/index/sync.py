"""The outbox into Chroma: idempotent, one writer at a time, a new generation beside the old where there is any doubt.

The truth is SQLite; nothing here can lose anything. Chroma is only ever written by a child process under a lock, and
the owner's row in SQLite holds even where the lock file was deleted. Leaves out computing vectors (embed.py). Serves
`brain sync`, `brain rebuild`, long-lived doors, and the end of a large `add`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from brain.errors import Unavailable
from brain.faults import reach
from brain.index import exact_file
from brain.index.child import Worker, WorkerDied
from brain.index.files import LOCK, private_directory, remove
from brain.index.owner import alive
from brain.index.proof import chroma_version, directory_of, doubt, file_limit, sound
from brain.index.truth import KINDS, Generation, Truth, by_kind
from brain.protocols import Progress, silent
from brain.types import Synced

BATCH = 1_000  # chunks per call of Chroma (HOUSE §10)
LEAVING_SECONDS = 1.0  # a process that let go of the lock is gone by then
POLL_SECONDS = 0.05
STALE_SECONDS = 3_600  # a temporary file older than this was left by a process that died


def _never() -> bool:
    return False


def apply(
    truth: Truth,
    directory: Path,
    fingerprint: str,
    *,
    batch: int = BATCH,
    wait_seconds: float = 0.0,
    refill: bool = False,
    progress: Progress = silent,
    stop: Callable[[], bool] = _never,
) -> Synced:
    """Bring Chroma up to date with the store. `waiting` is what is left: another process writes, or `stop` said so.

    Where the present generation is missing, doubtful, of another version of Chroma or too far behind, or `refill` asks
    for it, a new one is filled from SQLite, without a model, and takes over when it is complete. Raises `Unavailable`
    when that fails too; the exact index serves on.
    """
    if not refill and _settled(truth, directory, fingerprint):
        return Synced()
    job = _Job(truth, directory, fingerprint, batch, progress, stop)
    try:
        return job.run(wait_seconds, refill=refill)
    except WorkerDied as death:
        if not death.crashed:
            raise
        return job.run(wait_seconds, refill=refill)  # what killed it is given up by now


def rebuild(
    truth: Truth,
    directory: Path,
    fingerprint: str,
    *,
    wait_seconds: float = 60.0,
    progress: Progress = silent,
) -> Synced:
    """Everything derived from the vectors of this fingerprint, anew from SQLite. 100,000 chunks take about a minute."""
    for kind in KINDS:
        (directory / exact_file.name_of(kind, fingerprint)).unlink(missing_ok=True)
    return apply(
        truth, directory, fingerprint, refill=True, wait_seconds=wait_seconds, progress=progress
    )


def sweep(truth: Truth, directory: Path) -> None:
    """Remove what no one uses: dead generations, half-built ones without a builder, strange directories, leftovers.

    The caller holds the lock.
    """
    generations = truth.generations
    for found in generations.all():
        if _abandoned(found):
            generations.bury(found.n)
        if _abandoned(found) or found.state == "dead":
            reach("index.before_rmtree")
            remove(directory_of(directory, found.n))
            generations.forget(found.n)
    known = {
        directory_of(directory, found.n) for found in generations.all() if found.state != "dead"
    }
    for place in directory.glob("vec-*"):
        if place not in known:
            remove(place)
    used = {
        exact_file.name_of(kind, fingerprint)
        for kind in KINDS
        for fingerprint in truth.fingerprints()
    }
    for file in directory.glob("exact-*.f32"):
        if file.name not in used:
            remove(file)
    for file in directory.glob("*.tmp"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > STALE_SECONDS:
                file.unlink()


def _settled(truth: Truth, directory: Path, fingerprint: str) -> bool:
    """Whether there is nothing to do. Nothing stored yet is settled too."""
    generation = truth.generations.usable(fingerprint)
    if generation is None:
        return not truth.fingerprints().get(fingerprint)
    leftovers = any(
        _abandoned(found) or _buried(directory, found) for found in truth.generations.all()
    )
    return (
        not leftovers
        and generation.applied_seq == truth.last_seq()
        and not doubt(directory, generation)
    )


def _abandoned(found: Generation) -> bool:
    """Half built, and its builder died."""
    return found.state == "building" and not alive(found.owner_pid or 0, found.owner_start or "")


def _buried(directory: Path, found: Generation) -> bool:
    """Given up, but its directory is still there."""
    return found.state == "dead" and directory_of(directory, found.n).exists()


class _Job:
    """One run under the lock."""

    def __init__(
        self,
        truth: Truth,
        directory: Path,
        fingerprint: str,
        batch: int,
        progress: Progress,
        stop: Callable[[], bool],
    ) -> None:
        self._truth, self._directory, self._fingerprint = truth, directory, fingerprint
        self._generations = truth.generations
        self._batch, self._progress, self._stop = batch, progress, stop
        self._applied = self._removed = 0

    def run(self, wait_seconds: float, *, refill: bool) -> Synced:
        """Find the generation to write, or fill a new one."""
        self._applied = self._removed = 0
        private_directory(self._directory)
        with Worker() as worker:
            if worker.lock(self._directory / LOCK, seconds=wait_seconds):
                sweep(self._truth, self._directory)
                present = self._generations.usable(self._fingerprint)
                if present is None or self._free(present, max(wait_seconds, LEAVING_SECONDS)):
                    if (
                        present is None
                        or refill
                        or not sound(self._truth, self._directory, present)
                    ):
                        self._replace(worker, present, keep=refill)
                    else:
                        self._continue(worker, present)
        self._truth.drop_damaged()
        self._truth.prune()
        return Synced(self._applied, self._removed, self._generations.lag(self._fingerprint))

    @staticmethod
    def _free(generation: Generation, seconds: float) -> bool:
        """Whether nobody else writes it. We have the lock, so that one is leaving, or someone deleted the lock file."""
        end = time.monotonic() + seconds
        while generation.state == "dirty" and alive(
            generation.owner_pid or 0, generation.owner_start or ""
        ):
            if time.monotonic() > end:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _continue(self, worker: Worker, present: Generation) -> None:
        """The outbox into the present generation."""
        if not self._generations.claim(present.n, pid=worker.pid, start=worker.start, alive=alive):
            return
        try:
            self._open(worker, present)
            self._catch_up(worker, present)
            count = self._finish(worker)
        except WorkerDied as death:
            if death.crashed:
                self._generations.bury(present.n)
            raise
        self._generations.release(present.n, state=self._state(present), count=count)

    def _replace(self, worker: Worker, old: Generation | None, *, keep: bool) -> None:
        """A new generation beside the old, which is given up now, or serves (`keep`) until the new one is complete."""
        if old is not None and not keep:
            self._generations.bury(old.n)
        new = self._generations.create(
            self._fingerprint,
            version=chroma_version(),
            pid=worker.pid,
            start=worker.start,
            now=datetime.now(UTC).isoformat(),
        )
        try:
            remove(directory_of(self._directory, new.n))
            self._open(worker, new)
            if not self._fill(worker):
                self._generations.bury(new.n)
                return
            self._catch_up(worker, new)
            count = self._finish(worker)
        except BaseException:
            self._generations.bury(new.n)
            raise
        reach("index.before_flip")
        self._generations.flip(new.n, count=count)
        sweep(self._truth, self._directory)

    def _open(self, worker: Worker, generation: Generation) -> None:
        count = sum(self._truth.size(kind) for kind in KINDS)
        allowance = file_limit(max(count, generation.count), generation.dimensions)
        worker.open(directory_of(self._directory, generation.n), file_bytes=allowance)

    def _fill(self, worker: Worker) -> bool:
        """All stored vectors. False when stopped in between."""
        total = sum(self._truth.count(kind, self._fingerprint) for kind in KINDS)
        for kind in KINDS:
            for ids, rows in self._truth.stream(kind, self._fingerprint, rows=self._batch):
                if self._stop():
                    return False
                worker.upsert(kind, ids, rows)
                self._applied += len(ids)
                self._progress("index", self._applied, max(total, self._applied))
        return True

    def _catch_up(self, worker: Worker, generation: Generation) -> None:
        """The outbox, batch by batch; what a chunk is now counts, not what its row says."""
        seq, end = generation.applied_seq, self._truth.last_seq()
        while not self._stop():
            changes = self._truth.changes(seq, limit=self._batch)
            if changes is None:
                raise Unavailable("the vector index is too far behind", "run `brain sync` again")
            if not changes:
                return
            for kind, ids in by_kind(changes).items():
                self._put(worker, kind, ids)
            reach("index.mid_apply")
            seq = changes[-1].seq
            self._generations.advance(generation.n, seq)
            self._progress(
                "index", seq - generation.applied_seq, max(seq, end) - generation.applied_seq
            )

    def _put(self, worker: Worker, kind: str, ids: list[str]) -> None:
        import numpy as np

        present = self._truth.vectors(kind, ids, self._fingerprint)
        gone = [chunk_id for chunk_id in ids if chunk_id not in present]
        if present:
            worker.upsert(kind, list(present), np.stack(list(present.values())))
        if gone:
            worker.delete(kind, gone)
        self._applied += len(present)
        self._removed += len(gone)

    @staticmethod
    def _finish(worker: Worker) -> int:
        count = sum(worker.count(kind) for kind in KINDS)
        worker.close()
        return count

    def _state(self, present: Generation) -> str:
        """What it was before it was dirty; after a crash, what the other generations leave."""
        if present.state != "dirty":
            return present.state
        others = (g for g in self._generations.all() if g.fingerprint != self._fingerprint)
        return "spare" if any(g.state == "live" for g in others) else "live"

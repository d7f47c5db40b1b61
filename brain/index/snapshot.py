"""Chroma's index as a snapshot: an immutable directory, written whole by a child process, then pointed to in SQLite.

SQLite is the truth, and nothing here can lose anything. A snapshot is of one fingerprint and of one moment; what
changed since is laid over it by whoever reads it (overlay.py), until so much has changed that a new one is written
beside it. A crash at any point leaves the old pointer and a directory that nobody points to, which the next writer
removes. Leaves computing vectors to embed.py and searching to chain.py. Serves long-lived doors, very large stores and
`brain rebuild`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from brain.errors import StoreError, Unavailable
from brain.faults import reach
from brain.index import mapped_file, overlay
from brain.index.chroma_child import READING, ChromaChild
from brain.index.files import LOCK, intact, locked, private_directory, remove
from brain.protocols import Progress, silent
from brain.store.snapshots import Snapshot
from brain.store.vectors import KINDS, VectorTable

BATCH = 1_000  # chunks handed to Chroma at once
NAME = "snapshot-"
# What releases that wrote into Chroma in place left in the folder.
OLDER = ("vec-*", "applier.lock")
STALE_SECONDS = (
    3_600  # a temporary file older than this was left by a process that died
)
COPYING_SECONDS = (
    60  # a reader's copy older than this has its lock, if its reader lives
)
# A new snapshot costs 0.4 ms a chunk, a changed row costs 15 us at every opening: so many changes, or such a share,
# are worth one.
SMALL_OVERLAY = 1_000
OVERLAY_SHARE = 0.1

FLOAT_BYTES = 4
ROW_BYTES = (
    400  # per vector beside its numbers: links, id, SQLite row (measured: 318-364)
)
FIXED_BYTES = 8 * 2**20  # an empty directory, and SQLite's growth
QUEUE_ROWS = 2_000  # vectors that also stand in Chroma's log: it is emptied every 1,000
FILE_LIMIT_FACTOR = (
    2  # times the whole directory's expected size; Chroma once wrote a file of 1.49 TB
)


def _never() -> bool:
    return False


def directory_of(directory: Path, n: int) -> Path:
    """Where snapshot `n` lies."""
    return directory / f"{NAME}{n}"


def chroma_version() -> str:
    """The installed version, read without importing it."""
    from importlib.metadata import version

    return version("chromadb")


def expected_bytes(count: int, dimensions: int) -> int:
    """About what a directory of so many vectors occupies."""
    vector = dimensions * FLOAT_BYTES
    return count * (vector + ROW_BYTES) + QUEUE_ROWS * vector + FIXED_BYTES


def doubt(directory: Path, found: Snapshot | None) -> str:
    """Why Chroma may not open it; "" when every byte is what was written. 20 ms per 100 MB."""
    if found is None:
        return "no Chroma index has been built yet"
    if found.chroma_version != chroma_version():
        return f"the Chroma index was written by version {found.chroma_version}"
    place = directory_of(directory, found.n)
    if not place.is_dir():
        return "the Chroma index was deleted"
    return "" if intact(place) else "the Chroma index is damaged"


def due(table: VectorTable, directory: Path, fingerprint: str) -> bool:
    """Whether a new one is to be written: there is none, it may not be opened, or too much has changed since."""
    found = table.snapshots.current(fingerprint)
    if found is None:
        return bool(table.fingerprints().get(fingerprint))
    changed = table.last_seq() - found.applied_seq
    most = max(SMALL_OVERLAY, min(overlay.MAX_ROWS, int(found.count * OVERLAY_SHARE)))
    pruned = table.changes(found.applied_seq, limit=1) is None
    return changed > most or pruned or doubt(directory, found) != ""


def write(
    table: VectorTable,
    directory: Path,
    fingerprint: str,
    *,
    batch: int = BATCH,
    wait_seconds: float = 0.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = _never,
) -> int | None:
    """Write all stored vectors of a fingerprint as a new snapshot and point to it; returns how many.

    None when another process writes one, or `stop` said so: then everything stays as it was. 100,000 chunks take about
    a minute, no model is asked. Raises `Unavailable` when it fails; the old snapshot and the exact index serve on.
    """
    private_directory(directory)
    with ChromaChild() as child:
        if not child.lock(directory / LOCK, seconds=wait_seconds):
            return None
        sweep(table, directory)
        # It notes the outbox as it is now: what changes while vectors are read is laid over by the reader.
        new = table.snapshots.reserve(fingerprint, now=datetime.now(UTC).isoformat())
        place = directory_of(directory, new.n)
        done = False
        try:
            count = _fill(table, child, place, new, batch, progress, stop)
            if count is not None:
                reach("index.before_flip")
                done = table.snapshots.flip(
                    new.n, count=count, version=chroma_version()
                )
            if done:
                sweep(table, directory)
                return count
        finally:
            if not done:
                _give_up(table, child, place)
    return None


def update(
    table: VectorTable,
    directory: Path,
    fingerprint: str,
    *,
    progress: Progress = silent,
) -> int | None:
    """`write` where it is due; 0 where it is not."""
    if not due(table, directory, fingerprint):
        return 0
    return write(table, directory, fingerprint, progress=progress)


def _give_up(table: VectorTable, child: ChromaChild, place: Path) -> None:
    """Remove what was begun. SQLite is written to afterwards: this may have filled the disk, where it cannot be."""
    child.kill()
    remove(place)
    # The lock ended with the child: another may be writing by now, and then its sweep takes our row too.
    with suppress(StoreError):
        tidy(table, place.parent)


def _fill(
    table: VectorTable,
    child: ChromaChild,
    place: Path,
    new: Snapshot,
    batch: int,
    progress: Progress,
    stop: Callable[[], bool],
) -> int | None:
    """All stored vectors into the directory; returns how many, None when stopped. Raises when fewer arrived."""
    total = sum(table.of(kind, new.fingerprint).count() for kind in KINDS)
    child.create(
        place, file_bytes=FILE_LIMIT_FACTOR * expected_bytes(total, new.dimensions)
    )
    # By their ids: one that is saved anew while they are read comes a second time, under a later row.
    sent: set[tuple[str, str]] = set()
    for kind in KINDS:
        for ids, rows in table.of(kind, new.fingerprint).stream(rows=batch):
            if stop():
                return None
            child.add(kind, ids, rows)
            sent.update((kind, chunk_id) for chunk_id in ids)
            progress("index", len(sent), max(total, len(sent)))
    if child.finish() != len(sent):
        raise Unavailable(
            "the Chroma index did not take in every vector", "run `brain sync`"
        )
    return len(sent)


# -- what nobody uses ---------------------------------------------------------------------------------------------


def leftovers(
    table: VectorTable, directory: Path, *, locked_by_us: bool = False
) -> Iterator[tuple[Path, str]]:
    """(path, what it is) of everything in the folder that no row points to and no process reads or writes."""
    written = not locked_by_us and _held(directory / LOCK)
    states = ("live", "building") if written else ("live",)
    in_use = [
        directory_of(directory, s.n) for s in table.snapshots.all() if s.state in states
    ]
    for place in sorted(directory.glob(f"{NAME}*")):
        if place not in in_use:
            yield place, f"{place.name} is a snapshot that nothing points to"
    for place in sorted(directory.glob(f"{READING}*")):
        # Between the making of a copy and its lock there is a moment without one.
        if _stale(place, COPYING_SECONDS) and not _held(place / LOCK):
            yield place, f"{place.name} was left by a process that died"
    for pattern in OLDER:
        for place in sorted(directory.glob(pattern)):
            yield place, f"{place.name} was left by an older release"
    for file in sorted(directory.glob("*.tmp")):
        if _stale(file):
            yield file, f"{file.name} was left unfinished"


def gone(table: VectorTable, directory: Path) -> list[Snapshot]:
    """The snapshots that are pointed to and were deleted."""
    live = [found for found in table.snapshots.all() if found.state == "live"]
    return [found for found in live if not directory_of(directory, found.n).is_dir()]


def unused_files(table: VectorTable, directory: Path) -> Iterator[tuple[Path, str]]:
    """The same of mapped files whose vectors are gone. Looks at every stored vector: 0.1 s at 200,000."""
    fingerprints = table.fingerprints()
    for layout in mapped_file.LAYOUTS:
        used = {layout.name_of(kind, name) for kind in KINDS for name in fingerprints}
        for file in sorted(directory.glob(f"{layout.name}-*.{layout.suffix}")):
            # One without vectors was written for a question while nothing was in
            empty = file.stat().st_size == mapped_file.HEADER_BYTES
            if file.name not in used and not empty:
                yield file, f"{file.name} is for vectors that are gone"


def sweep(table: VectorTable, directory: Path) -> None:
    """Remove what no one uses, and the rows whose directories are gone. The caller holds the lock.

    Whoever writes a snapshot holds it as well: so a row that says "building" is one whose writer died, but for the
    caller's own, which is live by now. Files go before rows, since a full disk takes no change of a row.
    """
    unused = [
        *leftovers(table, directory, locked_by_us=True),
        *unused_files(table, directory),
    ]
    for place, _ in unused:
        reach("index.before_rmtree")
        remove(place)
    for found in table.snapshots.all():
        if found.state != "live" or not directory_of(directory, found.n).is_dir():
            table.snapshots.discard(found.n)
    for found in table.snapshots.all():
        if found.state == "dead" and not directory_of(directory, found.n).exists():
            table.snapshots.forget(found.n)


def tidy(table: VectorTable, directory: Path, *, wait_seconds: float = 0.0) -> bool:
    """`sweep`, for callers without the lock. False when another process has it."""
    if not directory.is_dir() and not gone(table, directory):
        return True
    with locked(directory / LOCK, seconds=wait_seconds) as mine:
        if mine:
            sweep(table, directory)
    return mine


def erase(table: VectorTable, directory: Path, *, wait_seconds: float) -> bool:
    """No snapshot, no mapped file and no copy that is read keeps anything. False when another process writes one.

    A reader whose copy is removed asks the exact index instead.
    """
    table.snapshots.discard_all()
    if not directory.is_dir():
        return True
    with locked(directory / LOCK, seconds=wait_seconds) as mine:
        if mine:
            drop(directory)
    return mine


def drop(directory: Path) -> None:
    """Remove every file of the index; it comes back from the store."""
    with suppress(OSError):
        for place in directory.iterdir():
            if (
                place.name != LOCK
            ):  # a lock file that is deleted while it is held locks nobody out
                remove(place)


def _held(lock: Path) -> bool:
    """Whether another process holds it. It is not made for this, since looking changes nothing."""
    if not lock.exists():
        return False
    with locked(lock, seconds=0) as mine:
        return not mine


def _stale(file: Path, seconds: float = STALE_SECONDS) -> bool:
    with suppress(OSError):
        return time.time() - file.stat().st_mtime > seconds
    return False

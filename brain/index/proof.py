"""May this Chroma directory be opened? Proven by its bytes, or by a probe in a child process; else it is given up.

A directory that was closed cleanly carries a manifest of its bytes. Without one its writer or reader died: then a child
process counts, compares ids and vectors, and looks for twenty known ones; whatever happens to it, we live. With a manifest
that does not fit, it is damaged. Leaves out building a new one (sync.py). Serves sync.py and chain.py.
"""

from __future__ import annotations

import random
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from brain.errors import Unavailable
from brain.index.child import Worker
from brain.index.files import MANIFEST, intact
from brain.index.owner import alive
from brain.index.truth import KINDS, Generation, Truth, by_kind

if TYPE_CHECKING:
    from brain.protocols import Vectors

FLOAT_BYTES = 4
ROW_BYTES = (
    400  # per vector beside its numbers: links, id, SQLite row (measured 318-364, FAULTS §1.1)
)
FIXED_BYTES = 8 * 2**20  # an empty directory, and SQLite's growth
QUEUE_ROWS = 2_000  # vectors that also stand in Chroma's log: it is emptied every 1,000
FILE_LIMIT_FACTOR = 2  # a file longer than this times the whole directory's expected size is a fault: 1.49 TB was seen
PROBE_SECONDS = 20.0  # per answer (FAULTS §1.2); a probe of 30,000 vectors took 4.6 s
PROBE_ROWS = 1_000  # compared at once with what Chroma holds
PROBE_QUERIES = 20
PROBE_NEIGHBOURS = 10
PROBE_SHARE = 0.9  # of the queries that must find themselves
SAME_COSINE = 0.999  # another chunk with the same text is as good an answer as the chunk itself
PROBE_SEED = 20260727  # any; fixed, so that a failure can be repeated


def directory_of(directory: Path, n: int) -> Path:
    """Where generation `n` lies."""
    return directory / f"vec-{n}"


def chroma_version() -> str:
    """The installed version, read without importing it."""
    return version("chromadb")


def expected_bytes(count: int, dimensions: int) -> int:
    """About what a directory of so many vectors occupies."""
    return (
        count * (dimensions * FLOAT_BYTES + ROW_BYTES)
        + QUEUE_ROWS * dimensions * FLOAT_BYTES
        + FIXED_BYTES
    )


def file_limit(count: int, dimensions: int) -> int:
    """How long a file of it may grow, in bytes."""
    return FILE_LIMIT_FACTOR * expected_bytes(count, dimensions)


def doubt(directory: Path, generation: Generation | None) -> str:
    """Why Chroma may not be opened as it is; "" when it is proven. Reads every byte: 20 ms per 100 MB."""
    if generation is None:
        return "no Chroma index has been built yet"
    if generation.state == "dirty":
        busy = alive(generation.owner_pid or 0, generation.owner_start or "")
        return (
            "the Chroma index is being written"
            if busy
            else "the Chroma index was not closed cleanly"
        )
    if generation.chroma_version != chroma_version():
        return f"the Chroma index was written by version {generation.chroma_version}"
    place = directory_of(directory, generation.n)
    if not place.is_dir():
        return "the Chroma index was deleted"
    if not intact(place):
        return (
            "the Chroma index is damaged"
            if (place / MANIFEST).exists()
            else "the Chroma index was not closed cleanly"
        )
    return ""


def sound(truth: Truth, directory: Path, generation: Generation) -> bool:
    """Whether it may be written on; probes where bytes do not tell. The caller holds the lock."""
    place = directory_of(directory, generation.n)
    if generation.chroma_version != chroma_version() or not place.is_dir():
        return False
    if truth.changes(generation.applied_seq, limit=1) is None or _overgrown(
        truth, place, generation
    ):
        return False
    if intact(place):
        return generation.state != "dirty" or probe(truth, directory, generation)
    return not (place / MANIFEST).exists() and probe(truth, directory, generation)


def _overgrown(truth: Truth, place: Path, generation: Generation) -> bool:
    """Whether a file is longer than any of ours can be: Chroma would read a terabyte of holes until the probe's time is up."""
    most = _allowance(truth, generation)
    try:
        return any(path.lstat().st_size > most for path in place.rglob("*"))
    except OSError:
        return True  # it goes while we look


def _allowance(truth: Truth, generation: Generation) -> int:
    return file_limit(max(generation.count, truth.size("knowledge")), generation.dimensions)


def probe(
    truth: Truth, directory: Path, generation: Generation, *, seconds: float = PROBE_SECONDS
) -> bool:
    """Open it in a child process and compare it with the truth. False for a difference, signal, exception or delay."""
    try:
        with Worker(seconds=seconds) as worker:
            worker.open(
                directory_of(directory, generation.n), file_bytes=_allowance(truth, generation)
            )
            good = all(_agrees(truth, worker, generation, kind) for kind in KINDS)
            worker.close()
            return good
    except Unavailable:
        return False


def _agrees(truth: Truth, worker: Worker, generation: Generation, kind: str) -> bool:
    """The ids are those of the store, but for what the outbox has yet to bring; known vectors find themselves."""
    held = worker.ids(kind)
    if worker.count(kind) != len(held):
        return False
    changes = truth.changes(generation.applied_seq, limit=2**31)
    if changes is None:
        return False
    moving = set(by_kind(changes).get(kind, ()))
    wanted = truth.ids(kind, generation.fingerprint) - moving
    if wanted - held or held - wanted - moving:
        return False
    if not all(
        worker.agrees(kind, [ids[row] for row in rows], vectors[rows])
        for ids, vectors in truth.stream(kind, generation.fingerprint, rows=PROBE_ROWS)
        if (rows := [row for row, chunk_id in enumerate(ids) if chunk_id in wanted])
    ):
        return False
    sample = random.Random(PROBE_SEED).sample(sorted(wanted), min(PROBE_QUERIES, len(wanted)))
    known = truth.vectors(kind, sample, generation.fingerprint)
    hits = sum(_finds(worker, kind, chunk_id, vector) for chunk_id, vector in known.items())
    return hits >= PROBE_SHARE * len(known)


def _finds(worker: Worker, kind: str, chunk_id: str, vector: Vectors) -> bool:
    found = worker.nearest(kind, vector, limit=PROBE_NEIGHBOURS)
    return any(name == chunk_id for name, _ in found) or bool(found and found[0][1] >= SAME_COSINE)

"""What the doctor asks of the index: what is damaged, what lies about, and the repairs. All of it is derived.

Leaves out writing and removing (snapshot.py) and judging (`brain.keeping`). Serves `brain doctor` and `brain rebuild`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brain.errors import StoreError, Unavailable
from brain.index import mapped_file, snapshot
from brain.index.chroma_child import ChromaChild
from brain.index.exact import ExactIndex
from brain.index.files import disk_bytes, remove
from brain.index.mapped import MappedIndex
from brain.index.sentences import SentenceIndex
from brain.store.snapshots import Snapshot
from brain.store.vectors import KINDS, ChunkVectors, VectorTable, by_kind

MAPPED: tuple[type[MappedIndex], ...] = (ExactIndex, SentenceIndex)
LOCK_SECONDS = 2.0  # a doctor does not wait for a snapshot that is being written
RENEW_SECONDS = 60.0  # a rebuild does
MAX_TIMES_EXPECTED = 3  # of the disk that a snapshot should occupy
COMPARED_ROWS = 1_000  # at once


@dataclass(frozen=True, slots=True)
class IndexFault:
    """Something wrong with what is kept for a fingerprint. `serious`: bytes are damaged, not only missing or late."""

    fingerprint: str
    what: str
    serious: bool


def _live(table: VectorTable) -> list[Snapshot]:
    return [found for found in table.snapshots.all() if found.state == "live"]


def faults(table: VectorTable, directory: Path, *, deep: bool) -> list[IndexFault]:
    """D10: snapshots that may not be opened, mapped files that do not read; `deep` opens and compares as well."""
    found = []
    for one in _live(table):
        why = snapshot.doubt(directory, one)
        serious = "damaged" in why
        if not why and deep and not _agrees(table, directory, one):
            why = "the Chroma index does not hold what the store holds"
            serious = True
        if why:
            found.append(IndexFault(one.fingerprint, why, serious))
    for fingerprint in table.fingerprints():
        for kind in KINDS:
            for mapped in MAPPED:
                stored = table.of(kind, fingerprint)
                if why := _mapped(mapped, stored, directory, deep=deep):
                    found.append(IndexFault(fingerprint, why, serious=True))
    return found


def _agrees(table: VectorTable, directory: Path, one: Snapshot) -> bool:
    """Whether it holds the store's vectors, but for the chunks that changed since it was written."""
    changes = table.changes(one.applied_seq, limit=2**31)
    if changes is None:
        return False
    moved = by_kind(changes)
    try:
        with ChromaChild() as child:
            child.open(snapshot.directory_of(directory, one.n))
            for kind in KINDS:
                stored = table.of(kind, one.fingerprint)
                if not _same(stored, child, set(moved.get(kind, ()))):
                    return False
    except Unavailable:
        return False
    return True


def _same(stored: ChunkVectors, child: ChromaChild, moved: set[str]) -> bool:
    wanted = stored.ids() - moved
    if child.ids(stored.kind) - moved != wanted:
        return False
    for ids, vectors in stored.stream(rows=COMPARED_ROWS):
        rows = [row for row, chunk_id in enumerate(ids) if chunk_id in wanted]
        names = [ids[row] for row in rows]
        if names and not child.agrees(stored.kind, names, vectors[rows]):
            return False
    return True


def _mapped(
    mapped: type[MappedIndex], stored: ChunkVectors, directory: Path, *, deep: bool
) -> str:
    """What is wrong with a file of these vectors, "" when nothing is or there is none."""
    path = directory / mapped.layout.name_of(stored.kind, stored.fingerprint)
    if not path.exists():
        return ""
    what = f"the {mapped.name} index file {path.name}"
    try:
        if mapped_file.read(path, mapped.layout, stored.fingerprint) is None:
            return f"{what} is damaged"
    except StoreError:
        return ""  # no fingerprint: the vectors themselves are reported
    if not deep:
        return ""
    index = mapped(stored, directory)
    try:
        same = index.ids() == stored.ids()
    finally:
        index.close()
    if same:
        return ""
    return f"{what} does not hold what the store holds"


def outbox_faults(table: VectorTable) -> list[IndexFault]:
    """D09: snapshots that claim more than was ever written."""
    last = table.last_seq()
    found = []
    for one in _live(table):
        if one.applied_seq > last:
            said = f"snapshot {one.n} claims change {one.applied_seq:,} of {last:,}"
            found.append(IndexFault(one.fingerprint, said, serious=True))
    return found


def litter(table: VectorTable, directory: Path) -> list[str]:
    """D11: what nobody uses, and snapshots far larger than they should be."""
    unused = [
        *snapshot.leftovers(table, directory),
        *snapshot.unused_files(table, directory),
    ]
    found = [what for _, what in unused]
    for one in _overgrown(table, directory):
        place = snapshot.directory_of(directory, one.n)
        found.append(
            f"{place.name} occupies more than {MAX_TIMES_EXPECTED} times what it should"
        )
    return found


def _overgrown(table: VectorTable, directory: Path) -> Iterator[Snapshot]:
    chunks = sum(table.size(kind) for kind in KINDS)
    for one in _live(table):
        usual = snapshot.expected_bytes(max(one.count, chunks), one.dimensions)
        occupied = disk_bytes(snapshot.directory_of(directory, one.n))
        if occupied > MAX_TIMES_EXPECTED * usual:
            yield one


def tidy(table: VectorTable, directory: Path) -> bool:
    """Remove what D11 found. False when another process has the index."""
    for one in _overgrown(table, directory):
        remove(snapshot.directory_of(directory, one.n))  # before its row, as in `sweep`
    return snapshot.tidy(table, directory, wait_seconds=LOCK_SECONDS)


def renew(
    table: VectorTable, directory: Path, fingerprint: str, *, chroma: bool = False
) -> int:
    """Everything derived for a fingerprint, anew: a snapshot where one lies or `chroma` wants one, the mapped files at
    the next search. Returns how many vectors went into the snapshot.

    Raises `Unavailable` when Chroma cannot be written; the exact index serves.
    """
    for kind in KINDS:
        for layout in mapped_file.LAYOUTS:
            name = layout.name_of(kind, fingerprint)
            (directory / name).unlink(missing_ok=True)
    found = table.snapshots.current(fingerprint)
    lies = found is not None and snapshot.directory_of(directory, found.n).is_dir()
    if not chroma and not lies:
        snapshot.tidy(table, directory, wait_seconds=LOCK_SECONDS)
        return 0
    return (
        snapshot.write(table, directory, fingerprint, wait_seconds=RENEW_SECONDS) or 0
    )

"""What the doctor asks of the index: what is damaged, what lies about, and the repairs. All of it is derived.

Leaves out the repairs' own work (sync.py) and judging. Serves `brain doctor`, `brain rebuild` and erasure.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from brain.index import exact_file
from brain.index.exact import ExactIndex
from brain.index.files import BLOCK, LOCK, disk_bytes, locked, remove
from brain.index.owner import alive
from brain.index.proof import directory_of, doubt, expected_bytes, probe
from brain.index.sync import STALE_SECONDS, rebuild, sweep
from brain.index.truth import KINDS, Generation, Truth, length_of
from brain.types import Synced

BUSY = "the Chroma index is being written"  # no fault: `doubt` says it of an index that another process has open
LOCK_SECONDS = 2.0  # a doctor does not wait for a long refill
MOST_TIMES_EXPECTED = 3  # FAULTS.md §8, D11
SPARSE_BYTES = 2**20  # a file so long, and more hole than content, is what a crash of Chroma leaves


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with what is kept for a fingerprint. `serious`: bytes are damaged, not only missing or late."""

    fingerprint: str
    what: str
    serious: bool


def faults(truth: Truth, directory: Path, *, deep: bool) -> list[Fault]:
    """D10: generations that may not be opened, exact files that do not read; `deep` opens and compares as well."""
    found = []
    for generation in truth.generations.all():
        if generation.state in ("dead", "building"):
            continue
        why = doubt(directory, generation)
        if not why and deep:
            why = _compared(truth, directory, generation)
        if why and why != BUSY:
            found.append(Fault(generation.fingerprint, why, "damaged" in why or "not hold" in why))
    for fingerprint in truth.fingerprints():
        for kind in KINDS:
            if why := _exact(truth, directory, kind, fingerprint, deep=deep):
                found.append(Fault(fingerprint, why, serious=True))
    return found


def _compared(truth: Truth, directory: Path, generation: Generation) -> str:
    with locked(directory / LOCK, seconds=LOCK_SECONDS) as mine:
        good = not mine or probe(truth, directory, generation)
    return "" if good else "the Chroma index does not hold what the store holds"


def _exact(truth: Truth, directory: Path, kind: str, fingerprint: str, *, deep: bool) -> str:
    path = directory / exact_file.name_of(kind, fingerprint)
    try:
        dimensions = length_of(fingerprint)
    except (ValueError, IndexError):
        return ""  # the vectors themselves are reported
    if not path.exists():
        return ""
    if exact_file.read(path, fingerprint, dimensions) is None:
        return f"the exact index file {path.name} is damaged"
    if not deep:
        return ""
    index = ExactIndex(truth, directory, kind=kind, fingerprint=fingerprint)
    try:
        same = index.ids() == truth.ids(kind, fingerprint)
    finally:
        index.close()
    return "" if same else f"the exact index file {path.name} does not hold what the store holds"


def outbox_faults(truth: Truth) -> list[Fault]:
    """D09: generations that claim more than was ever written, or whose writer died."""
    last = truth.last_seq()
    found = []
    for generation in truth.generations.all():
        if generation.state != "dead" and generation.applied_seq > last:
            said = f"generation {generation.n} claims change {generation.applied_seq:,} of {last:,}"
            found.append(Fault(generation.fingerprint, said, serious=True))
        if generation.state == "dirty" and not _owned(generation):
            said = f"the process that wrote generation {generation.n} died"
            found.append(Fault(generation.fingerprint, said, serious=False))
    return found


def litter(truth: Truth, directory: Path) -> list[str]:
    """D11: what nobody uses, and files far larger than they should be."""
    found = []
    rows = {directory_of(directory, g.n): g for g in truth.generations.all() if g.state != "dead"}
    for place in sorted(directory.glob("vec-*")):
        row = rows.get(place)
        if row is None or (row.state == "building" and not _owned(row)):
            found.append(f"{place.name} belongs to no generation in use")
        elif disk_bytes(place) > MOST_TIMES_EXPECTED * expected_bytes(
            _count(truth, row), row.dimensions
        ):
            found.append(
                f"{place.name} occupies more than {MOST_TIMES_EXPECTED} times what it should"
            )
        found += [
            f"{file.name} in {place.name} is mostly holes"
            for file in place.rglob("*")
            if _sparse(file)
        ]
    used = {
        exact_file.name_of(kind, fingerprint)
        for kind in KINDS
        for fingerprint in truth.fingerprints()
    }
    found += [
        f"{f.name} is for vectors that are gone"
        for f in sorted(directory.glob("exact-*.f32"))
        if f.name not in used
    ]
    return found + [
        f"{f.name} was left unfinished" for f in sorted(directory.glob("*.tmp")) if _stale(f)
    ]


def tidy(truth: Truth, directory: Path) -> bool:
    """Remove what nobody uses, and generations that grew beyond reason. False when another process has the index."""
    with locked(directory / LOCK, seconds=LOCK_SECONDS) as mine:
        if not mine:
            return False
        for generation in truth.generations.all():
            place = directory_of(directory, generation.n)
            most = MOST_TIMES_EXPECTED * expected_bytes(
                _count(truth, generation), generation.dimensions
            )
            if place.is_dir() and (
                disk_bytes(place) > most or any(_sparse(file) for file in place.rglob("*"))
            ):
                truth.generations.bury(generation.n)
        sweep(truth, directory)
    return True


def renew(truth: Truth, directory: Path, fingerprint: str) -> Synced:
    """Everything derived for a fingerprint, anew: Chroma where there was a generation, the exact files at the next search.

    Raises `Unavailable` when Chroma cannot be filled; the exact index serves.
    """
    if any(g.fingerprint == fingerprint and g.state != "dead" for g in truth.generations.all()):
        return rebuild(truth, directory, fingerprint)
    for kind in KINDS:
        (directory / exact_file.name_of(kind, fingerprint)).unlink(missing_ok=True)
    return Synced()


def drop(directory: Path) -> None:
    """Remove every file of the index; it comes back from the store."""
    with suppress(OSError):
        for place in directory.iterdir():
            if place.name != LOCK:  # a lock file that is deleted while it is held locks nobody out
                remove(place)


def _owned(generation: Generation) -> bool:
    return alive(generation.owner_pid or 0, generation.owner_start or "")


def _count(truth: Truth, generation: Generation) -> int:
    return max(generation.count, sum(truth.size(kind) for kind in KINDS))


def _sparse(file: Path) -> bool:
    try:
        facts = os.lstat(file)
    except OSError:
        return False
    return facts.st_size >= SPARSE_BYTES and facts.st_blocks * BLOCK < facts.st_size / 2


def _stale(file: Path) -> bool:
    with suppress(OSError):
        return time.time() - file.stat().st_mtime > STALE_SECONDS
    return False

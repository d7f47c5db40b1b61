"""The doctor's checks of the vector index and of the models beside it: D09-D11, D14.

Everything here can be made anew; a repair does that. Leaves out what is stored (check_store.py) and other files
(check_files.py).
"""

from __future__ import annotations

from collections.abc import Callable

from brain.errors import BrainError
from brain.index import health
from brain.index.health import IndexFault
from brain.keeping.findings import REPAIR, Examined, Finding, Mode


def outbox(examined: Examined, mode: Mode) -> Finding:
    """D09: changes that wait for the index, and whether it claims what never was."""
    vectors = examined.store.vectors
    found, mended = _mended(examined, mode, lambda: health.outbox_faults(vectors))
    waiting = f"{examined.checks.outbox_rows():,} changes kept"
    return _finding(found, [fault.what for fault in found], mended, waiting)


def generations(examined: Examined, mode: Mode) -> Finding:
    """D10: the index can be opened and holds what the store holds."""
    vectors = examined.store.vectors
    directory = examined.config.index_dir
    found, mended = _mended(
        examined, mode, lambda: health.faults(vectors, directory, deep=mode.deep)
    )
    return _finding(found, [f"{fault.what}; exact search answers" for fault in found], mended)


def _mended(
    examined: Examined, mode: Mode, look: Callable[[], list[IndexFault]]
) -> tuple[list[IndexFault], str]:
    """(the faults that are left, what a repair did)."""
    found = look()
    if not found or not mode.repair:
        return found, ""
    try:
        for fingerprint in sorted({fault.fingerprint for fault in found}):
            examined.renew(fingerprint)
    except BrainError as error:
        return look(), f"the index could not be filled anew: {error.message}"
    return look(), "the index was filled anew from the store"


def _finding(found: list[IndexFault], faults: list[str], mended: str, note: str = "") -> Finding:
    serious = any(fault.serious for fault in found)
    return Finding(tuple(faults), REPAIR, note, mended, error=serious)


def litter(examined: Examined, mode: Mode) -> Finding:
    """D11: directories and files of the index that nobody uses, or that grew beyond reason."""
    vectors = examined.store.vectors
    directory = examined.config.index_dir
    bad = health.litter(vectors, directory)
    mended = ""
    if bad and mode.repair and health.tidy(vectors, directory):
        mended = f"{len(bad)} leftovers of the index were removed"
        bad = health.litter(vectors, directory)
    return Finding(tuple(bad), REPAIR, mended=mended, error=False)


def models(examined: Examined, _mode: Mode) -> Finding:
    """D14: the local model server; never an error, since everything works without it."""
    said, warning = examined.ollama()
    if not warning:
        return Finding(note=said)
    return Finding((said,), "`brain models list` shows what there is", error=False)

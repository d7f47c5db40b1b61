"""The doctor's checks of the vector index and of the models beside it: D09-D11, D14, D20.

Everything here can be made anew; a repair does that. Leaves out what is stored (check_store.py) and other files
(check_files.py).
"""

from __future__ import annotations

from collections.abc import Callable

from brain.errors import BrainError
from brain.index import health
from brain.index.health import IndexFault
from brain.keeping.findings import REPAIR, Examined, Finding


def outbox(examined: Examined) -> Finding:
    """D09: changes that wait for the index, and whether it claims what never was."""
    vectors = examined.store.vectors
    return _finding(
        examined,
        lambda: health.outbox_faults(vectors),
        note=f"{examined.checks.outbox_rows():,} kept for the next time it is made anew",
    )


def generations(examined: Examined) -> Finding:
    """D10: the index can be opened and holds what the store holds."""
    vectors = examined.store.vectors
    directory = examined.config.index_dir
    return _finding(
        examined,
        lambda: health.faults(vectors, directory, deep=examined.deep),
        meanwhile="; exact search answers",
    )


def _finding(
    examined: Examined,
    look: Callable[[], list[IndexFault]],
    *,
    meanwhile: str = "",
    note: str = "",
) -> Finding:
    """The faults, or after a repair those that are left."""
    found = look()
    mended = ""
    if found and examined.repair:
        mended = "the index was filled anew from the store"
        try:
            for fingerprint in sorted({fault.fingerprint for fault in found}):
                examined.renew(fingerprint)
        except BrainError as error:
            mended = f"the index could not be filled anew: {error.message}"
        found = look()
    serious = any(fault.serious for fault in found)
    faults = [f"{fault.what}{meanwhile}" for fault in found]
    return Finding(faults, REPAIR, note, mended, error=serious)


def litter(examined: Examined) -> Finding:
    """D11: directories and files of the index that nobody uses, or that grew beyond reason."""
    vectors = examined.store.vectors
    directory = examined.config.index_dir
    bad = health.litter(vectors, directory)
    mended = ""
    if bad and examined.repair and health.tidy(vectors, directory):
        mended = f"{len(bad)} leftovers of the index were removed"
        bad = health.litter(vectors, directory)
    return Finding(bad, REPAIR, mended=mended, error=False)


def models(examined: Examined) -> Finding:
    """D14: the local model server; never an error, since everything works without it."""
    said, warning = examined.ollama()
    if not warning:
        return Finding(note=said)
    return Finding((said,), "`brain models list` shows what there is", error=False)


def shipped(examined: Examined) -> Finding:
    """D20: the files of the models that ship are those that were shipped; others stand in where they are not."""
    hint = "install the package again, then run `brain sync`"
    return Finding(examined.shipped(), hint, error=False)

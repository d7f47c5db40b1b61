"""The doctor's checks of the vector index and of the models beside it (FAULTS.md §8, D09-D11, D14).

Everything here can be made anew; a repair does that. Leaves out what is stored (contents.py) and other files (places.py).
"""

from __future__ import annotations

from brain.errors import BrainError
from brain.keeping.findings import REPAIR, Finding, Mode, Patient


def outbox(patient: Patient, mode: Mode) -> Finding:
    """D09: changes that wait for the index, and whether it claims what never was."""
    found, mended = patient.index.outbox_faults(), ""
    if found and mode.repair:
        mended = _renewed(patient, {fault.fingerprint for fault in found})
        found = patient.index.outbox_faults()
    serious = any(fault.serious for fault in found)
    faults = tuple(fault.what for fault in found)
    return Finding(
        faults, REPAIR, f"{patient.store.outbox_rows():,} changes kept", mended, error=serious
    )


def generations(patient: Patient, mode: Mode) -> Finding:
    """D10: the index can be opened and holds what the store holds."""
    found, mended = patient.index.faults(deep=mode.deep), ""
    if found and mode.repair:
        mended = _renewed(patient, {fault.fingerprint for fault in found})
        found = patient.index.faults(deep=mode.deep)
    serious = any(fault.serious for fault in found)
    faults = tuple(f"{fault.what}; exact search answers" for fault in found)
    return Finding(faults, REPAIR, mended=mended, error=serious)


def _renewed(patient: Patient, fingerprints: set[str]) -> str:
    try:
        for fingerprint in sorted(fingerprints):
            patient.index.renew(fingerprint)
    except BrainError as error:
        return f"the index could not be filled anew: {error.message}"
    return "the index was filled anew from the store"


def litter(patient: Patient, mode: Mode) -> Finding:
    """D11: directories and files of the index that nobody uses, or that grew beyond reason."""
    bad, mended = patient.index.litter(), ""
    if bad and mode.repair and patient.index.tidy():
        mended, bad = f"{len(bad)} leftovers of the index were removed", patient.index.litter()
    return Finding(tuple(bad), REPAIR, mended=mended, error=False)


def models(patient: Patient, _mode: Mode) -> Finding:
    """D14: the local model server; never an error, since everything works without it."""
    said, warning = patient.models()
    return (
        Finding((said,), "`brain models list` shows what there is", error=False)
        if warning
        else Finding(note=said)
    )

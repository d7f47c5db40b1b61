"""The doctor's check that what was forgotten or erased has left every file (FAULTS.md §8, D18).

The words of what is erased are known to nobody afterwards: what can be known is whether the last step was done, whether
freed pages hold anything, and which places were left out at the time. Of what waits in the trash the words are known, and
stand in no other file. A repair does the last step of an erasure again; it deletes no file of a person.
"""

from __future__ import annotations

from brain.keeping.findings import REPAIR, Finding, Mode, Patient


def erasures(patient: Patient, mode: Mode) -> Finding:
    """D18: no erasure stopped before its last step, nothing in freed pages, no forgotten words in other files."""
    undone, mended = _undone(patient), ""
    if undone and mode.repair and patient.words.finish():
        undone, mended = _undone(patient), "; ".join(undone).partition(",")[0] + ": finished"
    left = [f"{path} holds words of what was forgotten" for path in patient.words.strays()]
    left += [
        f"{path} held what was erased at {at[:16]} and is still there"
        for path, at in patient.words.places().items()
    ]
    hint = (
        f"close other programs that use the store; {REPAIR}"
        if undone
        else "delete the file if you do not need it"
    )
    return Finding((*undone, *left), hint, mended=mended, error=bool(undone))


def _undone(patient: Patient) -> list[str]:
    since, pages = patient.words.since(), patient.words.freed()
    faults = (
        [f"an erasure that began at {since[:16]} is not finished, words may still lie in the files"]
        if since
        else []
    )
    return faults + (
        [f"{pages:,} freed pages of the database still hold something"] if pages else []
    )

"""The doctor's checks of what is stored: structure, texts, vectors, labels, times (FAULTS.md §8, D03-D07, D12, D17).

Leaves out files (places.py) and the index (derived.py). A repair here touches only what follows from sound texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from brain.keeping.backup import Backup, found, newest_first, put_aside
from brain.keeping.findings import REPAIR, RESTORE, SHOWN, Finding, Mode, Patient

BACKUPS_SEEN = 10  # the newest, looked through for a row as it was
CLOCK = timedelta(hours=1)  # FAULTS.md §8, D17


def structure(patient: Patient, _mode: Mode) -> Finding:
    """D03: SQLite's quick check, and rows that point at nothing."""
    return Finding(tuple(patient.store.structure_faults(deep=False)), RESTORE)


def structure_deep(patient: Patient, _mode: Mode) -> Finding:
    """D04: SQLite's full check, indexes against tables."""
    return Finding(tuple(patient.store.structure_faults(deep=True)), RESTORE)


def full_text(patient: Patient, mode: Mode) -> Finding:
    """D05: full text against its rows; a repair fills it anew."""
    bad, mended = patient.store.fts_faults(), ""
    if bad and mode.repair:
        rows = patient.store.rebuild_fts(bad)
        mended, bad = (
            f"the full text of {', '.join(bad)} was filled anew ({rows:,} rows)",
            patient.store.fts_faults(),
        )
    faults = tuple(f"the full text of {name} does not agree with its rows" for name in bad)
    return Finding(faults, REPAIR, mended=mended)


def hashes(patient: Patient, mode: Mode) -> Finding:
    """D06: every text and every vector against its checksum. Texts are never changed by a repair."""
    vectors, damage = patient.store.vector_damage(), list(patient.store.text_damage())
    mended = []
    if mode.repair and vectors:
        count = patient.drop_vectors(vectors)
        mended.append(f"{count:,} damaged vectors were computed anew")
        vectors = patient.store.vector_damage()
    if mode.repair and any(item.derived for item in damage):
        mended.append(
            f"{patient.store.mend_columns():,} chunks were taken anew from their document's text"
        )
        damage = list(patient.store.text_damage())
    faults = [item.what for item in damage if not item.derived]
    hint = RESTORE if faults else REPAIR
    faults += [item.what for item in damage if item.derived]
    faults += [f"{len(vectors):,} vectors are damaged"] if vectors else []
    serious = bool(vectors) or not all(item.mild for item in damage)
    return Finding(tuple(dict.fromkeys(faults)), hint, mended="; ".join(mended), error=serious)


def rows(patient: Patient, _mode: Mode) -> Finding:
    """D06R: every row of truth against its hash. Nothing is repaired; a backup that holds the row as it was is named."""
    damage = patient.rows.damage()
    if not damage:
        return Finding()
    present = newest_first(
        item for folder in patient.backup_dirs for item in found(folder) if not item.sealed
    )
    copies = [*present, *put_aside(patient.database)][:BACKUPS_SEEN]
    told, holding = [], ""
    for item in damage[:SHOWN]:
        place, differs = _as_it_was(patient, item, copies)
        holding = holding or place
        told.append(
            f"{item.name} is not what was stored"
            + (f": {place} has it as it was ({differs})" if place else "")
        )
    told += [f"{item.name} is not what was stored" for item in damage[SHOWN:]]
    hint = (
        f"`brain restore {holding} --to DIR` opens that backup beside this store"
        if holding
        else RESTORE
    )
    return Finding(tuple(told), hint)


def _as_it_was(patient: Patient, damage: Any, copies: Sequence[Backup]) -> tuple[str, str]:
    """(the newest backup that holds the row as it was, which columns differ there), ("", "") when none does."""
    for copy in copies:
        differs = patient.rows.held(damage, copy.path)
        if differs:
            return str(copy.path), differs
    return "", ""


def tiles(patient: Patient, mode: Mode) -> Finding:
    """D07: the chunks of each document cover its text exactly."""
    bad, mended = patient.store.untiled(), ""
    if bad and mode.repair:
        mended, bad = (
            f"{patient.store.mend_columns():,} chunks were placed anew",
            patient.store.untiled(),
        )
    hint = "add the file again" if mode.repair else REPAIR
    return Finding(
        tuple(f"the chunks of {source} do not cover its text" for source in bad),
        hint,
        mended=mended,
    )


def labels(patient: Patient, _mode: Mode) -> Finding:
    """D12: everything has a label."""
    faults = tuple(f"{name} has no label" for name in patient.store.unlabelled())
    return Finding(faults, "it is treated as the strictest; restore a backup to get the label back")


def clock(patient: Patient, _mode: Mode) -> Finding:
    """D17: the present is not before what was already written."""
    newest = patient.store.newest()
    if newest is None or patient.now >= newest - CLOCK:
        return Finding()
    said = f"it is {patient.now:%Y-%m-%d %H:%M} here, but something was stored at {newest:%Y-%m-%d %H:%M}"
    return Finding((said,), "set the clock of this machine", error=False)

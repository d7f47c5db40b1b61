"""The doctor's checks of what is stored: structure, texts, rows, vectors, labels, times: D03-D07, D12, D17.

A repair here touches only what follows from sound texts. Leaves out the queries (`brain.store`), files (check_files.py)
and the index (check_index.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from brain.keeping.backup import made, put_aside
from brain.keeping.findings import REPAIR, RESTORE, SHOWN, Examined, Finding
from brain.store.row_check import RowCheck, RowDamage

BACKUPS_SEEN = 10  # the newest, looked through for a row as it was
CLOCK = timedelta(hours=1)  # slack for clocks that differ (docs/FAULTS.md, D17)


def structure(examined: Examined) -> Finding:
    """D03: SQLite's quick check, and rows that point at nothing."""
    return Finding(examined.checks.structure_faults(deep=False), RESTORE)


def structure_deep(examined: Examined) -> Finding:
    """D04: SQLite's full check, indexes against tables."""
    return Finding(examined.checks.structure_faults(deep=True), RESTORE)


def full_text(examined: Examined) -> Finding:
    """D05: full text against its rows; a repair fills it anew."""
    checks = examined.checks
    if not examined.store.connection.takes_writing:
        return Finding(
            note="not looked at: SQLite can be asked only where it may write"
        )
    bad = checks.fts_faults()
    mended = ""
    if bad and examined.repair:
        rows = checks.rebuild_fts(bad)
        mended = f"the full text of {', '.join(bad)} was filled anew ({rows:,} rows)"
        bad = checks.fts_faults()
    faults = [f"the full text of {name} does not agree with its rows" for name in bad]
    return Finding(faults, REPAIR, mended=mended)


def hashes(examined: Examined) -> Finding:
    """D06: every text and every vector against its checksum. Texts are never changed by a repair."""
    checks = examined.checks
    vectors = checks.vector_damage()
    damage = checks.text_damage()
    mended = []
    if examined.repair and vectors:
        count = _drop_vectors(examined, vectors)
        mended.append(f"{count:,} passages were read anew for the search by meaning")
        vectors = checks.vector_damage()
    if examined.repair and any(item.derived for item in damage):
        count = checks.mend_columns()
        mended.append(f"{count:,} passages were taken anew from their document's text")
        damage = checks.text_damage()
    damage.sort(key=lambda item: item.derived)
    hint = RESTORE
    if all(item.derived for item in damage):
        hint = REPAIR
    faults = [item.what for item in damage]
    if vectors:
        faults.append(
            f"{len(vectors):,} passages are damaged for the search by meaning"
        )
    serious = bool(vectors) or not all(item.mild for item in damage)
    # One text may be damaged in several ways that are said alike.
    told = list(dict.fromkeys(faults))
    done = "; ".join(mended)
    return Finding(told, hint, mended=done, error=serious)


def _drop_vectors(examined: Examined, bad: Iterable[tuple[str, str]]) -> int:
    """Delete vectors and compute the built-in ones again; those of an Ollama model wait for `brain sync`."""
    table = examined.store.vectors
    table.damaged.update(bad)
    count = table.drop_damaged()
    examined.embed()
    return count


def rows(examined: Examined) -> Finding:
    """D06R: every stored row against its hash. Nothing is repaired; a backup that holds the row as it was is named."""
    damage = RowCheck(examined.store.connection).damage()
    if not damage:
        return Finding()
    backups = made(examined.store, examined.config)
    plain = [backup for backup in backups if not backup.sealed]
    plain += put_aside(examined.config.database)
    copies = [backup.path for backup in plain[:BACKUPS_SEEN]]
    told = []
    hint = RESTORE
    for number, item in enumerate(damage):
        said = f"{item.name} is not what was stored"
        holds = _as_it_was(item, copies if number < SHOWN else ())
        if holds:
            copy, differs = holds
            said += f": {copy} has it as it was ({differs})"
            if hint == RESTORE:
                hint = f"`brain restore {copy} --to DIR` opens that backup beside this store"
        told.append(said)
    return Finding(told, hint)


def _as_it_was(damage: RowDamage, copies: Iterable[Path]) -> tuple[Path, str] | None:
    """(the newest backup that holds the row as it was, which columns differ there), None when none does."""
    for copy in copies:
        differs = RowCheck.held(damage, copy)
        if differs:
            return copy, differs
    return None


def tiles(examined: Examined) -> Finding:
    """D07: the chunks of each document cover its text exactly."""
    checks = examined.checks
    bad = checks.untiled()
    mended = ""
    if bad and examined.repair:
        mended = f"{checks.mend_columns():,} passages were placed anew"
        bad = checks.untiled()
    faults = [f"the passages of {source} do not cover its text" for source in bad]
    hint = "add the file again" if examined.repair else REPAIR
    return Finding(faults, hint, mended=mended)


def labels(examined: Examined) -> Finding:
    """D12: everything has a label."""
    faults = [f"{name} has no label" for name in examined.checks.unlabelled()]
    hint = "it is treated as the strictest; restore a backup to get the label back"
    return Finding(faults, hint)


def policy(examined: Examined) -> Finding:
    """D13: the policy file, and every policy that was published. While it cannot be read nothing leaves."""
    return Finding(examined.policy(), "mend policy.toml; `brain policy check` names it")


def ledger(examined: Examined) -> Finding:
    """D21: the chain of the ledger, its head and the bodies that are kept. Nothing is repaired: it tells what was."""
    hint = (
        "something changed it past brain; a backup of before has the rows as they were"
    )
    return Finding(examined.ledger(), hint)


def clock(examined: Examined) -> Finding:
    """D17: the present is not before what was already written."""
    newest = examined.checks.newest()
    now = examined.now
    if newest is None or now >= newest - CLOCK:
        return Finding()
    stored = f"something was stored at {newest:%Y-%m-%d %H:%M}"
    said = f"it is {now:%Y-%m-%d %H:%M} here, but {stored}"
    return Finding((said,), "set the clock of this machine", error=False)

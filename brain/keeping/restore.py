"""Taking a backup back: judged first, put in place in one step, and what was there before is kept beside it.

At every moment the home holds either the old database or the new one, whole. The index is derived and goes. Leaves out
what makes a copy sound (`brain.store.copies`). Serves `brain restore`.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from brain.config import Config
from brain.config.secret import Secret
from brain.errors import BrainError
from brain.faults import reach
from brain.index import snapshot
from brain.keeping import encryption, isolated
from brain.keeping.backup import ASIDE, TIME
from brain.keeping.erased_since import NoteRaised, keep_past, leave_out
from brain.keeping.files import copy_file, flush_directory, free_name, sweep, temporary
from brain.reports import RestoreReport
from brain.store import copies

BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps next to a database
NO_DIGEST = "it carries no digest: it was not made by `brain backup`"


def restore(
    source: Path,
    config: Config,
    *,
    now: datetime,
    secret: Secret,
    note: NoteRaised,
    dry_run: bool = False,
    seconds: float = copies.BUSY_SECONDS,
) -> RestoreReport:
    """Make what `source` holds the store of the home, when nobody has that open within `seconds`.

    Raises `BrainError`; then the present store is untouched.
    """
    database = config.database
    try:
        sweep(database.parent)
        with temporary(database.with_name("restore.db")) as staging:
            _stage(source, staging, secret)
            copy = isolated.judge(staging, called=source)
            notices = () if copy.stated else (NO_DIGEST,)
            report = RestoreReport(
                str(source),
                str(database.parent),
                copy.made_at,
                copy.documents,
                copy.chunks,
                copy.episodes,
                verified=bool(copy.stated),
                notices=notices,
            )
            if dry_run:
                return report
            copies.prepare(staging)
            gone = leave_out(staging, database)
            for said in (gone, keep_past(staging, database, note)):
                if said:
                    report = replace(report, notices=(*report.notices, said))
            with copies.alone(database, seconds=seconds):
                # It is derived, and of another database.
                snapshot.drop(config.index_dir)
                kept = _swap(staging, database, now)
    except OSError as error:
        raise BrainError(
            f"{source} cannot be restored: {error.strerror}", "nothing was changed"
        ) from None
    return replace(report, kept=kept, done=True)


def _stage(source: Path, staging: Path, secret: Secret) -> None:
    """A private copy of the file, decrypted, so that nobody changes it between the proof and the use."""
    if not source.is_file():
        raise BrainError(
            f"{source} is no file", "`brain backup` says where it puts backups"
        )
    if encryption.is_sealed(source):
        encryption.unseal(source, staging, secret)
        return
    wal = source.with_name(f"{source.name}-wal")
    if wal.exists() and wal.stat().st_size:
        raise BrainError(
            f"{source} has a log beside it (-wal): it is in use or was",
            "make the copy with `brain backup`",
        )
    copies.glance(source)
    room = shutil.disk_usage(staging.parent).free
    size = source.stat().st_size
    if size > room:
        hint = f"it takes {size:,} bytes, and {room:,} are free; nothing was changed"
        raise BrainError(f"there is no room to restore {source}", hint)
    copy_file(source, staging)


def _swap(staging: Path, database: Path, now: datetime) -> str:
    """Put the old database aside and the new one in its place; returns where the old one is, "" if there was none."""
    kept = ""
    if database.exists():
        stamp = now.astimezone(UTC).strftime(TIME)
        stem = f"{database.name}{ASIDE}{stamp}"
        aside = database.with_name(free_name(database.parent, stem))
        # Only a damaged database still has them here; a stale log must never meet a new database.
        for suffix in BESIDE:
            with suppress(FileNotFoundError):
                os.rename(f"{database}{suffix}", f"{aside}{suffix}")
        try:
            os.link(database, aside)
        except OSError:
            # Without hard links there is for a moment only the old one, under its new name.
            os.rename(database, aside)
        kept = str(aside)
        reach("restore.before_swap")
    os.replace(staging, database)
    flush_directory(database.parent)
    reach("restore.after_swap")
    return kept

"""Taking a backup back: judged first, put in place in one step, and what was there before is kept beside it.

At every moment the home holds either the old database or the new one, whole. The index is derived and goes. Leaves out
what makes a copy sound and holding the old one still, which it is handed. Serves `brain restore`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from brain.errors import BrainError
from brain.faults import reach
from brain.keeping import encryption
from brain.keeping.backup import ASIDE, TIME, Copy
from brain.keeping.encryption import Secret
from brain.keeping.files import copy_file, flush_directory, sweep, temporary
from brain.types import RestoreReport

BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps next to a database


@dataclass(frozen=True, slots=True)
class Tools:
    """What works on databases: `judge(path)` proves a copy or raises, `prepare(path)` makes it ready to be opened,
    `alone(path)` holds the present one while no one else has it open.
    """

    judge: Callable[[Path], Copy]
    prepare: Callable[[Path], None]
    alone: Callable[[Path], AbstractContextManager[None]]


def restore(
    source: Path,
    database: Path,
    *,
    tools: Tools,
    drop_index: Callable[[], None],
    now: datetime,
    secret: Secret,
    dry_run: bool = False,
) -> RestoreReport:
    """Make what `source` holds the store at `database`. Raises `BrainError`; then the present store is untouched."""
    try:
        sweep(database.parent)
        with temporary(database.with_name("restore.db")) as staging:
            _stage(source, staging, secret)
            copy = _judged(source, staging, tools)
            report = RestoreReport(
                str(source),
                str(database.parent),
                copy.made_at,
                copy.documents,
                copy.chunks,
                copy.episodes,
                verified=bool(copy.stated),
                notices=()
                if copy.stated
                else ("it carries no digest: it was not made by `brain backup`",),
            )
            if dry_run:
                return report
            tools.prepare(staging)
            with tools.alone(database):
                drop_index()
                kept = _swap(staging, database, now)
    except OSError as error:
        raise BrainError(
            f"{source} cannot be restored: {error.strerror}", "nothing was changed"
        ) from None
    return RestoreReport(
        report.path,
        report.home,
        report.made_at,
        report.documents,
        report.chunks,
        report.episodes,
        verified=report.verified,
        kept=kept,
        done=True,
        notices=report.notices,
    )


def _stage(source: Path, staging: Path, secret: Secret) -> None:
    """A private copy of the file, decrypted, so that nobody changes it between the proof and the use."""
    if not source.is_file():
        raise BrainError(f"{source} is no file", "`brain backup` says where it puts backups")
    if encryption.is_sealed(source):
        encryption.unseal(source, staging, secret)
        return
    wal = source.with_name(f"{source.name}-wal")
    if wal.exists() and wal.stat().st_size:
        raise BrainError(
            f"{source} has a log beside it (-wal): it is in use or was",
            "make the copy with `brain backup`",
        )
    copy_file(source, staging)


def _judged(source: Path, staging: Path, tools: Tools) -> Copy:
    """The proof speaks of the staged file; a person named another one."""
    try:
        return tools.judge(staging)
    except BrainError as error:
        raise type(error)(error.message.replace(str(staging), str(source)), error.hint) from None


def _swap(staging: Path, database: Path, now: datetime) -> str:
    """Put the old database aside and the new one in its place; returns where the old one is, "" if there was none."""
    kept = ""
    if database.exists():
        aside = _free(database, now)
        for suffix in BESIDE:  # only a damaged database still has them here; a stale log must never meet a new database
            with suppress(FileNotFoundError):
                os.rename(f"{database}{suffix}", f"{aside}{suffix}")
        try:
            os.link(database, aside)
        except OSError:  # a file system without hard links: for a moment there is only the old one, under its new name
            os.rename(database, aside)
        kept = str(aside)
        reach("restore.before_swap")
    os.replace(staging, database)
    flush_directory(database.parent)
    reach("restore.after_swap")
    return kept


def _free(database: Path, now: datetime) -> Path:
    stamp = now.astimezone(UTC).strftime(TIME)
    names = (f"{database.name}{ASIDE}{stamp}" + (f"-{n}" if n > 1 else "") for n in range(1, 1_000))
    return next(place for name in names if not (place := database.with_name(name)).exists())

"""Backups: where they lie, which are kept, and making one that is whole, private and proven, or none.

A backup is one SQLite file named by its UTC time, `brain-20260507T091200Z.db`, with `.age` behind it when it is
encrypted. Leaves out copying and judging databases, which it is handed. Serves `brain backup`, doctor and erasure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from brain.errors import BrainError, UsageError
from brain.faults import reach
from brain.keeping import encryption
from brain.keeping.encryption import NO_SECRET, Secret
from brain.keeping.files import flush_directory, private_directory, sweep, temporary
from brain.types import BackupReport

NAME = re.compile(r"brain-(\d{8}T\d{6}Z)(?:-(\d+))?\.db(\.age)?")
TIME = "%Y%m%dT%H%M%SZ"
ASIDE = ".before-"  # brain.db.before-…: what `restore` and an upgrade put aside
KEEP = re.compile(r"(\d{1,4})([dwmy])")
HORIZON_DAYS = 20 * 366  # how far ahead it is worked out when a backup goes


class Copy(Protocol):
    """What a judged copy holds (`brain.store.copies.CopyContents`)."""

    @property
    def digest(self) -> str: ...
    @property
    def stated(self) -> str: ...
    @property
    def made_at(self) -> str: ...
    @property
    def documents(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def episodes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Backup:
    """One that lies in a folder. `aside`: not made by `brain backup` but put aside by a restore or an upgrade."""

    path: Path
    at: datetime
    sealed: bool = False
    aside: bool = False


def found(directory: Path) -> list[Backup]:
    """The backups in a folder, newest first."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    kept = []
    for name in names:
        match = NAME.fullmatch(name)
        if match:
            at = datetime.strptime(match[1], TIME).replace(tzinfo=UTC)
            kept.append(Backup(directory / name, at, sealed=bool(match[3])))
    return newest_first(kept)


def newest_first(backups: Iterable[Backup]) -> list[Backup]:
    """By their time, those of one second by their number."""
    return sorted(
        backups,
        key=lambda backup: (backup.at, len(backup.path.name), backup.path.name),
        reverse=True,
    )


def put_aside(database: Path) -> list[Backup]:
    """Databases that a restore or an upgrade left beside the present one, newest first."""
    kept = []
    for path in database.parent.glob(f"{database.name}{ASIDE}*"):
        if path.suffix != ".tmp" and not path.name.endswith(("-wal", "-shm", "-journal")):
            kept.append(Backup(path, datetime.fromtimestamp(path.stat().st_mtime, UTC), aside=True))
    return sorted(kept, key=lambda backup: backup.at, reverse=True)


def make(
    directory: Path,
    *,
    snapshot: Callable[[Path, str], Copy],
    now: datetime,
    keep: Mapping[str, int] | None = None,
    secret: Secret = NO_SECRET,
) -> BackupReport:
    """One more backup; with `keep`, those that the rule lets go are removed afterwards.

    `snapshot(target, made_at)` copies and proves. Raises `BrainError` or `OSError`, and leaves nothing half done.
    """
    sweep(private_directory(directory))
    made_at = now.astimezone(UTC).isoformat(timespec="seconds")
    place = _free(directory, now, sealed=bool(secret))
    with temporary(directory / "brain.db") as plain:
        copy = snapshot(plain, made_at)
        with temporary(place) as ready:
            if secret:
                encryption.seal(plain, ready, secret)
            else:
                plain.rename(ready)
            reach("backup.before_rename")
            ready.rename(place)
            flush_directory(directory)
    removed = prune(directory, keep) if keep else []
    return BackupReport(
        str(place),
        place.stat().st_size,
        copy.digest,
        made_at,
        copy.documents,
        copy.chunks,
        copy.episodes,
        encrypted=bool(secret),
        removed=tuple(str(backup.path) for backup in removed),
    )


def prune(directory: Path, keep: Mapping[str, int]) -> list[Backup]:
    """Remove what the rule lets go; returns what went."""
    gone = surplus(found(directory), keep)
    for backup in gone:
        backup.path.unlink(missing_ok=True)
    return gone


def parse_keep(text: str) -> dict[str, int]:
    """`7d,4w,12m` as {"d": 7, "w": 4, "m": 12}. Raises `UsageError`."""
    rule: dict[str, int] = {}
    for part in text.replace(" ", "").split(","):
        match = KEEP.fullmatch(part)
        if match is None or not int(match[1]):
            raise UsageError(
                f"{text!r} is no rule", "write it as 7d,4w,12m: days, weeks, months (y: years)"
            )
        rule[match[2]] = int(match[1])
    return rule


def surplus(backups: Sequence[Backup], keep: Mapping[str, int]) -> list[Backup]:
    """Those that no part of the rule keeps. `7d`: the newest of each of the last seven days that have one (as restic's
    `forget --keep-daily`). The newest of all always stays.
    """
    ordered = newest_first(backups)
    kept = {backup.path for backup in ordered[:1]}
    for unit, count in keep.items():
        periods: dict[str, Path] = {}
        for backup in ordered:
            periods.setdefault(_period(backup.at, unit), backup.path)
        kept.update(list(periods.values())[:count])
    return [backup for backup in ordered if backup.path not in kept]


def gone_by(
    backup: Backup, backups: Iterable[Backup], keep: Mapping[str, int] | None, today: date
) -> date | None:
    """The day on which the rule lets it go, if from today one backup is made every day; None when never."""
    if not keep or backup.aside:
        return None
    present = [other for other in backups if not other.aside]
    for days in range(HORIZON_DAYS):
        day = datetime.combine(today, datetime.min.time(), UTC) + timedelta(days=days, hours=23)
        present.append(Backup(Path(f"day-{days}"), day))
        gone = {other.path for other in surplus(present, keep)}
        if backup.path in gone:
            return day.date()
        present = [other for other in present if other.path not in gone]
    return None


def _period(at: datetime, unit: str) -> str:
    if unit == "w":
        year, week, _ = at.isocalendar()
        return f"{year} {week}"
    return at.strftime({"d": "%Y-%m-%d", "m": "%Y-%m", "y": "%Y"}[unit])


def _free(directory: Path, now: datetime, *, sealed: bool) -> Path:
    """A name that no backup has, by the second and then by a number."""
    stamp, suffix = now.astimezone(UTC).strftime(TIME), encryption.SUFFIX if sealed else ""
    for number in range(1, 1_000):
        stem = f"brain-{stamp}" + (f"-{number}" if number > 1 else "")
        if not any((directory / f"{stem}.db{end}").exists() for end in ("", encryption.SUFFIX)):
            return directory / f"{stem}.db{suffix}"
    raise BrainError(
        f"{directory} holds a thousand backups of this second", "check the clock of this machine"
    )

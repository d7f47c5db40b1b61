"""Backups: where they lie, which are kept, and making one that is whole, private and proven, or none.

A backup is one SQLite file named by its UTC time, `brain-20260507T091200Z.db`, with `.age` behind it when it is
encrypted. Leaves out copying and judging databases (`brain.store.copies`). Serves `brain backup`, doctor and erasure.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from brain.config import Config
from brain.config.secret import NO_SECRET, Secret
from brain.errors import BrainError, StoreError, UsageError
from brain.faults import reach
from brain.keeping import encryption
from brain.keeping.encryption import SUFFIX
from brain.keeping.files import (
    flush_directory,
    free_name,
    private_directory,
    sweep,
    temporary,
)
from brain.reports import BackupReport
from brain.store import Store, copies
from brain.types import Texts

NAME = re.compile(r"brain-(\d{8}T\d{6}Z)(?:-(\d+))?\.db(\.age)?")
TIME = "%Y%m%dT%H%M%SZ"
ASIDE = ".before-"  # brain.db.before-…: what `restore` and an upgrade put aside
UNFINISHED = (
    ".tmp",
    "-wal",
    "-shm",
    "-journal",
)  # ends of names beside a database that are none
RULE = re.compile(r"(\d{1,4})([dwmy])")
# What the times of one day, week, month or year have in common.
PERIODS = {
    "d": "%Y-%m-%d",
    "w": "%G %V",
    "m": "%Y-%m",
    "y": "%Y",
}
AHEAD = timedelta(days=1)  # slack for a clock: what is later is dated in the future
LEAP_DAYS = 14  # since the store was last used: so far ahead, one look at the clock does not let a backup go
HORIZON_DAYS = 20 * 366  # how far ahead it is worked out when a backup goes
BACKUPS = (
    "backups"  # the folder in the home, and the setting that lists every folder used
)
NAMED = 3  # backups that a notice names
KEEP = "backup_keep"  # setting: the last rule of retention that was given


@dataclass(frozen=True, slots=True)
class Backup:
    """One that lies in a folder. `aside`: not made by `brain backup` but put aside by a restore or an upgrade."""

    path: Path
    at: datetime
    sealed: bool = False
    aside: bool = False


def found(directory: Path) -> list[Backup]:
    """The backups in a folder, newest first."""
    backups = []
    for path in directory.glob("brain-*"):
        match = NAME.fullmatch(path.name)
        if match and path.is_file():
            at = datetime.strptime(match[1], TIME).replace(tzinfo=UTC)
            backups.append(Backup(path, at, sealed=bool(match[3])))
    return newest_first(backups)


def newest_first(backups: Iterable[Backup]) -> list[Backup]:
    """By their time, those of one second by their number."""
    return sorted(backups, key=_order, reverse=True)


def _order(backup: Backup) -> tuple[datetime, int, str]:
    name = backup.path.name
    # The longer name has the larger number: "-10" comes behind "-9".
    return backup.at, len(name), name


def put_aside(database: Path) -> list[Backup]:
    """Databases that a restore or an upgrade left beside the present one, newest first."""
    backups = []
    for path in database.parent.glob(f"{database.name}{ASIDE}*"):
        if path.name.endswith(UNFINISHED) or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # deleted in the meantime
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            backups.append(Backup(path, at, aside=True))
    return newest_first(backups)


# -- what is known of this store's backups ---------------------------------------------------------------------------


def folders(store: Store, config: Config) -> tuple[Path, ...]:
    """Where backups of this store were ever put, the home's own folder first."""
    kept = store.library.setting_json(BACKUPS, list)
    named = [Path(path) for path in kept if isinstance(path, str)]
    return tuple(dict.fromkeys([config.home / BACKUPS, *named]))


def made(store: Store, config: Config) -> list[Backup]:
    """Every backup that can be reached, newest first."""
    return newest_first(
        backup for folder in folders(store, config) for backup in found(folder)
    )


def copies_of(store: Store, config: Config) -> list[Backup]:
    """Every backup that can be reached, and databases put aside."""
    return [*made(store, config), *put_aside(config.database)]


def keep_rule(store: Store) -> dict[str, int] | None:
    """The last rule of retention that was given."""
    text = store.library.setting(KEEP)
    with suppress(UsageError):  # a damaged one is none
        return parse_keep(text) if text else None
    return None


def note(store: Store, config: Config, folder: Path, rule: str) -> Texts:
    """Keep folder and rule in mind for erasing; a notice where they cannot be kept."""
    own, *others = folders(store, config)
    used = sorted({*map(str, others), str(folder)} - {str(own)})
    wanted = {BACKUPS: json.dumps(used) if used else "", KEEP: rule}
    try:
        for name, value in wanted.items():
            if value and value != store.library.setting(name):
                store.library.keep_setting(name, value)
    # A store that cannot be written needs its backup most.
    except StoreError as error:
        until = "until a backup was made there again"
        return (
            f"{error.message}: `forget --erase` will not look into {folder} {until}",
        )
    return ()


def must_be_there(folder: Path) -> None:
    """Raise `BrainError` for a folder that is not there: made anew, it would lie on another disk than was meant."""
    if not folder.is_dir():
        hint = f"is its disk mounted? To use a new folder, make it first: mkdir -p {shlex.quote(str(folder))}"
        raise BrainError(f"{folder} is not there; no backup was made", hint)


def unexpected(store: Store, config: Config, folder: Path) -> list[str]:
    """That a folder of backups is empty, as when a disk is not mounted."""
    known = folder in folders(store, config) and folder != config.home / BACKUPS
    if not known or found(folder):
        return []
    return [f"{folder} held backups before and holds none now: is its disk mounted?"]


# -- making and removing ---------------------------------------------------------------------------------------------


def make(
    directory: Path,
    database: Path,
    *,
    now: datetime,
    keep: Mapping[str, int] | None = None,
    secret: Secret = NO_SECRET,
    notices: Sequence[str] = (),
) -> BackupReport:
    """One more backup; with `keep`, those that the rule lets go are removed afterwards. `notices` come with it.

    Raises `BrainError`, and leaves nothing half done.
    """
    now = now.astimezone(UTC)
    made_at = now.isoformat(timespec="seconds")
    try:
        sweep(private_directory(directory))
        name = free_name(
            directory, f"brain-{now.strftime(TIME)}", (".db", f".db{SUFFIX}")
        )
        ending = f".db{SUFFIX}" if secret else ".db"
        place = directory / f"{name}{ending}"
        with temporary(directory / "brain.db") as plain:
            copy = copies.snapshot(database, plain, made_at=made_at)
            with temporary(place) as ready:
                if secret:
                    encryption.seal(plain, ready, secret)
                else:
                    plain.rename(ready)
                reach("backup.before_rename")
                ready.rename(place)
                flush_directory(directory)
        removed: list[str] = []
        if keep:
            removed, ahead = prune(directory, keep, now=now, made=place)
            notices = (*notices, *_said_ahead(ahead))
        size = place.stat().st_size
    except OSError as error:
        raise BrainError(
            f"no backup was made in {directory}: {error.strerror}",
            "check the folder and its space",
        ) from None
    return BackupReport(
        str(place),
        size,
        copy.digest,
        made_at,
        copy.documents,
        copy.chunks,
        copy.episodes,
        encrypted=bool(secret),
        removed=tuple(removed),
        notices=tuple(notices),
    )


def prune(
    directory: Path, keep: Mapping[str, int], *, now: datetime, made: Path
) -> tuple[list[str], list[Backup]]:
    """Remove what the rule lets go, but never the one just made; returns (what went, those dated in the future).

    Those take no other's place and stay: when they are from is not known.
    """
    gone = []
    present = found(directory)
    ahead = [backup for backup in present if backup.at - now > AHEAD]
    for backup in surplus([item for item in present if item not in ahead], keep):
        if backup.path != made:
            backup.path.unlink(missing_ok=True)
            gone.append(str(backup.path))
    return gone, ahead


def _said_ahead(ahead: Sequence[Backup]) -> list[str]:
    """That backups dated in the future were left alone."""
    if not ahead:
        return []
    names = ", ".join(backup.path.name for backup in ahead[:NAMED])
    more = ", …" if len(ahead) > NAMED else ""
    return [f"dated in the future and left as they are: {names}{more}"]


def unbelieved(store: Store, now: datetime) -> list[str]:
    """Why the clock is not believed when older backups are to go: it is far ahead of the last day of use."""
    last = store.days.seen().last
    days = 0
    if last:
        days = (now.date() - last).days
    with suppress(StoreError):  # one that cannot be written needs its backup most
        store.days.note(now.date())
    if days <= LEAP_DAYS:
        return []
    return [
        f"this store was last used {days} days ago by the clock: no backup was removed; "
        "if the clock is right, the next `brain backup --keep` does it"
    ]


def parse_keep(text: str) -> dict[str, int]:
    """`7d,4w,12m` as {"d": 7, "w": 4, "m": 12}. Raises `UsageError`."""
    rule: dict[str, int] = {}
    for part in text.replace(" ", "").split(","):
        match = RULE.fullmatch(part)
        if match is None or not int(match[1]):
            raise UsageError(
                f"{text!r} is no rule",
                "write it as 7d,4w,12m: days, weeks, months (y: years)",
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
        newest: dict[str, Path] = {}
        for backup in ordered:
            newest.setdefault(backup.at.strftime(PERIODS[unit]), backup.path)
        kept.update(list(newest.values())[:count])
    return [backup for backup in ordered if backup.path not in kept]


def gone_by(
    backup: Backup,
    backups: Iterable[Backup],
    keep: Mapping[str, int] | None,
    today: date,
) -> date | None:
    """The day on which the rule lets it go, if from today one backup is made every day; None when never."""
    if not keep or backup.aside:
        return None
    present = [other for other in backups if not other.aside]
    # Made late in the day, so that it is the newest of its day.
    evening = datetime(today.year, today.month, today.day, 23, tzinfo=UTC)
    for days in range(HORIZON_DAYS):
        at = evening + timedelta(days=days)
        present.append(Backup(Path(f"day-{days}"), at))
        known = [other for other in present if other.at - at <= AHEAD]
        gone = {other.path for other in surplus(known, keep)}
        if backup.path in gone:
            return at.date()
        present = [other for other in present if other.path not in gone]
    return None

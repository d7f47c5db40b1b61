"""The doctor's checks of files: who may read the home, leftovers, keys in the open, backups (FAULTS.md §8, D01, D02, D15, D16).

A repair narrows permissions and removes stale temporary files. Leaves out what the database holds.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from brain.errors import BrainError
from brain.keeping import backup, encryption
from brain.keeping.files import DIRECTORY_MODE, FILE_MODE, TEMPORARY, abandoned, temporary
from brain.keeping.findings import REPAIR, Finding, Mode, Patient

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WAL_BYTES = 64 * 2**20  # FAULTS.md §2.1, F20: above this the log is not being written back
STALE_SECONDS = 3_600  # FAULTS.md §8, D02
MOUNTS = Path("/proc/mounts")  # Linux; elsewhere the file system's type is not looked at
NETWORK = re.compile(
    r"nfs4?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse\..*|davfs"
)  # where SQLite's WAL is not safe
KEY = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[0-9A-Za-z-]{10,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}|Bearer\s+[A-Za-z0-9._-]{20,}|eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{10,})"
    r"|(?i:(api_?key|token|secret|password|passphrase)\s*[=:]\s*[\"']?[^\s\"']{12,})"
)
OLD_BACKUP = timedelta(days=14)  # a person who makes backups by hand is reminded after two weeks
DRILL_BYTES = (
    256 * 2**20
)  # a backup up to this size is compared by its digest at every look; a larger one with --deep
DRILL = "drill.db"  # where an encrypted backup lies, opened, for as long as the drill takes
PASSPHRASE = "BRAIN_BACKUP_PASSPHRASE"
CONFIG = "config.toml"


def permissions(patient: Patient, mode: Mode) -> Finding:
    """D01: the home is its owner's alone, no link leads out of it, and it does not lie on a network."""
    bad = [
        path
        for path in _below(patient.home)
        if os.lstat(path).st_mode & OTHERS and not path.is_symlink()
    ]
    mended = ""
    if bad and mode.repair:
        for path in bad:
            path.chmod(DIRECTORY_MODE if path.is_dir() else FILE_MODE)
        mended, bad = f"{len(bad)} permissions were narrowed", []
    faults = [f"{_short(patient, path)} can be read by others" for path in bad]
    faults += [
        f"{_short(patient, path)} belongs to another user"
        for path in _below(patient.home)
        if not _mine(path)
    ]
    faults += [
        f"{_short(patient, path)} is a link"
        for path in (patient.home, patient.database, patient.index_dir)
        if path.is_symlink()
    ]
    kind = file_system(patient.home)
    if NETWORK.fullmatch(kind):
        faults.append(
            f"the home lies on a network file system ({kind}), where two writers can damage a database"
        )
    return Finding(
        tuple(faults),
        REPAIR if bad else "move the home to a local folder of your own",
        mended=mended,
    )


def leftovers(patient: Patient, mode: Mode) -> Finding:
    """D02: our own database, its log short, nothing unfinished lying about."""
    faults, mended = list(patient.store.header_faults()), []
    if patient.store.wal_bytes() > WAL_BYTES:
        if mode.repair and patient.store.checkpoint():
            mended.append("the log was written back")
        else:
            faults.append(
                f"the log is {patient.store.wal_bytes() / 2**20:,.0f} MB long: some process keeps reading"
            )
    stale = list(_stale(patient))
    if stale and mode.repair:
        for path in stale:
            path.unlink(missing_ok=True)
        mended.append(f"{len(stale)} unfinished files were removed")
    else:
        faults += [f"{_short(patient, path)} was left unfinished" for path in stale]
    serious = bool(patient.store.header_faults())
    return Finding(tuple(faults), REPAIR, mended="; ".join(mended), error=serious)


def keys(patient: Patient, _mode: Mode) -> Finding:
    """D15: nothing that looks like a key stands in the configuration, a log or the program's own settings."""
    faults = []
    for path in (patient.home / CONFIG, *sorted(patient.home.glob("*.log"))):
        with suppress(OSError):
            lines = path.read_text("utf-8", "replace").splitlines()
            faults += [
                f"{path.name}, line {n}, looks like a key"
                for n, line in enumerate(lines, 1)
                if KEY.search(line)
            ]
    faults += [
        f"the setting {name} looks like a key"
        for name, value in patient.store.settings().items()
        if KEY.search(value)
    ]
    return Finding(
        tuple(faults),
        "take it out there and keep it in an environment variable; then change the key",
    )


def backups(patient: Patient, mode: Mode) -> Finding:
    """D16: there is a recent backup, and the newest one would come back: it is opened and compared with its digest. An
    encrypted one that nothing here opens is said to be unproven.
    """
    present = backup.newest_first(
        item for folder in patient.backup_dirs for item in backup.found(folder)
    )
    if not present:
        return Finding(("there is no backup yet",), "make one with `brain backup`", error=False)
    newest = present[0]
    faults = []
    age = patient.now - newest.at
    if age > OLD_BACKUP:
        faults.append(f"the newest backup is {age.days} days old")
    if newest.sealed and not patient.secret:
        faults.append(
            f"{newest.path.name} is encrypted and was not proven: nothing here can open it"
        )
        return Finding(tuple(faults), f"prove it with --identity FILE or {PASSPHRASE}", error=False)
    try:
        note = _drilled(patient, newest, mode)
    except (BrainError, OSError) as error:
        said = getattr(error, "message", "") or str(error)
        return Finding(
            (f"the newest backup would not come back: {said}",),
            "make a new one with `brain backup`",
        )
    return Finding(
        tuple(f"{fault}; {note}" for fault in faults),
        "make one with `brain backup`",
        note,
        error=False,
    )


def _drilled(patient: Patient, newest: backup.Backup, mode: Mode) -> str:
    """What would come back of it. An encrypted one is opened into the home for a moment. Raises `BrainError`, `OSError`."""
    with temporary(patient.home / DRILL) as plain:
        if newest.sealed:
            encryption.unseal(newest.path, plain, patient.secret)
        place = plain if newest.sealed else newest.path
        whole = mode.deep or place.stat().st_size <= DRILL_BYTES
        try:
            copy = patient.judge(place, whole)
        except BrainError as error:
            raise type(error)(
                error.message.replace(str(plain), str(newest.path)), error.hint
            ) from None
    how = "its digest is right" if whole else "its structure is right"
    return f"{newest.path.name} would come back: {copy.documents:,} documents, {how}"


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, "" where the system does not say."""
    try:
        lines = MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    place, best, kind = str(path.resolve()), "", ""
    for line in lines:
        _device, point, found, *_rest = [*line.split(" "), "", "", ""]
        point = point.replace("\\040", " ")
        if (place == point or place.startswith(point.rstrip("/") + "/")) and len(point) >= len(
            best
        ):
            best, kind = point, found
    return kind


def _below(home: Path) -> Iterator[Path]:
    """The home and everything in it, links not followed."""
    yield home
    for folder, folders, names in os.walk(home):
        for name in (*folders, *names):
            path = Path(folder, name)
            if os.path.lexists(path):
                yield path


def _stale(patient: Patient) -> Iterator[Path]:
    for folder in (patient.home, *patient.backup_dirs):
        left = abandoned(folder)
        yield from left
        for path in sorted(folder.glob(f"*{TEMPORARY}*")):
            with suppress(OSError):
                if (
                    path not in left
                    and path.is_file()
                    and time.time() - path.stat().st_mtime > STALE_SECONDS
                ):
                    yield path


def _mine(path: Path) -> bool:
    try:
        return not hasattr(os, "getuid") or os.lstat(path).st_uid == os.getuid()
    except OSError:
        return True


def _short(patient: Patient, path: Path) -> str:
    return str(path.relative_to(patient.home)) if path != patient.home else str(path)

"""The doctor's checks of files: who may read the home, leftovers, keys in the open, backups: D01, D02, D15, D16.

A repair narrows permissions and removes stale temporary files. Leaves out what the database holds (check_store.py).
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
from brain.keeping import encryption, isolated
from brain.keeping.backup import AHEAD, Backup, folders, made
from brain.keeping.encryption import PASSPHRASE
from brain.keeping.files import (
    DIRECTORY_MODE,
    FILE_MODE,
    TEMPORARY,
    abandoned,
    temporary,
)
from brain.keeping.findings import REPAIR, Examined, Finding
from brain.plain import read_plain

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WAL_BYTES = 64 * 2**20  # of the log; above this it is not being written back
STALE_SECONDS = 3_600  # after which nobody is still writing an unfinished file
MOUNTS = Path(
    "/proc/mounts"
)  # Linux; elsewhere the file system's type is not looked at
# File systems on which SQLite's log is not safe.
NETWORK = re.compile(r"nfs4?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse\..*|davfs")
KEY = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[0-9A-Za-z-]{10,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}|Bearer\s+[A-Za-z0-9._-]{20,}|eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{10,})"
    r"|(?i:(api_?key|token|secret|password|passphrase)\s*[=:]\s*[\"']?[^\s\"']{12,})"
)
OLD_BACKUP = timedelta(
    days=14
)  # a person who makes backups by hand is reminded after two weeks
# A backup up to this size is compared by its digest at every look; a larger one with --deep.
DRILL_BYTES = 256 * 2**20
DRILL = (
    "drill.db"  # where an encrypted backup lies, opened, for as long as the drill takes
)
CONFIG = "config.toml"


def permissions(examined: Examined) -> Finding:
    """D01: the home is its owner's alone, no link leads out of it, and it does not lie on a network."""
    config = examined.config
    paths = list(_below(config.home))
    open_to_others = [
        path
        for path in paths
        if not path.is_symlink() and path.lstat().st_mode & OTHERS
    ]
    mended = ""
    if open_to_others and examined.repair:
        for path in open_to_others:
            path.chmod(DIRECTORY_MODE if path.is_dir() else FILE_MODE)
        mended = f"{len(open_to_others)} permissions were narrowed"
        open_to_others = []
    faults = [
        f"{_short(examined, path)} can be read by others" for path in open_to_others
    ]
    for path in paths:
        if not _mine(path):
            faults.append(f"{_short(examined, path)} belongs to another user")
    for path in (config.home, config.database, config.index_dir):
        if path.is_symlink():
            faults.append(f"{_short(examined, path)} is a link")
    kind = file_system(config.home)
    if NETWORK.fullmatch(kind):
        faults.append(
            f"the home lies on a network file system ({kind}), where two writers can damage a database"
        )
    hint = REPAIR if open_to_others else "move the home to a local folder of your own"
    return Finding(faults, hint, mended=mended)


def leftovers(examined: Examined) -> Finding:
    """D02: our own database, its log short, nothing unfinished lying about."""
    checks = examined.checks
    header = checks.header_faults()
    faults = list(header)
    mended = []
    if checks.wal_bytes() > WAL_BYTES:
        if examined.repair and checks.checkpoint():
            mended.append("the log was written back")
        else:
            megabytes = checks.wal_bytes() / 2**20
            faults.append(
                f"the log is {megabytes:,.0f} MB long: some process keeps reading"
            )
    stale = list(_stale(examined))
    if stale and examined.repair:
        for path in stale:
            path.unlink(missing_ok=True)
        mended.append(f"{len(stale)} unfinished files were removed")
    else:
        faults += [f"{_short(examined, path)} was left unfinished" for path in stale]
    return Finding(faults, REPAIR, mended="; ".join(mended), error=bool(header))


def keys(examined: Examined) -> Finding:
    """D15: nothing that looks like a key stands in the configuration, a log or the program's own settings."""
    home = examined.config.home
    faults = []
    for path in (home / CONFIG, *sorted(home.glob("*.log"))):
        with suppress(OSError):
            lines = (
                read_plain(path, follow=True).decode("utf-8", "replace").splitlines()
            )
            for number, line in enumerate(lines, 1):
                if KEY.search(line):
                    faults.append(f"{path.name}, line {number}, looks like a key")
    for name, value in examined.checks.settings().items():
        if KEY.search(value):
            faults.append(f"the setting {name} looks like a key")
    hint = (
        "take it out there and keep it in an environment variable; then change the key"
    )
    return Finding(faults, hint)


def backups(examined: Examined) -> Finding:
    """D16: there is a recent backup, and the newest one would come back: it is opened and compared with its digest. An
    encrypted one that nothing here opens is said to be unproven.
    """
    present = made(examined.store, examined.config)
    if not present:
        return Finding(
            ("there is no backup yet",), "make one with `brain backup`", error=False
        )
    newest = present[0]
    faults = []
    age = examined.now - newest.at
    if age < -AHEAD:
        faults.append(
            f"the newest backup is dated in the future ({newest.at:%Y-%m-%d})"
        )
    if age > OLD_BACKUP:
        faults.append(f"the newest backup is {age.days} days old")
    if newest.sealed and not examined.secret:
        name = newest.path.name
        faults.append(
            f"{name} is encrypted and was not proven: nothing here can open it"
        )
        return Finding(
            faults, f"prove it with --identity FILE or {PASSPHRASE}", error=False
        )
    try:
        note = _drilled(examined, newest)
    except (BrainError, OSError) as error:
        said = getattr(error, "message", "") or str(error)
        fault = f"the newest backup would not come back: {said}"
        return Finding((fault,), "make a new one with `brain backup`")
    told = [f"{fault}; {note}" for fault in faults]
    return Finding(told, "make one with `brain backup`", note, error=False)


def _drilled(examined: Examined, newest: Backup) -> str:
    """What would come back; an encrypted one is opened into the home for a moment. Raises `BrainError` or `OSError`."""
    with temporary(examined.config.home / DRILL) as plain:
        opened = newest.path
        if newest.sealed:
            encryption.unseal(newest.path, plain, examined.secret)
            opened = plain
        whole = examined.deep or opened.stat().st_size <= DRILL_BYTES
        copy = isolated.judge(opened, compare=whole, called=newest.path)
    how = "its checksum is right" if whole else "its structure is right"
    return f"{newest.path.name} would come back: {copy.documents:,} documents, {how}"


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, "" where the system does not say."""
    try:
        lines = MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    place = path.resolve()
    holding: dict[int, str] = {}
    for line in lines:
        match line.split(" "):
            case [_device, point, kind, *_]:
                # A mount point is written with its spaces as octal escapes.
                mounted = Path(point.replace("\\040", " "))
                if place.is_relative_to(mounted):
                    holding[len(mounted.parts)] = kind
    if not holding:
        return ""
    return holding[max(holding)]


def _below(home: Path) -> Iterator[Path]:
    """The home and everything in it, links not followed."""
    yield home
    # What went away in the meantime is not looked at.
    yield from filter(os.path.lexists, sorted(home.rglob("*")))


def _stale(examined: Examined) -> Iterator[Path]:
    """What a process that died left, and whatever else is called unfinished and was not touched for long."""
    for folder in (examined.config.home, *folders(examined.store, examined.config)):
        left = abandoned(folder)
        yield from left
        for path in sorted(folder.glob(f"*{TEMPORARY}*")):
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if path not in left and path.is_file() and age > STALE_SECONDS:
                    yield path


def _mine(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()


def _short(examined: Examined, path: Path) -> str:
    home = examined.config.home
    return str(path if path == home else path.relative_to(home))

"""Files written whole or not at all, private to their owner. Serves backups and restoring; leaves out what is in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brain.errors import BrainError

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
TEMPORARY = ".tmp"


def private_directory(path: Path) -> Path:
    """Make it for its owner only; one that is there stays as it is. Raises `BrainError`."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
    except OSError as error:
        raise BrainError(
            f"{path} cannot be used: {error.strerror}", "name another folder"
        ) from None
    return path


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` for something unfinished; whatever lies there at the end of the block is removed."""
    place = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    place.unlink(missing_ok=True)
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def abandoned(folder: Path) -> list[Path]:
    """What `temporary` of a process that died left there; it may be a plain copy of something encrypted."""
    found = []
    for path in sorted(folder.glob(f"*{TEMPORARY}")):
        owner = path.suffixes[-2].removeprefix(".") if len(path.suffixes) > 1 else ""
        if owner.isdigit() and not _runs(int(owner)):
            found.append(path)
    return found


def sweep(folder: Path) -> None:
    """Remove it."""
    for path in abandoned(folder):
        path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    """Whether a process has this id; True where that cannot be asked without harm (on Windows the call would end it)."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def copy_file(source: Path, target: Path) -> None:
    """The bytes of a regular file into the new file `target`, flushed. Raises `OSError`; symbolic links are not followed
    at the target.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with (
        source.open("rb") as reading,
        os.fdopen(os.open(target, flags, FILE_MODE), "wb") as writing,
    ):
        shutil.copyfileobj(reading, writing)
        writing.flush()
        os.fsync(writing.fileno())


def flush_file(path: Path) -> None:
    """Bring its content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_directory(path: Path) -> None:
    """Bring the names in it to the disk, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

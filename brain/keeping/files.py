"""Files written whole or not at all, private to their owner, and looked through. Serves backups, restoring, erasing.

Leaves out what is in them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from brain.errors import BrainError
from brain.plain import open_plain

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
TEMPORARY = ".tmp"
READ_BYTES = 4 * 2**20  # of a file that is looked through, at a time
MOST_OF_A_WORD = 64  # bytes of a short line, the ends beside it included
MOST_OF_A_NAME = 1_000  # files of one second; more are a clock that stands still


def private_directory(path: Path) -> Path:
    """Make it for its owner only; one that is there stays as it is. Raises `BrainError`."""
    try:
        path.mkdir(
            parents=True,
            exist_ok=True,
            mode=DIRECTORY_MODE,
        )
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


def free_name(folder: Path, stem: str, endings: Sequence[str] = ("",)) -> str:
    """The first of `stem`, `stem-2`, `stem-3` … that no file of the folder has with one of the endings."""
    for number in range(1, MOST_OF_A_NAME):
        name = stem
        if number != 1:
            name = f"{stem}-{number}"
        taken = [(folder / f"{name}{ending}").exists() for ending in endings]
        if not any(taken):
            return name
    raise BrainError(
        f"{folder} holds a thousand of {stem}", "check the clock of this machine"
    )


def abandoned(folder: Path) -> list[Path]:
    """What `temporary` of a process that died left there; it may be a plain copy of something encrypted."""
    found = []
    for path in sorted(folder.glob(f"*{TEMPORARY}")):
        name, _, process = path.stem.rpartition(".")
        if name and process.isdigit() and not runs(int(process)):
            found.append(path)
    return found


def sweep(folder: Path) -> None:
    """Remove what was abandoned there."""
    for path in abandoned(folder):
        path.unlink(missing_ok=True)


def runs(pid: int) -> bool:
    """Whether a process has this id."""
    try:
        # Elsewhere it cannot be asked without harm: on Windows the call would end the process.
        if os.name == "posix":
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def copy_file(source: Path, target: Path) -> None:
    """The bytes of a file into the new file `target`, flushed; a link there is not followed. Raises `OSError`."""
    # O_EXCL refuses whatever has that name already, a link as well (POSIX, open).
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with (
        open_plain(source, follow=True) as reading,
        os.fdopen(os.open(target, flags, FILE_MODE), "wb") as writing,
    ):
        shutil.copyfileobj(reading, writing)
        writing.flush()
        os.fsync(writing.fileno())


def flush(path: Path) -> None:
    """Bring the content of a file, or the names in a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_directory(path: Path) -> None:
    """Bring the names in it to the disk, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        flush(path)


def left_in(
    home: Path,
    pieces: Sequence[bytes],
    words: Sequence[bytes] = (),
    *,
    without: Iterable[Path],
) -> list[str]:
    """Files below the home that hold one of the pieces, or files of text that hold one of the words by itself.

    `without`: files that are not looked into. Not to be called where the database is open: closing a second
    handle to it drops SQLite's locks (`isolated.left_in` runs it elsewhere).
    """
    passed = {path.name for path in without}
    standing = None
    if words:
        ends = rb"(?<![0-9A-Za-z_])(?:%s)(?![0-9A-Za-z_])"
        any_of = b"|".join(map(re.escape, words))
        standing = re.compile(ends % any_of)
    found = []
    for path in sorted(home.rglob("*")):
        regular = path.is_file() and not path.is_symlink()
        if path.name not in passed and regular and _holds(path, pieces, standing):
            found.append(str(path))
    return found


def _holds(
    path: Path, pieces: Sequence[bytes], standing: re.Pattern[bytes] | None
) -> bool:
    longest = max((len(piece) for piece in pieces), default=MOST_OF_A_WORD)
    with suppress(OSError), open_plain(path) as file:
        kept = b""
        while block := file.read(READ_BYTES):
            data = kept + block
            if any(piece in data for piece in pieces):
                return True
            if b"\0" in block:
                standing = None  # so short a word stands in bytes by chance
            if standing and standing.search(data):
                return True
            # A piece may be cut in two by the end of what was read.
            kept = data[-longest:]
    return False

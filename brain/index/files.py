"""The directory of derived files: private, replaced whole, locked while Chroma is open, and proven by its manifest.

Leaves out what is in the files. Serves every index. Whatever is here may be deleted at any moment by anyone.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
MANIFEST = "manifest.json"
LOCK = "applier.lock"
READ_BYTES = 4 * 2**20  # per read while a checksum is computed: about 6 GB/s here
BLOCK = 512  # bytes, the unit of st_blocks (stat(2))


def private_directory(path: Path) -> Path:
    """Make it, and what is missing above it, for its owner only."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        path.chmod(DIRECTORY_MODE)
    return path


@contextmanager
def replaced(path: Path) -> Iterator[int]:
    """A file descriptor for new content of `path`, which takes its place at the end of the block, or not at all."""
    private_directory(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(
        temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), FILE_MODE
    )
    try:
        try:
            yield handle
            os.fsync(
                handle
            )  # without it a power cut may leave the new name with a hole in place of its content
        finally:
            os.close(handle)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def locked(path: Path, *, seconds: float) -> Iterator[bool]:
    """Hold the lock file `path`; False when another process kept it for `seconds`. It is never deleted by us."""
    import filelock

    private_directory(path.parent)
    lock = filelock.FileLock(path, mode=FILE_MODE, thread_local=False)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def write_manifest(directory: Path) -> None:
    """Note every file with its size and checksum. Only after a clean close, when no process has the directory open."""
    if not directory.is_dir():
        return  # someone deleted the index while it was open, which is allowed
    text = json.dumps(_checksums(directory), sort_keys=True).encode()
    with replaced(directory / MANIFEST) as handle:
        os.write(handle, text)


def intact(directory: Path) -> bool:
    """Whether it is to the byte what was closed cleanly: then opening it cannot meet damage."""
    try:
        noted = json.loads((directory / MANIFEST).read_bytes())
        sizes = {name: (directory / name).stat().st_size for name in noted}
        if any(sizes[name] != facts[0] for name, facts in noted.items()):
            return False  # before reading: a damaged file may claim a terabyte
        return bool(noted) and _checksums(directory) == noted
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return False


def _checksums(directory: Path) -> dict[str, list[int]]:
    """{name: [bytes, crc32]} of every file but the manifest."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != MANIFEST and not path.name.endswith(".tmp"):
            crc = 0
            with path.open("rb", buffering=0) as file:
                while block := file.read(READ_BYTES):
                    crc = zlib.crc32(block, crc)
            found[str(path.relative_to(directory))] = [path.stat().st_size, crc]
    return found


def disk_bytes(path: Path) -> int:
    """What the files below `path` occupy; the holes of a sparse file do not count."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * BLOCK
    return total


def remove(path: Path) -> None:
    """Delete a directory and everything in it; what another process deleted first is no error."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if path.is_symlink() or path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)

"""What a reader is handed (`Raw`) and hands back (`Reading`), and the one careful way to get a file's bytes.

Leaves out decoding and formats. Serves the readers and `loading`. A file is opened without following a link and without
waiting, must be a regular file, is read up to the cap whatever its size claims, and is read again once when it changed
meanwhile: what was hashed is what was read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ingest.document import Section, Texts
from ingest.errors import RefusedFile, UnreadableFile, VanishedFile
from ingest.limits import MEGABYTE, USUAL, Limits

READ_BYTES = 1 << 20  # bytes per read call
_NOT_REGULAR = ("not a regular file", "name a file that holds a text")


@dataclass(slots=True)
class Budget:
    """What may still be read of the files inside of one file: how many, how deep, characters and bytes."""

    files: int = USUAL.attachments
    depth: int = USUAL.attachment_depth
    chars: int = USUAL.text_chars
    bytes: int = USUAL.file_bytes

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """A whole one."""
        return cls(
            limits.attachments,
            limits.attachment_depth,
            limits.text_chars,
            limits.file_bytes,
        )


@dataclass(frozen=True, slots=True)
class Raw:
    """A file's bytes on the way to a reader. `name` is the file's name without folder, "" for text without a file;
    `vault` whether the file lies in a vault of Obsidian; `budget`, of a file inside of another, what is left to read.
    """

    data: bytes
    name: str
    media_type: str
    limits: Limits = field(default_factory=Limits)
    vault: bool = False
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader saw: sections in order and what it understood about the document. Empty means: it did not say.

    `date` is what the document says of itself, raw and unparsed; `created` a weaker one that the producing program set.
    `above`: how many of the sections are a head that stands above the text. `part` tells several documents of one file
    apart (it becomes the fragment of the address).
    """

    sections: list[Section]
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Texts = ()
    aliases: Texts = ()
    links: Texts = ()
    notices: Texts = ()
    date: str = ""
    date_by: str = ""
    created: str = ""
    above: int = 0
    part: str = ""


Readings = Iterator[Reading]  # the documents of one file, as its reader yields them


def read_file(path: Path, limits: Limits) -> tuple[bytes, os.stat_result]:
    """The bytes of a regular file and its stat. Raises RefusedFile or UnreadableFile."""
    for _attempt in range(2):
        data, before, after = _read_once(path, limits)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            break
    return data, after


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a regular file, to see what it is. Raises RefusedFile or UnreadableFile."""
    descriptor = _opened(path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RefusedFile(*_NOT_REGULAR)
        return os.read(descriptor, size)
    except OSError as error:
        raise _refusal(error) from error
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """A descriptor, opened without following a link and without waiting."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except OSError as error:
        raise _refusal(error) from error


def _read_once(
    path: Path, limits: Limits
) -> tuple[bytes, os.stat_result, os.stat_result]:
    descriptor = _opened(path)
    try:
        before = os.fstat(descriptor)
        # What was opened is judged, not what the path named a moment ago.
        if not stat.S_ISREG(before.st_mode):
            raise RefusedFile(*_NOT_REGULAR)
        if before.st_size > limits.file_bytes:
            raise too_large(before.st_size, limits)
        # The stated size is no promise: files under /proc state 0, and a log may grow.
        data = _read_up_to(descriptor, limits.file_bytes)
        if len(data) > limits.file_bytes:
            raise too_large(len(data), limits)
        return data, before, os.fstat(descriptor)
    except OSError as error:
        raise _refusal(error) from error
    finally:
        os.close(descriptor)


def _read_up_to(descriptor: int, cap: int) -> bytes:
    parts = []
    total = 0
    while total <= cap and (part := os.read(descriptor, READ_BYTES)):
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def too_large(size: int, limits: Limits) -> RefusedFile:
    """The refusal for a file over the cap, in megabytes."""
    cap = limits.file_bytes / MEGABYTE
    return RefusedFile(
        f"too large ({size / MEGABYTE:.0f} MB, the cap is {cap:.0f} MB)",
        "raise the cap or split the file",
    )


def _refusal(error: OSError) -> RefusedFile | UnreadableFile:
    code = error.errno
    if code == errno.ELOOP:
        return RefusedFile("a symbolic link", "add the file that it points to")
    if code == errno.ENXIO:  # a socket, or a device without a driver
        return RefusedFile(*_NOT_REGULAR)
    if code in (errno.EACCES, errno.EPERM):
        hint = "check its owner and mode"
        return UnreadableFile("no permission to read it", hint, passing=True)
    if code in (errno.ENOENT, errno.ENOTDIR):
        return VanishedFile("it is not there any more", "add the folder again")
    reason = error.strerror or "read error"
    hint = "check the disk and try again"
    return UnreadableFile(reason.lower(), hint, passing=True)

"""What is known of a file without reading it: its address, its name as text, and whether it changed since.

Leaves finding files to `brain.app.look`. Serves taking in, syncing and forgetting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import ingest

T = TypeVar("T")
NOTE = "note:"  # begins the address of a note that is no file
Facts = tuple[int, int, int, int, int]
"""(size in bytes, mtime_ns, ctime_ns, inode, looked_ns) of a file, as stored"""

# The clock of a file system may be this coarse: a file touched so shortly before the last look may have changed unseen
RACY_NS = 2_000_000_000
GONE_SHARE = 0.05  # of a folder: if more is missing, it may be a disk that is not there
GONE_SMALL = 3  # so few missing files are always believed


def stat_of(item: ingest.Found) -> tuple[int, int, int, int]:
    """Its facts in the order of the stored ones."""
    return (item.size, item.mtime_ns, item.ctime_ns, item.inode)


def differs(item: ingest.Found, known: Facts | None) -> bool:
    """Whether a file is new, or its facts are not those stored."""
    return known is None or stat_of(item) != known[:4]


def unchanged(item: ingest.Found, known: Facts | None) -> bool:
    """Whether a file is as stored, and was not touched just before the last look."""
    if known is None or differs(item, known):
        return False
    return _long_ago(known)


def settled(status: os.stat_result, known: Facts) -> bool:
    """The same from what the system says of the file."""
    stat = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return stat == known[:4] and _long_ago(known)


def _long_ago(known: Facts) -> bool:
    _size, mtime_ns, ctime_ns, _inode, looked_ns = known
    if looked_ns is None:
        return False
    return max(mtime_ns, ctime_ns) < looked_ns - RACY_NS


def believable(gone: int, total: int) -> bool:
    """Whether so many missing files of a folder look like deletions and not like a disk that is not there."""
    return gone <= max(GONE_SMALL, total * GONE_SHARE)


def whole_files(known: Mapping[str, T]) -> dict[str, T]:
    """The same by file: the messages of a mailbox (`…mbox#3`) are one file."""
    whole = {}
    for uri, facts in known.items():
        file, _sign, _message = uri.partition("#")
        whole[file] = facts
    return whole


def uri_of(path: Path) -> str:
    """The `file:` address of a path; bytes outside UTF-8 are percent-encoded, so that every name round-trips."""
    from urllib.parse import quote_from_bytes

    name = os.fsencode(path)
    return "file://" + quote_from_bytes(name)


def path_of(uri: str) -> str:
    """The file of an address, which for a message of a mailbox is the mailbox."""
    file, _sign, _message = uri.partition("#")
    # Only names with other than plain letters need decoding, and a folder may hold very many files
    if "%" in file:
        from brain.store import moves

        return moves.path_of(file)
    return file.removeprefix("file://")


def shown(path: Path) -> str:
    """The path as text that JSON, SQLite and a terminal can hold: bytes outside UTF-8 appear as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")

"""The file behind the exact index: all vectors as one float32 matrix to be mapped, their ids, a checked header.

    4,096 bytes of header · count x dimensions float32, rows of length 1 · count ids, UTF-8, zero-padded to one width

It is derived: whatever is wrong with it (missing, cut, another version, a flipped bit) means "none", and it is written
again from SQLite. Leaves out searching. Serves exact.py.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.index.files import replaced
from brain.plain import open_plain
from brain.store.snapshots import dimensions_of

if TYPE_CHECKING:
    from brain.protocols import Vectors

MAGIC = b"BRNEXACT"
VERSION = 1
# Magic, version, dimensions, count, seq, mark, id width, the body's checksum, digest of the fingerprint.
HEADER = struct.Struct("<8sIIQQQII32s")
HEADER_BYTES = 4_096  # one page, so that the matrix begins on a page
CRC = struct.Struct("<I")  # of the header, right behind it
NO_MARK = 2**63  # a mark is a crc32; this says that there was none
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Written:
    """The written part of an index: `ids` are bytes, shape (count,), `matrix` float32, shape (count, dimensions)."""

    ids: Any
    matrix: Vectors
    seq: int
    mark: int | None


def name_of(kind: str, fingerprint: str) -> str:
    """The file's name: one per kind and fingerprint."""
    return f"exact-{kind}-{hashlib.sha256(fingerprint.encode()).hexdigest()[:12]}.f32"


def write(
    path: Path,
    fingerprint: str,
    blocks: Iterable[tuple[list[str], Vectors]],
    *,
    seq: int,
    mark: int | None,
) -> None:
    """Write blocks of (ids, rows) as the new file. Raises `OSError` and leaves the old one as it was."""
    import numpy as np

    names: list[bytes] = []
    crc = 0
    with replaced(path) as handle:
        # So long it is also without a vector: a question may come before the first note
        os.ftruncate(handle, HEADER_BYTES)
        os.lseek(handle, HEADER_BYTES, os.SEEK_SET)
        for ids, rows in blocks:
            names.extend(chunk_id.encode() for chunk_id in ids)
            crc = _put(
                handle, np.ascontiguousarray(rows, dtype=np.float32).tobytes(), crc
            )
        width = max(map(len, names), default=1)
        crc = _put(handle, np.array(names, dtype=f"S{width}").tobytes(), crc)
        head = HEADER.pack(
            MAGIC,
            VERSION,
            dimensions_of(fingerprint),
            len(names),
            seq,
            NO_MARK if mark is None else mark,
            width,
            crc,
            _digest(fingerprint),
        )
        os.pwrite(handle, head + CRC.pack(zlib.crc32(head)), 0)


def read(path: Path, fingerprint: str) -> Written | None:
    """Map the file; None unless every byte of it is what was written for this fingerprint.

    The checksum of the whole costs about 20 ms per 100 MB and brings the pages in, which the search needs anyway.
    """
    import numpy as np

    try:
        with open_plain(path) as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    if len(data) < HEADER_BYTES:
        return None
    dimensions = dimensions_of(fingerprint)
    head = data[: HEADER.size]
    magic, version, length, count, seq, mark, width, crc, digest = HEADER.unpack(head)
    expected = (MAGIC, VERSION, dimensions, _digest(fingerprint))
    if (magic, version, length, digest) != expected:
        return None
    if CRC.unpack_from(data, HEADER.size)[0] != zlib.crc32(head):
        return None
    body = count * dimensions * FLOAT_BYTES
    if len(data) != HEADER_BYTES + body + max(count * width, 0):
        return None
    with memoryview(data) as view, view[HEADER_BYTES:] as rest:
        if zlib.crc32(rest) != crc:
            return None
    if not count:
        empty = np.empty((0, dimensions), np.float32)
        return Written(np.array([], dtype="S1"), empty, seq, _mark(mark))
    numbers = np.frombuffer(data, np.float32, count * dimensions, HEADER_BYTES)
    matrix = numbers.reshape(count, dimensions)
    ids = np.frombuffer(data, f"S{width}", count, HEADER_BYTES + body)
    return Written(ids, matrix, seq, _mark(mark))


def _mark(stored: int) -> int | None:
    return None if stored == NO_MARK else stored


def _put(handle: int, data: bytes, crc: int) -> int:
    """Write all of it; returns the checksum continued."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    return zlib.crc32(data, crc)


def _digest(fingerprint: str) -> bytes:
    return hashlib.sha256(fingerprint.encode()).digest()

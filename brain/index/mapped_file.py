"""The file behind a mapped index: rows of numbers, the chunks that they belong to, a checked header.

    4,096 bytes of header · the rows, as a matrix to be mapped · for each chunk how many of them are its own, uint32
    · the ids of the chunks, UTF-8, zero-padded to one width

It is derived: whatever is wrong with it (missing, cut, another version, a flipped bit) means "none", and it is written
again from SQLite. Leaves out searching. Serves mapped.py.
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
from typing import TYPE_CHECKING, Any, NamedTuple

from brain.index.files import replaced
from brain.plain import open_plain
from brain.store.snapshots import dimensions_of

if TYPE_CHECKING:
    from brain.protocols import Vectors

VERSION = 2
# Magic, version, numbers a row, rows, chunks, seq, mark, id width, the body's checksum, digest of the fingerprint.
HEADER = struct.Struct("<8sIIQQQQII32s")
HEADER_BYTES = 4_096  # one page, so that the matrix begins on a page
CRC = struct.Struct("<I")  # of the header, right behind it
NO_MARK = 2**63  # a mark is a crc32; this says that there was none
COUNT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of file: what its numbers are (numpy's name), and how many dimensions of a vector stand in one."""

    magic: bytes
    name: str
    suffix: str
    numbers: str
    dimensions: int

    def name_of(self, kind: str, fingerprint: str) -> str:
        """The file's name: one per kind of chunks and fingerprint."""
        mark = _digest(fingerprint).hex()[:12]
        return f"{self.name}-{kind}-{mark}.{self.suffix}"

    def width(self, fingerprint: str) -> int:
        """How many numbers a row has."""
        return -(-dimensions_of(fingerprint) // self.dimensions)


EXACT = Layout(b"BRNEXACT", "exact", "f32", "<f4", 1)
SENTENCES = Layout(b"BRNSENTS", "sentences", "bits", "<u8", 64)
LAYOUTS = (EXACT, SENTENCES)


class Block(NamedTuple):
    """Some chunks: `counts` says how many of the `rows` belong to each, in order."""

    ids: list[str]
    counts: Any
    rows: Vectors


@dataclass(frozen=True, slots=True)
class Written:
    """The written part of an index: `ids` are bytes, `counts` uint32, both of shape (chunks,); `rows` is a matrix."""

    ids: Any
    counts: Any
    rows: Any
    seq: int
    mark: int | None


def write(
    path: Path,
    layout: Layout,
    fingerprint: str,
    blocks: Iterable[Block],
    *,
    seq: int,
    mark: int | None,
) -> None:
    """Write the blocks as the new file. Raises `OSError` and leaves the old one as it was."""
    import numpy as np

    names: list[bytes] = []
    counts = [np.empty(0, np.uint32)]
    crc = 0
    with replaced(path) as handle:
        # So long it is also without a vector: a question may come before the first note
        os.ftruncate(handle, HEADER_BYTES)
        os.lseek(handle, HEADER_BYTES, os.SEEK_SET)
        for block in blocks:
            names.extend(chunk_id.encode() for chunk_id in block.ids)
            counts.append(np.asarray(block.counts, np.uint32))
            rows = np.ascontiguousarray(block.rows, dtype=layout.numbers)
            crc = _put(handle, rows.tobytes(), crc)
        width = max(map(len, names), default=1)
        each = np.concatenate(counts)
        crc = _put(handle, each.tobytes(), crc)
        crc = _put(handle, np.array(names, dtype=f"S{width}").tobytes(), crc)
        head = HEADER.pack(
            layout.magic,
            VERSION,
            layout.width(fingerprint),
            int(each.sum()),
            len(names),
            seq,
            NO_MARK if mark is None else mark,
            width,
            crc,
            _digest(fingerprint),
        )
        os.pwrite(handle, head + CRC.pack(zlib.crc32(head)), 0)


def read(path: Path, layout: Layout, fingerprint: str) -> Written | None:
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
    head = data[: HEADER.size]
    magic, version, numbers, rows, chunks, seq, mark, width, crc, digest = (
        HEADER.unpack(head)
    )
    expected = (layout.magic, VERSION, layout.width(fingerprint), _digest(fingerprint))
    if (magic, version, numbers, digest) != expected:
        return None
    if CRC.unpack_from(data, HEADER.size)[0] != zlib.crc32(head):
        return None
    kind = np.dtype(layout.numbers)
    counts_at = HEADER_BYTES + rows * numbers * kind.itemsize
    ids_at = counts_at + chunks * COUNT_BYTES
    if len(data) != ids_at + chunks * width:
        return None
    with memoryview(data) as view, view[HEADER_BYTES:] as rest:
        if zlib.crc32(rest) != crc:
            return None
    matrix = np.frombuffer(data, kind, rows * numbers, HEADER_BYTES)
    return Written(
        np.frombuffer(data, f"S{width}", chunks, ids_at) if chunks else _no_ids(),
        np.frombuffer(data, np.uint32, chunks, counts_at),
        matrix.reshape(rows, numbers),
        seq,
        None if mark == NO_MARK else mark,
    )


def in_memory(
    layout: Layout, fingerprint: str, blocks: Iterable[Block], *, seq: int
) -> Written:
    """The same without a file."""
    import numpy as np

    names: list[bytes] = []
    counts = [np.empty(0, np.uint32)]
    parts = [np.empty((0, layout.width(fingerprint)), layout.numbers)]
    for block in blocks:
        names.extend(chunk_id.encode() for chunk_id in block.ids)
        counts.append(np.asarray(block.counts, np.uint32))
        parts.append(block.rows)
    ids = np.array(names, dtype=bytes) if names else _no_ids()
    return Written(ids, np.concatenate(counts), np.concatenate(parts), seq, None)


def _no_ids() -> Any:
    import numpy as np

    return np.array([], dtype="S1")


def _put(handle: int, data: bytes, crc: int) -> int:
    """Write all of it; returns the checksum continued."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    return zlib.crc32(data, crc)


def _digest(fingerprint: str) -> bytes:
    return hashlib.sha256(fingerprint.encode()).digest()

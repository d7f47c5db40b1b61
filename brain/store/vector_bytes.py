"""Vectors as bytes with a checksum, written scaled to length 1, read back only where the checksum holds.

A text's own vector is float16; its sentences, which are ten times as many, have one byte a number. A flipped bit can
make a number infinite, and then every score. Leaves out all SQL (vectors.py) and telling anyone of
damage (checks.py). Serves the tables that keep vectors and those that search with them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brain.errors import StoreError

if TYPE_CHECKING:
    from brain.protocols import Vectors

CRC_BYTES = 4  # behind the sentence vectors of a text, little-endian; that of the text's own vector has a column
FLOAT16_BYTES = 2
# What the checksum of sentences begins with says how they are written: one byte a number, or float16, as once. They
# differ in many bits, so that no flipped one turns the one into the other.
BYTE_CRC = zlib.crc32(b"one byte a number")
FLOAT16_CRC = 0
MOST = 127  # the largest number of a vector, as a byte; cosines differ by at most .002 from those of float32
ONE_SENTENCE = (
    b""  # in place of vectors: the text is one sentence, whose vector is the text's own
)


def is_whole(blob: Any, crc: Any) -> bool:
    """Whether these are the bytes of a vector as they were written."""
    if not isinstance(blob, bytes) or not blob or len(blob) % FLOAT16_BYTES:
        return False
    return bool(zlib.crc32(blob) == crc)


def floats(blob: bytes) -> Vectors:
    """What such bytes hold, float32."""
    import numpy as np

    return np.frombuffer(blob, np.float16).astype(np.float32)


def floats_of_each(blobs: Mapping[str, bytes]) -> dict[str, Vectors]:
    """The same of several vectors of one length, which are read in one step; of several lengths, one by one."""
    lengths = set(map(len, blobs.values()))
    if len(lengths) != 1:
        return {key: floats(blob) for key, blob in blobs.items()}
    rows = floats(b"".join(blobs.values())).reshape(len(blobs), -1)
    return dict(zip(blobs, rows, strict=True))


def sentences_of_each(packed: Mapping[str, Any], dimensions: int) -> dict[str, Vectors]:
    """The sentence vectors of several texts, float32, shape (sentences, dimensions), rows of length 1; texts without
    any, or with damaged ones, are missing.
    """
    stored = {}
    for key, blob in packed.items():
        part = numbers(blob, dimensions)
        if part is not None and len(part):
            stored[key] = part
    rows = unit_rows(list(stored.values()), dimensions)
    found = {}
    start = 0
    for key, part in stored.items():
        end = start + len(part)
        found[key] = rows[start:end]
        start = end
    return found


def unit_rows(parts: Sequence[Any], dimensions: int) -> Vectors:
    """The rows of all parts below each other, float32, each of length 1."""
    import numpy as np

    none = np.empty((0, dimensions), np.float32)
    # All at once: bytes become floats as they are joined.
    rows: Vectors = np.concatenate([none, *parts])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def sentences_sound(packed: Any, dimensions: int) -> bool:
    """Whether these are the bytes that were written."""
    return numbers(packed, dimensions) is not None


def numbers(packed: Any, dimensions: int) -> Any:
    """The numbers of sentence vectors as they are stored, of whatever length, shape (sentences, dimensions); None when
    the checksum does not hold.
    """
    if not isinstance(packed, bytes):
        return None
    import numpy as np

    body = packed[:-CRC_BYTES]
    crc = int.from_bytes(packed[-CRC_BYTES:], "little")
    if zlib.crc32(body, BYTE_CRC) == crc:
        kind = "<i1"
        width = 1
    elif zlib.crc32(body, FLOAT16_CRC) == crc:
        kind = "<f2"
        width = FLOAT16_BYTES
    else:
        return None
    if len(body) % (width * dimensions):
        return None
    return np.frombuffer(body, kind).reshape(-1, dimensions)


def packed_vector(values: Vectors, dimensions: int) -> tuple[bytes, int]:
    """(float16 bytes, their checksum) of a vector of shape (dimensions,). Raises `StoreError` for nonsense."""
    body = _float16(values, (dimensions,))
    return body, zlib.crc32(body)


def packed_sentences(values: Vectors | None, dimensions: int) -> bytes | None:
    """Vectors of shape (sentences, dimensions) as bytes with their checksum behind; None for None, and ONE_SENTENCE
    without any. Raises `StoreError` for nonsense.
    """
    if values is None:
        return None
    if not len(values):
        return ONE_SENTENCE
    import numpy as np

    array = _unit(values, (len(values), dimensions))
    largest = np.abs(array).max(axis=1, keepdims=True)
    body = bytes(np.rint(array * (MOST / largest)).astype(np.int8).tobytes())
    return body + zlib.crc32(body, BYTE_CRC).to_bytes(CRC_BYTES, "little")


def _float16(values: Vectors, shape: tuple[int, ...]) -> bytes:
    import numpy as np

    small = _unit(values, shape).astype(np.float16)
    if not small.any():
        raise _nonsense("a vector of length 0")
    return bytes(small.tobytes())


def _unit(values: Vectors, shape: tuple[int, ...]) -> Vectors:
    """Scaled to length 1, which keeps every number within the range of float16 and says which is the largest."""
    import numpy as np

    array = np.asarray(values, dtype=np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise _nonsense(
            f"numbers of shape {array.shape} where {shape} belong, or not finite ones"
        )
    lengths = np.linalg.norm(array.astype(np.float64), axis=-1, keepdims=True)
    if not (lengths > 0).all():
        raise _nonsense("a vector of length 0")
    unit: Vectors = array / lengths
    return unit


def _nonsense(what: str) -> StoreError:
    hint = "nothing was kept; check the model with `brain doctor`"
    return StoreError(f"the embedding model answered {what}", hint)

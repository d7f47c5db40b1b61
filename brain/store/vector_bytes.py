"""Vectors as bytes: float16 with a checksum, written scaled to length 1, read back only where the checksum holds.

A flipped bit can make a number infinite, and then every score. Leaves out all SQL (vectors.py) and telling anyone of
damage (checks.py). Serves the tables that keep vectors and those that search with them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brain.errors import StoreError

if TYPE_CHECKING:
    from brain.protocols import Vectors

CRC_BYTES = 4  # behind the sentence vectors of a text, little-endian; that of the text's own vector has a column
FLOAT16_BYTES = 2


def vector(blob: Any, crc: Any) -> Vectors | None:
    """The vector, float32; None when its bytes are not those that were written."""
    return floats(blob) if is_whole(blob, crc) else None


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


def sentences(packed: Any, dimensions: int) -> Vectors | None:
    """The sentence vectors, float32, shape (sentences, dimensions); None without any, or when they are damaged."""
    body = sentence_bytes(packed, dimensions)
    if not body:
        return None
    return floats(body).reshape(-1, dimensions)


def sentence_bytes(packed: Any, dimensions: int) -> bytes | None:
    """The bytes of the sentence vectors without their checksum; None when it does not hold."""
    if not isinstance(packed, bytes):
        return None
    body = packed[:-CRC_BYTES]
    crc = int.from_bytes(packed[-CRC_BYTES:], "little")
    if zlib.crc32(body) != crc:
        return None
    if len(body) % (FLOAT16_BYTES * dimensions):
        return None
    return body


def packed_vector(values: Vectors, dimensions: int) -> tuple[bytes, int]:
    """(float16 bytes, their checksum) of a vector of shape (dimensions,). Raises `StoreError` for nonsense."""
    body = _float16(values, (dimensions,))
    return body, zlib.crc32(body)


def packed_sentences(values: Vectors | None, dimensions: int) -> bytes | None:
    """float16 bytes of vectors of shape (sentences, dimensions) with their checksum behind; None for none."""
    if values is None:
        return None
    body = _float16(values, (len(values), dimensions))
    return body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")


def _float16(values: Vectors, shape: tuple[int, ...]) -> bytes:
    """Scaled to length 1 first, which keeps every number within the range of float16."""
    import numpy as np

    array = np.asarray(values, dtype=np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise _nonsense(
            f"numbers of shape {array.shape} where {shape} belong, or not finite ones"
        )
    lengths = np.linalg.norm(array.astype(np.float64), axis=-1, keepdims=True)
    if not (lengths > 0).all():
        raise _nonsense("a vector of length 0")
    small = (array / lengths).astype(np.float16)
    if not small.any(axis=-1).all():
        raise _nonsense("a vector of length 0")
    return bytes(small.tobytes())


def _nonsense(what: str) -> StoreError:
    hint = "nothing was kept; check the model with `brain doctor`"
    return StoreError(f"the embedding model answered {what}", hint)

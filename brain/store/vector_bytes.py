"""Stored vectors read back: float16 with a checksum, as numbers only where the checksum holds.

A flipped bit can make a number infinite, and then every score. Leaves out writing them (`brain.store.vectors`) and
telling anyone (the doctor's D06 does). Serves the searches of the store and of memory.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain.protocols import Vectors

CRC_BYTES = 4  # behind the sentence vectors of a text, little-endian; that of the text's own vector has a column
HALF_BYTES = 2


def vector(blob: Any, crc: Any) -> Vectors | None:
    """The vector, float32; None when its bytes are not those that were written."""
    if not isinstance(blob, bytes) or not blob or len(blob) % HALF_BYTES or zlib.crc32(blob) != crc:
        return None
    import numpy as np

    return np.frombuffer(blob, np.float16).astype(np.float32)


def sentences(packed: Any, dimensions: int) -> Vectors | None:
    """The sentence vectors, float32, shape (sentences, dimensions); None without any, or when they are damaged."""
    if not isinstance(packed, bytes) or len(packed) <= CRC_BYTES:
        return None
    body, crc = packed[:-CRC_BYTES], int.from_bytes(packed[-CRC_BYTES:], "little")
    if len(body) % (HALF_BYTES * dimensions) or zlib.crc32(body) != crc:
        return None
    import numpy as np

    return np.frombuffer(body, np.float16).astype(np.float32).reshape(-1, dimensions)

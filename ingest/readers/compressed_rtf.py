"""Rich text as Outlook packs it into a message: LZ77 over a dictionary that both sides know ([MS-OXRTFCP] 2.1 to 3.1).

Leaves out the checksum: a body that is damaged at its end is still worth reading. Serves `outlook`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PACKED = b"LZFu"
PLAIN = b"MELA"
HEADER = struct.Struct("<II4sI")  # size of what follows, size unpacked, kind, checksum
DICTIONARY = 4_096  # bytes, used as a ring
SHORTEST = 2  # bytes of a reference
UNPACKED_BYTES = 10_000_000
# What the dictionary begins with ([MS-OXRTFCP] 2.1.3.1.1).
_KNOWN = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def unpacked(data: bytes) -> bytes:
    """The rich text; b"" where it is none."""
    if len(data) < HEADER.size:
        return b""
    _size, size, kind, _checksum = HEADER.unpack_from(data)
    body = data[HEADER.size :]
    if kind == PLAIN:
        return body[:size]
    if kind != PACKED:
        return b""
    return _inflated(body, min(size, UNPACKED_BYTES))


def _inflated(body: bytes, size: int) -> bytes:
    ring = bytearray(_KNOWN.ljust(DICTIONARY, b"\0"))
    write = len(_KNOWN)
    found = bytearray()
    for piece in _pieces(body):
        if isinstance(piece, range) and piece.start == write % DICTIONARY:
            break  # a reference to here ends it
        for source in piece if isinstance(piece, range) else (piece,):
            # A reference may run into what it is just writing.
            is_stated = isinstance(piece, int)
            byte = source if is_stated else ring[source % DICTIONARY]
            found.append(byte)
            ring[write % DICTIONARY] = byte
            write += 1
        if len(found) >= size:
            break
    return bytes(found[:size])


def _pieces(body: bytes) -> Iterator[int | range]:
    """The bytes that stand there, and the places in the dictionary that are referred to, up to where the body ends."""
    at = 0
    while at < len(body):
        control = body[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 1 >= len(body):
                    return
                offset, length = divmod(body[at] << 8 | body[at + 1], 16)
                yield range(offset, offset + length + SHORTEST)
                at += 2
            elif at < len(body):
                yield body[at]
                at += 1

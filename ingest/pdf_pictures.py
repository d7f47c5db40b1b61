"""A page of a PDF as a picture, and where a quote stands on it, by pdfium.

Runs within a limited child process. A quote is looked for by its letters and digits alone, since a reader joins
hyphenated words, spells ligatures out and lays lines anew; what is not found has no boxes. Leaves text to
`ingest.readers.pdf`. Serves the page in the browser.
"""

from __future__ import annotations

import base64
import ctypes
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pypdfium2
from pypdfium2 import raw

WIDTH = 1_200  # pixels of a picture: sharp on a screen of twice the usual density, half a page wide
HEIGHT = 3_600  # pixels at most, whatever size a page claims
COMPRESSION = 6  # of zlib
DEVICE = 1 << 20  # steps across a page in which places are told
Box = tuple[float, float, float, float]


def answer(request: Any, payload: bytes, _kept: ExitStack) -> Iterable[dict[str, Any]]:
    """One page: `page` from 1, and a `quote` to find, or a `picture` to draw."""
    try:
        document = pypdfium2.PdfDocument(payload)
    except pypdfium2.PdfiumError:
        return [{"reason": "it is damaged, or needs a password"}]
    told: dict[str, Any] = {"pages": len(document)}
    number = request["page"]
    if not 1 <= number <= len(document):
        return [told]
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return [{"reason": "the page is damaged"}]
    width, height = page.get_size()
    told |= {"width": width, "height": height, "boxes": []}
    if request.get("picture"):
        told["png"] = base64.b64encode(_drawn(page)).decode("ascii")
    elif request.get("quote"):
        told["boxes"] = list(boxes(page, request["quote"]))
    return [told]


def _drawn(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    scale = min(WIDTH / width, HEIGHT / height)
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    rows = bytes(bitmap.buffer)
    return png(rows, bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels)


def png(rows: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """A picture of 8-bit samples (1, 3 or 4 a pixel) as a PNG (W3C, Portable Network Graphics)."""
    kind = {1: 0, 3: 2, 4: 6}[channels]
    used = width * channels
    plain = b"".join(
        b"\0" + rows[start : start + used]
        for start in range(0, height * stride, stride)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(plain, COMPRESSION)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checked)


# -- where a quote stands ------------------------------------------------------------------------------------------


def boxes(page: pypdfium2.PdfPage, quote: str) -> Iterator[Box]:
    """(left, top, width, height) of each row of the quote, in points from the upper left corner of the page as it is
    shown; none where it does not stand there.
    """
    text = page.get_textpage()
    characters = [
        chr(raw.FPDFText_GetUnicode(text, at)) for at in range(text.count_chars())
    ]
    letters, places = _letters(characters)
    wanted, _ = _letters(quote)
    at = letters.find(wanted) if wanted else -1
    if at < 0:
        return
    first, last = places[at], places[at + len(wanted) - 1]
    for number in range(text.count_rects(first, last - first + 1)):
        yield _on_screen(page, text.get_rect(number))


def _letters(characters: Iterable[str]) -> tuple[str, list[int]]:
    """The letters and digits of a text, in lower case and without accents written apart, and where each stands."""
    letters = []
    places = []
    for at, character in enumerate(characters):
        for plain in unicodedata.normalize("NFKD", character).casefold():
            if plain.isalnum():
                letters.append(plain)
                places.append(at)
    return "".join(letters), places


def _on_screen(page: pypdfium2.PdfPage, rectangle: Box) -> Box:
    """A rectangle of the page's own coordinates as it is shown, whichever way the page is turned and cropped."""
    left, bottom, right, top = rectangle
    across, down = zip(
        _device(page, left, top), _device(page, right, bottom), strict=True
    )
    width, height = page.get_size()
    x, y = min(across) / DEVICE * width, min(down) / DEVICE * height
    wide = abs(across[0] - across[1]) / DEVICE * width
    high = abs(down[0] - down[1]) / DEVICE * height
    return (round(x, 2), round(y, 2), round(wide, 2), round(high, 2))


def _device(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, DEVICE, DEVICE, 0, x, y, across, down)
    return across.value, down.value

"""Pages of a PDF as pictures, and where a quote stands on them, whichever way the page is turned."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pypdf import PageObject, PdfReader, PdfWriter

from ingest.pdf_pictures import HEIGHT, WIDTH, answer, png

CONTRACT = Path(__file__).parents[2] / "sample_corpus" / "home" / "lease-contract.pdf"
QUOTE = "The lease begins on 1 March 2026 and ends on 28 February 2029."
LAST_ON_PAGE = "The deposit may not be used as the last month's rent."


def asked(data: bytes, **request: Any) -> dict[str, Any]:
    with ExitStack() as kept:
        (told,) = answer({"page": 1, **request}, data, kept)
    return told


def turned(degrees: int) -> bytes:
    """The contract with its pages turned."""
    writer = PdfWriter(clone_from=PdfReader(CONTRACT))
    for page in writer.pages:
        page.rotate(degrees)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def empty(width: float, height: float) -> bytes:
    """One page of that size."""
    writer = PdfWriter()
    writer.add_page(PageObject.create_blank_page(width=width, height=height))
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def size_of(picture: str) -> tuple[int, int]:
    """Width and height that the header of a PNG names."""
    data = base64.b64decode(picture)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_quote_has_a_box_for_each_of_its_rows() -> None:
    told = asked(CONTRACT.read_bytes(), quote=QUOTE)
    ((left, top, width, height),) = told["boxes"]
    assert (told["pages"], told["width"], told["height"]) == (3, 595.0, 842.0)
    assert 0 < left < left + width < told["width"]
    assert 8 < height < 14
    two_rows = asked(
        CONTRACT.read_bytes(),
        quote="bathroom, and the use of storage room number 6 in the cellar. The flat is let for living only. Work at a desk",
    )
    assert len(two_rows["boxes"]) == 2
    assert two_rows["boxes"][0][1] < two_rows["boxes"][1][1] < top


def test_words_are_found_however_they_are_set() -> None:
    """A reader joins hyphenated words and lays lines anew; letters and digits stay."""
    data = CONTRACT.read_bytes()
    plain = asked(data, quote=QUOTE)["boxes"]
    assert (
        asked(
            data,
            quote="the LEASE be-\ngins on 1 March 2026 and ends on 28 February 2029",
        )["boxes"][0][:2]
        == plain[0][:2]
    )


@pytest.mark.parametrize("quote", ["", "…", "The lease never ends.", "[(", "\x00"])
def test_what_does_not_stand_there_has_no_box(quote: str) -> None:
    assert asked(CONTRACT.read_bytes(), quote=quote)["boxes"] == []


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_boxes_turn_with_the_page(degrees: int) -> None:
    upright = asked(CONTRACT.read_bytes(), quote=QUOTE)["boxes"][0]
    told = asked(turned(degrees), quote=QUOTE)
    left, top, width, height = told["boxes"][0]
    assert 0 <= left < left + width <= told["width"]
    assert 0 <= top < top + height <= told["height"]
    lies = degrees != 180
    assert (height > width) is lies
    if not lies:
        assert top == pytest.approx(842 - upright[1] - upright[3], abs=0.1)


def test_a_picture_is_sharp_and_never_too_large() -> None:
    assert size_of(asked(CONTRACT.read_bytes(), picture=True)["png"])[0] == WIDTH
    for claimed in ((14_400, 14_400), (3, 14_400), (14_400, 3)):
        width, height = size_of(asked(empty(*claimed), picture=True)["png"])
        assert 1 <= width <= WIDTH + 1
        assert 1 <= height <= HEIGHT + 1


def test_what_is_no_pdf_or_has_no_such_page_is_said() -> None:
    assert "reason" in asked(b"%PDF-1.7 nothing more")
    assert asked(CONTRACT.read_bytes(), page=4) == {"pages": 3}
    assert asked(CONTRACT.read_bytes(), page=0) == {"pages": 3}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_holds_its_rows_without_what_pads_them(channels: int) -> None:
    row = bytes(range(2 * channels))
    data = png((row + b"pad") * 3, 2, 3, len(row) + 3, channels)
    length = struct.unpack(">I", data[33:37])[0]
    assert zlib.decompress(data[41 : 41 + length]) == (b"\0" + row) * 3

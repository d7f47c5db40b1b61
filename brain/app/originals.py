"""What the page in the browser looks at: the parts of a document, its file, and how a page of a PDF looks.

Pages are drawn by a limited child, since a file may be hostile to what draws it. Leaves drawing to
`ingest.pdf_pictures`, and finding the file to `brain.app.library`. Serves `Library`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.child import Child, Lost, running
from brain.errors import BrainError, NotFound
from brain.plain import open_plain

COMMAND = running("ingest.pdf_pictures:answer", "network", "programs", "files")
FILE_BYTES = 50_000_000  # no larger file is taken in
SECONDS = 30.0  # for one page; the heaviest of a set of 400 papers took two
LIMITS = {"cpu_seconds": 20, "memory_bytes": 2_000_000_000, "open_files": 64}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a document as a reader counts it: a line, a page, a slide, under its own locator ("L8", "p. 3")."""

    locator: str
    text: str


@dataclass(frozen=True, slots=True)
class PdfPage:
    """Page `number` of `pages`, its size in points. `boxes`: (left, top, width, height) of the rows of a quote, from
    the upper left corner; none where it was not found on the page.
    """

    number: int
    pages: int
    width: float
    height: float
    boxes: tuple[tuple[float, float, float, float], ...] = ()


def original(path: str) -> tuple[str, bytes]:
    """(name, bytes) of a file. Raises `NotFound`, `BrainError`."""
    return Path(path).name, _bytes(path)


def page(path: str, number: int, quote: str) -> PdfPage:
    """How large a page is, and where the quote stands on it. Raises `NotFound`, `BrainError`."""
    told = _asked(path, {"page": number, "quote": quote})
    boxes = [(left, top, wide, high) for left, top, wide, high in told["boxes"]]
    return PdfPage(
        number, told["pages"], told["width"], told["height"], boxes=tuple(boxes)
    )


def picture(path: str, number: int) -> bytes:
    """A page as a PNG. Raises `NotFound`, `BrainError`."""
    told = _asked(path, {"page": number, "picture": True})
    return base64.b64decode(told["png"])


def _asked(path: str, request: dict[str, Any]) -> dict[str, Any]:
    """What the child says of one page."""
    if not path.lower().endswith(".pdf"):
        raise NotFound(f"{path} has no pages to look at", "only a PDF has")
    data = _bytes(path)
    try:
        with Child(COMMAND) as child:
            (told,) = child.ask(request, data, seconds=SECONDS, limits=LIMITS)
    except Lost:
        raise BrainError(
            f"the page cannot be drawn: {path} is damaged or too heavy",
            "its text is shown all the same; open the original in a viewer",
        ) from None
    if "pages" not in told:
        raise BrainError(
            f"{path} cannot be drawn: {told['reason']}",
            "open the original in a viewer",
        )
    if not 1 <= request["page"] <= told["pages"]:
        raise NotFound(
            f"{path} has no page {request['page']}", f"it has {told['pages']:,}"
        )
    return told


def _bytes(path: str) -> bytes:
    try:
        with open_plain(path) as file:
            data = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise NotFound(
            f"{path} cannot be opened: {error.strerror}", "its text is still stored"
        ) from None
    if len(data) > FILE_BYTES:
        raise BrainError(
            f"{path} is larger than {FILE_BYTES:,} bytes", "open it where it lies"
        )
    return data

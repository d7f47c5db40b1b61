"""PDF: one section per page in the order of the page's own text, by pypdf.

Running heads and feet are dropped, words hyphenated at line ends joined, ligatures spelled out; a page without a text
layer or that cannot be read is a notice, and the rest is kept. Leaves out layout analysis, tables, outlines, forms and
OCR. Serves `loading`, in a worker process (`pool`): pypdf is pure Python and hostile files can keep it busy.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from pypdf import PdfReader

EDGE_LINES = 2  # lines at the top and the bottom of a page that may be a running head or foot
REPEATED_PAGES = 3  # pages that must carry a line at their edge before it counts as one
REPEATED_SHARE = 0.4  # of the pages; below one half, as left and right pages may differ
TITLE_CHARS = 200
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n[ \t]*(?=[^\W\d_A-Z])")
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
_DIGITS = re.compile(r"\d+")
_NO_TITLE = re.compile(
    r"untitled|microsoft word|.*\.(docx?|tex|dvi|pdf|indd|qxd|pptx?|xlsx?|rtf|odt|html?)$", re.I
)
_CREATED = re.compile(r"D:(\d{4})(\d\d)(\d\d)")
_BROKEN = "damaged: no page can be read"


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises UnreadableFile when it is encrypted or damaged throughout."""
    logging.getLogger("pypdf").setLevel(
        logging.CRITICAL
    )  # its notes on odd files are not for the person
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _opened(raw.data)
        pages, notices = _pages(reader, raw)
        fields = _fields(reader)
    texts = [_cleaned(lines) for lines in _without_edges(pages)]
    sections = [Section(text + "\n", (), f"p. {at}") for at, text in enumerate(texts, 1) if text]
    created = _CREATED.match(fields.get("CreationDate", ""))
    yield Reading(
        sections,
        title=_title(fields.get("Title", ""), raw.name),
        metadata={
            key: value
            for key, value in fields.items()
            if key in ("Author", "Subject", "Keywords", "Title")
        },
        notices=tuple(notices),
        created="-".join(created.groups()) if created else "",
    )


def _opened(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile("encrypted", "save a copy without a password")
        len(reader.pages)
    except (UnreadableFile, MemoryError):
        raise
    except DependencyError as error:  # AES without the library for it
        raise UnreadableFile("encrypted (AES)", "save a copy without a password") from error
    except Exception as error:  # pypdf raises whatever a broken structure leads to
        raise UnreadableFile(_BROKEN, "open it in a viewer and save it anew") from error
    return reader


def _pages(reader: PdfReader, raw: Raw) -> tuple[list[list[str]], list[str]]:
    """The lines of each page, and what to tell about pages without."""
    pages: list[list[str]] = []
    empty: list[int] = []
    failed: list[int] = []
    notices: list[str] = []
    count, room = len(reader.pages), raw.limits.text_chars
    for number in range(1, min(count, raw.limits.pages) + 1):
        text = ""
        try:
            text = reader.pages[number - 1].extract_text() or ""
        except MemoryError:
            raise
        except Exception:  # this page's content only
            failed.append(number)
        else:
            if not text.strip():
                empty.append(number)
        pages.append([line for line in text.replace("\x00", "").split("\n") if line.strip()])
        room -= len(text)
        if room < 0 and number < count:
            notices.append(
                f"{raw.limits.text_chars:,} characters reached: pages after p. {number} left out"
            )
            break
    if count > raw.limits.pages:
        notices.append(f"{count:,} pages: cut to the first {raw.limits.pages:,}")
    if failed and len(failed) == len(pages):
        raise UnreadableFile(_BROKEN, "open it in a viewer and save it anew")
    notices += [f"p. {_ranges(empty)}: no text layer"] if empty else []
    notices += [f"p. {_ranges(failed)}: damaged, left out"] if failed else []
    return pages, notices


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] -> "1-3, 7"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def _without_edges(pages: list[list[str]]) -> Iterator[list[str]]:
    """The pages without the lines that stand, but for their numbers, at the same edge of many pages."""
    heads = Counter(
        shape for page in pages for shape in {_shape(line) for line in page[:EDGE_LINES]}
    )
    feet = Counter(
        shape for page in pages for shape in {_shape(line) for line in page[-EDGE_LINES:]}
    )
    needed = max(REPEATED_PAGES, len(pages) * REPEATED_SHARE)
    for page in pages:
        first, last = 0, len(page)
        while first < min(EDGE_LINES, last) and heads[_shape(page[first])] >= needed:
            first += 1
        while last > max(first, len(page) - EDGE_LINES) and feet[_shape(page[last - 1])] >= needed:
            last -= 1
        yield page[first:last] or page  # a page that is nothing else says it, however often


def _shape(line: str) -> str:
    return _DIGITS.sub("#", " ".join(line.split()))


def _cleaned(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).translate(_LIGATURES)
    return _HYPHEN.sub("", text).encode("utf-8", "replace").decode("utf-8")


def _fields(reader: PdfReader) -> dict[str, str]:
    """The document information as strings, without what cannot be read."""
    fields: dict[str, str] = {}
    try:
        for key, value in (reader.metadata or {}).items():
            text = str(value).replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()
            if text:
                fields[str(key).lstrip("/")] = text[:2000]
    except Exception:  # damaged information is no reason to lose the text
        return fields
    return fields


def _title(title: str, name: str) -> str:
    """The stated title when it is one: not a file name, not a program's default."""
    words = " ".join(title.split())
    sane = (
        any(letter.isalpha() for letter in words)
        and "\ufffd" not in words
        and not _NO_TITLE.match(words)
    )
    return words if sane and 2 < len(words) <= TITLE_CHARS and words != PurePath(name).stem else ""

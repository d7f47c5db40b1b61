"""PDF: one section per page in the order of the page's own text, by pypdf.

Running heads and feet are dropped, words hyphenated at line ends joined, ligatures spelled out; a page without a text
layer or that cannot be read is a notice, and the rest is kept. Values of forms and comments stand with their page, and
embedded files are read as a mail's are. Leaves out layout analysis, tables, outlines and OCR. Serves `loading`, in a
worker process: pypdf is pure Python, and a hostile file can keep it busy.
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from ingest.document import Metadata, Section
from ingest.errors import UnreadableFile
from ingest.readers import attachments, pdf_layers
from ingest.readers.outline import has_letters, one_line
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from pypdf import PdfReader

EDGE_LINES = (
    2  # lines at the top and the bottom of a page that may be a running head or foot
)
REPEATED_PAGES = 3  # pages that must carry a line at their edge before it counts as one
REPEATED_SHARE = 0.4  # of the pages; below one half, as left and right pages may differ
TITLE_CHARS = 200
FIELD_CHARS = 2_000  # of a field of the document information kept
_NOBODY = (
    "(anonymous)",
    "(unspecified)",
    "anonymous",
)  # what ReportLab states for nothing
_KEPT_FIELDS = ("Author", "Subject", "Keywords", "Title")
# A word cut at the end of a line goes on with a small letter.
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n[ \t]*(?=[^\W\d_A-Z])")
# Unicode's "alphabetic presentation forms" of Latin letters: ff, fi, fl, ffi, ffl, st, st.
_LIGATURES = {
    code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)
}
_DIGITS = re.compile(r"\d+")
# What programs put there instead of a title: a name of their own or of the file.
_NO_TITLE = re.compile(
    r"untitled|microsoft (word|powerpoint|excel)|.*\.(docx?|tex|dvi|pdf|indd|qxd|pptx?|xlsx?|rtf|odt|html?|md|txt)$"
    r"|\(?(anonymous|unspecified|unnamed|no title|none)\)?$"
    # What scanners, cameras and screens call their pictures.
    r"|.*\.(png|jpe?g|gif|tiff?|bmp|heic|webp|ps|eps|svg)$"
    r"|(scan(ned)?|scanner|image|img|dsc|photo|picture|page|document|doc|print|fax|file|camscanner|adobe scan"
    r"|genius scan|new document|layout|screen ?shot|bildschirmfoto|captura de pantalla)"
    r"([ _-]*(document|pages?|from|to|pdf|on|at|image))*[ _-]*[\d _.,:()-]*(\d{1,2} \w{3} \d{4})?[\d _.,:-]*$"
    r"|(s?km|hpscan|epson|canon|brother|brw|xerox|ricoh|mfp)[a-z]{0,3}[ _-]?[a-z]?\d[\w -]*$",
    re.I,
)
_CREATED = re.compile(r"D:(\d{4})(\d\d)(\d\d)")
_BROKEN = ("damaged: no page can be read", "open it in a viewer and save it anew")


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is encrypted or damaged throughout."""
    # Its notes on odd files are not for the person.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _opened(raw.data)
        pages, notices = _pages(reader, raw)
        fields = _fields(reader)
        sections = _sections(reader, pages)
        embedded = pdf_layers.embedded(reader)
        sections += attachments.sections(embedded, (), raw, notices)
    created = _CREATED.match(fields.get("CreationDate", ""))
    yield Reading(
        sections,
        title=_title(fields.get("Title", ""), raw.name),
        metadata={key: value for key, value in fields.items() if key in _KEPT_FIELDS},
        notices=tuple(notices),
        created="-".join(created.groups()) if created else "",
    )


def _sections(reader: PdfReader, pages: list[list[str]]) -> list[Section]:
    """A section for each page that says anything, with what lies over it; what a form says beside the pages, last."""
    form = pdf_layers.Fields()
    sections = []
    for number, lines in enumerate(_without_edges(pages), 1):
        page = reader.pages[number - 1]
        filled = [line.replace("\x00", "") for line in form.on(page, lines)]
        remarks = "\n".join(pdf_layers.comments(page)).replace("\x00", "")
        parts = [_cleaned(filled), _sound(remarks)]
        if text := "\n\n".join(filter(None, parts)):
            sections.append(Section(text + "\n", (), f"p. {number}"))
    if beside := _sound("\n".join(form.elsewhere(reader)).replace("\x00", "")):
        sections.append(Section(beside + "\n", (), "form"))
    return sections


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
        raise UnreadableFile(
            "encrypted (AES)", "save a copy without a password"
        ) from error
    except Exception as error:  # pypdf raises whatever a broken structure leads to
        raise UnreadableFile(*_BROKEN) from error
    return reader


def _pages(reader: PdfReader, raw: Raw) -> tuple[list[list[str]], list[str]]:
    """The lines of each page, and what to tell about pages without."""
    pages = []
    empty = []
    failed = []
    notices = []
    limits = raw.limits
    count = len(reader.pages)
    left = limits.text_chars
    for number in range(1, min(count, limits.pages) + 1):
        text = _page_text(reader, number)
        if text is None:
            failed.append(number)
        elif not text.strip():
            empty.append(number)
        text = text or ""
        pages.append(list(filter(str.strip, text.replace("\x00", "").split("\n"))))
        left -= len(text)
        if left < 0 and number < count:
            cap = f"{limits.text_chars:,} characters"
            notices.append(f"{cap} reached: pages after p. {number} left out")
            break
    if count > limits.pages:
        notices.append(f"{count:,} pages: cut to the first {limits.pages:,}")
    if failed and len(failed) == len(pages):
        raise UnreadableFile(*_BROKEN)
    if empty:
        notices.append(f"p. {_ranges(empty)}: no text layer")
    if failed:
        notices.append(f"p. {_ranges(failed)}: damaged, left out")
    return pages, notices


def _page_text(reader: PdfReader, number: int) -> str | None:
    """The text of a page, counted from 1; None where its content is damaged."""
    try:
        return reader.pages[number - 1].extract_text() or ""
    except MemoryError:
        raise
    except Exception:  # pypdf raises whatever a broken structure leads to
        return None


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] -> "1-3, 7"."""
    ranges: list[str] = []
    before = first = -1
    for number in numbers:
        if number == before + 1:
            ranges[-1] = f"{first}-{number}"
        else:
            first = number
            ranges.append(str(number))
        before = number
    return ", ".join(ranges)


def _without_edges(pages: list[list[str]]) -> Iterator[list[str]]:
    """The pages without the lines that stand, but for their numbers, at the same edge of many pages."""
    needed = max(REPEATED_PAGES, len(pages) * REPEATED_SHARE)
    heads = _repeated((page[:EDGE_LINES] for page in pages), needed)
    feet = _repeated((page[-EDGE_LINES:] for page in pages), needed)
    for page in pages:
        first = 0
        end = len(page)
        while first < min(EDGE_LINES, end) and _shape(page[first]) in heads:
            first += 1
        lowest = max(first, end - EDGE_LINES)
        while end > lowest and _shape(page[end - 1]) in feet:
            end -= 1
        yield (
            page[first:end] or page
        )  # a page that is nothing else says it, however often


def _repeated(edges: Iterable[list[str]], needed: float) -> set[str]:
    """The shapes of lines that so many of the edges hold."""
    counts = Counter(shape for edge in edges for shape in set(map(_shape, edge)))
    return {shape for shape, count in counts.items() if count >= needed}


def _shape(line: str) -> str:
    """A line but for its numbers: "page 7" and "page 8" are one running foot."""
    return _DIGITS.sub("#", one_line(line))


def _cleaned(lines: list[str]) -> str:
    text = "\n".join(map(str.rstrip, lines)).translate(_LIGATURES)
    return _sound(_HYPHEN.sub("", text))


def _sound(text: str) -> str:
    """Lone surrogates, which pypdf makes of broken fonts, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _fields(reader: PdfReader) -> Metadata:
    """The document information as strings, without what cannot be read."""
    fields = {}
    try:
        for key, value in (reader.metadata or {}).items():
            text = _sound(str(value).replace("\x00", "")).strip()
            if text and text not in _NOBODY:
                fields[str(key).lstrip("/")] = text[:FIELD_CHARS]
    except Exception:  # damaged information is no reason to lose the text
        return fields
    return fields


def _title(title: str, name: str) -> str:
    """The stated title when it is one: not a file name, not a program's default."""
    words = one_line(title)
    if "\ufffd" in words or _NO_TITLE.match(words) or words == PurePath(name).stem:
        return ""
    says_something = has_letters(words) and 2 < len(words) <= TITLE_CHARS
    return words if says_something else ""

"""Rich text (.rtf) by striprtf: paragraphs by number, with the title and author that the file states.

Leaves out pictures, styles and headings, which the format knows only by their look. Serves `loading`, in a worker, and
the mail readers.
"""

from __future__ import annotations

import re

from ingest.errors import UnreadableFile
from ingest.readers.outline import Block, one_line, sections
from ingest.reading import Raw, Reading, Readings

_BEGINNING = b"{\\rtf"
_STATED = re.compile(r"\{\\(title|author|subject|keywords)\s([^{}]*)\}")
_CREATED = re.compile(r"\{\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")
_NAMES = {
    "title": "Title",
    "author": "Author",
    "subject": "Subject",
    "keywords": "Keywords",
}


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is no rich text."""
    data = raw.data.lstrip()
    if not data.startswith(_BEGINNING):
        raise UnreadableFile(
            "no rich text in it", "open it in its program and save it anew"
        )
    stated = {}
    source = data.decode(
        "cp1252", "replace"
    )  # the format is ASCII, and escapes the rest
    for name, value in _STATED.findall(source[:100_000]):
        if words := one_line(plain(f"{{\\rtf1 {value}}}")):
            stated[_NAMES[name]] = words
    created = _CREATED.search(source, 0, 100_000)
    blocks = [Block(line) for line in plain(source).split("\n")]
    yield Reading(
        list(sections(blocks)),
        title=stated.get("Title", ""),
        metadata=stated,
        created="{}-{:0>2}-{:0>2}".format(*created.groups()) if created else "",
    )


def plain(source: str) -> str:
    """The words of rich text, a line for each paragraph."""
    from striprtf.striprtf import rtf_to_text

    text: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]  # the package has no types
    return text.replace("\x00", "")

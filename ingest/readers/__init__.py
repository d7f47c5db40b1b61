"""The registry: which function reads which media type, and which formats are read in a worker process.

A reader is `read(raw: Raw) -> Readings`, one file per format. A new format is that file and one line here
(and its suffix in `media`). Readers are imported when first needed. Leaves out everything about single formats. Serves
`loading` and the pool of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from ingest.errors import BY_NAME_ONLY, NO_READER, UnsupportedFile
from ingest.limits import MEGABYTE
from ingest.media import DOCX, ENEX, MBOX, ODP, ODS, ODT, PPTX, XLSX, by_word
from ingest.reading import Raw, Readings

Reader = Callable[[Raw], Readings]

READERS = by_word(
    {
        "markdown": "text/markdown",
        "text": "text/plain text/x-plain-code",
        "csv": "text/csv text/tab-separated-values",
        "html": "text/html",
        "pdf": "application/pdf",
        "docx": DOCX,
        "pptx": PPTX,
        "xlsx": XLSX,
        "odf": f"{ODT} {ODS} {ODP}",
        "epub": "application/epub+zip",
        "mail": "message/rfc822",
        "mbox": MBOX,
        "emlx": "message/x-emlx",
        "mhtml": "multipart/related",
        "enex": ENEX,
        "opml": "text/x-opml",
        "rtf": "application/rtf",
        "org": "text/x-org",
        "rst": "text/x-rst",
        "asciidoc": "text/asciidoc",
        "manpage": "text/troff",
        "ics": "text/calendar",
        "vcf": "text/vcard",
        "json_text": "application/json",
        "canvas": "application/vnd.obsidian.canvas",
        "excalidraw": "application/vnd.excalidraw",
        "notebook": "application/x-ipynb+json",
        "outlook": "application/vnd.ms-outlook",
        "captions": "text/vtt application/x-subrip",
        "code": (
            "text/x-python text/x-javascript text/x-typescript text/x-tsx text/x-go text/x-rust text/x-java text/x-c "
            "text/x-cpp text/x-bash text/x-ruby"
        ),
    }
)
# Parsers that a hostile file has made loop, or eat all memory, before: read in a limited worker process.
_RISKY = (
    *("pdf", "docx", "pptx", "xlsx", "odf", "epub", "mail", "mbox", "emlx", "outlook"),
    *("mhtml", "enex", "opml", "rtf"),
)
# Read in one when they are large.
_LARGE = (
    *("html", "json_text", "notebook", "canvas", "excalidraw"),
    *("org", "rst", "asciidoc", "manpage", "ics", "vcf"),
)
# Reader -> bytes from which a file is read in such a process.
ISOLATED: dict[str, int] = {
    **dict.fromkeys(_RISKY, 0),
    **dict.fromkeys(_LARGE, MEGABYTE),
}


def reader_for(media_type: str) -> Reader:
    """The reader of a media type. Raises UnsupportedFile when there is none."""
    name = READERS.get(media_type)
    if name is None:
        raise UnsupportedFile(NO_READER, BY_NAME_ONLY)
    return cast(Reader, import_module(f"ingest.readers.{name}").read)


def isolated(media_type: str, size: int) -> bool:
    """Whether a file of this kind and size (bytes) belongs into a worker process."""
    name = READERS.get(media_type, "")
    return size >= ISOLATED.get(name, size + 1)

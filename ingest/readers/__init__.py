"""The registry: which function reads which media type, and which formats are read in a worker process.

A reader is `read(raw: Raw) -> Readings`, one file per format. A new format is that file and one line here
(and its suffix in `media`). Readers are imported when first needed. Leaves out everything about single formats. Serves
`loading` and the pool of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from ingest.errors import UnsupportedFile
from ingest.limits import MEGABYTE
from ingest.media import DOCX, ODP, ODS, ODT, PPTX, XLSX
from ingest.reading import Raw, Readings

Reader = Callable[[Raw], Readings]

_LANGUAGES = "python javascript typescript tsx go rust java c cpp bash ruby".split()
READERS: dict[str, str] = {
    "text/markdown": "markdown",
    "text/plain": "text",
    "text/csv": "text",
    "text/tab-separated-values": "text",
    "text/x-plain-code": "text",
    "text/html": "html",
    "application/pdf": "pdf",
    DOCX: "docx",
    PPTX: "pptx",
    XLSX: "xlsx",
    ODT: "odf",
    ODS: "odf",
    ODP: "odf",
    "application/epub+zip": "epub",
    "message/rfc822": "mail",
    "application/mbox": "mbox",
    "application/vnd.ms-outlook": "outlook",
    "text/vtt": "captions",
    "application/x-subrip": "captions",
    **{f"text/x-{language}": "code" for language in _LANGUAGES},
}
# Parsers that a hostile file has made loop, or eat all memory, before: read in a limited worker process.
_RISKY = ("pdf", "docx", "pptx", "xlsx", "odf", "epub", "mail", "mbox", "outlook")
# Reader -> bytes from which a file is read in such a process.
ISOLATED: dict[str, int] = {**dict.fromkeys(_RISKY, 0), "html": MEGABYTE}


def reader_for(media_type: str) -> Reader:
    """The reader of a media type. Raises UnsupportedFile when there is none."""
    name = READERS.get(media_type)
    if name is None:
        raise UnsupportedFile(
            "no reader for this kind of file", "it is listed by its name only"
        )
    return cast(Reader, import_module(f"ingest.readers.{name}").read)


def isolated(media_type: str, size: int) -> bool:
    """Whether a file of this kind and size (bytes) belongs into a worker process."""
    name = READERS.get(media_type, "")
    return size >= ISOLATED.get(name, size + 1)

"""From a path, or a text, to Documents: reads the bytes once, picks the reader, cuts chunks, dates and names the
result.

Leaves out walking folders, worker processes and storage. Serves `ingest.load`, `ingest.load_text` and the workers.
Whatever a reader raises comes out as an IngestError: a hostile file is never a traceback.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from ingest.chunking import Piece, chunk
from ingest.dates import date_in_metadata, date_in_name, find_date
from ingest.document import Chunk, Document, Section, chunk_ids, digest, new_id
from ingest.entities import as_seen
from ingest.errors import IngestError, UnreadableFile
from ingest.limits import USUAL, Limits
from ingest.media import DOCX, ODT
from ingest.readers import reader_for
from ingest.readers.text import SURROGATE
from ingest.reading import Raw, Reading, Readings, read_file
from ingest.sniffing import kind_of

TITLE_CHARS = 200
VAULT = ".obsidian"
OPEN_IT = "open it with its own program to check it"


def load(path: Path, *, limits: Limits = USUAL) -> Iterator[Document]:
    """The documents of one file: one, or many for a format that holds many. Raises IngestError.

    Their address is the file's own, `file:///…`; non-UTF-8 names survive in it percent-encoded.
    """
    kind = kind_of(path)
    reader_for(kind)  # an unsupported file is refused unread
    data, stat = read_file(path, limits)
    raw = Raw(data, path.name, kind, limits, vault=_in_vault(path))
    address = path.absolute().as_uri()
    for reading in readings(raw):
        place = address
        if reading.part:
            place = f"{address}#{reading.part}"
        yield assemble(raw, reading, uri=place, modified_at=stat.st_mtime)


def _in_vault(path: Path) -> bool:
    """Whether a folder above it is a vault of Obsidian, which keeps its settings there."""
    above = path.absolute().parents
    return any(os.path.isdir(folder / VAULT) for folder in above)


def load_text(
    text: str,
    *,
    uri: str,
    title: str | None = None,
    media_type: str = "text/markdown",
    dated_at: str | None = None,
    limits: Limits = USUAL,
) -> Document:
    """A document from a text that is no file: a note, standard input. Raises IngestError.

    `title` and `dated_at` (ISO 8601) win over what the text says of itself; the content hash is of the text in UTF-8.
    """
    raw = Raw(text.encode("utf-8", "surrogatepass"), "", media_type, limits)
    reading = next(readings(raw))
    if title:
        reading = replace(reading, title=title)
    return assemble(raw, reading, uri=uri, dated_at=dated_at)


def readings(raw: Raw) -> Readings:
    """What the reader of the media type yields; any failure of it as UnreadableFile."""
    read = reader_for(raw.media_type)
    try:
        yield from read(raw)
    except IngestError:
        raise
    except MemoryError as error:
        reason = "needs too much memory"
        raise UnreadableFile(reason, OPEN_IT, passing=True) from error
    except (
        Exception
    ) as error:  # a third-party parser may raise anything on a damaged file
        # too many open files, a read that failed: the machine's fault, not the file's
        passing = isinstance(error, OSError)
        reason = f"damaged ({type(error).__name__})"
        raise UnreadableFile(reason, OPEN_IT, passing=passing) from error


def assemble(
    raw: Raw,
    reading: Reading,
    *,
    uri: str,
    modified_at: float | None = None,
    dated_at: str | None = None,
) -> Document:
    """A Document with chunks from what a reader saw, cut to the limits (each cut is a notice)."""
    notices = list(reading.notices)
    sections = _cut_text(reading.sections, raw.limits, notices)
    text = "".join(section.text for section in sections)
    if not text.strip():
        text = ""
        sections = []
        notices.append("empty: no text in it")
    pieces = chunk(sections, chunk_tokens=raw.limits.chunk_tokens)
    cap = raw.limits.chunks
    if len(pieces) > cap:
        notices.append(f"{len(pieces):,} passages: cut to the first {cap:,}")
        pieces = pieces[:cap]
        text = text[: pieces[-1].end]
    document_id = new_id()
    date: str | None = dated_at
    date_by: str | None = "given"
    if not dated_at:
        date, date_by = _dated(raw, reading, text)
    # The parts of one file share its bytes: their own text tells when one of them has changed.
    hashed: str | bytes = raw.data
    if reading.part:
        hashed = f"{reading.part}\n{text}"
    return Document(
        id=document_id,
        uri=uri,
        title=_title(raw, reading, text),
        media_type=raw.media_type,
        content_hash=digest(hashed),
        modified_at=modified_at,
        text=text,
        chunks=tuple(_chunks(pieces, text, document_id)),
        metadata={clean(key): clean(value) for key, value in reading.metadata.items()},
        tags=tuple(map(clean, reading.tags)),
        aliases=tuple(map(clean, reading.aliases)),
        links=tuple(map(clean, reading.links)),
        dated_at=date,
        dated_by=date_by,
        notices=tuple(notices),
    )


def _chunks(pieces: list[Piece], text: str, document_id: str) -> Iterator[Chunk]:
    contents = [(piece.heading, text[piece.start : piece.end]) for piece in pieces]
    ids = chunk_ids(document_id, contents)
    for at, piece in enumerate(pieces):
        heading, content = contents[at]
        yield Chunk(
            id=ids[at],
            document_id=document_id,
            ordinal=at,
            heading=heading,
            text=content,
            locator=piece.locator,
            tokens=piece.tokens,
            start=piece.start,
            end=piece.end,
        )


def clean(text: str) -> str:
    """The text as SQLite and JSON can hold it: NULs gone, lone surrogates replaced."""
    text = text.replace("\x00", "")
    if text.isascii():
        return text
    return SURROGATE.sub("\ufffd", text)


def _cut_text(
    sections: list[Section], limits: Limits, notices: list[str]
) -> list[Section]:
    """The sections, cleaned, up to the cap of characters."""
    cap = limits.text_chars
    kept = []
    total = 0
    for section in sections:
        left = cap - total
        text = clean(section.text)
        total += len(text)
        if left > 0:
            kept.append(
                Section(
                    text[:left],
                    tuple(map(clean, section.heading)),
                    clean(section.locator),
                    section.atomic,
                    clean(section.header),
                )
            )
    if total > cap:
        notices.append(f"{total:,} characters of text: cut to the first {cap:,}")
    return kept


def _title(raw: Raw, reading: Reading, text: str) -> str:
    """What the document calls itself, else the file's name, else the first line."""
    words = (
        reading.title or _stem(raw) or _first_line(text, TITLE_CHARS * 2).lstrip("# ")
    )
    return " ".join(as_seen(clean(words)).split())[:TITLE_CHARS]


def _stem(raw: Raw) -> str:
    """The file's name without its suffix, and without the lone surrogates that stand for bytes that are not UTF-8."""
    stem = PurePath(raw.name).stem
    return stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _first_line(text: str, most: int) -> str:
    return text.lstrip()[:most].partition("\n")[0]


def _dated(raw: Raw, reading: Reading, text: str) -> tuple[str | None, str | None]:
    """(ISO date, where from): front matter or the page's own, the file name, heading or first line, the producer's."""
    if reading.date and (found := date_in_metadata({"date": reading.date})):
        return found, reading.date_by
    if found := date_in_name(_stem(raw)):
        return found, "file name"
    if raw.media_type in _HEADED:
        headings = (
            section.heading[0] for section in reading.sections[:2] if section.heading
        )
        # A line of the head, as "due: 2027-01-31", tells of no date of the note.
        head = sum(len(section.text) for section in reading.sections[: reading.above])
        for line in (next(headings, ""), _first_line(text[head:], TITLE_CHARS)):
            # Looking for a written date takes long: most lines have no digit.
            if any(map(str.isdigit, line)) and (found := find_date(line)):
                return found, "heading"
    if found := date_in_metadata({"date": reading.created}):
        return found, "metadata"
    return None, None


# Code and tables do not open with their date.
_HEADED = {
    *("text/markdown", "text/plain", "text/html", "application/pdf", DOCX, ODT),
    *("text/x-org", "text/x-rst", "text/asciidoc", "application/rtf"),
    *("multipart/related", "application/x-ipynb+json"),
}

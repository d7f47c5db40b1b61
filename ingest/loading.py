"""From a path, or a text, to Documents: reads the bytes once, picks the reader, cuts chunks, dates and names the result.

Leaves out walking folders, worker processes and storage. Serves `ingest.load`, `ingest.load_text` and the workers.
Whatever a reader raises comes out as an IngestError: a hostile file is never a traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from ingest.chunking import CHUNK_TOKENS, chunk
from ingest.dates import date_in_metadata, date_in_name, find_date
from ingest.document import Chunk, Document, Section, chunk_ids, digest, new_id
from ingest.errors import IngestError, UnreadableFile
from ingest.limits import Limits
from ingest.media import DOCX, ODT, media_type
from ingest.readers import reader_for
from ingest.readers.text import SURROGATE
from ingest.reading import Raw, Reading, read_file

TITLE_CHARS = 200
OPEN_IT = "open it with its own program to check it"


def load(
    path: Path,
    *,
    chunk_tokens: int = CHUNK_TOKENS,
    uri: str | None = None,
    limits: Limits | None = None,
) -> Iterator[Document]:
    """The documents of one file: one, or many for a format that holds many. Raises IngestError.

    `uri` defaults to the file's own `file:///…` address; non-UTF-8 names survive in it percent-encoded.
    """
    limits = limits or Limits()
    kind = media_type(path)
    reader_for(kind)  # an unsupported file is refused unread
    data, stat = read_file(path, limits)
    raw = Raw(data, path.name, kind, limits)
    address = uri or path.absolute().as_uri()
    for reading in readings(raw):
        part = f"{address}#{reading.part}" if reading.part else address
        yield assemble(raw, reading, uri=part, modified_at=stat.st_mtime, chunk_tokens=chunk_tokens)


def load_text(
    text: str,
    *,
    uri: str,
    title: str | None = None,
    media_type: str = "text/markdown",
    dated_at: str | None = None,
    chunk_tokens: int = CHUNK_TOKENS,
    limits: Limits | None = None,
) -> Document:
    """A document from a text that is no file: a note, standard input. Raises IngestError.

    `title` and `dated_at` (ISO 8601) win over what the text says of itself; the content hash is of the text in UTF-8.
    """
    raw = Raw(text.encode("utf-8", "surrogatepass"), "", media_type, limits or Limits())
    reading = next(readings(raw))
    return assemble(
        raw,
        reading,
        uri=uri,
        modified_at=None,
        chunk_tokens=chunk_tokens,
        title=title or "",
        dated_at=dated_at,
    )


def readings(raw: Raw) -> Iterator[Reading]:
    """What the reader of the media type yields; any failure of it as UnreadableFile."""
    read = reader_for(raw.media_type)
    try:
        yield from read(raw)
    except IngestError:
        raise
    except MemoryError as error:
        raise UnreadableFile("needs too much memory", OPEN_IT) from error
    except Exception as error:  # a third-party parser may raise anything on a damaged file
        raise UnreadableFile(f"damaged ({type(error).__name__})", OPEN_IT) from error


def assemble(
    raw: Raw,
    reading: Reading,
    *,
    uri: str,
    modified_at: float | None,
    chunk_tokens: int,
    title: str = "",
    dated_at: str | None = None,
) -> Document:
    """A Document with chunks from what a reader saw, cut to the limits (each cut is a notice)."""
    sections, notices = _cut_text(
        [_clean_section(section) for section in reading.sections], raw.limits
    )
    text = "".join(section.text for section in sections)
    if not text or text.isspace():
        text, sections = "", []
        notices.append("empty: no text in it")
    pieces = chunk(sections, chunk_tokens=chunk_tokens)
    if len(pieces) > raw.limits.chunks:
        notices.append(f"{len(pieces):,} chunks: cut to the first {raw.limits.chunks:,}")
        pieces = pieces[: raw.limits.chunks]
        text = text[: pieces[-1].end]
    document_id = new_id()
    ids = chunk_ids(
        document_id, ((piece.heading, text[piece.start : piece.end]) for piece in pieces)
    )
    chunks = tuple(
        Chunk(
            ids[at],
            document_id,
            at,
            p.heading,
            text[p.start : p.end],
            p.locator,
            p.tokens,
            p.start,
            p.end,
        )
        for at, p in enumerate(pieces)
    )
    date, date_by = (dated_at, "given") if dated_at else _dated(raw, reading, text)
    return Document(
        id=document_id,
        uri=uri,
        title=_title(title, raw, reading, text),
        media_type=raw.media_type,
        content_hash=digest(f"{reading.part}\n{text}") if reading.part else digest(raw.data),
        modified_at=modified_at,
        text=text,
        chunks=chunks,
        metadata={clean(key): clean(value) for key, value in reading.metadata.items()},
        tags=tuple(map(clean, reading.tags)),
        aliases=tuple(map(clean, reading.aliases)),
        links=tuple(map(clean, reading.links)),
        dated_at=date,
        dated_by=date_by,
        notices=(*reading.notices, *notices),
    )


def clean(text: str) -> str:
    """The text as SQLite and JSON can hold it: NULs gone, lone surrogates replaced (FAULTS.md §3, rows 11 and 12)."""
    text = text.replace("\x00", "")
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def _clean_section(section: Section) -> Section:
    text, heading = clean(section.text), tuple(map(clean, section.heading))
    return replace(section, text=text, heading=heading, locator=clean(section.locator))


def _cut_text(sections: list[Section], limits: Limits) -> tuple[list[Section], list[str]]:
    total = sum(len(section.text) for section in sections)
    if total <= limits.text_chars:
        return sections, []
    kept, room = [], limits.text_chars
    for section in sections:
        if room <= 0:
            break
        text = section.text[:room]
        kept.append(Section(text, section.heading, section.locator, section.atomic))
        room -= len(text)
    return kept, [f"{total:,} characters of text: cut to the first {limits.text_chars:,}"]


def _title(given: str, raw: Raw, reading: Reading, text: str) -> str:
    stem = _readable(PurePath(raw.name).stem)
    words = (
        given
        or reading.title
        or stem
        or text.lstrip()[: TITLE_CHARS * 2].partition("\n")[0].lstrip("# ")
    )
    return " ".join(clean(words).split())[:TITLE_CHARS]


def _readable(name: str) -> str:
    """A file name without the lone surrogates that stand for bytes that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _dated(raw: Raw, reading: Reading, text: str) -> tuple[str | None, str | None]:
    """(ISO date, where from): front matter or the page's own, the file name, heading or first line, the producer's."""
    if reading.date and (found := date_in_metadata({"date": reading.date})):
        return found, reading.date_by
    if found := date_in_name(_readable(PurePath(raw.name).stem)):
        return found, "file name"
    heads = [section.heading[0] for section in reading.sections[:2] if section.heading]
    for line in (*heads[:1], text.lstrip()[:TITLE_CHARS].partition("\n")[0]):
        if (
            raw.media_type in _HEADED
            and any(letter.isdigit() for letter in line)
            and (found := find_date(line))
        ):
            return found, "heading"
    if reading.created and (found := find_date(reading.created)):
        return found, "metadata"
    return None, None


# Code and tables do not open with their date.
_HEADED = {"text/markdown", "text/plain", "text/html", "application/pdf", DOCX, ODT}

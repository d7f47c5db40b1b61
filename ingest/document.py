"""The values that reading a file produces: sections, chunks, documents, and the identities they carry.

Leaves out everything about storage: a `Document` made here has a fresh random id, and the store, when it already knows
the address, binds the stored id to it with `rebind`. Serves every reader and the store.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

Texts = tuple[str, ...]
Metadata = dict[str, str]  # what a file states of itself, by name
Heading = Texts  # the path of headings above a text, outermost first
ID_BYTES = 8  # 64 random bits: under 1 in 10 million that a million documents collide


def digest(data: str | bytes) -> str:
    """SHA-256 of the bytes (or of the text in UTF-8), 64 hexadecimal digits."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def new_id() -> str:
    """A random identity, 16 hexadecimal digits."""
    return secrets.token_hex(ID_BYTES)


@dataclass(frozen=True, slots=True)
class Section:
    """A reader's span of a document. The texts of a document's sections, joined, are the document's text.

    `heading` is the path of headings above the text, outermost first. `locator` says where a person finds it:
    "L12-40" (lines of the file, 1-based, inclusive), "p. 3" (page), "§2" (section of a page without lines), "¶4-9"
    (paragraphs), "slide 7", "Sheet!B2:F9", "00:14:05". In a text with line locators every newline of `text` is a
    newline of the file, so that the line of any offset can be counted; with paragraph locators every blank line parts
    two paragraphs. `atomic` asks the chunker to keep the section in one piece while it fits (a fence, a table, a
    function). `header` is the row that names the columns of a table: chunks of it that do not begin where the section
    begins have it as their last heading.
    """

    text: str
    heading: Heading = ()
    locator: str = ""
    atomic: bool = False
    header: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of retrieval. `text` is the document's text from `start` to `end` (characters); chunks tile that
    text."""

    id: str
    document_id: str
    ordinal: int
    heading: Heading
    text: str
    locator: str
    tokens: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One source, read. `uri` is its address (`file:///…`, `note:…`), `content_hash` the SHA-256 of the bytes read
    (of address and text for one of many documents in a file, whose bytes it shares).

    `dated_at` is an ISO 8601 date or date-time, `dated_by` where it came from ("front matter", "file name", "heading")
    or both None. `metadata` holds what the reader met and does not interpret (front matter, PDF fields). `notices` are
    things that a person must be told ("p. 7: no text layer"). `links` are wiki-link targets, `tags` without `#`.
    """

    id: str
    uri: str
    title: str
    media_type: str
    content_hash: str
    modified_at: float | None
    text: str
    chunks: tuple[Chunk, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Texts = ()
    aliases: Texts = ()
    links: Texts = ()
    dated_at: str | None = None
    dated_by: str | None = None
    notices: Texts = ()


def chunk_ids(document_id: str, pieces: Iterable[tuple[Heading, str]]) -> list[str]:
    """Ids of (heading, text) pieces: a hash of document, heading and text with a counter for repeats, never of
    position.

    An edit therefore changes the ids of the chunks it touches and of no other.
    """
    seen: Counter[str] = Counter()
    ids = []
    for heading, text in pieces:
        found = digest("\x1f".join((document_id, *heading, text)))
        seen[found] += 1
        count = seen[found]
        if count > 1:
            found = digest(f"{found}\x1f{count}")
        ids.append(found[: ID_BYTES * 2])
    return ids


def rebind(document: Document, document_id: str) -> Document:
    """The same document under another identity, its chunk ids made anew to follow."""
    if document.id == document_id:
        return document
    ids = chunk_ids(
        document_id, ((chunk.heading, chunk.text) for chunk in document.chunks)
    )
    chunks = tuple(
        replace(chunk, id=new, document_id=document_id)
        for chunk, new in zip(document.chunks, ids, strict=True)
    )
    return replace(document, id=document_id, chunks=chunks)

"""One document in an export: a file for people, and an entry in the sidecar folder with everything else.

A Markdown file is what it was, byte for byte, as long as its original or a copy of it can be found; else its text with
its properties above it. Anything else becomes Markdown: a PDF or a page gets marks such as `<!-- p. 3 -->` where a new
place begins, source code stands in a fence. The entry says where in the file the stored text stands (or holds it), so
that it comes back to the character; a file whose hash is another was changed by a person and is read anew. Leaves out
where files lie (layout.py) and exports of before (older.py). Serves the export and the import.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import chain
from typing import Any

from brain.keeping.export.front_matter import dump
from brain.keeping.export.layout import MARKDOWN
from brain.keeping.export.rows import (
    DOCUMENT,
    Facts,
    StoredChunk,
    StoredDocument,
    id_in,
    said_in,
    texts_in,
)
from brain.types import Span
from ingest.document import digest, new_id
from ingest.readers.front_matter import BadFrontMatter, NoFrontMatter, split, texts_at

MARKER = "brain_export"  # what a file of ours says of itself
KIND = "document"
TAGGED = "document"  # `by` of the tags that stand in the document itself
MOST = 2**31  # no length and no count of tokens is larger
MARK = re.compile(r"\n?<!-- [^\n>]* -->\n")
LINES = re.compile(r"L\d+-\d+")
_UNFENCED = ("text/markdown", "text/plain", "text/html", "application/pdf")
_LANGUAGE = re.compile(r"[a-z0-9+#]{1,10}")

Pieces = list[list[int]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The file of a document. `text` is where its text stands in what the file says ([start, end] in characters, in
    order), or the text itself where it does not stand there. `copied`: these are the bytes of the original.
    """

    data: bytes
    text: Pieces | str
    fence: tuple[str, str] = ("", "")
    head: str = ""  # what the export put above the text of a note that is no file
    copied: bool = False


def render(
    item: StoredDocument, original: bytes | None = None, name: str = ""
) -> Rendered:
    """The file of a document; `original` are the bytes that it was read from, if they can be had, and `name` what its
    file is called without suffix.
    """
    if item.media_type != MARKDOWN:
        return _as_markdown(item)
    if original is not None:
        at = max(as_text(original).find(item.text), 0)
        spans = [[at, at + len(item.text)]]
        return Rendered(original, _where(item, original, spans), copied=True)
    head = _properties(item, name)
    data = f"{head}{item.text}".encode("utf-8", "replace")
    spans = _spans([(head, item.text)])
    where = _where(item, data, spans)
    own = item.uri.startswith("file:")
    return Rendered(data, where, head="" if own else head)


def as_text(data: bytes) -> str:
    """What a file says: no mark at its beginning, plain ends of lines, another sign where it is no UTF-8."""
    text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def entry(item: StoredDocument, path: str, file: Rendered | None) -> str:
    """The entry of a document: one value a line, what is empty left out. `path`: of its file, "" when it has none."""
    facts: dict[str, Any] = {
        MARKER: KIND,
        **{name: getattr(item, name) for name in DOCUMENT},
    }
    facts |= {
        "tags": item.tags,
        "aliases": item.aliases,
        "links": item.links,
        "metadata": dict(sorted(item.metadata.items())),
        "notices": item.notices,
        "file": path,
    }
    if file is not None:
        facts |= {
            "sha": hashlib.sha256(file.data).hexdigest(),
            "fence": file.fence if any(file.fence) else (),
            "head": file.head,
        }
    facts |= {
        "text": file.text if file else item.text,
        "text_sha": digest(item.text),
        "chunks": [astuple(chunk) for chunk in item.chunks],
    }
    said = []
    for name, value in facts.items():
        if value:
            said.append(f"{machine(name)}: {machine(value)}")
    body = ",\n".join(said)
    return f"{{\n{body}\n}}\n"


def machine(value: Any) -> str:
    """One line of JSON that cannot end a comment around it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace(">", "\\u003e")


# -- a file for people ------------------------------------------------------------------------------------------------


def _properties(item: StoredDocument, name: str) -> str:
    """What stands above the text of a note whose original is gone: what its front matter said, its tags and names."""
    try:
        split(item.text)
        return ""  # it stands in the text
    except NoFrontMatter:
        pass
    # A file's title comes from its name or its text; a note that is no file may have been given another.
    said = item.title == name or item.title in item.text
    facts: dict[str, Any] = {}
    if not said and not item.uri.startswith("file:"):
        facts["title"] = item.title
    facts |= sorted(item.metadata.items())
    facts["aliases"] = item.aliases
    facts["tags"] = [tag for tag, _by in item.tags]
    stated = {key: value for key, value in facts.items() if value}
    # A text that begins as front matter does would be taken for it without one above.
    if stated or item.text.startswith("---"):
        return dump(stated)
    return ""


def _as_markdown(item: StoredDocument) -> Rendered:
    """Another kind of document: who it is, and its text with marks or in a fence."""
    facts = {
        "title": item.title,
        "source": item.source,
        "date": item.dated_at[:10],
        "aliases": item.aliases,
        "tags": [tag for tag, _by in item.tags],
    }
    head = dump(facts)
    parts = list(_marked(item))
    mark, first = parts[0]
    fence = ("", "")
    if len(parts) == 1 and not mark:
        fence = _fence(item)
    opening, closing = fence
    parts[0] = (f"{head}{opening}{mark}", first)
    text = "".join(chain.from_iterable(parts))
    data = f"{text}{closing}\n".encode("utf-8", "replace")
    where = _where(item, data, _spans(parts))
    return Rendered(data, where, fence)


def _marked(item: StoredDocument) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with what stands before it: a mark where a new page or section begins."""
    before = ""
    done = 0
    for chunk in begin_a_place(item.chunks):
        start = chunk.start
        if start > done or before:
            yield before, item.text[done:start]
        # A mark is a comment, which "--" or ">" in it could end.
        locator = chunk.locator.replace("--", "- -").replace(">", " ")
        shown = " ".join(locator.split())
        before = f"<!-- {shown} -->\n"
        at_line_start = start == 0 or item.text[start - 1] == "\n"
        if not at_line_start:
            before = f"\n{before}"
        done = start
    yield before, item.text[done:]


def begin_a_place(chunks: Iterable[StoredChunk]) -> Iterator[StoredChunk]:
    """The chunks with which a new page or section begins."""
    before = ""
    for chunk in chunks:
        if chunk.locator not in ("", before) and not LINES.fullmatch(chunk.locator):
            yield chunk
        before = chunk.locator


def _spans(parts: Iterable[tuple[str, str]]) -> Pieces:
    """Where the second of each pair stands when all are written behind each other."""
    spans = []
    at = 0
    for before, piece in parts:
        start = at + len(before)
        at = start + len(piece)
        spans.append([start, at])
    return spans


def _where(item: StoredDocument, data: bytes, spans: Pieces) -> Pieces | str:
    """The spans when the text stands there word for word, else the text."""
    said = as_text(data)
    there = "".join(said[start:end] for start, end in spans)
    if there == item.text:
        return spans
    return item.text


def _fence(item: StoredDocument) -> tuple[str, str]:
    """(opening, closing) of the fence around source code, one tick longer than any run of ticks inside; else ""."""
    if item.media_type in _UNFENCED or not item.text.strip():
        return "", ""
    longest = max(re.findall("`+", item.text), key=len, default="")
    ticks = "`" * max(3, 1 + len(longest))
    _, _, suffix = item.source.lower().rpartition(".")
    language = suffix if _LANGUAGE.fullmatch(suffix) else ""
    return f"{ticks}{language}\n", f"\n{ticks}"


# -- and back ---------------------------------------------------------------------------------------------------------


def read(content: str, load: Callable[[str, str], bytes | None]) -> StoredDocument:
    """The document of an entry. `load(path, sha)` gives the bytes of its file, None when it is not there.

    Raises `BadFrontMatter` when the entry is not one of ours, cannot be understood, or does not fit its file.
    """
    values = loaded(content)
    if values.get(MARKER) != KIND:
        raise BadFrontMatter("not a document that brain exported")
    facts = said_in(values, DOCUMENT)
    facts["id"] = id_in(values) or new_id()
    if facts.get("entry") != "name":
        facts["entry"] = "full"
    facts.setdefault("uri", f"note:{facts['id']}")
    sha = _text_at(values, "sha")
    path = _text_at(values, "file")
    data = load(path, sha) if path else b""
    if data is None:
        raise BadFrontMatter(f"its file {path} is not there any more")
    edited = bool(path) and hashlib.sha256(data).hexdigest() != sha
    chunks: tuple[StoredChunk, ...] = ()
    if edited:
        text = _changed(values, facts, data)
    else:
        text = _exact(values, data)
        chunks = _chunks(values, text)
    facts.setdefault("content_hash", digest(text))
    return StoredDocument(
        **facts,
        text=text,
        chunks=chunks,
        tags=tuple(sorted(_tags(values))),
        aliases=texts_at(values, "aliases"),
        links=tuple(sorted(texts_at(values, "links"))),
        metadata=texts_in(values, "metadata"),
        notices=texts_at(values, "notices"),
        edited=edited,
    )


def loaded(content: str) -> dict[str, Any]:
    """The values of an entry. Raises `BadFrontMatter` for what is no entry or holds what is no text."""
    try:
        values = json.loads(content)
        if "\\ud" in content.lower():  # half a letter, perhaps, which nothing can store
            json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadFrontMatter("an entry that cannot be read") from error
    if not isinstance(values, dict):
        raise BadFrontMatter("an entry that cannot be read")
    return values


def _text_at(values: Facts, name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""


def _exact(values: Facts, data: bytes) -> str:
    """The text as it was stored."""
    text = values.get("text", "")
    if isinstance(text, list):
        said = as_text(data)
        spans = map(_span, text)
        text = "".join(said[start:end] for start, end in spans)
    if not isinstance(text, str) or digest(text) != values.get("text_sha"):
        raise BadFrontMatter("an entry that does not fit its text")
    return text


def _span(piece: Any) -> Span:
    match piece:
        case [int(start), int(end)] if 0 <= start <= end < MOST:
            return start, end
    raise BadFrontMatter("an entry that does not fit its text")


def _changed(values: Facts, facts: Facts, data: bytes) -> str:
    """The words of a file that a person changed; of what is no Markdown without what the export put around them."""
    said = as_text(data)
    if facts.get("media_type", MARKDOWN) == MARKDOWN:
        return said.removeprefix(_text_at(values, "head"))
    with suppress(NoFrontMatter):
        _block, said = split(said)
    fence = (*texts_at(values, "fence"), "", "")
    opening, closing = fence[:2]
    if opening:
        return said.removeprefix(opening).rstrip("\n").removesuffix(closing)
    return MARK.sub("\n", said).removeprefix("\n")


def _chunks(values: Facts, text: str) -> tuple[StoredChunk, ...]:
    """The chunks, which cover the text without a gap."""
    rows = values.get("chunks", [])
    if not isinstance(rows, list):
        rows = [rows]
    chunks = tuple(map(chunk_of, rows))
    end = 0
    for chunk in chunks:
        if chunk.start != end:
            raise BadFrontMatter("chunks that do not fit the text")
        end = chunk.end
    if chunks and end != len(text):
        raise BadFrontMatter("chunks that do not fit the text")
    return chunks


def chunk_of(row: Any) -> StoredChunk:
    """A chunk of a list of its values. Raises `BadFrontMatter`."""
    match row:
        case [int(start), int(end), int(tokens), str(locator), [*heading]] if (
            0 <= start <= end < MOST and 0 <= tokens < MOST
        ):
            return StoredChunk(
                int(start), int(end), int(tokens), locator, tuple(map(str, heading))
            )
    raise BadFrontMatter("not a chunk")


def _tags(values: Facts) -> Iterator[tuple[str, str]]:
    rows = values.get("tags")
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [str(tag), str(by)]:
                yield tag, by

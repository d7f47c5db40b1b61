"""One document as one Markdown file: front matter for people and Obsidian, the text word for word, and behind it, in a
comment that no viewer shows, where its chunks lie.

A PDF or a page gets marks such as `<!-- p. 3 -->` where a new place begins; source code stands in a fence. A file that
a person changed is recognised by the hash of the text and comes back without chunks, to be read anew. Leaves out where
the file lies. Serves the export and the import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import (
    DOCUMENT,
    StoredChunk,
    StoredDocument,
    id_in,
    said_in,
    texts_in,
)
from ingest.document import digest, new_id
from ingest.readers.front_matter import (
    BadFrontMatter,
    map_at,
    read_nested,
    split,
    text_at,
    texts_at,
)

MARKER = "brain_export"  # the first key of every file's front matter: these files are never taken in as new notes
KIND = "document"
TAGGED = "document"  # `by` of the tags that stand in the document itself
_TAIL = "<!-- brain:document\n"
_TAIL_END = "-->"
_MARK = re.compile(r"\n?<!-- [^\n>]* -->\n")
_LINES = re.compile(r"L\d+-\d+")
_UNFENCED = ("text/markdown", "text/plain", "text/html", "application/pdf")
_LANGUAGE = re.compile(r"[a-z0-9+#]{1,10}")


def render(item: StoredDocument, names: Names) -> str:
    """The file's text. The same document gives the same text, whatever else changed in the store."""
    marked = _with_marks(item)
    opening, closing = ("", "") if marked != item.text else _fence(item)
    head = dump(_head(item, names))
    return f"{head}{opening}{marked}{closing}\n{_tail(item, opening, closing)}"


def _head(item: StoredDocument, names: Names) -> dict[str, Any]:
    others: dict[str, list[str]] = {}
    for tag, by in item.tags:
        if by != TAGGED:
            others.setdefault(by, []).append(tag)
    itself = names.wiki_link(item.id)
    cites = dict.fromkeys(map(names.linked, item.links))
    return {
        MARKER: KIND,
        **{name: getattr(item, name) for name in DOCUMENT},
        "tags": [tag for tag, _by in item.tags],
        "tagged_by": others,
        "aliases": item.aliases,
        "links": item.links,
        "cites": [link for link in cites if link and link != itself],
        "metadata": dict(sorted(item.metadata.items())),
        "notices": item.notices,
    }


def _tail(item: StoredDocument, opening: str, closing: str) -> str:
    """The comment: facts of the text in its first line, then a line for each chunk."""
    facts = {
        "characters": len(item.text),
        "text_sha": digest(item.text),
        "fence": [opening, closing],
    }
    rows = [facts, *map(astuple, item.chunks)]
    said = "\n".join(map(machine, rows))
    return f"{_TAIL}{said}\n{_TAIL_END}\n"


def machine(value: Any) -> str:
    """One line of JSON that cannot end the comment around it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace(">", "\\u003e")


def _fence(item: StoredDocument) -> tuple[str, str]:
    """(opening, closing) of the fence around source code, one tick longer than any run of ticks inside; else ""."""
    if item.media_type in _UNFENCED or not item.text.strip():
        return "", ""
    longest = max(re.findall("`+", item.text), key=len, default="")
    ticks = "`" * max(3, 1 + len(longest))
    _, _, suffix = item.source.lower().rpartition(".")
    language = suffix if _LANGUAGE.fullmatch(suffix) else ""
    return f"{ticks}{language}\n", f"\n{ticks}"


def _begin_a_place(chunks: Iterable[StoredChunk]) -> Iterator[StoredChunk]:
    """The chunks with which a new page or section begins."""
    before = ""
    for chunk in chunks:
        if chunk.locator not in ("", before) and not _LINES.fullmatch(chunk.locator):
            yield chunk
        before = chunk.locator


def _with_marks(item: StoredDocument) -> str:
    """The text with a mark wherever a new page or section begins."""
    text = item.text
    parts = []
    done = 0
    for chunk in _begin_a_place(item.chunks):
        before = text[done : chunk.start]
        at_line_start = chunk.start == 0 or text[chunk.start - 1] == "\n"
        # A mark is a comment, which "--" or ">" in it could end.
        shown = chunk.locator.replace("--", "- -").replace(">", " ").split()
        mark = f"<!-- {' '.join(shown)} -->\n"
        parts.append(before if at_line_start else f"{before}\n")
        parts.append(mark)
        done = chunk.start
    return "".join((*parts, text[done:]))


@dataclass(frozen=True, slots=True)
class _Body:
    """What stands below the front matter. `behind`: what a person wrote behind the comment; the rest is from it."""

    text: str
    behind: str = ""
    chunks: tuple[StoredChunk, ...] = ()
    text_sha: str = ""
    opening: str = ""
    closing: str = ""

    def exact(self) -> str | None:
        """The text as it was exported; None when the file was changed, so that the chunks no longer fit."""
        inner = self._inner()
        fenced = f"{self.opening}{inner}{self.closing}"
        if self.behind or fenced != self.text.removesuffix("\n"):
            return None
        text = self._without_marks(inner)
        same = self._tiles(len(text)) and digest(text) == self.text_sha
        return text if same else None

    def changed(self) -> str:
        """The words of a changed file: without fence and page marks, with what was written behind the comment."""
        inner = self._inner()
        if not all(_LINES.fullmatch(chunk.locator) for chunk in self.chunks):
            inner = _MARK.sub("\n", inner).removeprefix("\n")
        if self.behind:
            return f"{inner.rstrip()}\n\n{self.behind.rstrip()}\n"
        return inner

    def _inner(self) -> str:
        """What stands within the fence."""
        inner = self.text.removesuffix("\n").removeprefix(self.opening)
        return inner.removesuffix(self.closing)

    def _tiles(self, length: int) -> bool:
        """Whether the chunks, if there are any, cover the text without a gap."""
        end = 0
        for chunk in self.chunks:
            if chunk.start != end:
                return False
            end = chunk.end
        return not self.chunks or end == length

    def _without_marks(self, inner: str) -> str:
        """Take out each mark at the place where it was put; what only looks like one stays."""
        parts = []
        at = 0  # in the file
        done = 0  # in the text
        for chunk in _begin_a_place(self.chunks):
            following = at + chunk.start - done
            parts.append(inner[at:following])
            mark = _MARK.match(inner, following)
            at = mark.end() if mark else following
            done = chunk.start
        return "".join((*parts, inner[at:]))


def read(content: str) -> StoredDocument:
    """The document of a file. Raises `BadFrontMatter` when the file is not one of ours or cannot be understood."""
    block, rest = split(content)
    head = read_nested(block)
    if text_at(head, MARKER) != KIND:
        raise BadFrontMatter("not a document that brain exported")
    body = _read_body(rest)
    text = body.exact()
    chunks = body.chunks
    edited = text is None
    if text is None:
        text = body.changed()
        chunks = ()
    # What the file does not say is as `StoredDocument` has it.
    facts = said_in(head, DOCUMENT)
    facts["id"] = id_in(head) or new_id()
    if facts.get("entry") != "name":
        facts["entry"] = "full"
    facts.setdefault("uri", f"note:{facts['id']}")
    facts.setdefault("content_hash", digest(body.text))
    by_whom: dict[str, str] = {}
    tagged_by = map_at(head, "tagged_by")
    for by in tagged_by:
        by_whom.update(dict.fromkeys(texts_at(tagged_by, by), by))
    tags = [(tag, by_whom.get(tag, TAGGED)) for tag in texts_at(head, "tags")]
    return StoredDocument(
        **facts,
        text=text,
        chunks=chunks,
        tags=tuple(sorted(tags)),
        aliases=texts_at(head, "aliases"),
        links=tuple(sorted(texts_at(head, "links"))),
        metadata=texts_in(head, "metadata"),
        notices=texts_at(head, "notices"),
        edited=edited,
    )


def _read_body(rest: str) -> _Body:
    """What stands below the front matter; a comment that cannot be read says nothing."""
    begin = rest.rfind(_TAIL)
    end = rest.find(f"\n{_TAIL_END}", begin)
    if begin < 0 or end < 0:
        return _Body(rest)
    text = rest[:begin]
    behind = rest[end + 1 + len(_TAIL_END) :].lstrip("\n")
    try:
        facts, *rows = map(json.loads, rest[begin + len(_TAIL) : end].split("\n"))
        chunks = tuple(map(_chunk, rows))
    except (ValueError, RecursionError):
        return _Body(text, behind)
    match facts:
        case {"text_sha": str(sha), "fence": [str(opening), str(closing)]}:
            return _Body(text, behind, chunks, sha, opening, closing)
    return _Body(text, behind, chunks)


def _chunk(row: Any) -> StoredChunk:
    match row:
        case [int(start), int(end), int(tokens), str(locator), [*heading]]:
            return StoredChunk(start, end, tokens, locator, tuple(map(str, heading)))
    raise ValueError("not a chunk")

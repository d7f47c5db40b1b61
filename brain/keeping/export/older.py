"""Documents of an export of before, each one Markdown file: its facts in the front matter, behind the text a comment
that says where its chunks lie.

A file that a person changed is recognised by the hash of the text and comes back without chunks, to be read anew. No
export writes this any more (documents.py). Serves the import.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from brain.keeping.export.documents import (
    KIND,
    LINES,
    MARK,
    MARKER,
    TAGGED,
    begin_a_place,
    chunk_of,
)
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

_TAIL = "<!-- brain:document\n"
_TAIL_END = "-->"


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
        if not all(LINES.fullmatch(chunk.locator) for chunk in self.chunks):
            inner = MARK.sub("\n", inner).removeprefix("\n")
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
        for chunk in begin_a_place(self.chunks):
            following = at + chunk.start - done
            parts.append(inner[at:following])
            mark = MARK.match(inner, following)
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
    kept = rest[begin + len(_TAIL) : end]
    try:
        facts, *rows = map(json.loads, kept.split("\n"))
        chunks = tuple(map(chunk_of, rows))
    except (ValueError, RecursionError):
        return _Body(text, behind)
    match facts:
        case {"text_sha": str(sha), "fence": [str(opening), str(closing)]}:
            return _Body(text, behind, chunks, sha, opening, closing)
    return _Body(text, behind, chunks)

"""One document as one Markdown file: front matter for people and Obsidian, the text word for word, and behind it, in a
comment that no reader shows, where its chunks lie.

A PDF or a page gets marks such as `<!-- p. 3 -->` where a new place begins; source code stands in a fence. A file that
a person changed is recognised by the hash of the text and comes back without chunks, to be read anew. Leaves out where
the file lies. Serves the export and the import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import ID, StoredChunk, StoredDocument
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
_TAIL = "<!-- brain:document\n"
_TAIL_END = "-->"
_LINES = re.compile(r"L\d+-\d+")
_UNFENCED = ("text/markdown", "text/plain", "text/html", "application/pdf")
_LANGUAGE = re.compile(r"[a-z0-9+#]{1,10}")
TAGGED = "document"  # `by` of the tags that stand in the document itself


def render(item: StoredDocument, names: Names) -> str:
    """The file's text. The same document gives the same text, whatever else changed in the store."""
    marks = _marks(item.text, item.chunks)
    opening, closing = _fence(item) if not marks else ("", "")
    body = f"{opening}{_with_marks(item.text, marks)}{closing}\n"
    return f"{dump(_head(item, names))}{body}{_tail(item, opening, closing)}"


def _head(item: StoredDocument, names: Names) -> dict[str, Any]:
    others: dict[str, list[str]] = {}
    for tag, by in item.tags:
        if by != TAGGED:
            others.setdefault(by, []).append(tag)
    cites = dict.fromkeys(
        link for link in map(names.linked, item.links) if link and link != names.wiki_link(item.id)
    )
    return {
        MARKER: KIND,
        "id": item.id,
        "title": item.title,
        "source": item.source,
        "uri": item.uri,
        "media_type": item.media_type,
        "entry": item.entry,
        "label": item.label,
        "compartment": item.compartment,
        "trust": item.trust,
        "dated_at": item.dated_at,
        "dated_by": item.dated_by,
        "added_at": item.added_at,
        "updated_at": item.updated_at,
        "content_hash": item.content_hash,
        "tags": [tag for tag, _ in item.tags],
        "tagged_by": others,
        "aliases": item.aliases,
        "links": item.links,
        "cites": list(cites),
        "metadata": dict(sorted(item.metadata.items())),
        "notices": item.notices,
    }


def _tail(item: StoredDocument, opening: str, closing: str) -> str:
    facts = {
        "characters": len(item.text),
        "text_sha": digest(item.text),
        "fence": [opening, closing],
    }
    lines = [machine(facts)]
    lines += [machine([c.start, c.end, c.tokens, c.locator, c.heading]) for c in item.chunks]
    return _TAIL + "\n".join(lines) + f"\n{_TAIL_END}\n"


def machine(value: Any) -> str:
    """One line of JSON that cannot end the comment around it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace(">", "\\u003e")


def _fence(item: StoredDocument) -> tuple[str, str]:
    if item.media_type in _UNFENCED or not item.text.strip():
        return "", ""
    suffix = item.source.rpartition(".")[2].lower()
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", item.text)), default=0))
    return f"{ticks}{suffix if _LANGUAGE.fullmatch(suffix) else ''}\n", f"\n{ticks}"


def _marks(text: str, chunks: Sequence[StoredChunk]) -> list[tuple[int, str]]:
    """(offset in the text, what stands there in the file) wherever a new page or section begins."""
    marks, before = [], ""
    for chunk in chunks:
        if chunk.locator and chunk.locator != before and not _LINES.fullmatch(chunk.locator):
            own_line = "" if chunk.start == 0 or text[chunk.start - 1] == "\n" else "\n"
            shown = " ".join(chunk.locator.replace("--", "- -").replace(">", " ").split())
            marks.append((chunk.start, f"{own_line}<!-- {shown} -->\n"))
        before = chunk.locator
    return marks


def _with_marks(text: str, marks: Sequence[tuple[int, str]]) -> str:
    parts, done = [], 0
    for offset, mark in marks:
        parts += [text[done:offset], mark]
        done = offset
    return "".join((*parts, text[done:]))


def read(content: str) -> StoredDocument:
    """The document of a file. Raises `BadFrontMatter` when the file is not one of ours or cannot be understood."""
    block, rest = split(content)
    head = read_nested(block)
    if text_at(head, MARKER) != KIND:
        raise BadFrontMatter("not a document that brain exported")
    facts, chunks, body, after = _read_tail(rest)
    text = _text(body, after, facts, chunks)
    exact = text is not None
    given = text_at(head, "id")
    key = given if ID.fullmatch(given) else new_id()
    own = tuple(tag for tag in texts_at(head, "tags"))
    others = {
        tag: by
        for by, tags in map_at(head, "tagged_by").items()
        for tag in texts_at({"t": tags}, "t")
    }
    return StoredDocument(
        **{
            name: text_at(head, name)
            for name in ("source", "title", "dated_at", "added_at", "updated_at")
        },
        id=key,
        uri=text_at(head, "uri") or f"note:{key}",
        text=text if text is not None else _plain(body, after, facts, chunks),
        media_type=text_at(head, "media_type", "text/markdown"),
        content_hash=text_at(head, "content_hash") or digest(body),
        chunks=tuple(chunks) if exact else (),
        entry="name" if text_at(head, "entry") == "name" else "full",
        label=text_at(head, "label", "internal"),
        compartment=text_at(head, "compartment") or None,
        trust=text_at(head, "trust", "own"),
        dated_by=text_at(head, "dated_by", "first seen"),
        tags=tuple(sorted((tag, others.get(tag, TAGGED)) for tag in own)),
        aliases=texts_at(head, "aliases"),
        links=tuple(sorted(texts_at(head, "links"))),
        metadata={
            key: value for key, value in map_at(head, "metadata").items() if isinstance(value, str)
        },
        notices=texts_at(head, "notices"),
        edited=not exact,
    )


def _read_tail(rest: str) -> tuple[Mapping[str, Any], list[StoredChunk], str, str]:
    """(facts, chunks, what stands before the comment, what a person wrote behind it)."""
    begin = rest.rfind(_TAIL)
    end = rest.find(f"\n{_TAIL_END}", begin) if begin >= 0 else -1
    if end < 0:
        return {}, [], rest, ""
    try:
        facts, *rows = (json.loads(line) for line in rest[begin + len(_TAIL) : end].split("\n"))
        chunks = [
            StoredChunk(int(r[0]), int(r[1]), int(r[2]), str(r[3]), tuple(map(str, r[4])))
            for r in rows
        ]
    except (ValueError, TypeError, IndexError, KeyError, RecursionError):
        facts, chunks = {}, []
    after = rest[end + 1 + len(_TAIL_END) :].lstrip("\n")
    return (facts if isinstance(facts, dict) else {}), chunks, rest[:begin], after


def _text(
    body: str, after: str, facts: Mapping[str, Any], chunks: Sequence[StoredChunk]
) -> str | None:
    """The text as it was exported, or None when the file was changed, so that the chunks no longer fit."""
    opening, closing = _fence_of(facts)
    inner = body.removesuffix("\n")
    if after or not inner.startswith(opening) or not inner.endswith(closing):
        return None
    inner = inner[len(opening) : len(inner) - len(closing)]
    text = _without_marks(inner, chunks)
    tiled = [chunk.start for chunk in chunks] == [0, *(chunk.end for chunk in chunks)][
        : len(chunks)
    ]
    whole = not chunks or (tiled and chunks[-1].end == len(text))
    return text if whole and digest(text) == facts.get("text_sha") else None


def _without_marks(inner: str, chunks: Sequence[StoredChunk]) -> str:
    """Take out each mark at the place where it was put; what only looks like one stays."""
    parts, at, before = [], 0, ""
    done = 0  # characters of the text so far
    for chunk in chunks:
        parts.append(inner[at : at + chunk.start - done])
        at, done = at + chunk.start - done, chunk.start
        if chunk.locator and chunk.locator != before and not _LINES.fullmatch(chunk.locator):
            mark = _MARK.match(inner, at)
            at = mark.end() if mark else at
        before = chunk.locator
    return "".join((*parts, inner[at:]))


_MARK = re.compile(r"\n?<!-- [^\n>]* -->\n")


def _plain(body: str, after: str, facts: Mapping[str, Any], chunks: Sequence[StoredChunk]) -> str:
    """The words of a changed file: without fence and page marks, with what was written behind the comment."""
    opening, closing = _fence_of(facts)
    inner = body.removesuffix("\n").removeprefix(opening)
    inner = inner.removesuffix(closing) if closing else inner
    if any(not _LINES.fullmatch(chunk.locator) for chunk in chunks):
        inner = _MARK.sub("\n", inner).removeprefix("\n")
    return f"{inner.rstrip()}\n\n{after.rstrip()}\n" if after else inner


def _fence_of(facts: Mapping[str, Any]) -> tuple[str, str]:
    fence = facts.get("fence")
    if isinstance(fence, list) and len(fence) == 2 and all(isinstance(part, str) for part in fence):
        return fence[0], fence[1]
    return "", ""

"""What an export is made of and an import gives back: documents, episodes and skills whole, as the tables hold them.

Leaves out files (documents.py, episodes.py, skills.py write and read those) and SQL: rows come as plain mappings by the
schema's column names. Feedback is `brain.reports.Judgment`.
Facts of this machine (file sizes and times, row numbers, vectors) do not travel. Serves the app.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from brain.types import Chunk, Document, Episode, Skill
from ingest.document import chunk_ids

FIRST_SEEN = "first seen"  # `documents.dated_by` when the content itself carries no date
ID = re.compile(
    r"[0-9a-f]{6,32}"
)  # an id that we could have made; anything else in a file is not trusted as one


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk by its place: the document's text from `start` to `end` (characters)."""

    start: int
    end: int
    tokens: int
    locator: str
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document with everything that a person put in or a reader found out.

    `tags` are (tag, by whom). `edited` is True when a person changed an exported file: then `text` is the new text,
    `chunks` is empty and `content_hash` and the locators speak of the old one, so that it has to be read anew.
    """

    id: str
    uri: str
    source: str
    title: str
    text: str
    media_type: str
    content_hash: str
    chunks: tuple[StoredChunk, ...] = ()
    entry: str = "full"
    label: str = "internal"
    compartment: str | None = None
    trust: str = "own"
    dated_at: str = ""
    dated_by: str = FIRST_SEEN
    added_at: str = ""
    updated_at: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    edited: bool = False

    @property
    def chunk_ids(self) -> list[str]:
        """The ids that the chunks have wherever this document is stored under its id."""
        return chunk_ids(
            self.id, ((chunk.heading, self.text[chunk.start : chunk.end]) for chunk in self.chunks)
        )

    @property
    def document(self) -> Document:
        """The same as `ingest` makes it, ready for `DocumentTable.save`; tags only those that the document itself has."""
        chunks = tuple(
            Chunk(
                id=chunk_id,
                document_id=self.id,
                ordinal=i,
                heading=chunk.heading,
                text=self.text[chunk.start : chunk.end],
                locator=chunk.locator,
                tokens=chunk.tokens,
                start=chunk.start,
                end=chunk.end,
            )
            for i, (chunk_id, chunk) in enumerate(zip(self.chunk_ids, self.chunks, strict=True))
        )
        return Document(
            id=self.id,
            uri=self.uri,
            title=self.title,
            media_type=self.media_type,
            content_hash=self.content_hash,
            modified_at=None,
            text=self.text,
            chunks=chunks,
            metadata=self.metadata,
            tags=tuple(tag for tag, by in self.tags if by == "document"),
            aliases=self.aliases,
            links=self.links,
            dated_at=self.dated_at or None,
            dated_by=self.dated_by or None,
            notices=self.notices,
        )


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """A round with its circumstances (the columns besides `Episode`). `edited`: a person changed its words in the file."""

    episode: Episode
    confidence: Mapping[str, Any] = field(default_factory=dict)
    route: str | None = None
    model: str | None = None
    compartment: str | None = None
    outcome: str | None = None
    document_id: str | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class StoredSkill:
    """A skill with its folder. `files`: text files by relative path, POSIX; "SKILL.md" holds the front matter as written.

    `version` and the times are empty for a folder that we did not export. `warnings` are said to the person.
    """

    skill: Skill
    files: Mapping[str, str] = field(default_factory=dict)
    label: str = "internal"
    version: str = ""
    added_at: str = ""
    updated_at: str = ""
    warnings: tuple[str, ...] = ()


def stored_document(row: Mapping[str, Any], chunks: Sequence[Mapping[str, Any]]) -> StoredDocument:
    """From a row of `documents` (with `tags` and `links` joined to it) and its rows of `knowledge`, in order."""
    same = {name: row[name] for name in SAME}
    return StoredDocument(
        **same,
        chunks=tuple(
            StoredChunk(
                c["start"], c["end"], c["tokens"], c["locator"], tuple(json.loads(c["heading"]))
            )
            for c in chunks
        ),
        tags=tuple(sorted((str(tag), str(by)) for tag, by in row["tags"])),
        aliases=tuple(json.loads(row["aliases"])),
        links=tuple(sorted(row["links"])),
        metadata=json.loads(row["metadata"]),
        notices=tuple(json.loads(row["notices"])),
    )


SAME = (
    "id",
    "uri",
    "source",
    "title",
    "text",
    "media_type",
    "content_hash",
    "entry",
    "label",
    "compartment",
    "trust",
    "dated_at",
    "dated_by",
    "added_at",
    "updated_at",
)


def stored_episode(row: Mapping[str, Any]) -> StoredEpisode:
    """From a row of `episodes`."""
    names = (
        "id",
        "at",
        "kind",
        "question",
        "answer",
        "state",
        "session",
        "source",
        "supersedes",
        "label",
    )
    lists: dict[str, Any] = {
        name: tuple(json.loads(row[name])) for name in ("citations", "people", "tags")
    }
    facts = {
        name: row[name] for name in ("route", "model", "compartment", "outcome", "document_id")
    }
    return StoredEpisode(
        Episode(**{name: row[name] for name in names}, **lists),
        confidence=json.loads(row["confidence"]),
        **facts,
    )


def stored_skill(row: Mapping[str, Any]) -> StoredSkill:
    """From a row of `skills`."""
    skill = Skill(
        **{name: row[name] for name in ("id", "name", "description", "body", "path", "status")}
    )
    facts = {name: row[name] for name in ("label", "version", "added_at", "updated_at")}
    return StoredSkill(skill, files=json.loads(row["files"]), **facts)

"""What an export is made of and an import gives back: documents, episodes and skills whole, as the tables hold them.

What is true of one machine only (file sizes and times, row numbers, vectors, whether a document is one's own) does not
travel. Feedback is `brain.reports.Judgment`.
Leaves out files (documents.py, episodes.py and skills.py write and read those) and SQL. Serves export and import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from brain.labels import UNLABELLED
from brain.store.cells import mapping_of, texts_of
from brain.store.checks import LABEL
from brain.store.episodes import Circumstances
from brain.store.row_hash import Row
from brain.store.skills import Belongings
from brain.types import Episode, Skill, Texts
from ingest.document import Chunk, Document, rebind
from ingest.readers.front_matter import map_at, text_at

Facts = Mapping[str, Any]  # by name, as JSON gives them

FIRST_SEEN = (
    "first seen"  # `documents.dated_by` when the content itself carries no date
)
UNCHOSEN = "internal"  # the label that every row had before labels could be chosen
# An id that we could have made; anything else in a file is not trusted as one.
ID = re.compile(r"[0-9a-f]{6,32}")
# Columns of `documents` that travel as they are, in the order in which an entry has them; what is shown as the source
# follows from the address. Of `episodes` and `skills` those travel that have a field in the values below.
DOCUMENT = (
    "id",
    "title",
    "uri",
    "media_type",
    "entry",
    "label",
    "compartment",
    "dated_at",
    "dated_by",
    "added_at",
    "updated_at",
    "content_hash",
)
EPISODE_LISTS = ("citations", "people", "tags")
# What a `Document` has under the same name.
AS_INGESTED = (
    "uri",
    "title",
    "media_type",
    "content_hash",
    "text",
    "metadata",
    "aliases",
    "links",
    "notices",
)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk by its place: the document's text from `start` to `end` (characters)."""

    start: int
    end: int
    tokens: int
    locator: str
    heading: Texts = ()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document with everything that a person put in or a reader found out.

    `tags` are (tag, by whom). `edited` is True when a person changed an exported file: then `text` is the new text,
    `chunks` is empty and `content_hash` and the locators speak of the old one, so that it has to be read anew.
    """

    id: str
    uri: str
    text: str
    content_hash: str
    source: str = ""
    title: str = ""
    media_type: str = "text/markdown"
    chunks: tuple[StoredChunk, ...] = ()
    entry: str = "full"
    label: str = UNLABELLED
    compartment: str | None = None
    dated_at: str = ""
    dated_by: str = FIRST_SEEN
    added_at: str = ""
    updated_at: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    aliases: Texts = ()
    links: Texts = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notices: Texts = ()
    edited: bool = False

    @property
    def document(self) -> Document:
        """The same as `ingest` makes it, ready for `DocumentTable.save`; with the tags that the document itself has."""
        chunks = []
        for ordinal, chunk in enumerate(self.chunks):
            words = self.text[chunk.start : chunk.end]
            chunks.append(Chunk("", "", ordinal, text=words, **asdict(chunk)))
        document = Document(
            id="",
            **{name: getattr(self, name) for name in AS_INGESTED},
            modified_at=None,
            chunks=tuple(chunks),
            tags=tuple(tag for tag, by in self.tags if by == "document"),
            dated_at=self.dated_at or None,
            dated_by=self.dated_by or None,
        )
        # With its id the chunks get theirs, which are the same wherever this document is stored under it.
        return rebind(document, self.id)


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """A round, and what is kept of it besides. `edited`: a person changed its words in the file."""

    episode: Episode
    circumstances: Circumstances = field(default_factory=Circumstances)
    edited: bool = False


@dataclass(frozen=True, slots=True)
class StoredSkill:
    """A skill with its folder. Version and times are empty for a folder that we did not export. `warnings` are said to
    the person.
    """

    skill: Skill
    belongings: Belongings = field(default_factory=Belongings)
    warnings: Texts = ()


def stored_document(row: Row, chunks: Sequence[Row]) -> StoredDocument:
    """From a row of `documents` (with `tags` and `links` joined to it) and its rows of `knowledge`, in order; their
    JSON is loaded in place.
    """
    for name in ("aliases", "notices"):
        row[name] = texts_of(name, row[name])
    return StoredDocument(
        **{
            name: row[name]
            for name in (*DOCUMENT, "source", "text", "aliases", "notices")
        },
        chunks=tuple(map(stored_chunk, chunks)),
        tags=tuple(sorted(map(tuple, row["tags"]))),
        links=tuple(sorted(row["links"])),
        metadata=mapping_of("metadata", row["metadata"]),
    )


def stored_chunk(row: Row) -> StoredChunk:
    """From a row of `knowledge`, whose JSON is loaded in place."""
    row["heading"] = texts_of("heading", row["heading"])
    chunk: StoredChunk = _from_row(StoredChunk, row)
    return chunk


def stored_episode(row: Row) -> StoredEpisode:
    """From a row of `episodes`, whose JSON is loaded in place."""
    for name in EPISODE_LISTS:
        row[name] = texts_of(name, row[name])
    row["confidence"] = mapping_of("confidence", row["confidence"])
    return StoredEpisode(_from_row(Episode, row), _from_row(Circumstances, row))


def stored_skill(row: Row) -> StoredSkill:
    """From a row of `skills`, whose JSON is loaded in place."""
    row["files"] = mapping_of("files", row["files"])
    return StoredSkill(_from_row(Skill, row), _from_row(Belongings, row))


def without_label(item: object) -> object:
    """The same, nobody having chosen its label, where it says the one that every row had by itself."""
    if isinstance(item, StoredDocument) and item.label == UNCHOSEN:
        return replace(item, label=UNLABELLED)
    if isinstance(item, StoredEpisode) and item.episode.label == UNCHOSEN:
        return replace(item, episode=replace(item.episode, label=UNLABELLED))
    if isinstance(item, StoredSkill) and item.belongings.label == UNCHOSEN:
        return replace(item, belongings=replace(item.belongings, label=UNLABELLED))
    return item


def said_in(values: Facts, names: Iterable[str]) -> Row:
    """The texts under these keys; what is empty, missing or something else is left out, and a label that is no word."""
    said = {}
    for name in names:
        text = text_at(values, name)
        if text and (name != "label" or LABEL.fullmatch(text)):
            said[name] = text
    return said


def id_in(values: Facts) -> str:
    """The id, "" for one that we could not have made."""
    given = text_at(values, "id")
    return given if ID.fullmatch(given) else ""


def texts_in(values: Facts, name: str) -> dict[str, str]:
    """The mapping under a key, of its values the texts."""
    found = map_at(values, name)
    return {key: text for key, text in found.items() if isinstance(text, str)}


def _from_row(kind: Any, row: Row) -> Any:
    """A value of this dataclass, from the columns that are called as its fields."""
    return kind(**{column.name: row[column.name] for column in fields(kind)})

"""Episodes as Markdown, one file a day: a heading, the facts in a comment, then question and answer word for word.

A file that a person changed is read all the same, and its changed rounds are said to be so. Leaves out how words and
facts are kept apart (blocks.py) and where the file lies. Serves the export and the import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from brain.keeping.export.blocks import Block, Marks
from brain.keeping.export.documents import MARKER
from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import ID, StoredEpisode
from brain.types import Episode
from ingest.readers.front_matter import BadFrontMatter, read_nested, split, text_at

KIND = "episodes"
MARKS = Marks("episode", "answer")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TEXTS = ("id", "at", "kind", "session", "state", "label", "source")
_MAYBE = ("supersedes", "route", "model", "compartment", "outcome", "document_id")
_LISTS = ("citations", "people", "tags")


def day_of(at: str) -> str:
    """The day as written down, or "undated" for what is no date."""
    return at[:10] if _DAY.fullmatch(at[:10]) else "undated"


def path_of(day: str) -> str:
    """`episodes/2026/2026-05-07.md`."""
    return f"{KIND}/{day[:4]}/{day}.md" if day != "undated" else f"{KIND}/undated.md"


def render(day: str, rounds: Sequence[StoredEpisode], names: Names, days: Mapping[str, str]) -> str:
    """The file of a day. `days` says on which day each episode of this export lies, for links between them."""
    tags = sorted({tag for item in rounds for tag in item.episode.tags})
    people = sorted({person for item in rounds for person in item.episode.people})
    head = dump({MARKER: KIND, "date": day, "people": people, "tags": tags})
    return head + f"\n# {day}\n" + "".join(_round(item, names, days) for item in rounds)


def _round(item: StoredEpisode, names: Names, days: Mapping[str, str]) -> str:
    episode = item.episode
    title = " · ".join(
        part
        for part in (episode.at[11:16], episode.kind, episode.session, ", ".join(episode.people))
        if part
    )
    parts = [MARKS.render(title, _facts(item), episode.question, episode.answer)]
    links = dict.fromkeys(link for link in map(names.cited, episode.citations) if link)
    if links:
        parts.append(f"\nCites: {', '.join(links)}\n")
    if episode.supersedes and episode.supersedes in days:
        parts.append(f"\nCorrects: {day_link(days[episode.supersedes])}\n")
    if item.document_id and (link := names.wiki_link(item.document_id)):
        parts.append(f"\nKept as: {link}\n")
    return "".join(parts)


def day_link(day: str) -> str:
    """The wiki-link to the file of a day."""
    return f"[[{path_of(day).removesuffix('.md')}|{day}]]"


def _facts(item: StoredEpisode) -> dict[str, Any]:
    episode = item.episode
    facts = {name: getattr(episode, name) for name in (*_TEXTS, *_LISTS, "supersedes")}
    facts |= {
        name: getattr(item, name)
        for name in ("route", "model", "compartment", "outcome", "document_id")
    }
    return {**facts, "confidence": dict(item.confidence)}


def read(content: str) -> Iterator[StoredEpisode]:
    """The rounds of a file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    block, body = split(content)
    if text_at(read_nested(block), MARKER) != KIND:
        raise BadFrontMatter("not a day of episodes that brain exported")
    return map(_stored, MARKS.read(body))


def _stored(block: Block) -> StoredEpisode:
    facts = block.facts
    texts: dict[str, Any] = {
        name: facts[name] for name in _TEXTS if isinstance(facts.get(name), str)
    }
    maybe = {name: facts[name] if isinstance(facts.get(name), str) else None for name in _MAYBE}
    lists: dict[str, Any] = {name: _strings(facts.get(name)) for name in _LISTS}
    try:
        datetime.fromisoformat(str(texts.get("at")))
    except ValueError as error:
        raise BadFrontMatter("an episode without a date") from error
    supersedes = maybe.pop("supersedes")
    confidence = facts.get("confidence")
    known = ID.fullmatch(texts.get("id", ""))
    return StoredEpisode(
        Episode(
            **{**texts, "id": texts["id"] if known else "", "kind": texts.get("kind") or "note"},
            **lists,
            question=block.first,
            answer=block.second,
            supersedes=supersedes,
        ),
        confidence=confidence if isinstance(confidence, dict) else {},
        **maybe,
        edited=block.edited,
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def by_day(rows: Iterable[StoredEpisode]) -> Iterator[tuple[str, list[StoredEpisode]]]:
    """The rounds of each day, from rows that come in the order of days."""
    day = ""
    held: list[StoredEpisode] = []
    for item in rows:
        this = day_of(item.episode.at)
        if held and this != day:
            yield day, held
            held = []
        day = this
        held.append(item)
    if held:
        yield day, held

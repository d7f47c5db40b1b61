"""Episodes as Markdown, one file a day: a heading, the facts in a comment, then question and answer word for word.

A file that a person changed is read all the same, and its changed rounds are said to be so. Leaves out how words and
facts are kept apart (blocks.py) and where the file lies. Serves the export and the import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from brain.keeping.export.blocks import Block, Marks
from brain.keeping.export.documents import MARKER
from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import EPISODE_LISTS, Facts, StoredEpisode, said_in
from brain.store.episodes import Circumstances
from brain.store.sql import fields_of
from brain.types import Episode

KIND = "episodes"
UNDATED = "undated"
MARKS = Marks(KIND, "episode", "answer")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TEXTS = ("id", "at", "kind", "session", "state", "label", "source", "supersedes")
_CIRCUMSTANCES = ("route", "model", "compartment", "outcome", "document_id")


def day_of(at: str) -> str:
    """The day as written down, or "undated" for what is no date."""
    if not _DAY.fullmatch(at[:10]):
        return UNDATED
    return at[:10]


def dated_path(kind: str, period: str) -> str:
    """Where the file of a day or a month lies: `episodes/2026/2026-05-07.md`."""
    if period == UNDATED:
        return f"{kind}/{period}.md"
    return f"{kind}/{period[:4]}/{period}.md"


def render(day: str, rounds: Sequence[StoredEpisode], names: Names) -> str:
    """The file of a day."""
    tags: set[str] = set()
    people: set[str] = set()
    for item in rounds:
        tags.update(item.episode.tags)
        people.update(item.episode.people)
    facts = {
        MARKER: KIND,
        "date": day,
        "people": sorted(people),
        "tags": sorted(tags),
    }
    head = dump(facts)
    body = "".join(_round(item, names) for item in rounds)
    return f"{head}\n# {day}\n{body}"


def _round(item: StoredEpisode, names: Names) -> str:
    """One round, and behind it the links that follow from it; the import reads none of them."""
    episode = item.episode
    title = [
        episode.at[11:16],
        episode.kind,
        episode.session,
        ", ".join(episode.people),
    ]
    shown = " · ".join(filter(None, title))
    facts = fields_of(episode) | fields_of(item.circumstances)
    parts = [MARKS.render(shown, facts)]
    links = dict.fromkeys(map(names.cited, episode.citations))
    cited = ", ".join(filter(None, links))
    if cited:
        parts.append(f"\nCites: {cited}\n")
    corrected = names.days.get(episode.supersedes or "")
    if corrected:
        parts.append(f"\nCorrects: {day_link(corrected)}\n")
    kept = names.wiki_link(item.circumstances.document_id)
    if kept:
        parts.append(f"\nKept as: {kept}\n")
    return "".join(parts)


def day_link(day: str) -> str:
    """The wiki-link to the file of a day."""
    path = dated_path(KIND, day).removesuffix(".md")
    return f"[[{path}|{day}]]"


def read(content: str) -> Iterator[StoredEpisode]:
    """The rounds of a file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    return map(_stored, MARKS.read(content))


def _stored(block: Block) -> StoredEpisode:
    block.check_date("an episode")
    facts = said_in(block.facts, _TEXTS)
    for name in EPISODE_LISTS:
        facts[name] = block.texts(name)
    facts["id"] = block.identity
    facts.setdefault("kind", "note")
    episode = Episode(**facts, question=block.first, answer=block.second)
    texts = [block.text(name) or None for name in _CIRCUMSTANCES]
    circumstances = Circumstances(_finite(block.map("confidence")), *texts)
    return StoredEpisode(episode, circumstances, block.edited)


def _finite(values: Facts) -> Facts:
    """The values as they stand; none when one of them is a number that JSON has not."""
    try:
        json.dumps(values, allow_nan=False)
    except ValueError:
        return {}
    return values

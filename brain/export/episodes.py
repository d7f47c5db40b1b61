"""Episodes as Markdown, one file a day: a heading, the facts in a comment, then question and answer word for word.

The facts hold the lengths, so that words which look like our own marks come back untouched; a file that a person changed
is read by the marks instead, and its changed rounds are said to be so. Leaves out where the file lies. Serves the export
and the import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from brain.export.documents import MARKER, machine
from brain.export.frontmatter import BadFrontMatter, dump, parse, split, text_at
from brain.export.names import Names
from brain.export.rows import ID, StoredEpisode
from brain.types import Episode

KIND = "episodes"
_OPEN = "<!-- brain:episode "
_CLOSE = " -->\n"
_ANSWER = "\n\n<!-- answer -->\n\n"
_END = "\n\n<!-- end -->\n"
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
        part for part in (episode.at[11:16], episode.kind, episode.session, ", ".join(episode.people)) if part
    )
    shown = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    parts = [f"\n## {shown}\n{_OPEN}{machine(_facts(item))}{_CLOSE}\n{episode.question}{_ANSWER}{episode.answer}{_END}"]
    links = dict.fromkeys(link for link in map(names.cited, episode.citations) if link)
    if links:
        parts.append(f"\nCites: {', '.join(links)}\n")
    if episode.supersedes and episode.supersedes in days:
        parts.append(f"\nCorrects: {_day_link(days[episode.supersedes])}\n")
    if item.document_id and (link := names.wiki_link(item.document_id)):
        parts.append(f"\nKept as: {link}\n")
    return "".join(parts)


def _day_link(day: str) -> str:
    return f"[[{path_of(day).removesuffix('.md')}|{day}]]"


def _facts(item: StoredEpisode) -> dict[str, Any]:
    episode = item.episode
    facts = {name: getattr(episode, name) for name in (*_TEXTS, *_LISTS, "supersedes")}
    facts |= {name: getattr(item, name) for name in ("route", "model", "compartment", "outcome", "document_id")}
    facts |= {"confidence": dict(item.confidence)}
    kept = {name: value for name, value in facts.items() if value not in (None, "", (), {})}
    return {**kept, "characters": [len(episode.question), len(episode.answer)]}


def read(content: str) -> Iterator[StoredEpisode]:
    """The rounds of a file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    block, body = split(content)
    if text_at(parse(block), MARKER) != KIND:
        raise BadFrontMatter("not a day of episodes that brain exported")
    at = _find(body, 0)
    while at >= 0:
        line_end = body.find(_CLOSE, at)
        if line_end < 0:
            raise BadFrontMatter("an episode without an end")
        facts = _loaded(body[at + len(_OPEN) : line_end])
        begin = line_end + len(_CLOSE)
        exact = _exact(body, begin, facts)
        question, answer, end = exact or _by_marks(body, begin)
        yield _stored(facts, question, answer, edited=exact is None)
        at = _find(body, end)


def _find(body: str, start: int) -> int:
    """Where the next round's comment stands at the beginning of a line, -1 when there is none."""
    found = body.find(f"\n{_OPEN}", start)
    return found + 1 if found >= 0 else -1


def _exact(body: str, begin: int, facts: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """(question, answer, where they end) by their lengths; None when the words between were changed."""
    lengths = facts.get("characters")
    if not (isinstance(lengths, list) and len(lengths) == 2 and all(isinstance(n, int) and n >= 0 for n in lengths)):
        return None
    start = begin + 1
    middle = start + lengths[0]
    second = middle + len(_ANSWER)
    end = second + lengths[1]
    fits = body.startswith("\n", begin) and body.startswith(_ANSWER, middle) and body.startswith(_END, end)
    return (body[start:middle], body[second:end], end) if fits else None


def _by_marks(body: str, begin: int) -> tuple[str, str, int]:
    """The same by the marks between the words, after a person changed them."""
    following = _find(body, begin)
    limit = following if following >= 0 else len(body)
    end = body.find(_END.strip(), begin, limit)
    end = end if end >= 0 else limit
    question, _, answer = body[begin:end].partition(_ANSWER.strip())
    return question.strip(), answer.strip(), end


def _loaded(line: str) -> dict[str, Any]:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFrontMatter("an episode whose facts cannot be read") from error
    if not isinstance(facts, dict):
        raise BadFrontMatter("an episode without facts")
    return facts


def _stored(facts: Mapping[str, Any], question: str, answer: str, *, edited: bool) -> StoredEpisode:
    texts: dict[str, Any] = {name: facts[name] for name in _TEXTS if isinstance(facts.get(name), str)}
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
            **{**texts, "id": texts["id"] if known else "", "kind": texts.get("kind") or "note"}, **lists,
            question=question, answer=answer, supersedes=supersedes,
        ),
        confidence=confidence if isinstance(confidence, dict) else {}, **maybe, edited=edited,
    )  # fmt: skip


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

"""What a person said of answers (`brain feedback`) as Markdown, one file a month: the question, what was said of its answer
and why, where the right place is.

Leaves out where the file lies. Serves the export and the import.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from brain.keeping.export.blocks import Block, Marks
from brain.keeping.export.documents import MARKER
from brain.keeping.export.episodes import day_link
from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import ID
from brain.reports import Judgment
from ingest.document import new_id
from ingest.readers.front_matter import BadFrontMatter, read_nested, split, text_at

KIND = "feedback"
MARKS = Marks("judgment", "why")
VERDICTS = ("good", "wrong", "missing")
_MONTH = re.compile(r"\d{4}-\d{2}")
_TEXTS = ("document_id", "source", "locator", "quote")


def path_of(month: str) -> str:
    """`feedback/2026/2026-05.md`."""
    return f"{KIND}/{month[:4]}/{month}.md" if month != "undated" else f"{KIND}/undated.md"


def by_month(items: Iterable[Judgment]) -> Iterator[tuple[str, list[Judgment]]]:
    """The judgments of each month, inside it in the order in which they come."""
    return ((month, list(held)) for month, held in groupby(sorted(items, key=_month), key=_month))


def _month(item: Judgment) -> str:
    return item.at[:7] if _MONTH.fullmatch(item.at[:7]) else "undated"


def render(month: str, items: Iterable[Judgment], names: Names, days: Mapping[str, str]) -> str:
    """The file of a month. `days` says on which day each episode of this export lies, for links to them."""
    return (
        dump({MARKER: KIND, "month": month})
        + f"\n# {month}\n"
        + "".join(_one(item, names, days) for item in items)
    )


def _one(item: Judgment, names: Names, days: Mapping[str, str]) -> str:
    facts: dict[str, Any] = {
        name: getattr(item, name) for name in ("id", "at", "verdict", "episode", *_TEXTS)
    }
    facts |= {
        "answerable": item.answerable,
        "documents": item.documents,
        "signals": dict(item.signals),
    }
    parts = [
        MARKS.render(
            f"{item.at[:10]} {item.at[11:16]} · {item.verdict}", facts, item.question, item.why
        )
    ]
    place = names.wiki_link(item.document_id) or item.source
    if place:
        quote = f": “{item.quote}”" if item.quote else ""
        parts.append(f"\nThe right place: {' '.join(f'{place} {item.locator}{quote}'.split())}\n")
    if item.episode in days:
        parts.append(f"\nAsked: {day_link(days[item.episode])}\n")
    return "".join(parts)


def read(content: str) -> Iterator[Judgment]:
    """The judgments of a file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    block, body = split(content)
    if text_at(read_nested(block), MARKER) != KIND:
        raise BadFrontMatter("not a month of feedback that brain exported")
    return map(_stored, MARKS.read(body))


def _stored(block: Block) -> Judgment:
    facts = block.facts
    texts = {name: str(facts[name]) for name in _TEXTS if isinstance(facts.get(name), str)}
    identity, at, episode = (str(facts.get(name, "")) for name in ("id", "at", "episode"))
    try:
        datetime.fromisoformat(at)
    except ValueError as error:
        raise BadFrontMatter("feedback without a date") from error
    if facts.get("verdict") not in VERDICTS or not ID.fullmatch(episode):
        raise BadFrontMatter("feedback without an answer that it speaks of")
    answerable, documents, signals = (
        facts.get("answerable"),
        facts.get("documents"),
        facts.get("signals"),
    )
    return Judgment(
        identity if ID.fullmatch(identity) else new_id(),
        at,
        block.first,
        facts["verdict"],
        answerable=answerable if isinstance(answerable, bool) else None,
        documents=tuple(map(str, documents)) if isinstance(documents, list) else (),
        why=block.second,
        episode=episode,
        signals=_numbers(signals),
        **texts,
    )


def _numbers(signals: object) -> dict[str, float]:
    pairs = signals.items() if isinstance(signals, dict) else ()
    return {
        str(name): value
        for name, value in pairs
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }

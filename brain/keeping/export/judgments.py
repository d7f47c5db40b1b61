"""What a person said of answers (`brain feedback`) as Markdown, one file a month: the question, what was said of its
answer and why, where the right place is.

Leaves out where the file lies. Serves the export and the import.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from brain.keeping.export.blocks import Block, Marks
from brain.keeping.export.documents import MARKER
from brain.keeping.export.episodes import day_link, day_of
from brain.keeping.export.front_matter import dump
from brain.keeping.export.names import Names
from brain.keeping.export.rows import ID, Facts, said_in
from brain.reports import Judgment
from brain.store.sql import fields_of
from ingest.document import new_id
from ingest.readers.front_matter import BadFrontMatter

KIND = "feedback"
MARKS = Marks(KIND, "judgment", "why")
VERDICTS = ("good", "wrong", "missing")
_TEXTS = ("at", "verdict", "episode", "document_id", "source", "locator", "quote")


def month_of(item: Judgment) -> str:
    """The month in which it was made, or "undated", which is as long."""
    return day_of(item.at)[:7]


def render(month: str, items: Iterable[Judgment], names: Names) -> str:
    """The file of a month."""
    head = dump({MARKER: KIND, "month": month})
    body = "".join(_one(item, names) for item in items)
    return f"{head}\n# {month}\n{body}"


def _one(item: Judgment, names: Names) -> str:
    day = item.at[:10]
    clock = item.at[11:16]
    title = f"{day} {clock} · {item.verdict}"
    parts = [MARKS.render(title, fields_of(item))]
    place = names.wiki_link(item.document_id) or item.source
    if place:
        quote = ""
        if item.quote:
            quote = f": “{item.quote}”"
        shown = f"{place} {item.locator}{quote}".split()
        parts.append(f"\nThe right place: {' '.join(shown)}\n")
    asked = names.days.get(item.episode)
    if asked:
        parts.append(f"\nAsked: {day_link(asked)}\n")
    return "".join(parts)


def read(content: str) -> Iterator[Judgment]:
    """The judgments of a file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    return map(_stored, MARKS.read(content))


def _stored(block: Block) -> Judgment:
    block.check_date("feedback")
    episode = block.text("episode")
    if block.text("verdict") not in VERDICTS or not ID.fullmatch(episode):
        raise BadFrontMatter("feedback without an answer that it speaks of")
    answerable = block.facts.get("answerable")
    return Judgment(
        id=block.identity or new_id(),
        question=block.first,
        answerable=answerable if isinstance(answerable, bool) else None,
        documents=block.texts("documents"),
        why=block.second,
        signals=_numbers(block.map("signals")),
        **said_in(block.facts, _TEXTS),
    )


def _numbers(signals: Facts) -> Mapping[str, float]:
    """The finite numbers; a person may have written anything there."""
    return {
        name: value
        for name, value in signals.items()
        # A boolean is an `int` too, and no number here.
        if type(value) in (int, float) and math.isfinite(value)
    }

"""What waits in the inbox as Markdown, in one file: what each text is about, and the text.

Leaves out where the file lies. Serves the export and the import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brain.inbox import Proposal
from brain.keeping.export.blocks import Block, Marks
from brain.keeping.export.documents import MARKER
from brain.keeping.export.front_matter import dump
from brain.keeping.export.rows import said_in
from brain.store.sql import fields_of
from ingest.document import new_id
from ingest.readers.front_matter import BadFrontMatter

KIND = "inbox"
PLACE = "inbox/waiting.md"
MARKS = Marks(KIND, "proposal", "text")


def render(items: Iterable[Proposal]) -> str:
    """The file."""
    head = dump({MARKER: KIND})
    return f"{head}\n# What waits\n{''.join(map(_one, items))}"


def _one(item: Proposal) -> str:
    facts = fields_of(item)
    facts["question"] = facts.pop("about")
    return MARKS.render(f"{item.at[:16]} · {item.by}", facts)


def read(content: str) -> Iterator[Proposal]:
    """The proposals of the file, in order. Raises `BadFrontMatter` when the file is not one of ours."""
    return map(_stored, MARKS.read(content))


def _stored(block: Block) -> Proposal:
    block.check_date("a proposal")
    if not block.second.strip():
        raise BadFrontMatter("a proposal without a text")
    return Proposal(
        id=block.identity or new_id(),
        about=block.first,
        text=block.second,
        **{"by": "", **said_in(block.facts, ("at", "by", "label"))},
    )

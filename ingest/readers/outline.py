"""Blocks of text with heading levels -> sections located by paragraph: "¶12-30".

A paragraph or a table is one block and one number. Inside a block no line is blank, so that the number of any offset can
be counted from the text (`ingest.locators`). Leaves out formats. Serves the readers of word processors' files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest import locators
from ingest.document import Section

HEADING_CHARS = 300
_BLANK = re.compile(r"\n[ \t]*(?=\n)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (`level` 1-9) or a table (`atomic`)."""

    text: str
    level: int = 0
    atomic: bool = False


def sections(blocks: Iterable[Block]) -> Iterator[Section]:
    """One section per heading, tables their own; the texts joined are the document."""
    path: list[tuple[int, str]] = []
    pending: list[str] = []
    number = 0

    def flush(atomic: bool = False) -> Iterator[Section]:
        if pending:
            where = locators.of_paragraphs(number - len(pending) + 1, number)
            yield Section("".join(pending), tuple(words for _level, words in path), where, atomic)
            pending.clear()

    for block in blocks:
        text = _BLANK.sub("", block.text.strip("\n")).rstrip()
        if not text.strip():
            continue
        if block.level:
            yield from flush()
            words = " ".join(text.split())[:HEADING_CHARS]
            path = [*(entry for entry in path if entry[0] < block.level), (block.level, words)]
        if block.atomic:
            yield from flush()
        number += 1
        pending.append(text + "\n\n")
        if block.atomic:
            yield from flush(atomic=True)
    yield from flush()


def row(cells: Iterable[str]) -> str:
    """One line of a table: cells between bars, without empty ones at its end; "" for an empty row."""
    words = [" ".join(cell.split()) for cell in cells]
    while words and not words[-1]:
        words.pop()
    return " | ".join(words)

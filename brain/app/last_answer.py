"""What a number means after `ask`: the source that the last answer cites under it.

The number is looked up in the episode of the answer, so an answer that was not recorded has none. Leaves out what is
done with the source. Serves `get` and `open`.
"""

from __future__ import annotations

import re

from brain.errors import BrainError, NotFound
from brain.store import Store
from brain.types import Episode

AROUND = 5  # lines shown on each side of the line that is cited
NUMBERS = "numbers"  # under which an episode keeps the numbers of its citations

_LINE = re.compile(r"L(\d+)")
_PARAGRAPH = re.compile(r"¶(\d+)")
_PART = re.compile(r"(?:p\. |slide |ch\. |§)(\d+)")


def is_number(reference: str) -> bool:
    """Whether a reference may be the number of a citation."""
    return reference.isdecimal() and len(reference) <= 3


def cited(store: Store, reference: str) -> tuple[str, str]:
    """(document id, locator) of what the last answer cites under this number. Raises `NotFound`."""
    asked = store.episodes.last("ask")
    if asked is None:
        raise NotFound(
            f"nothing is stored under {reference!r}, and nothing was asked yet",
            "a number is a source of the last answer of `brain ask`",
        )
    wanted = reference.lstrip("0")
    numbers = _numbers(store, asked)
    for number, place in zip(numbers, asked.citations, strict=False):
        if number == wanted:
            return _found(store, place)
    count = len(set(numbers))
    sources = "1 source"
    if count != 1:
        sources = f"{count} sources"
    raise NotFound(
        f"the last answer has no source {reference}: it has {sources}",
        f"it was to: {asked.question[:60]}",
    )


def _numbers(store: Store, asked: Episode) -> list[str]:
    """The number of each citation of an answer; counted from 1 where the answer was recorded without them."""
    circumstances = store.episodes.circumstances(asked.id)
    known = circumstances.confidence.get(NUMBERS)
    if not isinstance(known, list):
        known = range(1, len(asked.citations) + 1)
    return [str(number) for number in known]


def _found(store: Store, place: str) -> tuple[str, str]:
    """A citation as it was recorded, `SOURCE:LOCATOR`; either may hold colons."""
    source = place
    while source:
        source, _, _ = source.rpartition(":")
        try:
            document_id = store.library.resolve(source)
        except BrainError:
            continue
        locator = place[len(source) + 1 :]
        return document_id, locator
    raise NotFound(f"{place} is no longer stored", "ask again")


def around(document_id: str, locator: str) -> str:
    """The reference of what stands around a place: some lines, the paragraphs beside it, the page; else all of it.

    >>> around("a1b2c3d4", "L12")
    'a1b2c3d4:7:11'
    """
    line = _LINE.match(locator)
    if line:
        middle = int(line[1])
        first = max(1, middle - AROUND)
        last = middle + AROUND
        return f"{document_id}:{first}:{last - first + 1}"
    paragraph = _PARAGRAPH.match(locator)
    if paragraph:
        middle = int(paragraph[1])
        first = max(1, middle - 1)
        return f"{document_id}:{first}:3"
    part = _PART.match(locator)
    if part:
        return f"{document_id}:{part[1]}"
    return document_id

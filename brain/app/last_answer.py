"""What a number means after `ask`: the source that the last answer cites under it.

The number is looked up in the episode of the answer, so an answer that was not recorded has none. Leaves out what is
done with the source. Serves `get` and `open`.
"""

from __future__ import annotations

import re

from brain.errors import BrainError, NotFound
from brain.store import Store

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
    known = store.episodes.circumstances(asked.id).confidence.get(NUMBERS)
    numbers = known if isinstance(known, list) else range(1, len(asked.citations) + 1)
    for number, place in zip(numbers, asked.citations, strict=False):
        if str(number) == reference.lstrip("0"):
            return _found(store, place)
    count = len(set(map(str, numbers)))
    sources = "1 source" if count == 1 else f"{count} sources"
    raise NotFound(
        f"the last answer has no source {reference}: it has {sources}",
        f"it was to: {asked.question[:60]}",
    )


def _found(store: Store, place: str) -> tuple[str, str]:
    """A citation as it was recorded, `SOURCE:LOCATOR`; either may hold colons."""
    source = place
    while source:
        source, _, _ = source.rpartition(":")
        try:
            return store.library.resolve(source), place[len(source) + 1 :]
        except BrainError:
            continue
    raise NotFound(f"{place} is no longer stored", "ask again")


def around(document_id: str, locator: str) -> str:
    """The reference of what stands around a place: some lines, the paragraphs beside it, the page; else all of it.

    >>> around("a1b2c3d4", "L12")
    'a1b2c3d4:7:11'
    """
    if line := _LINE.match(locator):
        first = max(1, int(line[1]) - AROUND)
        return f"{document_id}:{first}:{int(line[1]) + AROUND - first + 1}"
    if paragraph := _PARAGRAPH.match(locator):
        first = max(1, int(paragraph[1]) - 1)
        return f"{document_id}:{first}:3"
    if part := _PART.match(locator):
        return f"{document_id}:{part[1]}"
    return document_id

"""Who speaks: the name before a turn of a conversation, "Ana: …", "[10:32] Ana: …", "Ana (10:32): …".

Reads one sentence at a time, and the sentences behind it in the same turn. Leaves out who that person is, and the words
for which retrieval reads a speaker (`sheet`). Serves `roles` and `answering.subject`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from brain.text.sheet import Statement

SENTENCES_KEPT = 4_096  # sentences whose speaker is remembered
REPEATED = 2  # turns by which a name without a time is told from a property
MESSAGE = "message "  # the locator of a part of an exported conversation

_DATE = r"(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?"
_TIME = rf"(?:{_DATE}[T, ]{{1,2}})?{_CLOCK}"
# Handles and addresses too: beside a time nothing else stands before a colon.
_HANDLE = r"[@\w][\w.@'’+-]*(?: [\w.@'’+-]+){0,4}"
_PART = r"[A-ZÀ-ÖØ-Þ][\w.'’-]*"
_NAME = rf"{_PART}(?: (?:{_PART}|de|da|do|dos|van|von|der|den|la|le)){{0,4}}"
_BEFORE = r"(?:[-*+•>]\s+)*(?:\*\*|__)?"
_AFTER = r"(?:\*\*|__)?"
_COLON = rf"{_AFTER}\s?:{_AFTER}\s"
_TIMED = (
    re.compile(rf"{_BEFORE}\[?{_TIME}\]?{_AFTER}\s*(?:[-–]\s*)?<({_HANDLE})>\s"),
    re.compile(
        rf"{_BEFORE}\[?{_TIME}\]?{_AFTER}\s*(?:[-–]\s*)?{_BEFORE}({_HANDLE}){_COLON}"
    ),
    re.compile(rf"{_BEFORE}({_HANDLE}){_AFTER},?\s*[(\[]?{_TIME}[)\]]?{_COLON}"),
    re.compile(rf"{_BEFORE}({_HANDLE}){_AFTER}\s*[(\[]{_DATE}[)\]]{_COLON}"),
)
_UNTIMED = re.compile(rf"{_BEFORE}({_NAME}){_COLON}")
# What a log or a note writes before a colon.
_NO_SPEAKER = frozenset(
    "error warning warn info debug fatal trace critical notice note todo fixme ps nb re fw".split()
)


class Turn(NamedTuple):
    """`name`: who speaks, "" for nobody. `end`: of the name and the time in the sentence. `timed`: a time is beside."""

    name: str = ""
    end: int = 0
    timed: bool = False


NOBODY = Turn()


@lru_cache(maxsize=SENTENCES_KEPT)
def turn(sentence: str) -> Turn:
    """The turn that a sentence begins.

    >>> turn("[10:32] Ana Wu: we will repair it").name
    'Ana Wu'
    >>> turn("Ana (2026-05-07 10:32): we will repair it").end
    24
    """
    for pattern in _TIMED:
        match = pattern.match(sentence)
        if match:
            return _turn(match, timed=True)
    match = _UNTIMED.match(sentence)
    return _turn(match, timed=False) if match else NOBODY


def _turn(match: re.Match[str], *, timed: bool) -> Turn:
    name = match[1]
    if name.casefold() in _NO_SPEAKER:
        return NOBODY
    return Turn(name, match.end(), timed)


def speakers(text: str, locator: str, statements: Sequence[Statement]) -> list[str]:
    """For each sentence of a text who began the turn in which it stands; "" for the first one of a turn, which holds
    that name itself. A turn ends with its paragraph; in an exported conversation with the next turn.
    """
    begun = [turn(statement.text) for statement in statements]
    named = Counter(one.name for one in begun)
    exported = locator.startswith(MESSAGE)
    found = []
    name = ""
    end = 0
    for statement, one in zip(statements, begun, strict=True):
        start = statement.sentence.start
        if not exported and _ends_paragraph(text[end:start]):
            name = ""
        end = statement.sentence.end
        if one.name:
            found.append("")
            told = one.timed or named[one.name] >= REPEATED
            name = one.name if told else ""
        else:
            found.append(name)
    return found


def _ends_paragraph(between: str) -> bool:
    """Whether a blank line stands between two sentences."""
    _rest, *lines = between.split("\n")
    return any(not line.strip() for line in lines[:-1])

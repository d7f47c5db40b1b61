"""Dates as 6/3/2026 and 06-03-2026, of which the words do not say whether the day or the month comes first.

Day first, unless another such date beside it tells, or the caller knows (a locale). Leaves out dates with dots, which
are day first everywhere. Serves `brain.retrieval.time_window`, and whoever tells how a date was read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import NamedTuple

MONTHS = 12
_SLASHED = re.compile(
    r"(?<![\w/.-])(\d{1,2})(?:/(\d{1,2})/|-(\d{1,2})-)((?:19|20)\d{2})(?![\w/-])"
)


class _Slashed(NamedTuple):
    """A date as it is written, and its numbers in that order."""

    written: str
    first: int
    second: int
    year: int

    @classmethod
    def of(cls, match: re.Match[str]) -> _Slashed:
        first, slashed, dashed, year = match.groups()
        return cls(match[0], int(first), int(slashed or dashed), int(year))


def readings(text: str, *, month_first: bool = False) -> list[str]:
    """What to tell of dates that could be read both ways: how each was read.

    >>> readings("since 6/3/2026 or 13/3/2026")
    ['6/3/2026 is read as 6 March 2026']
    """
    told = []
    for written, day in _slashed(text, month_first):
        if day.day != day.month and day.day <= MONTHS:
            told.append(f"{written} is read as {day.day} {day:%B %Y}")
    return list(dict.fromkeys(told))


def _slashed(text: str, month_first: bool) -> list[tuple[str, date]]:
    """Dates as 6/3/2026 in a text, as written and as they are meant: 13/3 and 3/13 tell of the others as well."""
    parts = list(map(_Slashed.of, _SLASHED.finditer(text)))
    if any(part.second > MONTHS for part in parts):
        month_first = True
    elif any(part.first > MONTHS for part in parts):
        month_first = False
    found = []
    for part in parts:
        day = part.first
        month = part.second
        if month > MONTHS or (month_first and day <= MONTHS):
            day = part.second
            month = part.first
        with suppress(ValueError):
            found.append((part.written, date(part.year, month, day)))
    return found


def with_iso_dates(text: str, month_first: bool) -> tuple[str, dict[str, str]]:
    """The text with such dates in ISO 8601, and how each of those was written."""
    meant = dict(_slashed(text, month_first))
    written = {day.isoformat(): words for words, day in meant.items()}

    def iso(match: re.Match[str]) -> str:
        day = meant.get(match[0])
        if day:
            return day.isoformat()
        return match[0]

    return _SLASHED.sub(iso, text), written


def as_written(words: str, written: Mapping[str, str], text: str) -> str:
    """Words of the text with ISO 8601 dates, as they stand in the text itself."""
    for day, said in written.items():
        if words not in text:
            words = words.replace(day, said)
    return words

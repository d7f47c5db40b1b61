"""The day that the words of a date mean: ISO 8601 by hand, everything else by the dateparser library.

Leaves out finding those words and widening the day to what was meant. Serves `brain.retrieval.day_spans`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from brain.retrieval.time_forms import FORMS
from brain.types import Texts

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

# Of options; as in ingest/dates.py, each more makes a look slower.
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")


def parse(words: str, now: datetime, floor: bool) -> tuple[date, str] | None:
    """(a day in it, "day" | "week" | "month" | "year"), by hand for ISO 8601, else by dateparser."""
    if re.fullmatch(r"\d{4}(?:-\d{2}){0,2}", words):
        numbers = [int(part) for part in words.split("-")]
        period = ("year", "month", "day")[len(numbers) - 1]
        try:
            year, month, day = (*numbers, 1, 1)[:3]
            return date(year, month, day), period
        except ValueError:
            return None
    order = "DMY" if re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}", words) else "MDY"
    plain = now.replace(tzinfo=None)
    abroad = re.fullmatch(FORMS["abroad"], words, re.I)
    for languages in (LANGUAGES,) if abroad else (LANGUAGES[:1], LANGUAGES):
        try:
            found = _parser(languages, order, plain, floor).get_date_data(words)
        except (OverflowError, ValueError):
            continue
        if found.date_obj is not None:
            return found.date_obj.date(), found.period
        if re.match(FORMS["any"], words, re.I):
            return None  # it was English, and no date
    return None


@lru_cache(maxsize=8)
def _parser(languages: Texts, order: str, now: datetime, floor: bool) -> DateDataParser:
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": now,
        "PREFER_DATES_FROM": "past",
        "PREFER_DAY_OF_MONTH": "first" if floor else "current",
        "PREFER_MONTH_OF_YEAR": "first" if floor else "current",
        "RETURN_AS_TIMEZONE_AWARE": False,
        "DATE_ORDER": order,
    }
    return DateDataParser(languages=list(languages), settings=settings)

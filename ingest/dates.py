"""The date of a document from what it says of itself: never from the file's mtime, which sync tools reset.

ISO forms and their relatives are read by the standard library; written-out dates ("7 May 2026", "7. Mai 2026") by
dateparser, and only where a string looks like one. An all-numeric date that could be read both ways (03/04/2026) is no
date. Leaves out time zones of file systems, relative words ("yesterday") and ranges. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

from ingest.document import Texts
from ingest.terms import fold

FIRST_YEAR, LAST_YEAR = (
    1000,
    2999,
)  # a four-digit number outside is no year of a person's note
# without the marks between words: created_at, created-at and "date created" are written in every way
DATE_KEYS = (
    "date dated created createdat createdon datecreated creationdate published publishdate publishedat pubdate "
    "day".split()
)
# When it was last changed: the date of a note that states no other, as in Hugo (gohugo.io/configuration/front-matter)
CHANGED_KEYS = (
    "lastmod modified updated lastmodified lastmodifiedat datemodified modifiedat modifiedon dateupdated updatedat "
    "updatedon lastupdated lastupdate.date".split()
)
_KEY_MARKS = str.maketrans("", "", " _-")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_YMD = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?P<mark>[-._/]?)(?P<month>[01]\d)(?P=mark)(?P<day>[0-3]\d)(?!\d)"
)
_LOOSE_YMD = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?P<mark>[-./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)"
)
# 20260304153000 and 202603041530: how note-taking programs name a moment
_STAMP = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?P<month>[01]\d)(?P<day>[0-3]\d)[0-2]\d[0-5]\d(?:[0-5]\d)?(?!\d)"
)
_WEEK = re.compile(r"(?<!\d)([12]\d{3})-?W([0-5]\d)(?:-?([1-7]))?(?!\d)")
_CJK = re.compile(r"(?<!\d)(?P<year>[12]\d{3})年(?P<month>\d{1,2})月(?P<day>\d{1,2})日")
_YEAR_AND_MONTH = re.compile(r"([12]\d{3})(?:[-./](\d{1,2}))?")
_YM = re.compile(r"(?<!\d)([12]\d{3})[-._]([01]\d)(?![\d.-])")
_DMY = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})\2([12]\d{3})(?!\d)")
_WRITTEN = re.compile(
    r"(?<!\w)\d{1,2}(?:st|nd|rd|th|\.|er|º)?\s(?:(?:of|de|d')\s?)?[^\W\d_]{3,10}\.?,?\s(?:de\s)?[12]\d{3}(?!\d)"
    r"|(?<!\w)[^\W\d_]{3,10}\.?\s\d{1,2}(?:st|nd|rd|th)?,\s[12]\d{3}(?!\d)"
    r"|(?<!\w)[^\W\d_]{3,9}\.?\s\d{1,2}(?:st|nd|rd|th)?\s[12]\d{3}(?!\d)"
)
_MONTH_AND_YEAR = re.compile(
    r"(?<![^\W\d_])([^\W\d_]{3,10})\.?,?[\s_-](?:de\s|of\s)?((?:19|20)\d\d)(?!\d)"
)
# How the names of months begin in LANGUAGES, without accents: what begins otherwise is not looked up.
_MONTHS_BEGIN = frozenset(
    "jan feb fev mar mrt maa apr abr avr may mai mag maj mei jun jui giu jul lug aug aou ago sep set oct okt ott "
    "out nov dec dez dic gen ene".split()
)
LINE_CHARS = 200  # of a heading or first line looked at: a date is said early
# Month names known; more make each look slower.
LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl"]


def find_date(text: str) -> str | None:
    """The first full date in a short text as ISO 8601 ("2026-05-07"), or a date-time where it is ISO, or None."""
    text = text.strip()[:LINE_CHARS]
    if _ISO_TIME.match(text):
        try:
            return datetime.fromisoformat(text).isoformat()
        except ValueError:
            text = text[:10]
    for pattern in (_YMD, _STAMP, _LOOSE_YMD, _CJK):
        for match in pattern.finditer(text):
            if found := _iso(*map(int, match.group("year", "month", "day"))):
                return found
    return _week(text) or _day_first(text) or _written(text)


def date_in_name(stem: str) -> str | None:
    """The date in a file name: 2026-05-07, 20260507, 2026.05.07, or a month, 2026-05 (kept as "2026-05")."""
    if not any(map(str.isdigit, stem)):
        return None
    if found := find_date(stem):
        return found
    for year, month in _YM.findall(stem):
        if 1 <= int(month) <= 12:
            return f"{year}-{month}"
    return _named_month(stem)


def date_in_metadata(
    metadata: Mapping[str, str], keys: Sequence[str] = DATE_KEYS
) -> str | None:
    """The date under the first of the keys that holds one; a bare year or month counts here ("2026", "2026-05")."""
    known = {
        key.lower().translate(_KEY_MARKS): value for key, value in metadata.items()
    }
    for key in keys:
        value = known.get(key, "").strip()
        if found := find_date(value) or _month_or_year(value):
            return found
    return None


def _week(text: str) -> str | None:
    """The Monday of an ISO 8601 week, or the day that is named of it: 2026-W10, 2026-W10-3."""
    for year, week, day in _WEEK.findall(text):
        try:
            return date.fromisocalendar(int(year), int(week), int(day or 1)).isoformat()
        except ValueError:
            continue
    return None


def _month_or_year(value: str) -> str | None:
    match = _YEAR_AND_MONTH.fullmatch(value)
    if not match:
        return _named_month(value)
    if not match[2]:
        return match[1]
    month = int(match[2])
    if 1 <= month <= 12:
        return f"{match[1]}-{month:02}"
    return None


def _named_month(text: str) -> str | None:
    """March 2026, marzo de 2026, statement_march-2026: the month that is named with its year."""
    for month, year in _MONTH_AND_YEAR.findall(text):
        if fold(month)[:3] in _MONTHS_BEGIN:
            found = _parse_written(f"{month} {year}", ("month", "year"))
            if found:
                return found[:7]
    return None


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    if FIRST_YEAR <= found.year <= LAST_YEAR:
        return found.isoformat()
    return None


def _day_first(text: str) -> str | None:
    """31.12.2026, or 13/04/2026: a dotted date is day first, a slashed one only when no other reading exists."""
    for first, mark, second, year in _DMY.findall(text):
        a = int(first)
        b = int(second)
        if mark == "." or a > 12 or a == b:
            found = _iso(int(year), month=b, day=a)
        elif mark == "/" and b > 12:
            found = _iso(int(year), month=a, day=b)
        else:
            continue
        if found:
            return found
    return None


def _written(text: str) -> str | None:
    match = _WRITTEN.search(text)
    if not match:
        return None
    return _parse_written(match[0])


@lru_cache(maxsize=1024)
def _parse_written(text: str, parts: Texts = ("day", "month", "year")) -> str | None:
    import warnings

    with warnings.catch_warnings():
        # dateparser warns about its own use of the standard library.
        warnings.simplefilter("ignore")
        import dateparser

        found = dateparser.parse(
            text.replace("º", ""),
            languages=LANGUAGES,
            settings={"REQUIRE_PARTS": list(parts), "PREFER_DAY_OF_MONTH": "first"},
        )
    if not found:
        return None
    return _iso(found.year, found.month, found.day)

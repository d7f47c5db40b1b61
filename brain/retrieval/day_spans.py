"""The days that the words of a time mean: a day, a week, a part of a month, a quarter, a year.

A few forms are read here, the dateparser library says which day everything else is, and the calendar widens it to the
week, month or year that was meant. Relative to `now`, never to the clock. Leaves out finding such words in a text.
Serves `brain.retrieval.time_window`.
"""

from __future__ import annotations

import calendar
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import NamedTuple

from brain.retrieval.parsed_dates import parse
from brain.retrieval.slashed_dates import MONTHS
from brain.retrieval.time_forms import FORMS

AROUND_DAYS = (
    3  # "two weeks ago" means that week more or less: so many days on either side
)
WEEK_DAYS = 7
_PART = re.compile(
    rf"(?P<which>\w+)\s+(?P<week>week\s+)?(?:of|in)\s+(?:the\s+)?(?P<month>{FORMS['month']}.*)",
    re.I,
)
_SOME_OF_MONTH = re.compile(
    rf"(?P<which>first|last)\s+(?P<count>{FORMS['count']})\s+(?P<unit>day|week)s{FORMS['of']}(?P<month>.*)",
    re.I,
)
_WEEK = re.compile(
    r"(?P<a>\d{4})-w(?P<b>\d{2})|week\s+(?P<n>\d{1,2})\D*(?P<y>\d{4})?", re.I
)
_QUARTER = re.compile(
    r"(?:q(?P<n>[1-4])|(?P<which>\w+)\s+quarter)\D*(?P<year>\d{4})|(?P<y>\d{4})\D?q(?P<q>[1-4])",
    re.I,
)
_SPREAD = re.compile(
    rf"(?P<before>\D*?)(?P<a>\d+)[a-z]*{FORMS['to']}(?P<b>\d+)[a-z]*\b(?P<behind>.*)",
    re.I,
)
_ORDINAL = re.compile(
    r"^(?P<day>\d{1,2}|first|second|third|fourth)(?:st|nd|rd|th)?\s+of\s+(?=[^\W\d])",
    re.I,
)
# "Sunday, March the 1st": the date says it all.
_WEEKDAY = re.compile(rf"^(?:{FORMS['weekdays']}),?\s+(?:the\s+)?(?=\w)", re.I)
_THE = re.compile(r"(?<=[a-z.]) the (?=\d)", re.I)
_MODIFIED = re.compile(r"(?P<modifier>last|this|previous|past) (?P<rest>.+)", re.I)
_UNIT = re.compile("week|month|year", re.I)
_NUMBERED = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
# Days of a month, first and last; counted from its end where they are below one.
_PARTS = {"beginning": (1, 10), "start": (1, 10), "middle": (11, 20), "end": (-9, 0)}
_SPELT = "one two three four five six seven eight nine ten eleven twelve".split()
_COUNT_WORDS = (
    (re.compile(r"^(?:an?|one)\s+(?=day|week|month|year)", re.I), "1 "),
    (re.compile(r"^(?:a\s+)?couple\s+of\s+", re.I), "2 "),
    (re.compile(r"^(?:a\s+)?few\s+", re.I), "3 "),
)


class Days(NamedTuple):
    """From one day to another, both included."""

    first: date
    last: date

    @property
    def since(self) -> str:
        """The first, ISO 8601."""
        return self.first.isoformat()

    @property
    def until(self) -> str:
        """The last, ISO 8601."""
        return self.last.isoformat()


def span(words: str, now: datetime, *, exact: bool, floor: bool = True) -> Days | None:
    """The days that the words mean. `exact`: "two weeks ago" is that day, not about that week. `floor`: "two months
    ago" is that month, not that day of it.
    """
    words = " ".join(words.split())
    for read in (_part_of_month, _numbered_week, _quarter, _spread, _some_of_month):
        found = read(words, now)
        if found:
            return found
    if re.fullmatch(FORMS["ordinal"], words, re.I):
        nth = last_nth(words, now.date())
        return Days(nth, nth) if nth else None
    return _parsed(_counted(_plain_date(words)), now, exact, floor)


def last_nth(words: str, today: date) -> date | None:
    """The last day of that number, up to today.

    >>> last_nth("31st", date(2026, 5, 20))
    datetime.date(2026, 3, 31)
    """
    number = int(re.sub(r"\D", "", words))
    year = today.year
    month = today.month
    for _month in range(MONTHS):
        with suppress(ValueError):
            found = date(year, month, number)
            if found <= today:
                return found
        month -= 1
        if month == 0:
            year -= 1
            month = MONTHS
    return None


def _parsed(words: str, now: datetime, exact: bool, floor: bool) -> Days | None:
    """The days of words that dateparser reads."""
    ago = words.lower().endswith(" ago")
    words, modifier = _without_modifier(words)
    found = parse(words, now, floor)
    if found is None:
        return None
    day, period = found
    try:
        if period == "week":
            return _week(day, ago, exact)
        days = _period(day, period if floor else "day")
        is_last_month = modifier == "last" and period == "month"
        if is_last_month and days.last >= now.date():
            # "last May", said in May
            year_before = day.replace(year=day.year - 1, day=1)
            return _period(year_before, "month")
        return days
    except (OverflowError, ValueError):
        return None


def _without_modifier(words: str) -> tuple[str, str]:
    """(the words as dateparser reads them, "last" or another such word before the name of a day or month).

    >>> _without_modifier("last May"), _without_modifier("past week")
    (('May', 'last'), ('last week', ''))
    """
    modified = _MODIFIED.fullmatch(words)
    if modified is None:
        return words, ""
    modifier = modified["modifier"].lower()
    rest = modified["rest"]
    if not _UNIT.fullmatch(rest):
        return rest, modifier
    if modifier in ("previous", "past"):
        words = f"last {rest}"
    return words, ""


def _part_of_month(words: str, now: datetime) -> Days | None:
    """The first week of March is its first seven days; the end of it the last ten."""
    match = _PART.fullmatch(words)
    if match is None:
        return None
    month = span(match["month"], now, exact=True)
    if month is None:
        return None
    which = match["which"].lower()
    if match["week"]:
        last = WEEK_DAYS * _NUMBERED.get(which, 0)
        first = last - WEEK_DAYS + 1
    elif which in _PARTS:
        first, last = _PARTS[which]
    else:  # the third of March is a day
        return None
    length = month.last.day
    if first <= 0:
        first += length
    if last <= 0:
        last += length
    begin = month.first.replace(day=first)
    return Days(begin, begin.replace(day=last))


def _some_of_month(words: str, now: datetime) -> Days | None:
    """The first three days of March, its last two weeks."""
    match = _SOME_OF_MONTH.fullmatch(words)
    if match is None:
        return None
    month = span(match["month"], now, exact=True)
    if month is None:
        return None
    count = _number(match["count"])
    if match["unit"].lower() == "week":
        count *= WEEK_DAYS
    count = min(count, month.last.day)
    if not count:
        return None
    if match["which"].lower() == "first":
        return _from(month.first, count)
    begin = month.last - timedelta(days=count - 1)
    return _from(begin, count)


def _from(first: date, count: int) -> Days:
    return Days(first, first + timedelta(days=count - 1))


def _counted(words: str) -> str:
    """Words with a figure where they begin with a word for one: "a few days ago"."""
    for pattern, number in _COUNT_WORDS:
        words = pattern.sub(number, words)
    return words


def _number(words: str) -> int:
    """
    >>> _number("three"), _number("a couple of"), _number("10")
    (3, 2, 10)
    """
    text = _counted(f"{words.lower()} ").strip()
    if text in _SPELT:
        return _SPELT.index(text) + 1
    if not text.isdigit():
        return 1
    return int(text)


def _spread(words: str, now: datetime) -> Days | None:
    """2 to 4 March, March 2-4: the days from one to the other of one month."""
    if not re.fullmatch(FORMS["spread"], words, re.I):
        return None
    match = _SPREAD.fullmatch(words)
    if match is None:
        return None
    last_day = match["before"] + match["b"] + match["behind"]
    last = span(last_day, now, exact=True)
    first = int(match["a"])
    if last is None or first > int(match["b"]):
        return None
    return Days(last.first.replace(day=first), last.last)


def _plain_date(words: str) -> str:
    """
    >>> _plain_date("Sunday, the 3rd of March 2026")
    '3 March 2026'
    """
    if re.fullmatch(FORMS["date"], words, re.I):
        words = _THE.sub(" ", _WEEKDAY.sub("", words))
    ordinal = _ORDINAL.match(words)
    if ordinal is None:
        return words
    day = _NUMBERED.get(ordinal["day"].lower(), ordinal["day"])
    month = words[ordinal.end() :]
    return f"{day} {month}"


def _numbered_week(words: str, now: datetime) -> Days | None:
    """ISO 8601 weeks: 2026-W10, week 10 of 2026, week 10."""
    match = _WEEK.fullmatch(words)
    if match is None:
        return None
    year = match["a"] or match["y"]
    number = int(match["b"] or match["n"])
    try:
        monday = date.fromisocalendar(int(year or now.year), number, 1)
        if not year and monday > now.date():
            monday = date.fromisocalendar(now.year - 1, number, 1)
    except ValueError:
        return None
    return _from(monday, WEEK_DAYS)


def _quarter(words: str, _now: datetime) -> Days | None:
    match = _QUARTER.fullmatch(words)
    if match is None:
        return None
    number = int(match["n"] or match["q"] or 0)
    if not number:
        number = _NUMBERED.get(match["which"].lower(), 4)
    year = int(match["year"] or match["y"])
    if not year:
        return None
    last = 3 * number
    last_month = _period(date(year, last, 1), "month")
    return Days(date(year, last - 2, 1), last_month.last)


def _week(day: date, ago: bool, exact: bool) -> Days:
    if not ago:
        monday = day - timedelta(days=day.weekday())
        return _from(monday, WEEK_DAYS)
    around = timedelta(days=0 if exact else AROUND_DAYS)
    return Days(day - around, day + around)


def _period(day: date, period: str) -> Days:
    if period == "year":
        return Days(date(day.year, 1, 1), date(day.year, MONTHS, 31))
    if period == "month":
        _, length = calendar.monthrange(day.year, day.month)
        return Days(day.replace(day=1), day.replace(day=length))
    return Days(day, day)

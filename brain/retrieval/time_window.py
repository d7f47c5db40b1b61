"""Time expressions as windows of days: "in May", "two weeks ago", "since last Friday", `--since 2026-05`.

A small grammar finds what is certainly a time, the dateparser library says which day it is, and the calendar widens it
to the week, month or year that was meant. Leaves out hours, seasons and events ("before the launch"): what is not
surely a time restricts nothing, since a wrong filter hides the answer. English in free text, and days and months as its
neighbours write them ("6. März", "6 mars 2026"); six languages more in `since_of` and `until_of`. Relative to `now`,
never to the clock; nothing is downloaded. Serves every verb and every option that takes a time.
"""

from __future__ import annotations

import calendar
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from brain.errors import UsageError
from brain.retrieval.parsed_dates import parse
from brain.retrieval.slashed_dates import MONTHS, as_written, with_iso_dates
from brain.retrieval.time_forms import FORMS

QUESTION_CHARACTERS = 8_000  # of a question that are read; the rest is a pasted text
AROUND_DAYS = (
    3  # "two weeks ago" means that week more or less: so many days on either side
)

# Every form of a time has one of these in it, "day" also as a part of Monday and yesterday: most questions have none.
_TIME_SIGN = re.compile(
    r"\d|day|ago|last|this|previous|past|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    re.I,
)
_PART = re.compile(
    rf"(?P<which>\w+)\s+(?P<week>week\s+)?(?:of|in)\s+(?:the\s+)?(?P<month>{FORMS['month']}.*)",
    re.I,
)
_SOME_OF_MONTH = re.compile(
    rf"(?P<which>first|last)\s+(?P<count>{FORMS['count']})\s+(?P<unit>day|week)s{FORMS['of']}(?P<month>.*)",
    re.I,
)
_ROLLING = re.compile(
    rf"(?:last|past|previous)\s+(?P<units>{FORMS['count']}\s+{FORMS['unit']})", re.I
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
_NOT_A_YEAR = re.compile(  # "in 2000 words"
    r"\s+(?:words?|tokens?|char\w*|bytes?|lines?|pages?|people|files?|notes?|items?|hours?|days?|"
    r"minutes?|seconds?|euros?|dollars?|"
    r"steps?|rows?|chunks?|times|k?m|k?g|[kmg]b|%)\b",
    re.I,
)
_NAMES = frozenset(
    {"april", "may", "june", "august"}
)  # "a mail from May" may be from a person
_VERBS = ("may", "march")
_SPELT = "one two three four five six seven eight nine ten eleven twelve".split()
_COUNT_WORDS = (
    (r"^(?:an?|one)\s+(?=day|week|month|year)", "1 "),
    (r"^(?:a\s+)?couple\s+of\s+", "2 "),
    (r"^(?:a\s+)?few\s+", "3 "),
)


@cache
def _form(name: str) -> re.Pattern[str]:
    """The pattern of a form, compiled at the first use: that takes as long as a search by words."""
    return re.compile(FORMS[name], re.I)


class Window(NamedTuple):
    """Days, inclusive, as ISO 8601 dates; "" is open. `words` is the part of the question that said so, so that it need
    not be looked for in the texts as well.
    """

    since: str
    until: str
    words: str = ""


class _Days(NamedTuple):
    first: date
    last: date


def window_of(text: str, now: datetime, *, month_first: bool = False) -> Window | None:
    """The window that a question names, or None when it surely names none or only a time to come. `month_first`: how
    6/3/2026 is read where nothing in the question tells.

    >>> window_of("what did we decide about pricing in May", datetime(2026, 5, 20))
    Window(since='2026-05-01', until='2026-05-31', words='in May')
    """
    asked = text[:QUESTION_CHARACTERS]
    if not _TIME_SIGN.search(asked):
        return None
    text, written = with_iso_dates(asked, month_first)
    window = _range(text, now)
    # "the first week in March" is more than "in March"
    for form in ("parts", "led", "alone"):
        window = window or _found(_form(form), text, now)
    window = window or _on_the_nth(text, now)
    if window is None or window.since > now.date().isoformat():
        return None
    if window.until and window.since > window.until:
        return None
    return window._replace(words=as_written(window.words, written, asked))


def since_of(
    text: str, now: datetime, *, month_first: bool = False, option: str = "since"
) -> str:
    """The first day that `--since TEXT` lets through, ISO 8601. Raises `UsageError`, which names the `option`."""
    return _whole(text, now, option, month_first).first.isoformat()


def until_of(text: str, now: datetime, *, month_first: bool = False) -> str:
    """The last day that `--until TEXT` lets through: `2026-05` is the end of May. Raises `UsageError`."""
    return _whole(text, now, "until", month_first).last.isoformat()


def _whole(text: str, now: datetime, option: str, month_first: bool) -> _Days:
    asked, _written = with_iso_dates(text.strip()[:QUESTION_CHARACTERS], month_first)
    plain = re.sub(r"^(?:on|in|the)\s+", "", asked, flags=re.I)
    rolling = _ROLLING.fullmatch(plain)
    span = None
    if rolling:
        window = _rolling(rolling["units"], now)
        first = window and date.fromisoformat(window.since)
        span = _Days(first, now.date()) if first else None
    elif plain:
        span = _span(plain, now, exact=True)
    if span is None:
        hint = "say a day, a month or a year: 2026-05-07, 2026-05, last friday"
        raise UsageError(f"--{option} {text!r} is no time that I know", hint)
    return span


def _range(text: str, now: datetime) -> Window | None:
    for match in _form("range").finditer(text):
        begin, end = filter(None, match.groups())
        if begin[0].isupper() and end in _VERBS:
            continue  # "in April, and may I see them"
        last = _span(end, now, exact=True)
        if last is None:
            continue
        # "between March and May 2025": the March before that May
        before_end = datetime.combine(last.last, now.time())
        first = _span(begin, before_end, exact=True)
        if first is not None:
            return Window(first.first.isoformat(), last.last.isoformat(), match[0])
    return None


def _found(pattern: re.Pattern[str], text: str, now: datetime) -> Window | None:
    """The first match that is surely a time: the last so many days, or the time behind its lead."""
    for match in pattern.finditer(text):
        lead = (match["lead"] or "").lower()
        at = match["at"]
        if at:
            no_time = _is_other(text, match, lead) if lead else _is_verb(text, match)
            window = None if no_time else _directed(lead, at, now)
        else:
            window = _rolling(match["rolling"] or f"1 {match['one']}", now)
        if window is not None:
            return window._replace(words=match[0])
    return None


def _is_other(text: str, match: re.Match[str], lead: str) -> bool:
    """Whether what follows the preposition is a person, an amount or a place in a list, not a time."""
    words = match["at"].lower()
    if re.fullmatch(FORMS["year"], words):
        return lead == "on" or bool(_NOT_A_YEAR.match(text, match.end()))
    if re.fullmatch(FORMS["weekdays"], words):
        return lead in ("in", "during")
    return (lead == "from" and words in _NAMES) or (
        lead == "on" and bool(re.fullmatch(FORMS["month"], words, re.I))
    )


def _is_verb(text: str, match: re.Match[str]) -> bool:
    """Whether "may 5 people come" or "this may be" is meant: without a year, a capital inside a sentence is needed."""
    words = match["at"]
    if re.fullmatch(r"this\s+(?:may|march)", words, re.I):
        return words.split()[1].islower()
    if not words.lower().startswith(_VERBS) or re.search(FORMS["year"], words):
        return False
    return words[0].islower() or not text[: match.start()].rstrip().rstrip(".?!")


def _on_the_nth(text: str, now: datetime) -> Window | None:
    """On the 6th, from the 2nd to the 4th: of this month, or of the last one that had that day."""
    for match in _form("nth_day").finditer(text):
        if match["one"]:
            last = _last_nth(match["two"], now.date())
            first = last and _last_nth(match["one"], last)
            if first and last:
                return Window(first.isoformat(), last.isoformat(), match[0])
            continue
        day = _last_nth(match["day"], now.date())
        window = day and _towards(match["lead"].lower(), _Days(day, day))
        if window:
            return window._replace(words=match[0])
    return None


def _last_nth(words: str, today: date) -> date | None:
    """
    >>> _last_nth("31st", date(2026, 5, 20))
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
        year, month = (year, month - 1) if month > 1 else (year - 1, MONTHS)
    return None


def _directed(lead: str, words: str, now: datetime) -> Window | None:
    span = _span(words, now, exact=lead not in ("", "in", "during", "on", "from"))
    return _towards(lead, span) if span else None


def _towards(lead: str, span: _Days) -> Window | None:
    """The days that a word before them means: since, after, before, until, or those days."""
    day = timedelta(days=1)
    try:
        if lead == "since":
            return Window(span.first.isoformat(), "")
        if lead == "after":
            return Window((span.last + day).isoformat(), "")
        if lead == "before":
            return Window("", (span.first - day).isoformat())
    except OverflowError:  # before the year 1, after the year 9999
        return None
    until = span.last.isoformat()
    return Window("" if lead in ("until", "till") else span.first.isoformat(), until)


def _rolling(words: str, now: datetime) -> Window | None:
    """The last N units up to today."""
    span = _span(f"{words} ago", now, exact=True, floor=False)
    if not span:
        return None
    return Window(span.first.isoformat(), now.date().isoformat())


def _span(
    words: str, now: datetime, *, exact: bool, floor: bool = True
) -> _Days | None:
    """The days that the words mean. `exact`: "two weeks ago" is that day, not about that week. `floor`: "two months
    ago" is that month, not that day of it.
    """
    words = " ".join(words.split())
    part = _part_of_month(words, now) or _numbered_week(words, now) or _quarter(words)
    part = part or _spread(words, now) or _some_of_month(words, now)
    if part:
        return part
    if re.fullmatch(FORMS["ordinal"], words, re.I):
        nth = _last_nth(words, now.date())
        return _Days(nth, nth) if nth else None
    words = _plain_date(words)
    for pattern, number in _COUNT_WORDS:
        words = re.sub(pattern, number, words, flags=re.I)
    modifier, _, rest = words.partition(" ")
    modifier = modifier.lower() if rest else ""
    modified = modifier in ("last", "this", "previous", "past")
    named = modified and not re.fullmatch("week|month|year", rest, re.I)
    ago = words.lower().endswith(" ago")
    if named:
        words = rest
    elif modifier in ("previous", "past"):
        words = f"last {rest}"
    found = parse(words, now, floor)
    if found is None:
        return None
    day, period = found
    try:
        if period == "week":
            return _week(day, ago, exact)
        span = _period(day, period if floor else "day")
        # "last May", said in May
        if (
            named
            and modifier == "last"
            and period == "month"
            and span.last >= now.date()
        ):
            return _period(day.replace(year=day.year - 1, day=1), "month")
        return span
    except (OverflowError, ValueError):
        return None


def _part_of_month(words: str, now: datetime) -> _Days | None:
    """The first week of March is its first seven days; the end of it the last ten."""
    match = _PART.fullmatch(words)
    month = _span(match["month"], now, exact=True) if match else None
    if match is None or month is None:
        return None
    which = match["which"].lower()
    if match["week"]:
        number = _NUMBERED.get(which, 0)
        first, last = (7 * number - 6, 7 * number) if number else (-6, 0)
    elif which in _PARTS:
        first, last = _PARTS[which]
    else:  # the third of March is a day
        return None
    days = month.last.day
    return _Days(
        month.first.replace(day=first if first > 0 else days + first),
        month.first.replace(day=last if last > 0 else days + last),
    )


def _some_of_month(words: str, now: datetime) -> _Days | None:
    """The first three days of March, its last two weeks."""
    match = _SOME_OF_MONTH.fullmatch(words)
    month = _span(match["month"], now, exact=True) if match else None
    if match is None or month is None:
        return None
    days = _number(match["count"])
    if match["unit"].lower() == "week":
        days *= 7
    days = min(days, month.last.day)
    if not days:
        return None
    more = timedelta(days=days - 1)
    if match["which"].lower() == "first":
        return _Days(month.first, month.first + more)
    return _Days(month.last - more, month.last)


def _number(words: str) -> int:
    """
    >>> _number("three"), _number("a couple of"), _number("10")
    (3, 2, 10)
    """
    text = f"{words.lower()} "
    for pattern, number in _COUNT_WORDS:
        text = re.sub(pattern, number, text.replace("  ", " "))
    text = text.strip()
    if text in _SPELT:
        return _SPELT.index(text) + 1
    if not text.isdigit():
        return 1
    return int(text)


def _spread(words: str, now: datetime) -> _Days | None:
    """2 to 4 March, March 2-4: the days from one to the other of one month."""
    if not re.fullmatch(FORMS["spread"], words, re.I):
        return None
    match = _SPREAD.fullmatch(words)
    if match is None:
        return None
    last = _span(f"{match['before']}{match['b']}{match['behind']}", now, exact=True)
    first = int(match["a"])
    number = int(match["b"])
    if last is None or first > number:
        return None
    return _Days(last.first.replace(day=first), last.last)


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
    return f"{day} {words[ordinal.end() :]}"


def _numbered_week(words: str, now: datetime) -> _Days | None:
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
    return _Days(monday, monday + timedelta(days=6))


def _quarter(words: str) -> _Days | None:
    match = _QUARTER.fullmatch(words)
    if match is None:
        return None
    number = int(match["n"] or match["q"] or 0)
    if not number:
        number = _NUMBERED.get(match["which"].lower(), 4)
    year = int(match["year"] or match["y"])
    last = 3 * number
    _, days = calendar.monthrange(year, last)
    return _Days(date(year, last - 2, 1), date(year, last, days))


def _week(day: date, ago: bool, exact: bool) -> _Days:
    if not ago:
        monday = day - timedelta(days=day.weekday())
        return _Days(monday, monday + timedelta(days=6))
    around = timedelta(days=0 if exact else AROUND_DAYS)
    return _Days(day - around, day + around)


def _period(day: date, period: str) -> _Days:
    if period == "year":
        return _Days(date(day.year, 1, 1), date(day.year, 12, 31))
    if period == "month":
        _, days = calendar.monthrange(day.year, day.month)
        return _Days(day.replace(day=1), day.replace(day=days))
    return _Days(day, day)

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
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from brain.errors import UsageError
from brain.text.grammar import grammar
from ingest.words import MONTH_NAMES, SHORT_MONTHS

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

QUESTION_CHARACTERS = 8_000  # of a question that are read; the rest is a pasted text
# Of options; as in ingest/dates.py, each more makes a look slower.
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
AROUND_DAYS = (
    3  # "two weeks ago" means that week more or less: so many days on either side
)

# `sure`: a time whatever stands before it; "the last year of the lease" is none. `bare`: only behind a word that says
# so, since may, march and 2000 are words of their own.
# Months as the other languages write them, where English writes them otherwise.
_ABROAD = (
    "januar|jänner|februar|märz|mai|juni|juli|oktober|dezember",
    "janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre",
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre",
    "gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre",
    "janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro",
    "januari|februari|maart|mei|augustus",
)
_FORMS = grammar(
    r"""
weekdays = monday|tuesday|wednesday|thursday|friday|saturday|sunday
count = (?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve
    |a\s+couple\s+of|a\s+few|couple\s+of|few)
unit = (?:days?|weeks?|months?|years?)
day = (?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?!\d)
year = (?:19|20)\d{2}(?![\d-])
month = (?:(?:%(months)s)\b|(?:%(short)s)\b\.?)
year_abroad = \s+(?:de\s+)?%(year)s
abroad = (?:(?<![\w.])%(day)s\.?\s+(?:de\s+)?(?:%(months_abroad)s)\b(?:%(year_abroad)s)?
    |\b(?:%(months_abroad)s)%(year_abroad)s)
to = (?:\s*[-–]\s*|\s+(?:to|and|until|till|through)\s+(?:the\s+)?)
spread = (?<![\w.-])%(day)s%(to)s%(day)s\s+(?:of\s+)?%(month)s(?:,?\s+%(year)s)?
    |%(month)s\s+(?:the\s+)?%(day)s%(to)s%(day)s(?![\w:])(?:,?\s+%(year)s)?
date = (?:(?:%(weekdays)s),?\s+(?:the\s+)?)?(?:
    (?:%(day)s\s+(?:of\s+)?|(?:first|second|third|fourth)\s+of\s+)%(month)s(?:,?\s+%(year)s)?
    |%(month)s\s+(?:the\s+)?%(day)s(?:,?\s+%(year)s)?)
rolling = (?:(?:the\s+)?(?:last|past|previous)\s+(?P<rolling>%(count)s\s+%(unit)s)\b
    |the\s+(?:last|past)\s+(?P<one>day|week|month|year)\b(?!\s+of\b))
of = \s+(?:of|in)\s+(?:the\s+)?
nth = first|second|third|fourth|last|1st|2nd|3rd|4th
part = (?:%(nth)s)\s+week%(of)s%(month)s(?:,?\s+%(year)s)?
    |(?:beginning|start|middle|end)%(of)s%(month)s(?:,?\s+%(year)s)?
week = (?<![\w-])\d{4}-W\d{2}(?![\w-])|week\s+\d{1,2}(?:(?:%(of)s|\s+)%(year)s|(?!\d|\s+of\b))
quarter = (?:(?:%(nth)s)\s+quarter|q[1-4])(?:(?:%(of)s|,?\s+)%(year)s)
sure = (?<![\w-])\d{4}-\d{2}(?:-\d{2})?(?![\w-])
    |%(part)s
    |%(week)s
    |%(quarter)s
    |(?<![\w.])\d{1,2}\.\d{1,2}\.\d{4}(?![\w])
    |%(spread)s
    |%(date)s
    |%(abroad)s
    |%(month)s,?\s+(?:of\s+)?%(year)s
    |%(count)s\s+%(unit)s\s+ago
    |(?:the\s+)?day\s+before\s+yesterday|yesterday|today
    |last\s+(?:%(weekdays)s)\b
    |(?:last|this|previous|past)\s+(?:week|month|year|%(months)s)\b(?!\s+of\b)
bare = (?:%(month)s|%(year)s|(?:%(weekdays)s)\b)
any = (?:%(sure)s|%(bare)s)
range = \b(?:between\s+(?P<a>%(any)s)\s+and\s+(?P<b>%(any)s)
    |from\s+(?P<c>%(any)s)\s+(?:to|until|till|through)\s+(?P<d>%(any)s))
leads = since|after|before|until|till|in|during|on|from
lead = (?<!day )(?P<lead>%(leads)s)\s+(?:the\s+)?(?:early\s+|late\s+|mid[\s-])?
led = \b%(lead)s(?:%(rolling)s|(?P<at>%(any)s))
alone = \b(?P<lead>)(?:%(rolling)s|(?P<at>%(sure)s))
""",
    months="|".join(MONTH_NAMES),
    short="|".join(SHORT_MONTHS),
    months_abroad="|".join(_ABROAD),
)
_RANGE, _LED, _ALONE = (
    re.compile(_FORMS[name], re.I) for name in ("range", "led", "alone")
)
_PART = re.compile(
    rf"(?P<which>\w+)\s+(?P<week>week\s+)?(?:of|in)\s+(?:the\s+)?(?P<month>{_FORMS['month']}.*)",
    re.I,
)
_WEEK = re.compile(
    r"(?P<a>\d{4})-w(?P<b>\d{2})|week\s+(?P<n>\d{1,2})\D*(?P<y>\d{4})?", re.I
)
_QUARTER = re.compile(
    r"(?:q(?P<n>[1-4])|(?P<which>\w+)\s+quarter)\D*(?P<year>\d{4})", re.I
)
_SPREAD = re.compile(
    rf"(?P<before>\D*?)(?P<a>\d+)[a-z]*{_FORMS['to']}(?P<b>\d+)[a-z]*\b(?P<behind>.*)",
    re.I,
)
_ORDINAL = re.compile(
    r"^(?P<day>\d{1,2}|first|second|third|fourth)(?:st|nd|rd|th)?\s+of\s+(?=[^\W\d])",
    re.I,
)
# "Sunday, March the 1st": the date says it all.
_WEEKDAY = re.compile(rf"^(?:{_FORMS['weekdays']}),?\s+(?:the\s+)?(?=\w)", re.I)
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
_COUNT_WORDS = (
    (r"^(?:an?|one)\s+(?=day|week|month|year)", "1 "),
    (r"^(?:a\s+)?couple\s+of\s+", "2 "),
    (r"^(?:a\s+)?few\s+", "3 "),
)


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


def window_of(text: str, now: datetime) -> Window | None:
    """The window that a question names, or None when it surely names none or only a time to come.

    >>> window_of("what did we decide about pricing in May", datetime(2026, 5, 20))
    Window(since='2026-05-01', until='2026-05-31', words='in May')
    """
    text = text[:QUESTION_CHARACTERS]
    window = _range(text, now) or _found(_LED, text, now) or _found(_ALONE, text, now)
    if window is None or window.since > now.date().isoformat():
        return None
    in_order = not window.until or window.since <= window.until
    return window if in_order else None


def since_of(text: str, now: datetime) -> str:
    """The first day that `--since TEXT` lets through, ISO 8601. Raises `UsageError`."""
    return _whole(text, now, "since").first.isoformat()


def until_of(text: str, now: datetime) -> str:
    """The last day that `--until TEXT` lets through: `2026-05` is the end of May. Raises `UsageError`."""
    return _whole(text, now, "until").last.isoformat()


def _whole(text: str, now: datetime, option: str) -> _Days:
    plain = re.sub(
        r"^(?:on|in|the)\s+", "", text.strip()[:QUESTION_CHARACTERS], flags=re.I
    )
    span = _span(plain, now, exact=True) if plain else None
    if span is None:
        hint = "say a day, a month or a year: 2026-05-07, 2026-05, last friday"
        raise UsageError(f"--{option} {text!r} is no time that I know", hint)
    return span


def _range(text: str, now: datetime) -> Window | None:
    for match in _RANGE.finditer(text):
        last = _span(match["b"] or match["d"], now, exact=True)
        if last is None:
            continue
        # "between March and May 2025": the March before that May
        before_end = datetime.combine(last.last, now.time())
        first = _span(match["a"] or match["c"], before_end, exact=True)
        if first is not None:
            return Window(first.first.isoformat(), last.last.isoformat(), match[0])
    return None


def _found(pattern: re.Pattern[str], text: str, now: datetime) -> Window | None:
    """The first match that is surely a time: the last so many days, or the time behind its lead."""
    for match in pattern.finditer(text):
        lead, at = match["lead"].lower(), match["at"]
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
    if re.fullmatch(_FORMS["year"], words):
        return lead == "on" or bool(_NOT_A_YEAR.match(text, match.end()))
    if re.fullmatch(_FORMS["weekdays"], words):
        return lead in ("in", "during")
    return (lead == "from" and words in _NAMES) or (
        lead == "on" and bool(re.fullmatch(_FORMS["month"], words, re.I))
    )


def _is_verb(text: str, match: re.Match[str]) -> bool:
    """Whether "may 5 people come" or "this may be" is meant: without a year, a capital inside a sentence is needed."""
    words = match["at"]
    if re.fullmatch(r"this\s+(?:may|march)", words, re.I):
        return words.split()[1].islower()
    if not words.lower().startswith(_VERBS) or re.search(_FORMS["year"], words):
        return False
    return words[0].islower() or not text[: match.start()].rstrip().rstrip(".?!")


def _directed(lead: str, words: str, now: datetime) -> Window | None:
    span = _span(words, now, exact=lead not in ("", "in", "during", "on", "from"))
    if span is None:
        return None
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
    return Window(span.first.isoformat(), now.date().isoformat()) if span else None


def _span(
    words: str, now: datetime, *, exact: bool, floor: bool = True
) -> _Days | None:
    """The days that the words mean. `exact`: "two weeks ago" is that day, not about that week. `floor`: "two months
    ago" is that month, not that day of it.
    """
    words = " ".join(words.split())
    part = _part_of_month(words, now) or _numbered_week(words, now) or _quarter(words)
    part = part or _spread(words, now)
    if part:
        return part
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
    found = _parse(words, now, floor)
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


def _spread(words: str, now: datetime) -> _Days | None:
    """2 to 4 March, March 2-4: the days from one to the other of one month."""
    if not re.fullmatch(_FORMS["spread"], words, re.I):
        return None
    match = _SPREAD.fullmatch(words)
    if match is None:
        return None
    last = _span(f"{match['before']}{match['b']}{match['behind']}", now, exact=True)
    first, number = int(match["a"]), int(match["b"])
    if last is None or first > number:
        return None
    return _Days(last.first.replace(day=first), last.last)


def _plain_date(words: str) -> str:
    """
    >>> _plain_date("Sunday, the 3rd of March 2026")
    '3 March 2026'
    """
    if re.fullmatch(_FORMS["date"], words, re.I):
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
    year, number = match["a"] or match["y"], int(match["b"] or match["n"])
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
    number = int(match["n"] or 0) or _NUMBERED.get(match["which"].lower(), 4)
    year = int(match["year"])
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


def _parse(words: str, now: datetime, floor: bool) -> tuple[date, str] | None:
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
    abroad = re.fullmatch(_FORMS["abroad"], words, re.I)
    for languages in (LANGUAGES,) if abroad else (LANGUAGES[:1], LANGUAGES):
        try:
            found = _parser(languages, order, plain, floor).get_date_data(words)
        except (OverflowError, ValueError):
            continue
        if found.date_obj is not None:
            return found.date_obj.date(), found.period
        if re.match(_FORMS["any"], words, re.I):
            return None  # it was English, and no date
    return None


@lru_cache(maxsize=8)
def _parser(
    languages: tuple[str, ...], order: str, now: datetime, floor: bool
) -> DateDataParser:
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

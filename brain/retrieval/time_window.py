"""Time expressions as windows of days: "in May", "two weeks ago", "since last Friday", `--since 2026-05`.

A small grammar finds what is certainly a time; which days that is says `brain.retrieval.day_spans`. Leaves out hours,
seasons and events ("before the launch"): what is not surely a time restricts nothing, since a wrong filter hides the
answer. English in free text, and days and months as its neighbours write them ("6. März", "6 mars 2026"); six languages
more in `since_of` and `until_of`. Relative to `now`, never to the clock; nothing is downloaded. Serves every verb and
every option that takes a time.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from brain.errors import UsageError
from brain.retrieval.day_spans import Days, last_nth, span
from brain.retrieval.slashed_dates import as_written, with_iso_dates
from brain.retrieval.time_forms import FORMS

QUESTION_CHARACTERS = 8_000  # of a question that are read; the rest is a pasted text

# Every form of a time has one of these in it, "day" also as a part of Monday and yesterday: most questions have none.
_TIME_SIGN = re.compile(
    r"\d|day|ago|last|this|previous|past|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    re.I,
)
_ROLLING = re.compile(
    rf"(?:last|past|previous)\s+(?P<units>{FORMS['count']}\s+{FORMS['unit']})", re.I
)
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
    return _whole(text, now, option, month_first).since


def until_of(text: str, now: datetime, *, month_first: bool = False) -> str:
    """The last day that `--until TEXT` lets through: `2026-05` is the end of May. Raises `UsageError`."""
    return _whole(text, now, "until", month_first).until


def _whole(text: str, now: datetime, option: str, month_first: bool) -> Days:
    asked, _written = with_iso_dates(text.strip()[:QUESTION_CHARACTERS], month_first)
    plain = re.sub(r"^(?:on|in|the)\s+", "", asked, flags=re.I)
    rolling = _ROLLING.fullmatch(plain)
    days = None
    if rolling:
        days = _rolling(rolling["units"], now)
    elif plain:
        days = span(plain, now, exact=True)
    if days is None:
        hint = "say a day, a month or a year: 2026-05-07, 2026-05, last friday"
        raise UsageError(f"--{option} {text!r} is no time that I know", hint)
    return days


def _range(text: str, now: datetime) -> Window | None:
    for match in _form("range").finditer(text):
        begin, end = filter(None, match.groups())
        if begin[0].isupper() and end in _VERBS:
            continue  # "in April, and may I see them"
        last = span(end, now, exact=True)
        if last is None:
            continue
        # "between March and May 2025": the March before that May
        before_end = datetime.combine(last.last, now.time())
        first = span(begin, before_end, exact=True)
        if first is not None:
            return Window(first.since, last.until, match[0])
    return None


def _found(pattern: re.Pattern[str], text: str, now: datetime) -> Window | None:
    """The first match that is surely a time: the last so many days, or the time behind its lead."""
    for match in pattern.finditer(text):
        if match["at"]:
            window = _led(text, match, now)
        else:
            units = match["rolling"] or f"1 {match['one']}"
            days = _rolling(units, now)
            window = days and Window(days.since, days.until)
        if window is not None:
            return window._replace(words=match[0])
    return None


def _led(text: str, match: re.Match[str], now: datetime) -> Window | None:
    """The window of a time with or without a preposition before it; None when it is no time."""
    lead = (match["lead"] or "").lower()
    if lead and _is_other(text, match, lead):
        return None
    if not lead and _is_verb(text, match):
        return None
    exact = lead not in ("", "in", "during", "on", "from")
    days = span(match["at"], now, exact=exact)
    return _towards(lead, days) if days else None


def _is_other(text: str, match: re.Match[str], lead: str) -> bool:
    """Whether what follows the preposition is a person, an amount or a place in a list, not a time."""
    words = match["at"].lower()
    if re.fullmatch(FORMS["year"], words):
        return lead == "on" or bool(_NOT_A_YEAR.match(text, match.end()))
    if re.fullmatch(FORMS["weekdays"], words):
        return lead in ("in", "during")
    if lead == "from":
        return words in _NAMES
    return lead == "on" and bool(re.fullmatch(FORMS["month"], words, re.I))


def _is_verb(text: str, match: re.Match[str]) -> bool:
    """Whether "may 5 people come" or "this may be" is meant: without a year, a capital inside a sentence is needed."""
    words = match["at"]
    if re.fullmatch(r"this\s+(?:may|march)", words, re.I):
        return words.split()[1].islower()
    if not words.lower().startswith(_VERBS) or re.search(FORMS["year"], words):
        return False
    if words[0].islower():
        return True
    before = text[: match.start()].rstrip()
    return not before.rstrip(".?!")


def _on_the_nth(text: str, now: datetime) -> Window | None:
    """On the 6th, from the 2nd to the 4th: of this month, or of the last one that had that day."""
    for match in _form("nth_day").finditer(text):
        window = _nth(match, now.date())
        if window:
            return window._replace(words=match[0])
    return None


def _nth(match: re.Match[str], today: date) -> Window | None:
    if not match["one"]:
        day = last_nth(match["day"], today)
        if not day:
            return None
        return _towards(match["lead"].lower(), Days(day, day))
    last = last_nth(match["two"], today)
    first = last and last_nth(match["one"], last)
    if not first or not last:
        return None
    return Window(first.isoformat(), last.isoformat())


def _towards(lead: str, days: Days) -> Window | None:
    """The days that a word before them means: since, after, before, until, or those days."""
    day = timedelta(days=1)
    try:
        match lead:
            case "since":
                return Window(days.since, "")
            case "after":
                return Window((days.last + day).isoformat(), "")
            case "before":
                return Window("", (days.first - day).isoformat())
            case "until" | "till":
                return Window("", days.until)
    except OverflowError:  # before the year 1, after the year 9999
        return None
    return Window(days.since, days.until)


def _rolling(words: str, now: datetime) -> Days | None:
    """The last N units up to today."""
    days = span(f"{words} ago", now, exact=True, floor=False)
    return days and Days(days.first, now.date())

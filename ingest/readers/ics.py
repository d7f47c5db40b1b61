"""Calendars (.ics): each event, task and journal entry in words, "event 3": what, when, where, with whom, how often.

Dates are written as a person says them and as ISO, so that both find the event. Leaves out reminders, time-zone tables
and free/busy lists. Serves `loading`, and the mail readers for invitations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from ingest.document import Heading, Section
from ingest.errors import UnreadableFile
from ingest.readers.content_lines import Component, Line, components
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

ENTRIES = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "journal entry"}
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?")
_UTC = re.compile(r"\d{8}T\d{4,6}Z")
_MAILTO = re.compile("^mailto:", re.I)
_STATES = {
    "needs-action": "to do",
    "in-process": "begun",
}
_DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_EVERY = {
    "DAILY": "day",
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
    "HOURLY": "hour",
}


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is no calendar."""
    text, notices = decode(raw.data)
    calendars = components(text)
    entries = list(_entries(calendars))
    if not calendars:
        raise UnreadableFile("not a calendar", "export it again from the calendar")
    sections = []
    tags: dict[str, None] = {}
    for number, entry in enumerate(entries, 1):
        section = _section(entry, number)
        sections.append(section)
        tags |= dict.fromkeys(_categories(entry))
    title = _name(calendars)
    day = ""
    if len(entries) == 1:
        only = entries[0]
        title = title or only.first("SUMMARY")
        day = _day(only)
    yield Reading(
        sections,
        title=title,
        tags=tuple(tags),
        notices=notices,
        date=day,
        date_by="metadata",
    )


def _section(entry: Component, number: int) -> Section:
    kind = ENTRIES[entry.kind]
    words = in_words(entry)
    title = one_line(entry.first("SUMMARY"))
    heading: Heading = ()
    if title:
        heading = (title[:HEADING_CHARS],)
    return Section(f"{words}\n\n", heading, f"{kind} {number}")


def _name(calendars: list[Component]) -> str:
    """What the first calendar that has a name is called."""
    for calendar in calendars:
        if name := calendar.first("X-WR-CALNAME"):
            return name
    return ""


def invitation(text: str) -> str:
    """The entries of a calendar in words, "" where there is none: for the part of a mail that is one."""
    return "\n\n".join(map(in_words, _entries(components(text))))


def _entries(calendars: list[Component]) -> Iterator[Component]:
    for calendar in calendars:
        for entry in (calendar, *calendar.inner):
            if entry.kind in ENTRIES:
                yield entry


def in_words(entry: Component) -> str:
    """An entry as lines: "Dinner: Monday 4 May 2026 (2026-05-04), 18:00, at Pier 4", "Repeats: …"."""
    said = {
        "Due": _moments(entry, "DUE"),
        "Completed": _moments(entry, "COMPLETED"),
        "Repeats": _repeats(entry),
        "Organizer": _people(entry, "ORGANIZER"),
        "With": _people(entry, "ATTENDEE"),
        "Status": _status(entry),
        "Categories": ", ".join(_categories(entry)),
        "Link": entry.first("URL"),
    }
    lines = [_what_when_where(entry)]
    for name, words in said.items():
        if words:
            lines.append(f"{name}: {one_line(words)}")
    lines.append(entry.first("DESCRIPTION"))
    for comment in entry.all("COMMENT"):
        lines.append(f"Comment: {comment.text}")
    return "\n".join(filter(None, lines))


def _what_when_where(entry: Component) -> str:
    """What takes place, when and where, in one line, which answers any of the three."""
    what = one_line(entry.first("SUMMARY"))
    when = _when(entry)
    words = ": ".join(filter(None, (what, when)))
    where = one_line(entry.first("LOCATION"))
    if where:
        words += f", at {where}"
    return words


def _status(entry: Component) -> str:
    status = entry.first("STATUS").lower()
    return _STATES.get(status, status)


def _categories(entry: Component) -> list[str]:
    listed = ",".join(line.text for line in entry.all("CATEGORIES"))
    words = map(str.strip, listed.split(","))
    return list(filter(None, words))


def _day(entry: Component) -> str:
    """The ISO date on which an entry begins or is due."""
    for line in entry.all("DTSTART", "DUE"):
        if match := _MOMENT.match(line.value.strip()):
            return "-".join(match.groups()[:3])
    return ""


def _when(entry: Component) -> str:
    """The beginning and, where it says more, the end."""
    start = next(entry.all("DTSTART"), None)
    end = next(entry.all("DTEND"), None)
    if start is None:
        return ""
    begins = _moment(start)
    if end is None:
        return begins
    is_whole_day = "T" not in start.value
    if is_whole_day or end.value == start.value:
        # The day on which a whole-day event ends is the first that is free again.
        days = _days(start, end)
        if days > 1:
            begins += f", {days} days"
        return begins
    until = end.value.strip()
    clock = _clock(until)
    first_day = start.value.strip()[:8]
    last_day = until[:8]
    if clock and first_day == last_day:
        return _until(begins, clock)
    return f"{begins} to {_moment(end)}"


def _until(begins: str, clock: str) -> str:
    """The beginning with the hour of the end on the same day, before the time zone where it has one."""
    day, _sign, after = begins.partition(")")
    hour, sign, zone = after.rpartition(" (")
    if not hour:
        return f"{begins} to {clock}"
    return f"{day}){hour} to {clock}{sign}{zone}"


def _clock(value: str) -> str:
    """ "18:00" of "20260504T180000"; "" where no hour is stated."""
    match = _MOMENT.match(value)
    if match is None or match[4] is None:
        return ""
    return f"{match[4]}:{match[5]}"


def _days(start: Line, end: Line) -> int:
    first = _date(start.value)
    last = _date(end.value)
    if not first or not last:
        return 0
    length = last - first
    return length.days


def _date(value: str) -> date | None:
    match = _MOMENT.match(value.strip())
    if match is None:
        return None
    year, month, day, *_clock = match.groups()
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _moments(entry: Component, name: str) -> str:
    return ", ".join(map(_moment, entry.all(name)))


def _moment(line: Line) -> str:
    """ "Monday 4 May 2026 (2026-05-04), 18:00 (Europe/Oslo)" of "20260504T180000"."""
    value = line.value.strip()
    day = _date(value)
    if day is None:
        return value
    words = f"{day:%A} {day.day} {day:%B %Y} ({day})"
    clock = _clock(value)
    if not clock:
        return words
    words += f", {clock}"
    zone = line.parameters.get("TZID", "")
    if _UTC.match(value):
        zone = "UTC"
    if zone:
        words += f" ({zone})"
    return words


def _people(entry: Component, name: str) -> str:
    """Names and addresses, "Ana Lopez <ana@example.org>"."""
    people = []
    for line in entry.all(name):
        address = _MAILTO.sub("", line.value.strip())
        person = line.parameters.get("CN", address)
        if person and person != address:
            address = f"{person} <{address}>"
        people.append(address)
    return ", ".join(people)


def _repeats(entry: Component) -> str:
    """A rule of recurrence in words: "every 2 weeks on Monday until 2026-12-31"."""
    rule = entry.first("RRULE")
    if not rule:
        return ""
    stated = defaultdict(str)
    for part in rule.upper().split(";"):
        name, _sign, value = part.partition("=")
        stated[name] = value
    unit = _EVERY.get(stated["FREQ"])
    if unit is None:
        return rule
    interval = stated.get("INTERVAL", "1")
    words = f"every {unit}"
    if interval != "1":
        words = f"every {interval} {unit}s"
    days = []
    for day in stated["BYDAY"].split(","):
        # "1MO" is the first Monday of a month.
        day = day[-2:]
        if day in _DAYS:
            days.append(_DAYS[day])
    if days:
        listed = ", ".join(days)
        words += f" on {listed}"
    until = _date(stated["UNTIL"])
    if until:
        words += f" until {until.isoformat()}"
    if count := stated["COUNT"]:
        words += f", {count} times"
    return words

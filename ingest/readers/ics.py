"""Calendars (.ics): each event, task and journal entry in words, "event 3": what, when, where, with whom, how often.

Dates are written as a person says them and as ISO, so that both find the event. Leaves out reminders, time-zone tables
and free/busy lists. Serves `loading`, and the mail readers for invitations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers.content_lines import Component, Line, components
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

ENTRIES = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "journal entry"}
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?")
_DAYS = dict(
    zip(
        "MO TU WE TH FR SA SU".split(),
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
        strict=True,
    )
)
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
    for number, entry in enumerate(entries, 1):
        where = f"{ENTRIES[entry.kind]} {number}"
        title = one_line(entry.first("SUMMARY"))[:HEADING_CHARS]
        sections.append(
            Section(in_words(entry) + "\n\n", (title,) if title else (), where)
        )
    only = entries[0] if len(entries) == 1 else None
    name = next(filter(None, (found.first("X-WR-CALNAME") for found in calendars)), "")
    yield Reading(
        sections,
        title=name or (only.first("SUMMARY") if only else ""),
        tags=tuple(
            dict.fromkeys(tag for entry in entries for tag in _categories(entry))
        ),
        notices=notices,
        date=_day(only) if only else "",
        date_by="metadata",
    )


def invitation(text: str) -> str:
    """The entries of a calendar in words, "" where there is none: for the part of a mail that is one."""
    return "\n\n".join(map(in_words, _entries(components(text))))


def _entries(calendars: list[Component]) -> Iterator[Component]:
    for calendar in calendars:
        found = [calendar, *calendar.inner]
        yield from (entry for entry in found if entry.kind in ENTRIES)


def in_words(entry: Component) -> str:
    """An entry as lines: "Dinner: Monday 4 May 2026 (2026-05-04), 18:00, at Pier 4", "Repeats: …"."""
    said = [("", _what_when_where(entry)), ("Due", _moments(entry, "DUE"))]
    said += [("Completed", _moments(entry, "COMPLETED")), ("Repeats", _repeats(entry))]
    said += [("Organizer", _people(entry, "ORGANIZER"))]
    said += [("With", _people(entry, "ATTENDEE")), ("Status", _status(entry))]
    said += [("Categories", ", ".join(_categories(entry)))]
    said += [("Link", entry.first("URL")), ("", entry.first("DESCRIPTION"))]
    lines = []
    for name, words in said:
        if words:
            lines.append(f"{name}: {one_line(words)}" if name else words)
    lines += [f"Comment: {line.text}" for line in entry.all("COMMENT")]
    return "\n".join(lines)


def _what_when_where(entry: Component) -> str:
    """What takes place, when and where, in one line, which answers any of the three."""
    what = one_line(entry.first("SUMMARY"))
    when = _when(entry)
    where = one_line(entry.first("LOCATION"))
    first = f"{what}: {when}" if what and when else what or when
    return f"{first}, at {where}" if where else first


def _status(entry: Component) -> str:
    status = entry.first("STATUS").lower()
    return {"needs-action": "to do", "in-process": "begun"}.get(status, status)


def _categories(entry: Component) -> list[str]:
    listed = ",".join(line.text for line in entry.all("CATEGORIES"))
    return [word.strip() for word in listed.split(",") if word.strip()]


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
    same_day = end.value.strip()[:8] == start.value.strip()[:8]
    is_whole_day = "T" not in start.value
    if is_whole_day or end.value == start.value:
        # The day on which a whole-day event ends is the first that is free again.
        return (
            begins if _days(start, end) <= 1 else f"{begins}, {_days(start, end)} days"
        )
    match = _MOMENT.match(end.value.strip())
    if same_day and match and match[4]:
        clock, _sign, zone = (
            begins.partition(" (")[2].partition(")")[2].rpartition(" (")
        )
        until = f" to {match[4]}:{match[5]}"
        return (
            begins.replace(clock, clock + until, 1)
            if zone and clock
            else begins + until
        )
    return f"{begins} to {_moment(end)}"


def _days(start: Line, end: Line) -> int:
    first = _date(start.value)
    last = _date(end.value)
    return (last - first).days if first and last else 0


def _date(value: str) -> date | None:
    match = _MOMENT.match(value.strip())
    try:
        return date(*map(int, match.groups()[:3])) if match else None
    except ValueError:
        return None


def _moments(entry: Component, name: str) -> str:
    return ", ".join(map(_moment, entry.all(name)))


def _moment(line: Line) -> str:
    """ "Monday 4 May 2026 (2026-05-04), 18:00 (Europe/Oslo)" of "20260504T180000"."""
    value = line.value.strip()
    match = _MOMENT.match(value)
    day = _date(value)
    if match is None or day is None:
        return value
    words = (
        f"{day.strftime('%A')} {day.day} {day.strftime('%B %Y')} ({day.isoformat()})"
    )
    if match[4] is None:
        return words
    zone = "UTC" if match[6] else line.parameters.get("TZID", "")
    clock = f"{words}, {match[4]}:{match[5]}"
    return f"{clock} ({zone})" if zone else clock


def _people(entry: Component, name: str) -> str:
    """Names and addresses, "Ana Lopez <ana@example.org>"."""
    people = []
    for line in entry.all(name):
        address = re.sub("^mailto:", "", line.value.strip(), flags=re.I)
        person = line.parameters.get("CN", "")
        people.append(
            f"{person} <{address}>" if person and person != address else address
        )
    return ", ".join(people)


def _repeats(entry: Component) -> str:
    """A rule of recurrence in words: "every 2 weeks on Monday until 2026-12-31"."""
    rule = entry.first("RRULE")
    if not rule:
        return ""
    stated = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    unit = _EVERY.get(stated.get("FREQ", ""), "")
    if not unit:
        return rule
    interval = stated.get("INTERVAL", "1")
    words = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    days = [
        _DAYS[day[-2:]]
        for day in stated.get("BYDAY", "").split(",")
        if day[-2:] in _DAYS
    ]
    if days:
        words += " on " + ", ".join(days)
    if until := _date(stated.get("UNTIL", "")):
        words += f" until {until.isoformat()}"
    if count := stated.get("COUNT"):
        words += f", {count} times"
    return words

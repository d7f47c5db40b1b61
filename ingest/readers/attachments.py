"""Files inside of files: what is attached to a mail, a note or a PDF, read by the reader of its kind.

Each part keeps its path, such as ("Offer", "prices.pdf"), as its heading, and says in its locator which attachment it
is of. A text, a page, a PDF, an office file, a calendar, a mail is read; anything else, and what is damaged, is named
and told, and loses only itself. How deep, how many and how much is read in all is limited. Serves the mail readers,
`enex` and `pdf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ingest.document import Heading, Section
from ingest.errors import IngestError
from ingest.limits import MEGABYTE, Limits
from ingest.media import ENEX, MBOX, UNKNOWN, media_type
from ingest.reading import Budget, Raw

NAMES = 5  # of those not read that are told
NAME_CHARS = 200  # of a name shown
# Not inside of others: what holds many documents, and what a person does not read.
_NEVER = {MBOX, ENEX, "message/x-emlx"}
# Kinds that are called by a subject, and not by a file's name.
_SURE = {"message/rfc822", "message/global"}
_BY_TYPE = {
    "message/rfc822": "message/rfc822",
    "message/global": "message/rfc822",
    "text/calendar": "text/calendar",
    "text/vcard": "text/vcard",
    "text/x-vcard": "text/vcard",
    "application/pdf": "application/pdf",
    "text/html": "text/html",
    "text/markdown": "text/markdown",
    "text/plain": "text/plain",
    "text/csv": "text/csv",
    "application/json": "application/json",
    "text/rtf": "application/rtf",
    "application/rtf": "application/rtf",
}


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside of another. `kind`: the media type that is stated for it, "" for none."""

    name: str
    data: bytes
    kind: str = ""

    @property
    def media_type(self) -> str:
        """By its name, else as stated."""
        if self.kind in _SURE:
            return _BY_TYPE[self.kind]
        named = media_type(self.name)
        if named != UNKNOWN:
            return named
        return _BY_TYPE.get(self.kind.lower(), UNKNOWN)

    @property
    def called(self) -> str:
        """Its name on one line, else what kind it is of."""
        return " ".join(self.name.split())[:NAME_CHARS] or self.kind or "unnamed"

    @property
    def shown(self) -> str:
        """ "prices.pdf (12 KB)"."""
        return f"{self.called} ({size(len(self.data))})"


def size(count: int) -> str:
    """Bytes for a person: "12 KB"."""
    if count >= MEGABYTE:
        return f"{count / MEGABYTE:.1f} MB"
    if count >= 1000:
        return f"{count / 1000:.0f} KB"
    return f"{count} bytes"


def sections(
    files: Iterable[Attached], path: Heading, raw: Raw, notices: list[str]
) -> Iterator[Section]:
    """The sections of what a file holds, below `path`. What cannot be read is told with the reason."""
    budget = raw.budget or Budget.of(raw.limits)
    named = []
    for found in files:
        if _is_readable(found.media_type):
            yield from _read(found, path, raw.limits, budget, notices)
        else:
            named.append(found.called)
    if named:
        listed = ", ".join(named[:NAMES])
        more = ", …" if len(named) > NAMES else ""
        attachments = "attachments" if len(named) > 1 else "attachment"
        notices.append(f"{len(named)} {attachments} named, not read: {listed}{more}")


def _is_readable(kind: str) -> bool:
    from ingest.readers import READERS

    return kind in READERS and kind not in _NEVER


def _read(
    found: Attached, path: Heading, limits: Limits, budget: Budget, notices: list[str]
) -> list[Section]:
    """The sections of one attachment; where it cannot be read, none, and a notice that says why."""
    from ingest.readers import reader_for

    kind = found.media_type
    name = found.called
    if budget.depth <= 0 or budget.files <= 0:
        notices.append(f"attachment {name} not read: too many in this file")
        return []
    if len(found.data) > budget.bytes or budget.chars <= 0:
        notices.append(f"attachment {name} not read: too much in one file")
        return []
    budget.files -= 1
    budget.bytes -= len(found.data)
    raw = Raw(found.data, PurePosixPath(name).name or name, kind, limits, budget=budget)
    budget.depth -= 1
    try:
        readings = list(reader_for(kind)(raw))
    except IngestError as error:
        notices.append(f"attachment {name} not read: {error.reason}")
        return []
    except MemoryError:
        notices.append(f"attachment {name} not read: it needs too much memory")
        return []
    except (
        Exception
    ) as error:  # a third-party parser may raise anything on a damaged file
        notices.append(f"attachment {name} not read: damaged ({type(error).__name__})")
        return []
    finally:
        budget.depth += 1
    made = []
    for reading in readings:
        notices += [f"attachment {name}: {notice}" for notice in reading.notices]
        for section in reading.sections:
            budget.chars -= len(section.text)
            made.append(_placed(section, path, name))
    return made


def _placed(section: Section, path: Heading, name: str) -> Section:
    """A section as a part of the whole: its heading below the attachment's name, its place with that name."""
    text = section.text
    if not text.endswith("\n"):
        text += "\n"
    inner = section.heading
    if inner[:1] == (name,):  # an attached mail is called by its subject already
        inner = inner[1:]
    return replace(
        section,
        text=text,
        heading=(*path, name, *inner),
        locator=f"{name}, {section.locator}" if section.locator else name,
    )

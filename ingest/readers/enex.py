"""Evernote's exports (.enex): a document per note with its tags and dates, and one for the export that says what is in
it.

A note's address is made of its title and the moment at which it was made: it stays when others come and go. What is
attached is read as a mail's attachments are. Leaves out reminders and places. Serves `loading`, in a worker.
"""

from __future__ import annotations

import binascii
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingest.document import Section, Texts, digest
from ingest.errors import UnreadableFile
from ingest.readers import attachments, zips
from ingest.readers.html import told, whole_page
from ingest.readers.outline import by_heading, one_line
from ingest.readers.xml import children, descendants
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

ID_DIGITS = 16  # hexadecimal digits of a note's address
LISTED = 50  # titles named in the document of the export
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


def read(raw: Raw) -> Readings:
    """Many documents. Raises UnreadableFile when it is no export of Evernote, RefusedFile for entities."""
    if b"<en-export" not in raw.data[:4096]:
        raise UnreadableFile(
            "no export of Evernote in it", "export the notes again as .enex"
        )
    zips.refuse_entities(raw.data)
    readings = []
    names: Counter[str] = Counter()
    count = 0
    for note in _notes(raw.data):
        count += 1
        if count > raw.limits.parts:
            continue
        title = _first(note, "title")
        name = digest(f"{title}\n{_first(note, 'created')}")[:ID_DIGITS]
        names[name] += 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        readings.append(_note(note, title, name, raw))
    yield _export(readings, count)
    yield from readings


def _notes(data: bytes) -> Iterator[Element]:
    """The notes one after another, each forgotten when the next comes. Nothing is resolved or fetched."""
    from lxml import etree

    walk = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag="note",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        huge_tree=True,
    )
    for _event, note in walk:
        yield note
        note.clear()


def _note(note: Element, title: str, name: str, raw: Raw) -> Reading:
    content = next((found.text or "" for found in children(note, "content")), "")
    page = whole_page(content.encode("utf-8", "surrogatepass"))
    sections = list(by_heading(page.blocks, "§{}", title))
    notices = list(told(page.left_out))
    path = (title,) if title else ()
    files = map(_attached, children(note, "resource"))
    sections += attachments.sections(files, path, raw, notices)
    stated = {key: _deep(note, key) for key in ("author", "source-url", "source")}
    return Reading(
        sections,
        title=title,
        metadata={key: value for key, value in stated.items() if value},
        tags=tuple(
            one_line(tag.text or "") for tag in children(note, "tag") if tag.text
        ),
        notices=tuple(notices),
        date=_moment(_first(note, "created")),
        date_by="metadata",
        part=name,
    )


def _attached(resource: Element) -> attachments.Attached:
    """What is attached to a note; without bytes where they are damaged."""
    name = _deep(resource, "file-name") or _first(resource, "mime") or "attachment"
    encoded = next((found.text or "" for found in children(resource, "data")), "")
    try:
        data = binascii.a2b_base64(encoded)
    except (binascii.Error, ValueError):
        data = b""
    return attachments.Attached(name, data, _first(resource, "mime"))


def _first(note: Element, name: str) -> str:
    return next((one_line(found.text or "") for found in children(note, name)), "")


def _deep(note: Element, name: str) -> str:
    return next((one_line(found.text or "") for found in descendants(note, name)), "")


def _moment(stamp: str) -> str:
    """ "20260304T101010Z" as ISO 8601."""
    match = _STAMP.match(stamp)
    if match is None:
        return ""
    year, month, day, *clock = match.groups()
    return f"{year}-{month}-{day}T{':'.join(clock)}+00:00"


def _export(readings: list[Reading], count: int) -> Reading:
    """How many notes, and what the first are called."""
    lines = [f"Export of Evernote with {count:,} notes."]
    lines += [f"- {reading.title}" for reading in readings[:LISTED] if reading.title]
    read = len(readings)
    notices: Texts = ()
    if count > read:
        notices = (f"{count:,} notes: cut to the first {read:,}",)
    return Reading([Section("\n".join(lines) + "\n", (), "export")], notices=notices)

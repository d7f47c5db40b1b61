"""Outlines (.opml): each item on a line, indented as it lies, "item 3" for each of the outermost, with its notes and
addresses.

Leaves out states and other attributes of the programs. Serves `loading`, in a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingest.document import Heading, Section
from ingest.errors import UnreadableFile
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.xml import attribute, children, descendants, tree
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_NOTES = ("_note", "note", "description")
_ADDRESSES = ("htmlUrl", "xmlUrl", "url")


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when there is no outline in it, RefusedFile for entities."""
    zips.refuse_entities(raw.data)
    root = tree(raw.data)
    body = next(descendants(root, "body"), None)
    if body is None:
        raise UnreadableFile("no outline in it", "export it again from its program")
    sections = []
    for number, item in enumerate(children(body, "outline"), 1):
        lines = "\n".join(_lines(item))
        heading: Heading = ()
        name = one_line(_name(item))
        if name:
            heading = (name[:HEADING_CHARS],)
        where = f"item {number}"
        section = Section(f"{lines}\n\n", heading, where)
        sections.append(section)
    head = next(descendants(root, "head"), None)
    created = _stated(head, "dateCreated")
    yield Reading(
        sections,
        title=_stated(head, "title"),
        created=created or _stated(head, "dateModified"),
    )


def _stated(head: Element | None, name: str) -> str:
    for found in descendants(head, name):
        return one_line(found.text or "")
    return ""


def _name(item: Element) -> str:
    return attribute(item, "text") or attribute(item, "title")


def _lines(item: Element) -> Iterator[str]:
    """An item and what lies below it, without recursion: outlines may nest as deep as XML may."""
    pending = [(item, 0)]
    while pending:
        current, level = pending.pop()
        indent = "  " * max(level - 1, 0)
        name = one_line(_name(current))
        mark = "- " if level else ""
        if name:
            yield f"{indent}{mark}{name}"
        for line in _below_name(current):
            yield f"{indent}  {line}"
        below = list(children(current, "outline"))
        for child in reversed(below):
            pending.append((child, level + 1))


def _below_name(item: Element) -> Iterator[str]:
    """The lines of its notes, and its addresses, each once."""
    for key in _NOTES:
        note = attribute(item, key)
        yield from filter(str.strip, note.split("\n"))
    addresses = (attribute(item, key) for key in _ADDRESSES)
    yield from dict.fromkeys(filter(None, addresses))

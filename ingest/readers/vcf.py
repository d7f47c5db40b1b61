"""Contacts (.vcf): each card in words, "contact 3", under the person's name: phones, addresses, birthday, notes.

Versions 2.1 to 4.0. Leaves out pictures, sounds and keys. Serves `loading`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers.content_lines import Component, Line, components
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

# Properties in the order in which they are told, with their words.
_NAMES = {
    "NICKNAME": "Nickname",
    "ORG": "Organization",
    "TITLE": "Title",
    "ROLE": "Role",
    "TEL": "Phone",
    "EMAIL": "Email",
    "IMPP": "Messenger",
    "ADR": "Address",
    "URL": "Web",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "X-ANNIVERSARY": "Anniversary",
    "CATEGORIES": "Categories",
    "RELATED": "Related",
    "X-SPOUSE": "Spouse",
    "NOTE": "Note",
}
_NO_TYPES = {"PREF", "INTERNET", "VOICE", "QUOTED-PRINTABLE", "X400"}


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when there is no card in it."""
    text, notices = decode(raw.data)
    cards = [found for found in components(text) if found.kind == "VCARD"]
    if not cards:
        raise UnreadableFile(
            "no contact in it", "export it again from the address book"
        )
    sections = []
    tags: dict[str, None] = {}
    for number, card in enumerate(cards, 1):
        words = "\n".join(_in_words(card))
        name = _name(card)
        heading = (name[:HEADING_CHARS],)
        section = Section(f"{words}\n\n", heading, f"contact {number}")
        sections.append(section)
        for tag in card.first("CATEGORIES").split(","):
            tags[tag.strip()] = None
    tags.pop("", None)
    title = ""
    if len(cards) == 1:
        title = _name(cards[0])
    yield Reading(
        sections,
        title=title,
        tags=tuple(tags),
        notices=notices,
    )


def _name(card: Component) -> str:
    """The name as it is shown, else put together from its parts, else the firm's."""
    if shown := one_line(card.first("FN")):
        return shown
    for line in card.all("N"):
        family, given, *_others = [*line.parts, ""]
        if words := one_line(f"{given} {family}"):
            return words
    return one_line(card.first("ORG") or card.first("EMAIL") or "contact")


def _in_words(card: Component) -> Iterator[str]:
    yield _name(card)
    for name, words in _NAMES.items():
        for line in card.all(name):
            value = _value(line)
            if not value:
                continue
            kinds = _kinds(line)
            label = words
            if kinds:
                label = f"{words} ({kinds})"
            yield f"{label}: {value}"


def _value(line: Line) -> str:
    """One value in words: parts of an address or a firm in a row, a date in ISO form."""
    if line.name in ("ADR", "ORG"):
        parts = map(one_line, line.parts)
        return ", ".join(filter(None, parts))
    value = line.text
    if line.name == "NOTE":
        return value
    if line.name in ("TEL", "IMPP"):
        value = value.removeprefix("tel:")
    if line.name == "BDAY" and len(value) == 8 and value.isdigit():
        year = value[:4]
        month = value[4:6]
        day = value[6:]
        return f"{year}-{month}-{day}"
    return one_line(value)


def _kinds(line: Line) -> str:
    """ "cell, work" of the types of a line."""
    stated = line.parameters.get("TYPE", "")
    kinds: dict[str, str] = {}
    for kind in map(str.strip, stated.split(",")):
        if kind and kind.upper() not in _NO_TYPES:
            kinds[kind] = kind.lower()
    return ", ".join(kinds.values())

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
    for number, card in enumerate(cards, 1):
        heading = (_name(card)[:HEADING_CHARS],)
        sections.append(Section(_in_words(card) + "\n\n", heading, f"contact {number}"))
    tags = (
        tag.strip() for card in cards for tag in card.first("CATEGORIES").split(",")
    )
    yield Reading(
        sections,
        title=_name(cards[0]) if len(cards) == 1 else "",
        tags=tuple(dict.fromkeys(filter(None, tags))),
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


def _in_words(card: Component) -> str:
    return "\n".join([_name(card), *_told(card)])


def _told(card: Component) -> Iterator[str]:
    for name, words in _NAMES.items():
        for line in card.all(name):
            if value := _value(line):
                kinds = _kinds(line)
                yield f"{words} ({kinds}): {value}" if kinds else f"{words}: {value}"


def _value(line: Line) -> str:
    """One value in words: parts of an address or a firm in a row, a date in ISO form."""
    if line.name in ("ADR", "ORG"):
        return ", ".join(filter(None, map(one_line, line.parts)))
    value = line.text
    if line.name in ("TEL", "IMPP"):
        value = value.removeprefix("tel:")
    is_bare_date = line.name == "BDAY" and len(value) == 8 and value.isdigit()
    if is_bare_date:
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return value if line.name == "NOTE" else one_line(value)


def _kinds(line: Line) -> str:
    """ "cell, work" of the types of a line."""
    stated = line.parameters.get("TYPE", "").split(",")
    kinds = (kind.strip() for kind in stated if kind.strip().upper() not in _NO_TYPES)
    return ", ".join(kind.lower() for kind in dict.fromkeys(kinds) if kind)

"""Obsidian's canvas (JSON Canvas 1.0): the text of the cards, "card 3", under the group that they lie in, and what the
arrows between them say.

Links and tags are those of the cards' Markdown. Leaves out colours, places and sizes. Serves `loading`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ingest.document import Heading, Section
from ingest.readers import markdown
from ingest.readers.json_text import unescaped
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.text import readable, whole
from ingest.reading import Raw, Reading, Readings

NAME_CHARS = 80  # of a card that an arrow names
Node = dict[str, Any]


def read(raw: Raw) -> Readings:
    """One document. What is no canvas is read as the text that it is."""
    text, notices = readable(raw)
    try:
        canvas = {}
        if text.strip():
            canvas = json.loads(text)
        nodes = _objects(canvas.get("nodes"))
        edges = _objects(canvas.get("edges"))
    except (ValueError, AttributeError, RecursionError):
        told = "no canvas: read as plain text"
        plain = whole(unescaped(text))
        yield Reading([plain], notices=(*notices, told))
        return
    cards = [node for node in nodes if _said(node)]
    groups = [card for card in cards if card.get("type") == "group"]
    sections = []
    for number, card in enumerate(cards, 1):
        said = _said(card)
        heading = _group_of(card, groups)
        where = f"card {number}"
        section = Section(f"{said}\n\n", heading, where)
        sections.append(section)
    arrows = "\n".join(_arrows(nodes, edges))
    if arrows:
        last = len(sections) or 1
        where = f"card {last}"
        section = Section(f"{arrows}\n", (), where)
        sections.append(section)
    mentioned = _mentioned(cards, raw)
    links = dict.fromkeys(mentioned.links)
    for card in cards:
        if card.get("type") == "file":
            link = _linked(_said(card))
            links[link] = None
    yield Reading(
        sections,
        tags=mentioned.tags,
        links=tuple(links),
        notices=notices,
    )


def _mentioned(cards: list[Node], raw: Raw) -> Reading:
    """The cards read as one Markdown text: for its tags and links."""
    text = "\n\n".join(map(_said, cards))
    as_markdown = Raw(
        text.encode(),
        "",
        "text/markdown",
        raw.limits,
    )
    return next(markdown.read(as_markdown))


def _objects(values: Any) -> list[Node]:
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, dict)]


def _said(node: Node) -> str:
    """What stands on a card: its text, the file or address that it shows, the label of a group."""
    for key in ("text", "file", "url", "label"):
        said = _text(node, key).strip()
        if not said:
            continue
        if key == "file":
            said += _text(node, "subpath")
        return said
    return ""


def _text(node: Node, key: str) -> str:
    value = node.get(key)
    return value if isinstance(value, str) else ""


def _linked(file: str) -> str:
    """A note as a wiki-link names it: its path without the suffix."""
    path, _sign, _part = file.partition("#")
    return path.removesuffix(".md") or PurePosixPath(path).stem


def _group_of(card: Node, groups: list[Node]) -> Heading:
    """The label of the smallest group that the middle of the card lies in."""
    around = []
    for group in groups:
        if group is not card and _lies_in(card, group):
            around.append(group)
    smallest = min(around, key=_area, default=None)
    if smallest is None:
        return ()
    label = one_line(_said(smallest))
    return (label[:HEADING_CHARS],)


def _area(group: Node) -> float:
    return _number(group, "width") * _number(group, "height")


def _lies_in(card: Node, group: Node) -> bool:
    if not _lies_within(card, group, "x", "width"):
        return False
    return _lies_within(card, group, "y", "height")


def _lies_within(card: Node, group: Node, start: str, size: str) -> bool:
    """Whether the middle of the card lies in the group, in one of the two directions."""
    half = _number(card, size) / 2
    middle = _number(card, start) + half
    from_start = middle - _number(group, start)
    return 0 <= from_start <= _number(group, size)


def _number(node: Node, key: str) -> float:
    value = node.get(key)
    if isinstance(value, (int, float)):
        return float(value)
    return 0.0


def _arrows(nodes: list[Node], edges: list[Node]) -> Iterator[str]:
    """ "Jobs → Yards/Hansen.md: needs" of each arrow, its cards by their first lines."""
    names = {}
    for node in nodes:
        card = str(node.get("id"))
        first_line, *_others = _said(node).split("\n")
        name = first_line.lstrip("# ")
        names[card] = name[:NAME_CHARS]
    for edge in edges:
        from_card = str(edge.get("fromNode"))
        to_card = str(edge.get("toNode"))
        start = names.get(from_card)
        end = names.get(to_card)
        if not start or not end:
            continue
        arrow = f"{start} → {end}"
        label = _text(edge, "label")
        if label:
            arrow += f": {one_line(label)}"
        yield arrow

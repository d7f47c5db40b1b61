"""Obsidian's canvas (JSON Canvas 1.0): the text of the cards, "card 3", under the group that they lie in, and what the
arrows between them say.

Links and tags are those of the cards' Markdown. Leaves out colours, places and sizes. Serves `loading`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ingest.document import Section
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
        canvas = json.loads(text) if text.strip() else {}
        nodes = _objects(canvas.get("nodes"))
        edges = _objects(canvas.get("edges"))
    except (ValueError, AttributeError, RecursionError):
        told = "no canvas: read as plain text"
        yield Reading([whole(unescaped(text))], notices=(*notices, told))
        return
    groups = [node for node in nodes if node.get("type") == "group"]
    sections: list[Section] = []
    words = []
    files = []
    for node in nodes:
        said = _said(node)
        if not said:
            continue
        words.append(said)
        if node.get("type") == "file":
            files.append(_linked(said))
        where = f"card {len(sections) + 1}"
        sections.append(Section(f"{said}\n\n", _group_of(node, groups), where))
    if arrows := "\n".join(_arrows(nodes, edges)):
        sections.append(Section(f"{arrows}\n", (), f"card {len(sections) or 1}"))
    cards = "\n\n".join(words)
    mentioned = next(
        markdown.read(Raw(cards.encode(), "", "text/markdown", raw.limits))
    )
    yield Reading(
        sections,
        tags=mentioned.tags,
        links=tuple(dict.fromkeys([*mentioned.links, *files])),
        notices=notices,
    )


def _objects(values: Any) -> list[Node]:
    listed = values if isinstance(values, list) else []
    return [value for value in listed if isinstance(value, dict)]


def _said(node: Node) -> str:
    """What stands on a card: its text, the file or address that it shows, the label of a group."""
    for key in ("text", "file", "url", "label"):
        said = node.get(key)
        if isinstance(said, str) and said.strip():
            part = node.get("subpath") if key == "file" else ""
            return said.strip() + (part if isinstance(part, str) else "")
    return ""


def _linked(file: str) -> str:
    """A note as a wiki-link names it: its path without the suffix."""
    path, _sign, _part = file.partition("#")
    return path.removesuffix(".md") or PurePosixPath(path).stem


def _group_of(node: Node, groups: list[Node]) -> tuple[str, ...]:
    """The label of the smallest group that the middle of the card lies in."""
    around = [
        group
        for group in groups
        if group is not node and _said(group) and _lies_in(node, group)
    ]
    around.sort(key=lambda group: _number(group, "width") * _number(group, "height"))
    return (one_line(_said(around[0]))[:HEADING_CHARS],) if around else ()


def _lies_in(node: Node, group: Node) -> bool:
    across = _number(node, "x") + _number(node, "width") / 2 - _number(group, "x")
    down = _number(node, "y") + _number(node, "height") / 2 - _number(group, "y")
    return 0 <= across <= _number(group, "width") and 0 <= down <= _number(
        group, "height"
    )


def _number(node: Node, key: str) -> float:
    value = node.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _arrows(nodes: list[Node], edges: list[Node]) -> Iterator[str]:
    """ "Jobs → Yards/Hansen.md: needs" of each arrow, its cards by their first lines."""
    names = {}
    for node in nodes:
        first_line = _said(node).partition("\n")[0]
        names[str(node.get("id"))] = first_line.lstrip("# ")[:NAME_CHARS]
    for edge in edges:
        start = names.get(str(edge.get("fromNode")), "")
        end = names.get(str(edge.get("toNode")), "")
        label = edge.get("label")
        if start and end:
            said = f": {one_line(label)}" if isinstance(label, str) and label else ""
            yield f"{start} → {end}{said}"

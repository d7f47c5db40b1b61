"""JSON and JSON Lines as a person reads them: escapes as their letters, conversations as who said what.

A file with lines of its own keeps them, so that a place is a line. One that is a single long line, or whose strings
hold lines, is written out as an outline, "item 3" for each part. An exported chat (a list of messages with an author
and a text, however its program calls them) is read as a conversation, "message 12". Leaves out schemas. Serves
`loading`, above a megabyte in a worker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.document import Section, Texts
from ingest.limits import MEGABYTE
from ingest.readers import chats
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.text import readable, whole
from ingest.reading import Raw, Reading, Readings

PARSED_CHARS = (
    20 * MEGABYTE
)  # a longer text is read by its lines: as values it is ten times as large
LINE_CHARS = 400  # of a line that a person still reads as one
DEPTH = 40  # levels written out; below they stay JSON
NAMES = (
    "title",
    "name",
    "subject",
    "summary",
    "id",
    "label",
)  # what a part is called by
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\"\\/bfnrt])"
)
_SPACES = {"\\n": " ", "\\r": "", "\\t": " ", "\\b": "", "\\f": " "}


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    values = _values(text)
    if values is not None and (found := chats.found(values, len(text))):
        yield chats.reading(found, notices)
    elif values is None or (_has_lines(text) and "\\n" not in text):
        yield Reading([whole(unescaped(text), atomic=True)], notices=notices)
    else:
        yield Reading(list(_outlined(values)), notices=notices)


def unescaped(text: str) -> str:
    """The text with the escapes in its strings as what they stand for; those of line ends as spaces."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_letter, text)


def _letter(match: re.Match[str]) -> str:
    found = match[0]
    if found in _SPACES:
        return _SPACES[found]
    letter = str(json.loads(f'"{found}"'))
    return letter if letter.isprintable() else " "


def _values(text: str) -> Any:
    """The value, or those of the lines as a list; None where it is neither JSON nor JSON Lines."""
    if len(text) > PARSED_CHARS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()] or None
    except (ValueError, RecursionError):
        return None


def _has_lines(text: str) -> bool:
    """Whether most of it stands in lines that a person reads."""
    long = sum(len(line) for line in text.split("\n") if len(line) > LINE_CHARS)
    return long * 2 <= len(text)


def _outlined(values: Any) -> Iterator[Section]:
    """A section for each part of the outermost list or mapping, headed by what it is called."""
    if isinstance(values, dict):
        for number, (key, value) in enumerate(values.items(), 1):
            lines = "\n".join(_lines(value, key, 0))
            heading = one_line(key)[:HEADING_CHARS]
            yield Section(f"{lines}\n\n", (heading,), f"item {number}")
        return
    parts = values if isinstance(values, list) else [values]
    for number, value in enumerate(parts, 1):
        lines = "\n".join(_lines(value, "", 0))
        yield Section(f"{lines}\n\n", _called(value), f"item {number}")


def _called(value: Any) -> Texts:
    """The name that a part has, if any."""
    if isinstance(value, dict):
        for key in NAMES:
            name = value.get(key)
            if isinstance(name, str) and name.strip():
                return (one_line(name)[:HEADING_CHARS],)
    return ()


def _lines(value: Any, key: str, level: int) -> Iterator[str]:
    """A value as indented lines: "key: value", "- item"."""
    indent = "  " * level
    before = ""
    if key:
        before = f"{indent}{key}: "
    elif level:
        before = f"{indent}- "
    if level > DEPTH:
        yield before + json.dumps(value, ensure_ascii=False)
        return
    is_nested = isinstance(value, (dict, list))
    if is_nested and key:
        yield f"{indent}{key}:"
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _lines(inner, name, level + bool(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(inner, "", level + 1)
    elif value is not None and value != "":
        yield before + _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip("\n")

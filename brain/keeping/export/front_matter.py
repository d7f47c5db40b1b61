"""YAML front matter: written so that every program reads it and twice gives the same bytes, read so that none harms us.

Written by hand, value by value, since the bytes of YAML libraries differ between versions. Read event by event: no
anchors, no tags, no repeated keys, a depth and a size; every scalar comes back as the text that stands there. Leaves
out what the keys mean. Serves the export, the import and skills.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Value = str | list["Value"] | dict[str, "Value"]

SIZE = 1_048_576  # characters of front matter that we read: ours carry a document's metadata
DEPTH = 5  # nested levels (FAULTS.md row 21)
KEY_CHARACTERS = 1_000  # YAML allows 1,024 in a simple key; longer ones are written as `? key`
_PLAIN = re.compile(r"[A-Za-z_](?:[\w ./()-]*[\w/()])?", re.A)
_WORDS = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)  # something else to YAML 1.1
_HIDDEN = re.compile(
    "[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


class BadFrontMatter(ValueError):
    """What stands there is none, or not one that we take; the text says why in a few words."""


def dump(values: Mapping[str, Any]) -> str:
    """The block with its two `---` lines. Values: text, numbers, lists of text, mappings of these; what is empty is
    left out, except inside a mapping.

    >>> print(dump({"title": "Tea: how hot", "tags": ["tea", "2026"], "brain": {"label": "public"}}), end="")
    ---
    title: "Tea: how hot"
    tags: [tea, "2026"]
    brain:
      label: public
    ---
    """
    return "---\n" + "".join(f"{line}\n" for line in lines_of(values)) + "---\n"


def lines_of(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The lines between, without line ends."""
    for key, value in values.items():
        if value is None or (not indent and isinstance(value, Mapping | Sequence) and not value):
            continue
        name = _scalar(key)
        if isinstance(value, Mapping):
            yield (
                f"{indent}? {name}\n{indent}:" if len(name) > KEY_CHARACTERS else f"{indent}{name}:"
            )
            yield from lines_of(value, indent + "  ")
        else:
            head = (
                f"{indent}? {name}\n{indent}: "
                if len(name) > KEY_CHARACTERS
                else f"{indent}{name}: "
            )
            yield head + _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_scalar(str(item)) for item in value) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """Plain where nobody can misread it, else in double quotes with JSON's escapes, which are YAML's too."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def split(text: str) -> tuple[str, str]:
    """(the lines between the first two `---` lines, what follows them). Raises `BadFrontMatter` when there are none."""
    if not text.startswith("---\n"):
        raise BadFrontMatter("no front matter")
    end = text.find("\n---\n", 3)
    if end < 0 and not text.endswith("\n---"):
        raise BadFrontMatter("front matter without an end")
    return (text[4 : end + 1], text[end + 5 :]) if end >= 0 else (text[4:-3], "")


def parse(block: str) -> dict[str, Value]:
    """The values of a block (without its `---` lines). Raises `BadFrontMatter`."""
    import yaml

    if len(block) > SIZE:
        raise BadFrontMatter(f"over {SIZE // 1024} KB")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = _build(yaml.parse(block, Loader=loader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, BadFrontMatter):
            raise
        problem = getattr(error, "problem", "") or "not readable"
        raise BadFrontMatter(f"no YAML: {problem}") from error
    if root == "":
        return {}
    if not isinstance(root, dict):
        raise BadFrontMatter("not a list of keys and values")
    return root


def _build(events: Iterator[Any]) -> Value:
    """One value out of the parser's events, without recursion."""
    stack: list[
        tuple[Value, str | None]
    ] = []  # (open collection, the key that waits for its value)
    root: Value = ""
    for event in events:
        kind = type(event).__name__
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise BadFrontMatter("anchors and aliases are not read")
        if getattr(event, "tag", None) not in (None, "") and kind.endswith("StartEvent"):
            raise BadFrontMatter("tags are not read")
        if kind == "ScalarEvent":
            if event.tag:
                raise BadFrontMatter("tags are not read")
            root = _place(stack, event.value, root)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(stack) >= DEPTH:
                raise BadFrontMatter(f"nested deeper than {DEPTH}")
            fresh: Value = {} if kind == "MappingStartEvent" else []
            root = _place(stack, fresh, root)
            stack.append((fresh, None))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop()
        elif kind == "DocumentEndEvent":
            return root
    return root


def _place(stack: list[tuple[Value, str | None]], value: Value, root: Value) -> Value:
    """Put a value where it belongs: into the list, behind its key, or at the root, which is returned."""
    if not stack:
        return value
    holder, key = stack[-1]
    if isinstance(holder, list):
        holder.append(value)
    elif isinstance(holder, dict) and key is not None:
        holder[key] = value
        stack[-1] = (holder, None)
    elif isinstance(holder, dict):
        if not isinstance(value, str):
            raise BadFrontMatter("a key that is no text")
        if value in holder:
            raise BadFrontMatter(f"the key {value[:40]!r} stands there twice")
        stack[-1] = (holder, value)
    return root


def text_at(values: Mapping[str, Value], key: str, default: str = "") -> str:
    """The text under a key; the default when there is none or something else."""
    found = values.get(key, default)
    return found if isinstance(found, str) else default


def texts_at(values: Mapping[str, Value], key: str) -> tuple[str, ...]:
    """The texts of a list under a key; a single text counts as a list of one."""
    found = values.get(key, [])
    items = found if isinstance(found, list) else [found] if found else []
    return tuple(item for item in items if isinstance(item, str))


def map_at(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    """The mapping under a key, empty when there is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}

"""Reads YAML front matter, for everything that has any: notes, exported files, the SKILL.md of a skill.

The block is read event by event and never constructed: aliases, anchors and tags are refused, size and depth have
caps, and every value stays the text that stands there ("2026-05-07", "no", "0x1F"), so that a hostile block can
neither expand nor run anything. `read_flat` serves notes, which people write as they like; `read_nested` serves files
with a known shape, and the three `…_at` functions take values out of it. Leaves out what keys mean, and writing
(`brain.keeping.export.front_matter`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.limits import Limits

# Values that a person would search for stay in the text of a note, as the lines that they are.
PROSE_KEYS = {"description", "summary", "abstract", "subtitle", "excerpt"}
# Ours carry the metadata of a whole document, notes a few lines: hence another size than that of a note's block.
NESTED_LIMITS = Limits(front_matter_bytes=4 * 2**20)
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)

Value = str | list["Value"] | dict[str, "Value"]


class BadFrontMatter(ValueError):
    """What stands there is no front matter that we take. The message says why, in a few words."""


class NoFrontMatter(BadFrontMatter):
    """The text does not open with a closed block."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`values`: key -> its strings (a list gives several; nested keys are joined by "."). `prose`: (first, end) lines,
    0-based in the file, of values to keep as text. `lines`: how many lines the block takes, both marks included."""

    values: dict[str, list[str]]
    prose: list[tuple[int, int]]
    lines: int

    def first(self, *keys: str) -> str:
        """The first string under the first of the keys that has one, or ""."""
        for key in keys:
            if found := self.values.get(key):
                return found[0]
        return ""

    def all(self, *keys: str) -> list[str]:
        """Every string under the keys; one written as "a, b" counts as two."""
        found: list[str] = []
        for key in keys:
            for value in self.values.get(key, []):
                found += map(str.strip, value.split(","))
        return list(filter(None, found))


@dataclass(frozen=True, slots=True)
class _Scalar:
    """A value as written, with its lines in the block: from `first` up to `end`."""

    text: str
    first: int
    end: int


class _Pairs(list[tuple[str, "_Node"]]):
    """A mapping as it stands there: a key that is written twice is in it twice."""


_Node = _Scalar | _Pairs | list["_Node"]


def split(text: str) -> tuple[str, str]:
    """(what stands between the two marks, what follows them). Raises `NoFrontMatter` when there are none."""
    mark, newline, rest = text.partition("\n")
    if not newline or mark.rstrip() != "---":
        raise NoFrontMatter("no front matter")
    closing = _CLOSE.search(rest)
    if not closing:
        raise NoFrontMatter("front matter without an end")
    return rest[: closing.start()], rest[closing.end() :]


def read_flat(block: str, limits: Limits) -> FrontMatter:
    """The values of a block as flat strings. Raises `BadFrontMatter`."""
    values: dict[str, list[str]] = {}
    prose = []
    closing_mark = block.count("\n") + 1
    for root in _roots(block, limits):
        for path, value in _leaves(root, ()):
            key = ".".join(path).strip()
            values.setdefault(key, []).append(value.text)
            if " " in value.text.strip() and path[0].lower() in PROSE_KEYS:
                # To YAML, U+2028 ends a line too: its count may run past the block.
                end = min(value.end + 1, closing_mark)
                prose.append((value.first + 1, end))
    return FrontMatter(values, prose, closing_mark + 1)


def _leaves(
    node: _Node, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], _Scalar]]:
    """Every value that is not empty, with the keys that lead to it. An empty key counts as a blank."""
    if isinstance(node, _Scalar):
        if node.text:
            yield path, node
    elif isinstance(node, _Pairs):
        for key, value in node:
            yield from _leaves(value, (*path, key or " "))
    else:
        for item in node:
            yield from _leaves(item, path)


def read_nested(block: str) -> dict[str, Value]:
    """The values of a block as mappings, lists and strings; each key once. Raises `BadFrontMatter`."""
    value = next(map(_plain, _roots(block, NESTED_LIMITS)), "")
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise BadFrontMatter("no keys in it")
    return value


def _plain(node: _Node) -> Value:
    if isinstance(node, _Scalar):
        return node.text
    if not isinstance(node, _Pairs):
        return [_plain(item) for item in node]
    values = {}
    for key, value in node:
        if key in values:
            raise BadFrontMatter(f"the key {key[:40]!r} stands there twice")
        values[key] = _plain(value)
    return values


def _roots(block: str, limits: Limits) -> Iterator[_Node]:
    """The value of each YAML document in a block; more than one is unusual, none means that it is empty."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if len(block.encode()) > limits.front_matter_bytes:
            raise BadFrontMatter(f"over {limits.front_matter_bytes // 1024} KB")
        events = yaml.parse(block, Loader=loader)
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                root = _node(event, events, limits.front_matter_depth, keyed=False)
                next(
                    events
                )  # the end of the document: only now it is known to be whole
                yield root
    except BadFrontMatter:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what cannot be encoded
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 2}" if mark else ""
        raise BadFrontMatter(f"not valid YAML{where}") from error
    except RecursionError as error:
        raise BadFrontMatter("nested too deeply") from error


def _node(event: Any, events: Iterator[Any], depth: int, *, keyed: bool) -> _Node:
    """The value that begins with this event, at most `depth` levels deep. `keyed`: some key leads to it."""
    import yaml

    _refuse_references(event)
    if isinstance(event, yaml.ScalarEvent):
        if event.value and not keyed:
            raise BadFrontMatter("no keys in it")
        return _scalar(event)
    if depth == 0:
        raise BadFrontMatter("nested too deeply")
    if isinstance(event, yaml.SequenceStartEvent):
        items = _until(yaml.SequenceEndEvent, events)
        return [_node(item, events, depth - 1, keyed=keyed) for item in items]
    pairs = _Pairs()
    for key in _until(yaml.MappingEndEvent, events):
        _refuse_references(key)
        if not isinstance(key, yaml.ScalarEvent):
            raise BadFrontMatter("a key that is no word")
        pairs.append((key.value, _node(next(events), events, depth - 1, keyed=True)))
    return pairs


def _refuse_references(event: Any) -> None:
    """An alias repeats what an anchor names, and so can make gigabytes of a line; a tag may name a type to
    construct."""
    import yaml

    marked = getattr(event, "anchor", None) or getattr(event, "tag", None)
    if marked or isinstance(event, yaml.AliasEvent):
        raise BadFrontMatter("aliases, anchors and tags are not taken")


def _scalar(event: Any) -> _Scalar:
    # A block of lines ends where the next line begins, any other value within its line.
    end = event.end_mark.line + bool(event.end_mark.column)
    return _Scalar(event.value, event.start_mark.line, end)


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    """The events up to the one that ends this collection. What an event opens must be taken before the next is asked
    for."""
    for event in events:
        if isinstance(event, end):
            return
        yield event


def text_at(values: Mapping[str, Value], key: str, default: str = "") -> str:
    """The text under a key; the default when there is none or something else."""
    found = values.get(key)
    return found if isinstance(found, str) else default


def texts_at(values: Mapping[str, Value], key: str) -> tuple[str, ...]:
    """The texts of a list under a key; a single text counts as a list of one."""
    found = values.get(key)
    if isinstance(found, str):
        return (found,) if found else ()
    items = found if isinstance(found, list) else []
    return tuple(item for item in items if isinstance(item, str))


def map_at(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    """The mapping under a key, empty when there is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}

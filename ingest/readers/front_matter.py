"""Reads YAML front matter without constructing anything: exported files, the SKILL.md of a skill, the heads of notes.

The block is looked through event by event and never constructed: aliases, anchors and tags are refused, size and
depth have caps, and every value stays the text that stands there ("2026-05-07", "no", "0x1F"), so that a hostile
block can neither expand nor run anything. `read_nested` serves files with a known shape, and the three `…_at` functions
take values out of it. Leaves out notes, which people write as they like (properties.py), what keys mean, and writing
(`brain.keeping.export.front_matter`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ingest.document import Texts
from ingest.limits import Limits

YAML = "---"
TOML = "+++"
# Ours carry the metadata of a whole document, notes a few lines: hence another size than that of a note's block.
NESTED_LIMITS = Limits(front_matter_bytes=32 * 2**20)
# Each takes about half a kilobyte of memory; a note with 60,000 links has a quarter of so many.
MOST_EVENTS = 500_000
_CLOSE = {
    YAML: re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE),
    TOML: re.compile(r"^\+\+\+[ \t]*(?:\n|\Z)", re.MULTILINE),
}

Node = Any  # yaml.Node, of whose `id` the types of the package do not know
Value = str | list["Value"] | dict[str, "Value"]


class BadFrontMatter(ValueError):
    """What stands there is no front matter that we take. The message says why, in a few words."""


class NoFrontMatter(BadFrontMatter):
    """The text does not open with a closed block."""


def split(text: str, *, marks: Texts = (YAML,)) -> tuple[str, str]:
    """(what stands between two of the marks, what follows them). Raises `NoFrontMatter` when there are none."""
    mark, newline, rest = text.partition("\n")
    mark = mark.rstrip()
    if not newline or mark not in marks:
        raise NoFrontMatter("no front matter")
    closing = _CLOSE[mark].search(rest)
    if not closing:
        raise NoFrontMatter("front matter without an end")
    return rest[: closing.start()], rest[closing.end() :]


def read_nested(block: str) -> dict[str, Value]:
    """The values of a block as mappings, lists and strings; each key once. Raises `BadFrontMatter`."""
    value = next(map(_plain, roots(block, NESTED_LIMITS)), "")
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise BadFrontMatter("no keys in it")
    return value


def _plain(node: Node) -> Value:
    if node.id == "sequence":
        return [_plain(item) for item in node.value]
    if node.id == "scalar":
        return str(node.value)
    values = {}
    for key, value in mapped(node):
        name = key.value
        if name in values:
            raise BadFrontMatter(f"the key {name[:40]!r} stands there twice")
        values[name] = _plain(value)
    return values


def mapped(mapping: Node) -> Iterator[tuple[Node, Node]]:
    """Keys, which are words, and values as they stand there: a key that is written twice comes twice."""
    for key, value in mapping.value:
        if key.id != "scalar":
            raise BadFrontMatter("a key that is no word")
        yield key, value


def roots(block: str, limits: Limits) -> list[Node]:
    """The value of each YAML document in a block; more than one is unusual, none means that it is empty."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if len(block.encode()) > limits.front_matter_bytes:
            raise BadFrontMatter(f"over {limits.front_matter_bytes // 1024} KB")
        _refuse_harmful(yaml.parse(block, Loader=loader), limits.front_matter_depth)
        return list(yaml.compose_all(block, Loader=loader))
    except BadFrontMatter:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what cannot be encoded
        mark = getattr(error, "problem_mark", None)
        where = ""
        if mark:
            where = f" at line {mark.line + 2}"
        raise BadFrontMatter(f"not valid YAML{where}") from error


def _refuse_harmful(events: Iterable[Any], most: int) -> None:
    """Too many values take all memory; an alias repeats what an anchor names, and so can make gigabytes of a line; a
    tag may name a type to construct; and what nests deeper than `most` levels no person wrote.
    """
    import yaml

    depth = 0
    for count, event in enumerate(events):
        if count > MOST_EVENTS:
            raise BadFrontMatter(f"over {MOST_EVENTS:,} values")
        marked = getattr(event, "anchor", None) or getattr(event, "tag", None)
        if marked:
            raise BadFrontMatter("aliases, anchors and tags are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > most:
            raise BadFrontMatter("nested too deeply")


def text_at(values: Mapping[str, Value], key: str, default: str = "") -> str:
    """The text under a key; the default when there is none or something else."""
    found = values.get(key)
    return found if isinstance(found, str) else default


def texts_at(values: Mapping[str, Value], key: str) -> Texts:
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

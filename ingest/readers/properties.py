"""What stands at the head of a note, as people and programs write it: properties in YAML or TOML, values as text.

A line that is no YAML ("title: Governance: the prompt", "owner: @ana", a tab) costs that line and not the block, and
stays in the note as text. Blank lines may stand before the block, a second block may follow it (a tool puts its own
above a person's), and keys count in any case. Leaves out what YAML must not do (front_matter.py) and what the note says
below. Serves `markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ingest.document import Texts
from ingest.limits import Limits
from ingest.readers.front_matter import (
    TOML,
    YAML,
    BadFrontMatter,
    Node,
    NoFrontMatter,
    mapped,
    roots,
    split,
)

# Keys that only a head has: a second block must hold one, so that text between two rules is not taken for it.
HEAD_KEYS = {"title", "tags", "tag", "aliases", "alias", "date", "created", "author"}
TAG_KEYS = ("tags", "tag", "taxonomies.tags")
KEYWORD_KEYS = ("keywords", "keyword")
LINES_TOLD = 5  # of those that could not be read

# Where an entry begins, for a block in which some line cannot be read.
_ENTRY = {
    YAML: re.compile(r"([^\W\d][^:\n]{0,60}|\"[^\"\n]{1,60}\")[ \t]*:(?:[ \t]+(.*))?$"),
    TOML: re.compile(r"[ \t]*([\w.\"'-]{1,60})[ \t]*=[ \t]*(.*)$"),
}
_TABLE = re.compile(r"[ \t]*\[([^\[\]\n]+)\][ \t]*(?:#.*)?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
# What YAML takes for a list, an anchor or a block of lines was not meant as a text; {{…}} is a template's.
_STRUCTURE = re.compile(r"[\[&*!|>]|\{(?!\{)")
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")


@dataclass(frozen=True, slots=True)
class Property:
    """One value of a key (nested keys are joined by "."); a list gives several. It stands in the lines from `first` to
    before `end`, the line of its key included; lines count from 0.
    """

    key: str
    value: str
    first: int
    end: int
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The properties of a note in order. `unread`: (first, end) lines that could not be read. `lines`: how many lines
    the head takes, marks and blank lines above included; 0 where there is none.
    """

    properties: tuple[Property, ...] = ()
    unread: tuple[tuple[int, int], ...] = ()
    lines: int = 0
    notices: Texts = ()

    def first(self, *keys: str) -> str:
        """The first value under the first of the keys that has one, or ""."""
        return next(iter(self._under(keys)), Property("", "", 0, 0)).value

    def all(self, *keys: str) -> list[str]:
        """Every value under the keys; one written as "a, b" counts as two."""
        return list(_parted(r",", self._under(keys)))

    def tags(self) -> list[str]:
        """Tags, which blanks may part where no comma does, and keywords, without their signs."""
        found: list[str] = []
        for item in self._under(TAG_KEYS):
            by = "," if item.listed or "," in item.value else r"\s+"
            found += _parted(by, [item])
        found += _parted(r"[,;]", self._under(KEYWORD_KEYS))
        return [tag.lstrip("#") for tag in found]

    def metadata(self) -> dict[str, str]:
        """Key -> its values, several joined by ", "."""
        found: dict[str, list[str]] = {}
        for item in self.properties:
            found.setdefault(item.key, []).append(item.value)
        return {key: ", ".join(values) for key, values in found.items()}

    def _under(self, keys: Iterable[str]) -> list[Property]:
        wanted = tuple(keys)
        found = [item for item in self.properties if item.key.lower() in wanted]
        return sorted(found, key=lambda item: wanted.index(item.key.lower()))


def _parted(by: str, found: Iterable[Property]) -> Iterator[str]:
    for item in found:
        yield from filter(None, map(str.strip, re.split(by, item.value)))


def read_head(text: str, limits: Limits) -> Head:
    """The head of a note: one block, or two of which the second says more; no lines where there is none."""
    blank = _BLANK_LINES.match(text)
    above = blank.end() if blank else 0
    try:
        head, rest = _block(text[above:], text.count("\n", 0, above), limits)
    except NoFrontMatter:
        return Head()
    blank = _BLANK_LINES.match(rest)
    below = blank.end() if blank else 0
    try:
        second, _ = _block(
            rest[below:], head.lines + rest.count("\n", 0, below), limits
        )
    except NoFrontMatter:
        return head
    known = {item.key.lower() for item in second.properties}
    if second.unread or known.isdisjoint(HEAD_KEYS):
        return head
    return replace(
        head,
        properties=head.properties + second.properties,
        lines=second.lines,
    )


def _block(text: str, above: int, limits: Limits) -> tuple[Head, str]:
    """(the head that a text opens with, the text below it). `above`: lines before it. Raises `NoFrontMatter`."""
    block, rest = split(text, marks=(YAML, TOML))
    mark = text[: len(YAML)]
    end = above + text.removesuffix(rest).count("\n")
    if not rest and not text.endswith("\n"):
        end += 1
    try:
        properties, unread = _read(block, mark, limits)
    except BadFrontMatter as error:
        told = f"front matter kept as text: {error}"
        return Head((), ((above, end),), end, (told,)), rest
    shift = above + 1
    moved = [
        replace(item, first=item.first + shift, end=min(item.end + shift, end - 1))
        for item in properties
    ]
    lines = [(first + shift, last + shift) for first, last, _why in unread]
    notices = _told(lines, unread[0][2]) if unread else ()
    return Head(tuple(moved), tuple(lines), end, notices), rest


def _told(lines: list[tuple[int, int]], why: str) -> Texts:
    numbers = ", ".join(str(first + 1) for first, _end in lines[:LINES_TOLD])
    if len(lines) > LINES_TOLD:
        numbers += ", …"
    where = "line" if len(lines) == 1 else "lines"
    return (f"front matter: {where} {numbers} kept as text: {why}",)


Unread = list[tuple[int, int, str]]  # first line, the line behind the last, why


def _read(block: str, mark: str, limits: Limits) -> tuple[list[Property], Unread]:
    """The properties of a block and what of it could not be read. Raises `BadFrontMatter` when nothing could."""
    if len(block.encode("utf-8", "replace")) > limits.front_matter_bytes:
        raise BadFrontMatter(f"over {limits.front_matter_bytes // 1024} KB")
    if mark == YAML:
        try:
            return list(_yaml(block, limits)), []
        except BadFrontMatter as error:
            whole = error
    else:
        whole = BadFrontMatter("not valid TOML")
    found, unread = _by_entries(block, mark, limits)
    if unread and not found:
        raise whole
    return found, unread


def _yaml(block: str, limits: Limits) -> Iterator[Property]:
    for root in roots(block, limits):
        if root.id != "mapping":
            if root.value:
                raise BadFrontMatter("no keys in it")
            continue
        for key, value in mapped(root):
            for path, leaf, listed in _leaves(value, (key.value or " ",)):
                # A block of lines ends where the next line begins, any other value within its line.
                last = leaf.end_mark
                end = last.line + bool(last.column)
                name = ".".join(path).strip()
                yield Property(name, leaf.value, key.start_mark.line, end, listed)


def _leaves(
    node: Node, path: Texts, listed: bool = False
) -> Iterator[tuple[Texts, Node, bool]]:
    """Every value that is not empty, with the keys that lead to it. An empty key counts as a blank."""
    if node.id == "mapping":
        for key, value in mapped(node):
            yield from _leaves(value, (*path, key.value or " "))
    elif node.id == "sequence":
        for item in node.value:
            yield from _leaves(item, path, True)
    elif node.value:
        yield path, node, listed


# -- line by line, where the whole cannot be read --------------------------------------------------------------------


def _by_entries(block: str, mark: str, limits: Limits) -> tuple[list[Property], Unread]:
    """Each key with the lines below it, read by itself."""
    found: list[Property] = []
    unread: Unread = []
    table = ""
    for first, lines in _entries(block.split("\n"), mark):
        end = first + len(lines)
        header = _TABLE.match(lines[0]) if mark == TOML else None
        if header:
            table = header[1].strip()
            continue
        try:
            read = (
                _toml(lines, table, limits) if mark == TOML else _entry(lines, limits)
            )
        except BadFrontMatter as error:
            why = str(error).partition(" at line ")[0]
            unread.append((first, end, why))
            continue
        for item in read:
            found.append(replace(item, first=first, end=min(first + item.end, end)))
    return found, unread


def _entries(lines: list[str], mark: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, the lines) of every key, or of what is no key's; comments and blank lines are none."""
    first = 0
    held: list[str] = []
    for at, line in enumerate(lines):
        goes_on = held and _goes_on(line, mark)
        if not goes_on:
            if held:
                yield first, held
            first = at
            held = []
        if held or (line.strip() and not line.startswith("#")):
            held.append(line)
    if held:
        yield first, held


def _goes_on(line: str, mark: str) -> bool:
    """Whether a line belongs to the key above it."""
    if mark == TOML:
        return not (_ENTRY[TOML].match(line) or _TABLE.match(line))
    return not line.strip() or line[0] in " \t-#"


def _entry(lines: list[str], limits: Limits) -> list[Property]:
    """The values of one key of YAML; as they stand there, where they are no YAML."""
    for text in ("\n".join(lines), "\n".join(lines).expandtabs(2)):
        try:
            return list(_yaml(text, limits))
        except BadFrontMatter as error:
            refused = error
    opening = _ENTRY[YAML].match(lines[0])
    if not opening:
        raise refused
    key = opening[1].strip().strip("\"'")
    values = [(0, (opening[2] or "").strip())]
    for at, line in enumerate(lines[1:], 1):
        item = _ITEM.match(line)
        if item:
            values.append((at, item[1].strip()))
        elif line.strip():
            raise refused
    if any(_STRUCTURE.match(value) for _at, value in values):
        raise refused
    return [
        Property(key, value.strip("\"'"), 0, at + 1, listed=at > 0)
        for at, value in values
        if value.strip("\"'")
    ]


def _toml(lines: list[str], table: str, limits: Limits) -> list[Property]:
    """The values of one key of TOML, under the header of its table."""
    import tomllib

    header = f"[{table}]\n" if table else ""
    body = "\n".join(lines)
    try:
        values = tomllib.loads(header + body)
        return list(_plain_leaves(values, (), limits.front_matter_depth, len(lines)))
    except (ValueError, RecursionError) as error:
        opening = _ENTRY[TOML].match(lines[0])
        written = opening[2].strip() if opening else ""
        if not opening or len(lines) > 1 or not written or written[0] in "[{\"'":
            raise BadFrontMatter("not valid TOML") from error
        key = ".".join(filter(None, (table, opening[1].strip("\"'"))))
        return [Property(key, written, 0, 1)]


def _plain_leaves(
    value: Any, path: Texts, depth: int, end: int, listed: bool = False
) -> Iterator[Property]:
    """Every value of what the standard library made of TOML, as text."""
    if depth < 0:
        raise BadFrontMatter("nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _plain_leaves(inner, (*path, key), depth - 1, end)
    elif isinstance(value, list):
        for inner in value:
            yield from _plain_leaves(inner, path, depth - 1, end, True)
    elif isinstance(value, bool):
        yield Property(".".join(path), str(value).lower(), 0, end, listed)
    elif str(value):
        yield Property(".".join(path), str(value), 0, end, listed)

"""What stands at the head of a note, as people and programs write it: properties in YAML, TOML or JSON, values as text.

A line that is no YAML ("title: Governance: the prompt", "owner: @ana", a tab) costs that line and not the block, and
stays in the note as text. "#" begins a comment only before a blank: "#ops" is a tag, "Issue #12" a title. Blank lines
and HTML comments may stand before the block, a second block may follow it (a tool puts its own above a person's), and
keys count in any case. Leaves out what YAML must not do (front_matter.py) and what the note says
below. Serves `markdown`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ingest.document import Metadata, Texts
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
from ingest.readers.json_head import Lines, json_part

# Keys that only a head has: a second block must hold one, so that text between two rules is not taken for it.
HEAD_KEYS = {
    "title",
    "tags",
    "tag",
    "aliases",
    "alias",
    "date",
    "created",
    "author",
}
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
# What YAML takes for a list, an anchor or a block of lines was not meant as a text; {{…}} is a template's, and [[…]] a
# link.
_STRUCTURE = re.compile(r"\[(?!\[[^\[\]]+\]\])|[&*!|>]|\{(?!\{)")
_UNCLOSED = re.compile(r"\[([^\[\]{}]*)$")  # a list whose last sign is missing
_QUOTES = "\"'"
_COMMENT = r"<!--[^-]*(?:-(?!->)[^-]*)*-->[ \t]*"
_ABOVE = re.compile(rf"(?:\ufeff?(?:{_COMMENT}|[ \t]*)\n)*\ufeff?")
# A whole line that is a comment, else a sign that begins none: "tags: #ops", "Issue #12", "[#ops, #home]".
_SIGN = re.compile(r"^[ \t]*#.*$|(?<=[ \t\[,])#(?=[^\s#])", re.MULTILINE)
_STAND_IN = "\ue000"  # for such a sign while YAML is read
# One letter, which JSON writes as two and YAML does not take so.
_PAIR = re.compile(r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}")
_JSON_END = re.compile(r"[ \t]*(?:\n|\Z)")


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
    unread: tuple[Lines, ...] = ()
    lines: int = 0
    notices: Texts = ()

    def first(self, *keys: str) -> str:
        """The first value under the first of the keys that has one, or ""."""
        for item in self._under(keys):
            return item.value
        return ""

    def all(self, *keys: str) -> list[str]:
        """Every value under the keys; one written as "a, b" counts as two."""
        return list(_parted(r",", self._under(keys)))

    def tags(self) -> list[str]:
        """Tags, which blanks may part where no comma does, and keywords, without their signs."""
        found: list[str] = []
        for item in self._under(TAG_KEYS):
            has_comma = "," in item.value
            by = "," if item.listed or has_comma else r"\s+"
            found += _parted(by, [item])
        found += _parted(r"[,;]", self._under(KEYWORD_KEYS))
        return [tag.lstrip("#") for tag in found]

    def metadata(self) -> Metadata:
        """Key -> its values, several joined by ", "."""
        found: Metadata = {}
        for item in self.properties:
            value = item.value
            if item.key in found:
                value = f"{found[item.key]}, {value}"
            found[item.key] = value
        return found

    def _under(self, keys: Iterable[str]) -> Iterator[Property]:
        for key in keys:
            for item in self.properties:
                if item.key.lower() == key:
                    yield item


def _parted(by: str, found: Iterable[Property]) -> Iterator[str]:
    for item in found:
        parts = map(str.strip, re.split(by, item.value))
        yield from filter(None, parts)


def read_head(text: str, limits: Limits) -> Head:
    """The head of a note: one block, or two of which the second says more; no lines where there is none."""
    try:
        head, rest = _block_below(text, 0, limits)
    except NoFrontMatter:
        return Head()
    try:
        second, _ = _block_below(rest, head.lines, limits)
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


def _block_below(text: str, above: int, limits: Limits) -> tuple[Head, str]:
    """The block below blank lines and HTML comments, as `_block` reads it; comments stay as text."""
    opening = _ABOVE.match(text)
    before = opening.group() if opening else ""
    lines = above + before.count("\n")
    head, rest = _block(text[len(before) :], lines, limits)
    if "<!--" in before:
        comments = (above, lines)
        head = replace(head, unread=(comments, *head.unread))
    return head, rest


def _block(text: str, above: int, limits: Limits) -> tuple[Head, str]:
    """(the head that a text opens with, the text below it). `above`: lines before it. Raises `NoFrontMatter`."""
    if text.startswith("{"):
        return _json_block(text, above, limits)
    block, rest = split(text, marks=(YAML, TOML))
    mark = text[: len(YAML)]
    end = above + _lines_taken(text, rest)
    try:
        properties, unread = _read(block, mark, limits)
    except BadFrontMatter as error:
        told = f"front matter kept as text: {error}"
        lines = (above, end)
        return Head((), (lines,), end, (told,)), rest
    # Below the line of the mark.
    shift = above + 1
    kept = []
    for first, last, _why in unread:
        kept.append((first + shift, last + shift))
    notices: Texts = ()
    if unread:
        _first, _last, why = unread[0]
        notices = (_told(kept, why),)
    return Head(_moved(properties, shift, end - 1), tuple(kept), end, notices), rest


def _lines_taken(text: str, rest: str) -> int:
    """How many lines stand above the rest of a text."""
    taken = text.removesuffix(rest)
    without_end = not rest and not text.endswith("\n")
    return taken.count("\n") + without_end


def _moved(found: Iterable[Property], shift: int, last: int) -> tuple[Property, ...]:
    """The properties with their lines counted in the note, none beyond `last`."""
    moved = []
    for item in found:
        end = min(item.end + shift, last)
        moved.append(replace(item, first=item.first + shift, end=end))
    return tuple(moved)


def _json_block(text: str, above: int, limits: Limits) -> tuple[Head, str]:
    """JSON between braces, with a key that only a head has: else it is a text that opens with a brace."""
    block, length, bad = json_part(text[: limits.front_matter_bytes])
    ending = _JSON_END.match(text, length)
    if ending is None:
        raise NoFrontMatter("no front matter")
    rest = text[ending.end() :]
    # JSON is YAML, which tells the line of each value.
    block = _PAIR.sub(_as_letter, block.expandtabs(1))
    try:
        found = list(_yaml(block, limits))
    except BadFrontMatter as error:
        raise NoFrontMatter("no front matter") from error
    keys = {item.key.lower() for item in found}
    if keys.isdisjoint(HEAD_KEYS):
        raise NoFrontMatter("no front matter")
    end = above + _lines_taken(text, rest)
    kept = [(first + above, last + above) for first, last in bad]
    notices = (_told(kept, "not valid JSON"),) if kept else ()
    return Head(_moved(found, above, end), tuple(kept), end, notices), rest


def _as_letter(pair: re.Match[str]) -> str:
    return str(json.loads(f'"{pair.group()}"'))


def _told(lines: list[Lines], why: str) -> str:
    numbers = []
    for first, _end in lines[:LINES_TOLD]:
        numbers.append(str(first + 1))
    if len(lines) > LINES_TOLD:
        numbers.append("…")
    where = "line" if len(lines) == 1 else "lines"
    listed = ", ".join(numbers)
    return f"front matter: {where} {listed} kept as text: {why}"


Unread = list[tuple[int, int, str]]  # first line, the line behind the last, why
Found = tuple[list[Property], Unread]


def _read(block: str, mark: str, limits: Limits) -> Found:
    """The properties of a block and what of it could not be read. Raises `BadFrontMatter` when nothing could."""
    size = len(block.encode("utf-8", "replace"))
    most = limits.front_matter_bytes
    if size > most:
        raise BadFrontMatter(f"over {most // 1024} KB")
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
    block = _SIGN.sub(_stand_in, block)
    for root in roots(block, limits):
        if root.id != "mapping":
            if root.value:
                raise BadFrontMatter("no keys in it")
            continue
        for key, value in mapped(root):
            first = key.start_mark.line
            name = key.value or " "
            for path, leaf, listed in _leaves(value, (name,)):
                # A block of lines ends where the next line begins, any other value within its line.
                last = leaf.end_mark
                end = last.line + bool(last.column)
                keys = _with_signs(".".join(path))
                value = _with_signs(leaf.value)
                yield Property(keys.strip(), value, first, end, listed)


def _stand_in(match: re.Match[str]) -> str:
    found = match.group()
    return _STAND_IN if found == "#" else found


def _with_signs(text: str) -> str:
    """A text that YAML has read, with its "#" again."""
    if text.isascii():
        return text
    return text.replace(_STAND_IN, "#")


def _leaves(
    node: Node, path: Texts, listed: bool = False
) -> Iterator[tuple[Texts, Node, bool]]:
    """Every value that is not empty, with the keys that lead to it. An empty key counts as a blank."""
    if node.id == "mapping":
        for key, value in mapped(node):
            name = key.value or " "
            yield from _leaves(value, (*path, name))
    elif node.id == "sequence":
        for item in node.value:
            yield from _leaves(item, path, True)
    elif node.value:
        yield path, node, listed


# -- line by line, where the whole cannot be read --------------------------------------------------------------------


def _by_entries(block: str, mark: str, limits: Limits) -> Found:
    """Each key with the lines below it, read by itself."""
    found: list[Property] = []
    unread: Unread = []
    table = ""
    for first, lines in _entries(block.split("\n"), mark):
        end = first + len(lines)
        is_toml = mark == TOML
        header = _TABLE.match(lines[0])
        if is_toml and header:
            table = header[1].strip()
            continue
        try:
            read = _toml(lines, table, limits) if is_toml else _entry(lines, limits)
        except BadFrontMatter as error:
            why, _at_line, _number = str(error).partition(" at line ")
            unread.append((first, end, why))
            continue
        for item in read:
            last = min(first + item.end, end)
            found.append(replace(item, first=first, end=last))
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
        is_comment = line.startswith("#") or not line.strip()
        if held or not is_comment:
            held.append(line)
    if held:
        yield first, held


def _goes_on(line: str, mark: str) -> bool:
    """Whether a line belongs to the key above it."""
    if mark == TOML:
        begins = _ENTRY[TOML].match(line) or _TABLE.match(line)
        return not begins
    if not line.strip():
        return True
    return line.startswith((" ", "\t", "-", "#"))


def _entry(lines: list[str], limits: Limits) -> list[Property]:
    """The values of one key of YAML; as they stand there, where they are no YAML."""
    entry = "\n".join(lines)
    for text in (entry, entry.expandtabs(2)):
        try:
            return list(_yaml(text, limits))
        except BadFrontMatter as error:
            refused = error
    opening = _ENTRY[YAML].match(lines[0])
    if opening is None:
        raise refused
    name, value = opening.groups("")
    key = name.strip().strip(_QUOTES)
    values = {0: value.strip()}
    for at, line in enumerate(lines[1:], 1):
        item = _ITEM.match(line)
        if item:
            values[at] = item[1].strip()
        elif line.strip():
            raise refused
    unclosed = _UNCLOSED.match(values[0])
    if unclosed and len(values) == 1:
        items = filter(None, map(str.strip, unclosed[1].split(",")))
        return [Property(key, item.strip(_QUOTES), 0, 1, True) for item in items]
    if any(map(_STRUCTURE.match, values.values())):
        raise refused
    found = []
    for at, value in values.items():
        value = value.strip(_QUOTES)
        if value:
            found.append(Property(key, value, 0, at + 1, listed=at > 0))
    return found


def _toml(lines: list[str], table: str, limits: Limits) -> list[Property]:
    """The values of one key of TOML, under the header of its table."""
    import tomllib

    header = f"[{table}]\n" if table else ""
    body = "\n".join(lines)
    depth = limits.front_matter_depth
    end = len(lines)
    try:
        values = tomllib.loads(header + body)
        return list(_plain_leaves(values, (), depth, end))
    except (ValueError, RecursionError) as error:
        refused = BadFrontMatter("not valid TOML")
        opening = _ENTRY[TOML].match(lines[0])
        if opening is None or end > 1:
            raise refused from error
        name, value = opening.groups()
        value = value.strip()
        # What begins as a list, a table or a text was not meant as bare words.
        if not value or value[0] in "[{\"'":
            raise refused from error
        names = filter(None, (table, name.strip(_QUOTES)))
        return [Property(".".join(names), value, 0, 1)]


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
    else:
        name = ".".join(path)
        text = str(value)
        if isinstance(value, bool):
            text = text.lower()
        if text:
            yield Property(name, text, 0, end, listed)

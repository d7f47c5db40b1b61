"""Org files: headings without their states and tags, blocks and tables whole, what the file says of itself at its head.

The text stays as written, line for line; drawers and the keyword lines that were understood are left out of it, their
newlines kept. Found on the way: title, date, tags (of the file and of headings), aliases, links. Leaves out agendas,
clocks and evaluation. Serves `loading`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.document import Metadata
from ingest.readers.line_outline import Mark, sections
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings

DRAWER_LINES = 100  # a longer one is not closed
_HEADING = re.compile(r"(\*+)[ \t]+(.*)")
_STATES = (
    "TODO|DONE|NEXT|WAITING|WAIT|HOLD|STARTED|SOMEDAY|CANCELLED|CANCELED|PROJ|MEETING"
)
_STATES_STATED = ("todo", "seq_todo", "typ_todo")
_STATE = re.compile(r"[^\W\d_]+")
_BRACKETS = re.compile(r"\([^)]*\)")
_TAGS = re.compile(r"[ \t]+(:[\w@#%:]+:)[ \t]*$")
_PRIORITY = re.compile(r"\[#[A-Za-z0-9]\][ \t]*")
_KEYWORD = re.compile(r"#\+([\w-]+):[ \t]*(.*)")
_PROPERTY = re.compile(r"[ \t]*:([\w-]+):[ \t]*(.*)")
_DRAWER = re.compile(r"[ \t]*:(PROPERTIES|LOGBOOK|CLOCK|CLOCKTABLE):[ \t]*$", re.I)
_END_OF_DRAWER = re.compile(r"[ \t]*:END:[ \t]*$", re.I)
_BEGIN = re.compile(r"[ \t]*#\+BEGIN_(\w+)", re.I)
_LINK = re.compile(r"\[\[([^\[\]]+)\](?:\[[^\[\]]*\])?\]")
_TABLE = re.compile(r"[ \t]*\|")
# Keywords that say something of the document; others, such as captions, stay text.
_ABOUT = set(
    "title subtitle author email date filetags keywords description category language property roam_tags "
    "roam_alias roam_aliases hugo_tags".split()
)
_SETTINGS = re.compile(
    r"#\+(?:options|startup|latex\w*|html\w*|setupfile|todo|seq_todo)\b", re.I
)


@dataclass(slots=True)
class _Said:
    """What the file says of itself."""

    metadata: Metadata = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    states: str = _STATES
    begun: bool = (
        False  # whether a heading has come: what follows is not of the whole file
    )
    endless: set[str] = field(
        default_factory=set
    )  # kinds of blocks that never end any more


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    lines = text.split("\n")
    said = _Said()
    for line in lines:
        keyword = _KEYWORD.match(line)
        if keyword and keyword[1].lower() in _STATES_STATED:
            # In brackets stand keys to press.
            stated = _BRACKETS.sub("", keyword[2])
            words = _STATE.findall(stated)
            said.states = "|".join([*words, _STATES])
    marks = list(_marks(lines, said))
    plain = "\n".join(lines)
    links = (_target(link) for link in _LINK.findall(plain))
    yield Reading(
        list(sections(lines, marks)),
        title=said.metadata.get("title", ""),
        metadata=said.metadata,
        tags=tuple(dict.fromkeys(said.tags)),
        aliases=tuple(dict.fromkeys(said.aliases)),
        links=tuple(dict.fromkeys(filter(None, links))),
        notices=notices,
        date=said.metadata.get("date", ""),
        date_by="front matter",
    )


def _marks(lines: list[str], said: _Said) -> Iterator[Mark]:
    """Headings, blocks and tables. Drawers and keyword lines are blanked on the way."""
    at = 0
    in_table = False
    while at < len(lines):
        line = lines[at]
        begin = _BEGIN.match(line)
        is_row = bool(_TABLE.match(line))
        if is_row != in_table:
            in_table = is_row
            yield Mark(at, atomic=is_row)
        if begin:
            kind = begin[1].lower()
            end = _end_of_block(lines, at, kind, said)
            yield Mark(at, atomic=True)
            at = end + 1
            if at < len(lines):
                yield Mark(at)
            continue
        heading = _HEADING.match(line)
        if heading:
            said.begun = True
            stars, stated = heading.groups()
            words = _words(stated, said)
            yield Mark(at, len(stars), words)
        elif _DRAWER.match(line):
            at = _without_drawer(lines, at, said)
        elif _SETTINGS.match(line) or _about(line, said):
            lines[at] = ""
        at += 1


def _end_of_block(lines: list[str], at: int, name: str, said: _Said) -> int:
    """The line that ends a block; its own line when nothing does."""
    if name in said.endless:
        return at
    end = re.compile(rf"[ \t]*#\+END_{re.escape(name)}\b", re.I)
    for following in range(at + 1, len(lines)):
        if end.match(lines[following]):
            return following
    said.endless.add(name)
    return at


def _words(heading: str, said: _Said) -> str:
    """The words of a heading without state, priority and tags, which are noted."""
    if tags := _TAGS.search(heading):
        said.tags += filter(None, tags[1].split(":"))
        heading = heading[: tags.start()]
    state = re.match(rf"(?:{said.states})(?:[ \t]+|$)", heading)
    if state:
        heading = heading[state.end() :]
    return _PRIORITY.sub("", heading, count=1)


def _without_drawer(lines: list[str], at: int, said: _Said) -> int:
    """Blanks a drawer and notes the properties of the file; its last line."""
    below = lines[at : at + DRAWER_LINES]
    for last, line in enumerate(below, at):
        if last > at and _HEADING.match(line):
            return at  # it never ends: it stays text
        if not _END_OF_DRAWER.match(line):
            continue
        for inside in range(at, last + 1):
            found = _PROPERTY.match(lines[inside])
            lines[inside] = ""
            if found is None or said.begun:
                continue
            name, value = found.groups()
            value = value.strip()
            if value:
                _note(name, value, said)
        return last
    return at


def _about(line: str, said: _Said) -> bool:
    """Notes a keyword line that says something of the document; whether it does."""
    keyword = _KEYWORD.match(line)
    if keyword is None:
        return False
    name = keyword[1].lower()
    if name not in _ABOUT:
        return False
    value = keyword[2].strip()
    if value:
        _note(name, value, said)
    return True


def _note(name: str, value: str, said: _Said) -> None:
    name = name.lower()
    if name == "end":
        return
    if name in ("filetags", "roam_tags", "hugo_tags"):
        said.tags += filter(None, re.split(r"[:\s]+", value))
    elif name == "keywords":
        said.tags += filter(None, map(str.strip, value.split(",")))
    elif name in ("roam_aliases", "roam_alias"):
        said.aliases += _quoted(value)
    elif known := said.metadata.get(name):
        said.metadata[name] = f"{known} {value}"
    else:
        said.metadata[name] = value


def _quoted(value: str) -> list[str]:
    """Words, and several between quotation marks: `"Flat contract" lease`."""
    try:
        return shlex.split(value)
    except ValueError:
        return [value]


def _target(link: str) -> str:
    """The note that a link names; an address of the web or a picture is none."""
    kind, colon, rest = link.partition(":")
    if colon and kind in ("file", "attachment"):
        path, _sign, _place = rest.partition("::")
        if path.endswith(".org"):
            return path.removesuffix(".org")
        return ""
    if colon and kind.isalpha():
        return ""
    return link.lstrip("*#")

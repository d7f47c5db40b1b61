"""Content lines, of which calendars and address books are made: "NAME;PARAMETER=VALUE:VALUE" (RFC 5545, RFC 6350).

Long lines are unfolded, escapes read, and the quoted-printable of vCard 2.1 decoded. Whatever is no content line is
passed over. The libraries for it refuse a whole file for one line that they do not like. Leaves out what the names
mean. Serves the readers of calendars and contacts.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

VALUE_CHARS = 20_000  # of one value: a picture is none
_FOLDED = re.compile(r"\n[ \t]")
_SOFT_BREAK = re.compile(r"=\n[ \t]?")
_LINE = re.compile(
    r"""(?:[\w-]{1,60}\.)?(?P<name>[\w-]{1,60})(?P<parameters>(?:;(?:"[^"]*"|[^":;])*)*):(?P<value>.*)""",
    re.S,
)
_PARAMETER = re.compile(r"""([\w-]+)(?:=("[^"]*"|[^;]*))?""")
_ESCAPE = re.compile(r"\\([\\;,nN:])")
_PARTS = re.compile(r"(?<!\\);")


@dataclass(frozen=True, slots=True)
class Line:
    """`name` and the names of `parameters` in capitals; `value` as it stands, escapes and all."""

    name: str
    value: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The value with its escapes read."""
        return unescaped(self.value).strip()

    @property
    def parts(self) -> list[str]:
        """The parts of a value such as a name or an address, parted by semicolons."""
        stated = _PARTS.split(self.value)
        return [unescaped(part).strip() for part in stated]


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END: an event, a card. `inner`: components inside it, such as a reminder."""

    kind: str
    lines: list[Line] = field(default_factory=list)
    inner: list[Component] = field(default_factory=list)

    def first(self, name: str) -> str:
        """The text of the first line of a name, "" without one."""
        for line in self.all(name):
            return line.text
        return ""

    def all(self, *names: str) -> Iterator[Line]:
        for line in self.lines:
            if line.name in names and line.value.strip():
                yield line


def unescaped(value: str) -> str:
    """A value with its escaped commas, semicolons and line ends read."""
    return _ESCAPE.sub(_escaped_sign, value)


def _escaped_sign(match: re.Match[str]) -> str:
    sign = match[1]
    return "\n" if sign in "nN" else sign


def components(text: str) -> list[Component]:
    """The outermost components of a text; one that does not end, ends with the text."""
    top = Component("")
    open_ones = [top]
    for line in lines(text):
        if line.name == "BEGIN":
            made = Component(line.value.strip().upper())
            open_ones[-1].inner.append(made)
            open_ones.append(made)
        elif line.name == "END":
            if len(open_ones) > 1:
                open_ones.pop()
        else:
            open_ones[-1].lines.append(line)
    return top.inner


def lines(text: str) -> Iterator[Line]:
    """The content lines of a text, each on one line again."""
    if "QUOTED-PRINTABLE" in text.upper():
        text = _SOFT_BREAK.sub("", text)
    for stated in _FOLDED.sub("", text).split("\n"):
        match = _LINE.match(stated[:VALUE_CHARS])
        if match is None:
            continue
        name = match["name"].upper()
        parameters = _parameters(match["parameters"])
        value = _decoded(match["value"], parameters)
        yield Line(name, value, parameters)


def _parameters(stated: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(stated):
        key = name.upper()
        if not value:
            # A bare word is a type: "TEL;HOME:…" of vCard 2.1.
            key = "TYPE"
            value = name
        value = value.strip('"')
        if known := found.get(key):
            value = f"{known},{value}"
        found[key] = value
    return found


def _decoded(value: str, parameters: dict[str, str]) -> str:
    """The value, its quoted-printable read where the line says that it is."""
    encoding = parameters.get("ENCODING", "")
    kind = parameters.get("TYPE", "")
    stated = f"{encoding},{kind}".upper()
    if "QUOTED-PRINTABLE" not in stated:
        return value
    written = value.encode("utf-8", "surrogateescape")
    data = quopri.decodestring(written)
    charset = parameters.get("CHARSET", "utf-8")
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")

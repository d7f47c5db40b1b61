"""Manual pages (troff with the macros of man or mdoc): the words without their marks, under the page's sections.

Line for line, so that a place is a line of the file. Requests that set type are dropped, those that carry words keep
them. Leaves out layout, tables of tbl and conditions. Serves `loading`; a text without any macro is read as it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from ingest.readers.line_outline import Mark, sections
from ingest.readers.text import decode, whole
from ingest.reading import Raw, Reading, Readings

_REQUEST = re.compile(r"[.'][ \t]*([A-Za-z0-9]{1,3}|\\\"|\\})?[ \t]*(.*)$")
_MACRO_LINE = re.compile(r"^[.'](?:TH|Dd|Dt|SH|Sh|so)\b", re.M)
_ESCAPES = (
    (re.compile(r'\\".*'), ""),
    (re.compile(r"\\f(?:\[[^\]]*\]|\(..|.)"), ""),
    (re.compile(r"\\[sSvhHwdlLoDNbxX](?:'[^']*'|[-+]?\d+)"), ""),
    (re.compile(r"\\[&|^,/%:!{}dur]|\\[*n](?:\[[^\]]*\]|\(..|.)"), ""),
    (re.compile(r"\\[ ~0]"), " "),
)
_LETTER = re.compile(r"\\(?:\((..)|\[([^\]]{1,8})\]|([-e.'`]))")
# Names of letters (groff_char(7)), each followed by its letter.
_NAMED = (
    "- - e \\ . . ' ´ ` ` em — en – hy - lq “ rq ” oq ‘ cq ’ aq ' dq \" bu • co © rg ® tm ™ mu × -> → <- ← >= ≥ <= ≤ "
    "ti ~ ha ^ ga ` rs \\ sl / ss ß ae æ o/ ø Po £"
).split()
_LETTERS = dict(zip(_NAMED[::2], _NAMED[1::2], strict=True))
# Macros of headings, and the levels of those.
_LEVELS = {
    "SH": 1,
    "Sh": 1,
    "SS": 2,
    "Ss": 2,
}
# Macros whose words are text; every other request sets type and says nothing.
_SPOKEN = set(
    "B I BR RB BI IB IR RI SM SB R TP TQ IP HP UR MT PP Nm Nd Fl Ar Op Pa Li Xr Ev Em Sy Dq Sq Ql Qq It Cm Ic Va Vt "
    "Fn Fa Ft In Er Dv An Ad Lk Mt Aq Bq Brq Pq St Ns No Cd Sx Tn Ux Bx Fx Nx Ox Dl D1 Oo Fo Fc Pf EX OP SY".split()
)
_CLOSE_UP = set("BR RB BI IB IR RI".split())  # words of these are set without spaces
_MDOC = set(
    "Nm Fl Ar Op Pa Li Xr Ev Em Sy Dq Sq Ql Cm Ic Va Ns No Pq Sx Aq Bq Brq Ao Ac".split()
)


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = decode(raw.data)
    if not _MACRO_LINE.search(text):
        yield Reading([whole(text)], notices=notices)
        return
    lines = text.split("\n")
    marks = list(_marks(lines))
    name, section, date = _head(lines)
    page = name.lower()
    said = [_line(line, page) for line in lines]
    title = page
    if page and section:
        title = f"{page}({section})"
    yield Reading(
        list(sections(said, marks)),
        title=title,
        notices=notices,
        created=date,
    )


def _head(lines: list[str]) -> tuple[str, str, str]:
    """(name, section, date) that the page states."""
    name = section = date = ""
    for line in lines:
        words = _words(line[3:])
        if line.startswith(".TH"):
            name, section, date, *_others = [*words, "", "", ""]
            break
        if line.startswith(".Dd"):
            date = " ".join(words).replace("$", "")
        elif line.startswith(".Dt"):
            name, section, *_others = [*words, "", ""]
            break
    return name, section, date


def _marks(lines: list[str]) -> Iterator[Mark]:
    for at, line in enumerate(lines):
        request = _REQUEST.match(line)
        name = request[1] if request else ""
        if request and name in _LEVELS:
            stated = request[2]
            below = lines[at + 1 : at + 2]
            if not stated and below:
                stated = below[0]
            words = " ".join(_words(stated))
            level = _LEVELS[name]
            yield Mark(at, level, _unescaped(words))
        elif name in ("EX", "nf", "Bd"):
            yield Mark(at, atomic=True)
        elif name in ("EE", "fi", "Ed"):
            yield Mark(at)


def _line(line: str, page: str) -> str:
    """The words of a line of a page, "" for a request that has none."""
    if not line.startswith((".", "'")):
        return _unescaped(line)
    request = _REQUEST.match(line)
    name = request[1] if request else ""
    if request is None or not name:
        return ""
    words = _words(request[2])
    if name in _LEVELS:
        return _unescaped(" ".join(words))
    if name not in _SPOKEN:
        return ""
    if name == "IP" and len(words) > 1:
        words = words[:1]  # the rest is an indentation
    if name in ("TP", "HP"):
        return ""
    if name == "Nm" and not words:
        return page
    if name in _MDOC or not _MDOC.isdisjoint(words):
        words = list(_without_macros(words))
        if name == "Fl" and words:
            words[0] = f"-{words[0]}"
    between = "" if name in _CLOSE_UP else " "
    joined = between.join(words)
    return _unescaped(joined)


def _without_macros(words: list[str]) -> Iterator[str]:
    """The words of a line; one after the macro of an option with its dash."""
    before = ""
    for word in words:
        if word not in _MDOC:
            dash = "-" if before == "Fl" else ""
            yield dash + word
        before = word


def _words(text: str) -> list[str]:
    """The arguments of a request: words, or several in quotation marks."""
    text = _ESCAPES[0][0].sub("", text)
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.escape = ""
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return text.replace('"', "").split()


def _unescaped(text: str) -> str:
    """The letters that escapes stand for, without fonts and sizes."""
    if "\\" not in text:
        return text
    for pattern, instead in _ESCAPES:
        text = pattern.sub(instead, text)
    return _LETTER.sub(_letter, text)


def _letter(match: re.Match[str]) -> str:
    name = match[1] or match[2] or match[3]
    if name in _LETTERS:
        return _LETTERS[name]
    if name.startswith("u") and len(name) == 5:
        try:
            return chr(int(name[1:], 16))
        except ValueError:
            return ""
    return ""

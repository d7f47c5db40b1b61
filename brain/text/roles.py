"""What each sentence of a passage is: something said, or a heading, a fence, a greeting, a name of columns.

Reads the lines of one text, with the headings that its document gives it. A sentence that is said carries the headings
above it, and a row of a table the names of its columns. Leaves out what the sentences say. Serves answering.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from brain.text.sheet import Statement
from brain.text.turns import speakers
from brain.types import NO_FILE, Passage, Passages, Texts
from ingest.media import UNKNOWN, media_type

Kind = Literal["said", "heading", "fence", "greeting", "key", "columns"]

PASSAGES_KEPT = 512  # passages whose lines are remembered
SENTENCES_KEPT = 4_096  # sentences of which it is remembered whether they only greet
MAX_GREETING = 60  # characters of a line that only greets
MAX_LEAD_WORDS = 12  # words before a colon that only lead to what follows
BOLD, LEAD = 7, 8  # levels below those of real headings

_COMMENT = re.compile(r"\d|[,;!?=<>()]|\. ")  # in a line of words, beside a heading's
# Kinds of files that are no code though they are called as one.
_MARKED_UP = ("text/x-org", "text/x-rst", "text/x-opml")
_PLAIN = ("text/plain", "text/csv", "text/tab-separated-values")
_MARKED = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"\s*(?:(=+)|-{3,})\s*$")
_BOLD_LINE = re.compile(r"(?:\*\*[^*]+\*\*|__[^_]+__)\s*:?$")
_FENCE = re.compile(r"(?:>\s*)*(?:```|~~~)")
_VALUE = re.compile(r"[\w][\w .-]*:\s")
_ITEM = re.compile(r"(?:[-*+•‣]|\d{1,3}[.)])\s")
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?$")
_BARS = re.compile(r"(?<!\\)\|")
_EMPTY_FIRST = re.compile(r"\|\s*\|")  # of the cells of a row
_NUMBER = re.compile(r"[^\w]*\d[\d.,:%€$£ -]*\w{0,3}$")
_YEAR = re.compile(r"(?:19|20)\d\d$")
_OPEN_VALUE = re.compile(r":\s*[\[{|>]?$")
# How a letter begins and ends, in English and its neighbours.
_BEGINNINGS = (
    r"dear|hi|hello|hey|greetings|good (?:morning|afternoon|evening)|to whom it may concern|sehr geehrte\w*|liebe\w*",
    r"hallo|guten (?:tag|morgen|abend)|moin|bonjour|ch[eè]re?s?|hola|buen[oa]s \w+|estimad\w+|querid\w+|ciao|gentile",
    r"car[oi]|beste|geachte|hoi|ol[aá]|prezad\w+|hej|szanown\w+",
)
_ENDINGS = (
    r"(?:with )?(?:best|kind|kindest|warm|warmest|many|my)?\s*(?:regards|wishes|greetings|thanks)|all the best|cheers",
    r"(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|thank you(?: very much)?(?: in advance)?|love|xx+",
    r"sent from my \w+|(?:mit )?(?:freundlichen?|besten?|vielen?|lieben?|herzlichen?) (?:gr[uü](?:ß|ss)en?|dank)|mfg",
    r"(?:bien )?cordialement|salutations|(?:un )?saludos?|atentamente|un abrazo|cordiali saluti|atenciosamente",
    r"met vriendelijke groet\w*",
)
_GREETING = re.compile(
    rf"(?:{'|'.join(_BEGINNINGS)})\b(?:[^.?:;]|\b(?:mrs?|ms|dr|prof|sra?)\.){{0,40}}$",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    rf"(?:{'|'.join(_ENDINGS)})[,.!]?(?: [^\W\d_]\w*){{0,2}}[,.!]?$", re.IGNORECASE
)
_SIGNED = re.compile(r"your(?:s)?(?: [^\W\d_][\w-]*){1,4}$", re.IGNORECASE)


class Role(NamedTuple):
    """`path`: the headings above, outermost first, a lead-in ("We promised:") among them, and who speaks ("Ana:") of
    what goes on in a turn. `columns`: of a row of a table the row that names its columns, "" elsewhere.
    """

    kind: Kind
    path: Texts = ()
    columns: str = ""


SAID = Role("said")


@dataclass(slots=True)
class _Line:
    start: int
    text: str
    role: Role


def roles(passage: Passage, statements: Sequence[Statement]) -> list[Role]:
    """The role of each sentence of a passage, which `statements` are."""
    lines = _read(passage)
    found = []
    place = 0
    last = len(lines) - 1
    for statement in statements:
        start = statement.sentence.start
        while place < last and lines[place + 1].start <= start:
            place += 1
        role = lines[place].role
        if role.kind == "said" and _greets(statement.text):
            role = role._replace(kind="greeting")
        found.append(role)
    if found:
        _tell_speakers(found, passage, statements)
        end = found[-1]
        signed = _SIGNED.match(statements[-1].text)
        if signed and end.kind == "said":
            found[-1] = end._replace(kind="greeting")
    return found


def _tell_speakers(
    found: list[Role], passage: Passage, statements: Sequence[Statement]
) -> None:
    """Put the name of who speaks, with its colon, below the headings of what is said later in the same turn."""
    names = speakers(passage.text, passage.locator, statements)
    for place, name in enumerate(names):
        role = found[place]
        if name and role.kind == "said":
            found[place] = role._replace(path=(*role.path, f"{name}:"))


def roles_of_each(
    passages: Passages, read: Sequence[Sequence[Statement]]
) -> list[list[Role]]:
    """The same of several passages, whose sentences were `read`."""
    pairs = zip(passages, read, strict=True)
    return [roles(passage, statements) for passage, statements in pairs]


def role_at(passage: Passage, start: int) -> Role:
    """The role of the line of a passage in which a character stands."""
    role = Role("said", passage.heading)
    for line in _read(passage):
        if line.start <= start:
            role = line.role
    return role


@lru_cache(maxsize=SENTENCES_KEPT)
def _greets(text: str) -> bool:
    bare = text.strip().strip("*_>| ")
    if len(bare) > MAX_GREETING:
        return False
    greeting = _GREETING.match(bare)
    farewell = _FAREWELL.match(bare)
    return bool(greeting or farewell)


def _read(passage: Passage) -> tuple[_Line, ...]:
    """The lines of a passage, each with its role; a passage that was just read is not read again."""
    return _lines(
        passage.text,
        passage.title,
        passage.heading,
        passage.source,
        passage.start == 0,
    )


@lru_cache(maxsize=PASSAGES_KEPT)
def _lines(
    text: str, title: str, heading: Texts, source: str, first_of_document: bool
) -> tuple[_Line, ...]:
    lines = []
    start = 0
    for row in text.split("\n"):
        lines.append(_Line(start, row, SAID))
        start += len(row) + 1
    reader = _Reader(title, heading, source, lines)
    reader.first_of_document = first_of_document
    for place, line in enumerate(lines):
        line.role = reader.role(place)
    return tuple(lines)


class _Reader:
    """Goes through the lines of a passage once, and knows the headings and the table above each."""

    def __init__(
        self, title: str, heading: Texts, source: str, lines: Sequence[_Line]
    ) -> None:
        self.lines = lines
        self.title = _bare(title)
        # A text that is no file is called by its first line, which is said all the same.
        self.named_by_first_line = source.startswith("note:")
        self.given = list(heading)
        self.columns = ""
        # The document's own name for the columns of a table that began before this passage.
        self.known_columns = ""
        if self.given and _BARS.search(self.given[-1]):
            self.known_columns = self.given.pop()
        # (level, words) of the headings and lead-ins that the passage itself has, outermost first.
        self.above: list[tuple[int, str]] = []
        self.fenced = False
        self.separated = source.lower().endswith((".csv", ".tsv"))
        self.first_of_document = False
        # In a program, a script or a table "# …" is a comment, which says something.
        self.marks_headings = _marks_headings(source)

    def role(self, place: int) -> Role:
        text = self.lines[place].text.strip()
        if _FENCE.match(text):
            self.fenced = not self.fenced
            return Role("fence", self._path())
        if self.fenced:
            return Role("said", self._path())
        level = self._level(place, text)
        if level:
            words = _bare(text)
            self._enter(level, words)
            return Role("heading", self._path())
        if self._is_row(text):
            self._leave(place, text)
            return self._row(place, text)
        if text:
            self.columns = ""
        if self._leads(text):
            words = _bare(text).removesuffix(":")
            self._enter(LEAD, words.strip())
            return Role("key", self._path())
        self._leave(place, text)
        return Role("said", self._path())

    def _path(self) -> Texts:
        inside = (words for _level, words in self.above)
        return (*self.given, *inside)

    def _enter(self, level: int, words: str) -> None:
        """A heading ends those of its own level and below; one that the document gave is there already."""
        known = (*self.given, self.title)
        if words in map(_bare, known):
            self.above = []
            return
        self._end(level)
        if words:
            self.above.append((level, words))

    def _end(self, level: int) -> None:
        """Headings of a level and below are over."""
        self.above = [one for one in self.above if one[0] < level]

    def _leave(self, place: int, text: str) -> None:
        """What a lead-in announced ends with the paragraph, or with the list, behind it."""
        if not text or not place or self._before(place):
            return
        before = self._last_written(place)
        if before is None or before.role.kind == "key":
            return
        set_in = self.lines[place].text[:1].isspace()
        goes_on = set_in or _ITEM.match(text)
        was_item = _ITEM.match(before.text.strip())
        if not (goes_on and was_item):
            self._end(LEAD)

    def _last_written(self, place: int) -> _Line | None:
        """The last line before a place that is not empty."""
        for line in reversed(self.lines[:place]):
            if line.text.strip():
                return line
        return None

    def _level(self, place: int, text: str) -> int:
        """The level of a heading, 0 for any other line."""
        marked = _MARKED.match(text)
        if marked and (self.marks_headings or not _COMMENT.search(marked[2])):
            return len(marked[1])
        if not text or _ITEM.match(text) or _BARS.search(text):
            return 0
        following = self._following(place)
        underlined = _UNDERLINE.match(following)
        # A rule below the last line of a paragraph is none of a heading.
        ends_paragraph = bool(self._before(place))
        if underlined and not ends_paragraph and not _VALUE.match(text):
            return 1 if underlined[1] else 2
        if _BOLD_LINE.match(text):
            return BOLD
        named = list(self.given)
        if not self.named_by_first_line:
            named.append(self.title)
        bare = _bare(text)
        if bare and bare in map(_bare, named):
            return BOLD
        return 0

    def _before(self, place: int) -> str:
        """The line before a place, without its indent; "" for the first."""
        if place == 0:
            return ""
        return self.lines[place - 1].text.strip()

    def _following(self, place: int) -> str:
        after = place + 1
        if after == len(self.lines):
            return ""
        return self.lines[after].text

    def _leads(self, text: str) -> bool:
        """Whether a line only names what follows it: "aliases:", "We promised:"."""
        bare = text.rstrip("*_` ")
        words = bare.split()
        if len(words) > MAX_LEAD_WORDS:
            return False
        return bool(_OPEN_VALUE.search(bare))

    def _is_row(self, text: str) -> bool:
        if self.separated:
            return bool(text)
        return text.startswith("|") or " | " in text or text.endswith(" |")

    def _row(self, place: int, text: str) -> Role:
        """A row of a table: the names of its columns, or a row with them."""
        path = self._path()
        if self.columns and self._begins_another(place, text):
            self.columns = self.known_columns = ""
        if self.columns:
            return Role("said", path, self.columns)
        if self.known_columns:
            self.columns = self.known_columns
            return Role("said", path, self.columns)
        if self._names_columns(place, text):
            self.columns = self._names(place, text)
            return Role("columns", path)
        return Role("said", path)

    def _names(self, place: int, text: str) -> str:
        """The names of the columns, a dash for each empty one at the left: without it the others would move."""
        names = text.strip("| ")
        following = self._following(place).strip()
        opens_empty = _EMPTY_FIRST.match(text) or not following.startswith("|")
        missing = following.strip("| ").count("|") - names.count("|")
        if not text.startswith("|") or not opens_empty or missing < 1:
            return names
        return "– | " * missing + names

    def _begins_another(self, place: int, text: str) -> bool:
        """Whether behind a blank line stands the first row of a table of other width: the next sheet of a workbook."""
        if place == 0 or self.lines[place - 1].text.strip():
            return False
        if text.strip("| ").count("|") == self.columns.count("|"):
            return False
        return self._names_columns(place, text)

    def _names_columns(self, place: int, text: str) -> bool:
        following = self._following(place).strip()
        if self.separated:
            cells = re.split(r"[,;\t]", text)
            first = place == 0 and self.first_of_document
            begins = first and bool(following)
        elif _RULE.match(following):
            return True
        else:
            # A table of a page, a document or a sheet: its first row, when that holds no figure.
            cells = _BARS.split(text.strip("| "))
            is_inside = self._is_row(self._before(place))
            begins = not is_inside and self._is_row(following)
        return begins and not any(map(_figure, cells))


def _figure(cell: str) -> bool:
    """Whether a cell is a value in figures; a year may be the name of a column."""
    cell = cell.strip()
    return bool(_NUMBER.match(cell)) and not _YEAR.match(cell)


def _marks_headings(source: str) -> bool:
    """Whether "# …" is a heading whatever stands in the line: not in programs, scripts, tables and plain texts."""
    if source.startswith(NO_FILE):
        return True
    name = source.rpartition("/")[2]
    kind = media_type(name)
    if kind == UNKNOWN:
        return "." in name
    is_code = kind.startswith("text/x-") and kind not in _MARKED_UP
    return not is_code and kind not in _PLAIN


def _bare(text: str) -> str:
    """The words of a heading without its marks."""
    words = text.strip().strip("#=*_ ").replace("**", "")
    return " ".join(words.split())

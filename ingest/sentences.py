"""Where sentences begin and end, in many languages, without a model and without changing a character.

A sentence here is the unit that is quoted: a sentence of prose, or one list item, table row, heading, line of code or
turn of a conversation. `Sentence.text` is always `text[start:end]`, so a quote can be checked against the stored text.
Every letter and digit of the text lies in exactly one sentence; rules, rows of dashes and blank lines lie in none.
Leaves out grammar: abbreviations come from a short list, and a script without full stops (Thai) is cut at spaces.
Serves the answerer, retrieval's sentence vectors and the readers.

    >>> [s.text for s in sentences("Dr. Wu paid 3.50 in Jan. He left.")]
    ['Dr. Wu paid 3.50 in Jan.', 'He left.']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from ingest.words import MONTH_NAMES

MAX_CHARS = (
    600  # characters: a longer unit is cut at a softer mark; about four lines of a page
)
MIN_WRAP = (
    40  # characters: narrower "columns" are lists of short lines, not wrapped prose
)
# Share of letters, spaces and commas above which a line is taken for prose, not code.
LINE_BREAKS = (
    "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # all at which `str.splitlines` cuts
)
PROSE_SHARE = 0.85
INITIAL_LOOK = 40  # characters before a full stop in which its word begins
FOLLOWING_LOOK = 60  # characters after it in which the next word begins

# The words before which a full stop ends nothing, lower case, without the stop.
TITLES = frozenset(
    "mr mrs ms dr prof rev hon st sr gen col maj capt cmdr lt sgt gov sen rep pres mt ft vs cf ca approx fig figs "
    "eq no nos vol vols pp p ch sec art ed eds al e.g i.e viz resp incl z.b d.h u.a bzw vgl nr hr fr bd abs m mme "
    "mlle sra dna др г ул им т.е т.д стр см op cit trans tel dept univ".split()
)
# Abbreviations that often do end a sentence: decided by what follows.
MAY_END = frozenset(
    "inc ltd co corp bros jr sr etc usw a.m p.m am pm u.s u.k u.n e.u b.c a.d d.c jan feb mar apr jun jul aug sep "
    "sept oct nov dec mon tue wed thu fri sat sun ave blvd rd est min max ph.d m.d b.a m.a".split()
)
STARTERS = frozenset(
    "the a an this that these those it its he she his her they their we our you i in on at by for from with after "
    "before during when while although however but and so if as there here some many most both one such since under "
    "until der die das er sie es ein eine im am le la les il elle un une el los las en".split()
)
# Words before which a number with a full stop is a day or a century: "3. März", "19. Jahrhundert".
AFTER_ORDINALS = frozenset(MONTH_NAMES) | frozenset(
    "januar jänner februar märz mai juni juli oktober dezember jahrhundert jh tammikuuta ledna února března".split()
)

_END = re.compile(
    r"(?P<wide>[。！？｡．]+[」』”’）】》〉〕]*)"  # written without a following space
    r"|(?P<mark>[।॥۔؟։።။។]+|[.!?…]+|(?<=[\u0370-\u03ff])[;\u037e])"
    r"(?P<tail>[\"'”’»)\]]*(?:\[[^\]\n]{1,20}\])*)(?=\s)"
)
_OPENERS = " \t\r\n\"'“”‘’«»([¿¡*_`—–-"
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«/]+\Z")
_WORD_AFTER = re.compile(r"[^\W_]+")
_BLOCK = re.compile(
    r"\s*(?:[-*+•‣▪–]\s|(?:\d{1,3}|[a-zA-Z])[.)]\s|#{1,6}\s|[|>]|```|~~~|:{3}|\[[ xX]\]\s|"
    r"(?:\[?\d{1,2}:\d{2}\]?\s+)?[A-ZÀ-ÖØ-Þ][\w.'-]*(?: [A-ZÀ-ÖØ-Þ][\w.'-]*){0,3}: )"
)
# Two lines of properties, each a statement of its own.
_KEYED = re.compile(r"[^\W\d][\w-]*: +\S")
_ALONE = re.compile(r"\s*(?:#{1,6}\s|\||```|~~~|={3,}|-{3,})")
_CELLS = " | "  # between the cells of a row
# Cells with no space between them, as files of separated values have them.
_PACKED = re.compile(r"\t|(?<=[^\s\d])[,;](?=\S)|(?<=\d)[,;](?=[^\s\d])")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_SOFT = (re.compile(r"[;；:：]\s*"), re.compile(r"[,，、،]\s*"), re.compile(r"\s+"))

Span = tuple[int, int]  # start and end within a text


class Sentence(NamedTuple):
    """`text` is the characters `start` to `end` of the text it was found in."""

    start: int
    end: int
    text: str


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, in order, trimmed, never overlapping; [] for a text without letters or digits."""
    found = []
    for block in _blocks(text):
        for unit in _split(text, *block):
            for start, end in _shorten(text, *unit):
                body = text[start:end].strip()
                if any(map(str.isalnum, body)):
                    start = text.index(body, start)
                    found.append(Sentence(start, start + len(body), body))
    return found


def _blocks(text: str) -> Iterator[Span]:
    """Runs of lines that belong together: a wrapped paragraph, or one list item, row, heading or code line."""
    lines = text.splitlines(keepends=True)
    written = [line.rstrip(LINE_BREAKS) for line in lines]
    width = max(map(len, written), default=0)
    begin = start = 0
    fenced = False
    for line, shown, following in zip_longest(
        lines, written, written[1:], fillvalue=""
    ):
        end = start + len(shown)
        start += len(line)
        if _FENCE.match(shown):
            fenced = not fenced
        if fenced or not _continues(shown, following, width):
            yield begin, end
            begin = start


def _continues(line: str, following: str, width: int) -> bool:
    """Whether a line break is only a wrap: the next word would not have fitted, or it goes on in lower case."""
    after = following.strip()
    if _KEYED.match(line) and _KEYED.match(following):
        return False
    if not line.strip() or not after:
        return False
    if _ALONE.match(line) or _BLOCK.match(following):
        return False
    if _CELLS in line or _CELLS in following:  # rows of a table
        return False
    if _PACKED.search(line) and _PACKED.search(following):
        return False
    if after[0].islower() and _is_prose(line) and _is_prose(following):
        return True
    first_word, *_ = after.split(None, 1)
    joined = len(line) + 1 + len(first_word)
    return width >= MIN_WRAP and joined > width and _is_prose(line)


def _is_prose(line: str) -> bool:
    """Mostly letters and spaces: what separates a wrapped sentence from a line of code."""
    stripped = line.strip()
    marks = sum(map(stripped.count, " ,.'’"))
    plain = marks + sum(map(str.isalpha, stripped))
    return plain >= PROSE_SHARE * len(stripped)


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of one block."""
    search = start
    marker = _BLOCK.match(text, start, end)
    if marker:
        mark = marker.group().rstrip()
        if not mark.endswith(":"):
            search = marker.end()
    for match in _END.finditer(text, search, end):
        if match.group("wide") or _ends(text, match, end):
            yield start, match.end()
            start = match.end()
    if start < end:
        yield start, end


def _ends(text: str, match: re.Match[str], end: int) -> bool:
    """Whether this mark closes a sentence, by the word before it and what comes after."""
    begin = match.end()
    look_to = min(begin + FOLLOWING_LOOK, end)
    rest = text[begin:look_to].lstrip(_OPENERS)
    if rest[:1].islower():
        return False
    if match["mark"] != "." or match["tail"].startswith(('"', "”", "»")):
        return True
    stop = match.start()
    before = _WORD_BEFORE.search(text, max(0, stop - INITIAL_LOOK), stop)
    after = _WORD_AFTER.match(rest)
    word = before.group().casefold() if before else ""
    following = after.group().casefold() if after else ""
    if word in TITLES:
        return False
    if _may_end(word):
        return not following or following in STARTERS
    if word.isdigit() and len(word) <= 2:
        return following not in AFTER_ORDINALS
    return True


def _may_end(word: str) -> bool:
    """Whether a full stop after this word ends a sentence only before a word that begins one: "etc.", "e.g.", "J."."""
    if word in MAY_END:
        return True
    if len(word) == 1:  # an initial; "I" is a word
        return word.isalpha() and word != "i"
    letters = word.replace(".", "")
    return "." in word.strip(".") and letters.isalpha()


def _shorten(text: str, start: int, end: int) -> Iterator[Span]:
    """A unit over MAX_CHARS in pieces, cut at the last semicolon, else comma, else space, else anywhere."""
    while end - start > MAX_CHARS:
        half = start + MAX_CHARS // 2
        most = start + MAX_CHARS
        cut = most
        for soft in _SOFT:
            if marks := list(soft.finditer(text, half, most)):
                cut = marks[-1].end()
                break
        yield start, cut
        start = cut
    yield start, end

"""Cuts a document's sections into chunks that tile its text: no gap, no overlap, under a token budget.

Whole paragraphs are packed to 4/7 .. 1 of the budget (200-350 tokens by default) and never over 9/7 of it (450);
headings and pages separate chunks, except that stubs are packed with their neighbours under the heading they share, and
a note that fits one small chunk is one. Atomic sections stay whole while they fit. What does not fit is cut at the
outline (indentation), sentence ends, lines, words and at last characters, in linear time. White space alone is never a
chunk: it goes with what precedes it, whatever its length. Leaves out headers, overlap and ids. Serves `loading`.
Budget and packing: RETRIEVAL.md §1 (paragraph grouping beat 35 other methods there).
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.document import Section
from ingest.tokens import count_tokens

CHUNK_TOKENS = 350  # RETRIEVAL.md §1: 200-350, hard cap 450
STUB_TOKENS = 40  # a heading with a line or two: too little to be found or read alone
TAIL_TOKENS = (
    60  # a shorter last piece of a section joins the one before while that stays under the cap
)
SURE_CHARS = (
    700  # a shorter text is one block: at 4 characters a token it is within half the budget
)
LONG_CHARS = (
    40  # characters per token of budget beyond which a text is cut without counting it first
)
WORD_CHARS = (
    32  # a run without white space is cut to this, about 8 tokens of English, 32-60 of Chinese
)

_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_SENTENCE = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))\s+(?=\S)|(?<=[。！？｡])(?![。！？｡」』）”’])"
)
_LINE = re.compile(r"(?<=\n)(?!\n)")
_WORD = re.compile(r"\s{0,32}\S{1,32}|\s{1,32}")
_COUNTED = re.compile(r"(L|¶)(\d+)(?:-\d+)?")
_SEPARATORS = {
    "L": "\n",
    "¶": "\n\n",
}  # what stands between two that are counted: lines of a file, paragraphs
_NUMBERED = re.compile(r"(\D+)(\d.*)", re.S)
_CELLS = re.compile(r"(.+!)([A-Z]{1,3})(\d+)(?::([A-Z]{1,3})(\d+))?", re.S)
_INDENT = re.compile(r"[ \t]*(?=[^ \t\n])")

Parts = Callable[[str], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the text that becomes a chunk: characters `start` to `end`, tokens counted anew where it was cut.

    `bare`: nothing but a heading line. `joined`: made of several small sections.
    """

    start: int
    end: int
    tokens: int
    heading: tuple[str, ...]
    locator: str = ""
    bare: bool = False
    joined: bool = False


@dataclass(slots=True)
class _Block:
    start: int
    end: int
    tokens: int
    cut: bool = False  # part of something that was cut: its tokens do not simply add up


def chunk(
    sections: Sequence[Section],
    *,
    chunk_tokens: int = CHUNK_TOKENS,
    count: Callable[[str], int] = count_tokens,
) -> list[Piece]:
    """The pieces of the sections' joined text, in order. Joined again they are that text; none is white space alone."""
    text = "".join(section.text for section in sections)
    low, cap = chunk_tokens * 4 // 7, chunk_tokens * 9 // 7
    pieces: list[Piece] = []
    for heading, blocks in _runs(sections, text, chunk_tokens, cap, count):
        for start, end, tokens in _pack(blocks, text, low, chunk_tokens, cap, count):
            pieces.append(Piece(start, end, tokens, heading, bare=_bare(text, start, end, heading)))
    places = _Places(sections, text)
    pieces = _one_small_note(pieces, low) if places.separator else pieces
    return [
        replace(piece, locator=places.locator(piece)) for piece in _join_stubs(pieces, low, cap)
    ]


def _runs(
    sections: Sequence[Section], text: str, limit: int, cap: int, count: Callable[[str], int]
) -> list[tuple[tuple[str, ...], list[_Block]]]:
    """Blocks of neighbouring sections under one heading (and on one page), white space joined to what precedes it."""
    runs: list[tuple[tuple[str, ...], str, list[_Block]]] = []
    offset = 0
    for section in sections:
        for length, tokens, cut in _blocks(section, limit, cap, count):
            start, offset = offset, offset + length
            if text[start:offset].isspace():
                if runs:
                    runs[-1][2][-1].end = offset
                    runs[-1][2][-1].cut = True
                continue
            page = "" if _COUNTED.fullmatch(section.locator) else section.locator
            if not runs or (runs[-1][0], runs[-1][1]) != (section.heading, page):
                runs.append((section.heading, page, []))
            first = (
                len(runs) == 1 and not runs[0][2]
            )  # takes the white space that the text begins with
            runs[-1][2].append(
                _Block(0 if first else start, offset, tokens, cut or (first and start > 0))
            )
    return [(heading, blocks) for heading, _page, blocks in runs]


def _blocks(
    section: Section, limit: int, cap: int, count: Callable[[str], int]
) -> Iterator[tuple[int, int, bool]]:
    """(length, tokens, cut) of a section's paragraphs; an atomic section is one block while it fits the cap."""
    text = section.text
    whole = section.atomic or len(text) <= SURE_CHARS
    for paragraph in (text,) if whole else _paragraphs(text):
        sure = len(paragraph) <= limit * LONG_CHARS
        tokens = count(paragraph) if sure else 0
        if sure and tokens <= cap:
            yield len(paragraph), tokens, False
        else:
            goal = _even(tokens, limit) if sure and not section.atomic else limit
            for length, part in _fit(paragraph, goal, _ATOMIC if section.atomic else _PROSE, count):
                yield length, part, True


def _even(tokens: int, limit: int) -> int:
    """A budget that cuts `tokens` into parts of like size, so that 500 gives 2 x 250 and not 350 + 150."""
    return min(limit, tokens // -(-tokens // limit) + limit // 10)


def _fit(
    text: str, limit: int, ways: Sequence[Parts], count: Callable[[str], int]
) -> list[tuple[int, int]]:
    """(length, tokens) of parts of at most `limit` tokens, packed; cut by the first of `ways` that cuts, then the next."""
    parts: list[tuple[int, int]] = []
    for part in ways[0](text):
        tokens = count(part) if len(part) <= limit * LONG_CHARS or len(ways) == 1 else limit + 1
        if tokens <= limit or len(ways) == 1:
            if parts and parts[-1][1] + tokens <= limit:
                parts[-1] = (parts[-1][0] + len(part), parts[-1][1] + tokens)
            else:
                parts.append((len(part), tokens))
        else:
            parts.extend(_fit(part, limit, ways[1:], count))
    return parts


def _between(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """The text cut after every match of the pattern; nothing is lost."""
    start = 0
    for match in pattern.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _sentences(text: str) -> Iterator[str]:
    return _between(_SENTENCE, text)


def _paragraphs(text: str) -> Iterator[str]:
    return _between(_BLANK, text)


def _lines(text: str) -> Iterator[str]:
    return _between(_LINE, text)


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in _WORD.finditer(text))


def _outline(text: str) -> Iterator[str]:
    """Groups of lines that begin at the least indentation: list items, statements, keys with what hangs below them."""
    lines = list(_lines(text))
    depths = [len(match[0]) if (match := _INDENT.match(line)) else -1 for line in lines]
    least = min((depth for depth in depths[1:] if depth >= 0), default=0)
    start = 0
    for at, depth in enumerate(depths):
        if at and depth == least:
            yield "".join(lines[start:at])
            start = at
    yield "".join(lines[start:])


_PROSE: tuple[Parts, ...] = (_paragraphs, _sentences, _lines, _words)
_ATOMIC: tuple[Parts, ...] = (_outline, _outline, _outline, _lines, _sentences, _words)


def _pack(
    blocks: Sequence[_Block], text: str, low: int, limit: int, cap: int, count: Callable[[str], int]
) -> list[tuple[int, int, int]]:
    """(start, end, tokens) of packed blocks: closed when full enough, a short tail joined to its predecessor."""
    packed: list[_Block] = []
    for block in blocks:
        last = packed[-1] if packed else None
        total = last.tokens + block.tokens if last else 0
        if last and (total <= limit or (last.tokens < low and total <= cap)):
            last.end, last.tokens, last.cut = block.end, total, last.cut or block.cut
        else:
            packed.append(replace(block))
    if (
        len(packed) > 1
        and packed[-1].tokens < TAIL_TOKENS
        and packed[-2].tokens + packed[-1].tokens <= cap
    ):
        tail = packed.pop()
        packed[-1].end, packed[-1].tokens, packed[-1].cut = (
            tail.end,
            packed[-1].tokens + tail.tokens,
            True,
        )
    _tidy(packed, text)
    return [(b.start, b.end, count(text[b.start : b.end]) if b.cut else b.tokens) for b in packed]


def _tidy(packed: Sequence[_Block], text: str) -> None:
    """A cut between words leaves the space with the piece before, so that no piece begins with one (indents stay)."""
    for before, after in itertools.pairwise(packed):
        if after.cut and text[after.start - 1] != "\n":
            body = text[after.start : after.end]
            before.end = after.start = after.start + len(body) - len(body.lstrip())


def _bare(text: str, start: int, end: int, heading: tuple[str, ...]) -> bool:
    """True when the piece is nothing but its own heading line."""
    return (
        bool(heading)
        and end - start < 400
        and text[start:end].strip().strip("#=- ").strip() == heading[-1]
    )


def _one_small_note(pieces: list[Piece], low: int) -> list[Piece]:
    if len(pieces) < 2 or sum(piece.tokens for piece in pieces) > low:
        return pieces
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = _merged(whole, piece)
    return [whole]


def _join_stubs(pieces: list[Piece], low: int, cap: int) -> list[Piece]:
    joined: list[Piece] = []
    for at, piece in enumerate(pieces):
        last = joined[-1] if joined else None
        opens = (
            at + 1 < len(pieces) and _under(piece, pieces[at + 1]) and piece.tokens < STUB_TOKENS
        )  # goes forward
        if last is None or (opens and not _under(last, piece)):
            joined.append(piece)
        elif last.bare and _under(last, piece) and last.tokens + piece.tokens <= cap:
            joined[-1] = replace(
                _merged(last, piece), heading=piece.heading, bare=piece.bare, joined=False
            )
        elif _stubs(last, piece, low, cap) or (
            (last.bare or piece.bare) and last.tokens + piece.tokens <= cap
        ):
            joined[-1] = _merged(last, piece)
        else:
            joined.append(piece)
    return joined


def _under(above: Piece, piece: Piece) -> bool:
    """Whether the piece stands, at some depth, below the heading of the one above."""
    depth = len(above.heading)
    return 0 < depth < len(piece.heading) and piece.heading[:depth] == above.heading


def _stubs(last: Piece, piece: Piece, low: int, cap: int) -> bool:
    """Whether two neighbours are small, one of them a stub, and siblings or parent and child."""
    shared = len(_shared(last.heading, piece.heading))
    room = (
        low if last.joined else min(low, 3 * STUB_TOKENS)
    )  # what stands well alone keeps its own heading
    if last.heading == piece.heading:  # neighbouring pages: nothing but the page number is lost
        room = cap
    near = shared >= max(len(last.heading), len(piece.heading)) - 1
    return (
        near and min(last.tokens, piece.tokens) < STUB_TOKENS and last.tokens + piece.tokens <= room
    )


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _merged(last: Piece, piece: Piece) -> Piece:
    heading = _shared(last.heading, piece.heading)
    return Piece(last.start, piece.end, last.tokens + piece.tokens, heading, joined=True)


class _Places:
    """Locators of spans: lines or paragraphs counted in the text, or the parts (pages, slides) that a span touches."""

    def __init__(self, sections: Sequence[Section], text: str) -> None:
        self.text, self.sections = text, sections
        self.starts: list[int] = []
        offset = 0
        for section in sections:
            self.starts.append(offset)
            offset += len(section.text)
        counted = _COUNTED.fullmatch(sections[0].locator) if sections else None
        self.mark = counted[1] if counted else ""
        self.separator = _SEPARATORS.get(self.mark, "")

    def locator(self, piece: Piece) -> str:
        """The locator of the piece without the white space around it: "L12-40", "¶3-5", "p. 3-4", "Sheet!B2:F9"."""
        body = self.text[piece.start : piece.end]
        first = piece.start + len(body) - len(body.lstrip())
        last = piece.start + len(body.rstrip()) - 1
        if self.separator:
            return counted_locator(self.mark, self._number(first), self._number(last))
        return _joined(
            [part.locator for part in self.sections[self._section(first) : self._section(last) + 1]]
        )

    def _section(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def _number(self, offset: int) -> int:
        at = self._section(offset)
        counted = _COUNTED.fullmatch(self.sections[at].locator)
        return int(counted[2] if counted else 1) + self.text.count(
            self.separator, self.starts[at], offset
        )


def _joined(places: list[str]) -> str:
    """From one part to another: "p. 3-4", "slide 7-8", "00:14:05-00:15:10", or the cells: "Sheet!B2:F9; Costs!A1"."""
    one, other = places[0], places[-1]
    cells = [match for place in places if (match := _CELLS.fullmatch(place))]
    if len(cells) == len(places):
        return "; ".join(
            _cells(sheet, cells) for sheet in dict.fromkeys(match[1] for match in cells)
        )
    if one == other:
        return one
    words = _NUMBERED.fullmatch(one), _NUMBERED.fullmatch(other)
    same = words[0] and words[1] and words[0][1] == words[1][1]
    return f"{one}-{words[1][2]}" if same and words[1] else f"{one}-{other}"


def _cells(sheet: str, ranges: list[re.Match[str]]) -> str:
    """The one range around all that belong to the sheet."""
    own = [match for match in ranges if match[1] == sheet]
    columns = sorted(
        (name for match in own for name in (match[2], match[4]) if name),
        key=lambda name: (len(name), name),
    )
    rows = sorted(int(row) for match in own for row in (match[3], match[5]) if row)
    first, last = f"{columns[0]}{rows[0]}", f"{columns[-1]}{rows[-1]}"
    return f"{sheet}{first}" if first == last else f"{sheet}{first}:{last}"


def line_locator(first: int, last: int) -> str:
    """ "L12-40", or "L12" for one line; lines count from 1, both ends included."""
    return counted_locator("L", first, last)


def counted_locator(mark: str, first: int, last: int) -> str:
    """ "¶12-30" or "¶12", for lines ("L") and paragraphs ("¶")."""
    return f"{mark}{first}-{last}" if last > first else f"{mark}{first}"

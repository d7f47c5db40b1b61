"""Cuts a document's sections into chunks that tile its text: no gap, no overlap, under a token budget.

Whole paragraphs are packed until a chunk holds between 4/7 and all of the budget (200 to 350 tokens by default),
never over 9/7 of it (450). Headings and pages separate chunks, except that stubs are packed with their neighbours
under the heading they share, and a note that fits one small chunk is one. Atomic sections stay whole while they fit.
What does not fit is cut at the outline (indentation), sentence ends, lines, words and at last characters, in linear
time; the parts of a table that was cut have its header row as their last heading. White space alone is never a chunk:
it goes with what precedes it, whatever its length. Leaves out headers of chunks, overlap, ids and locators. Serves
`loading`.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from ingest.document import Heading, Section
from ingest.limits import USUAL
from ingest.locators import Locators, is_counted
from ingest.tokens import count_tokens

STUB_TOKENS = 40  # a heading with a line or two: too little to be found or read alone
# A shorter last piece of a section joins the one before while that stays under the cap.
TAIL_TOKENS = 60
# A shorter text is one block: at 4 characters a token it is within half the budget.
SURE_CHARS = 700
# Characters per token of budget beyond which a text is cut without counting it first.
LONG_CHARS = 40
# A run without white space is cut to this, about 8 tokens of English, 32-60 of Chinese.
WORD_CHARS = 32
MAX_HEADING_CHARS = 400  # a longer piece is not looked at as a lone heading line

_INDENT = re.compile(r"[ \t]*(?=[^ \t\n])")  # of a line that is not blank

Cut = Callable[[str], Iterator[str]]  # a text into parts that are the text when joined


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the text that becomes a chunk: characters `start` to `end`, tokens counted anew where it was cut.

    `bare`: nothing but a heading line. `joined`: made of several small sections. `table`: the header row of the
    table in which it ends; `header`: that row is its last heading and stands in an earlier piece.
    """

    start: int
    end: int
    tokens: int
    heading: Heading
    locator: str = ""
    bare: bool = False
    joined: bool = False
    table: str = ""
    header: bool = False


@dataclass(frozen=True, slots=True)
class _Budget:
    """Tokens of a chunk: filled up to `goal`, at least `low` where there is enough text, never over `cap`."""

    goal: int

    @property
    def low(self) -> int:
        return self.goal * 4 // 7

    @property
    def cap(self) -> int:
        return self.goal * 9 // 7


@dataclass(slots=True)
class _Block:
    """A span that is packed whole, with others `under` one heading, and on one page where there are pages.

    `cut`: part of something that was cut, so that its tokens do not simply add up. `table`: the header row of the
    table that it is a part of.
    """

    start: int
    end: int
    tokens: int
    cut: bool = False
    table: str = ""
    under: tuple[Heading, str, bool] = ((), "", False)

    def take(self, following: _Block) -> None:
        self.end = following.end
        self.tokens += following.tokens
        self.cut |= following.cut
        self.table = following.table


def chunk(
    sections: Sequence[Section], *, chunk_tokens: int = USUAL.chunk_tokens
) -> list[Piece]:
    """The pieces of the sections' joined text, in order. Joined again they are that text; none is white space alone."""
    text = "".join(section.text for section in sections)
    budget = _Budget(chunk_tokens)
    pieces = []
    blocks = _all_blocks(sections, text, budget)
    for under, run in itertools.groupby(blocks, key=attrgetter("under")):
        heading, _page, header = under
        for block in _pack(run, text, budget):
            bare = _is_heading_line(text[block.start : block.end], heading)
            pieces.append(
                Piece(
                    block.start,
                    block.end,
                    block.tokens,
                    heading,
                    bare=bare,
                    table=block.table,
                    header=header,
                )
            )
    locators = Locators(sections, text)
    if locators.mark:
        pieces = _one_small_note(pieces, budget)
    return [
        replace(piece, locator=locators.of(piece.start, piece.end))
        for piece in _join_stubs(pieces, budget)
    ]


def _all_blocks(
    sections: Sequence[Section], text: str, budget: _Budget
) -> list[_Block]:
    """The blocks of all sections, white space joined to what precedes it."""
    found: list[_Block] = []
    start = 0
    for section in sections:
        page = "" if is_counted(section.locator) else section.locator
        for block in _blocks(section, start, budget):
            if text[block.start : block.end].isspace():
                if found:
                    found[-1].end = block.end
                    found[-1].cut = True
                continue
            if not found and block.start:
                # Nothing precedes the white space that the text begins with: the first block takes it.
                block.start = 0
                block.cut = True
            heading = _below_header(section, first=block.start <= start)
            block.table = section.header
            block.under = (heading, page, heading[-1:] == (section.header,))
            found.append(block)
        start += len(section.text)
    return found


def _below_header(section: Section, *, first: bool) -> Heading:
    """The headings of a block: of a table's block that is not the first, the row that names its columns as well."""
    known = section.heading[-1:] == (section.header,)
    if first or known or not section.header:
        return section.heading
    return (*section.heading, section.header)


def _blocks(section: Section, start: int, budget: _Budget) -> Iterator[_Block]:
    """The paragraphs of a section that begins at `start`; an atomic one is one block while it fits the cap."""
    text = section.text
    whole = section.atomic or len(text) <= SURE_CHARS
    paragraphs = (text,) if whole else _paragraphs(text)
    for paragraph in paragraphs:
        yield from _fitted(paragraph, start, section.atomic, budget)
        start += len(paragraph)


def _fitted(paragraph: str, start: int, atomic: bool, budget: _Budget) -> list[_Block]:
    """The paragraph that begins at `start` as one block, or cut into several where it is over the cap."""
    goal = budget.goal
    if len(paragraph) <= goal * LONG_CHARS:
        tokens = count_tokens(paragraph)
        if tokens <= budget.cap:
            return [_Block(start, start + len(paragraph), tokens)]
        if not atomic:
            goal = _even(tokens, goal)
    return _cut(paragraph, start, goal, _ATOMIC if atomic else _PROSE)


def _even(tokens: int, limit: int) -> int:
    """A budget that cuts `tokens` into parts of like size, so that 500 gives 2 x 250 and not 350 + 150."""
    parts = math.ceil(tokens / limit)
    slack = limit // 10
    return min(limit, tokens // parts + slack)


def _cut(text: str, start: int, limit: int, cuts: Sequence[Cut]) -> list[_Block]:
    """Blocks of at most `limit` tokens, packed; cut by the first of `cuts` that cuts, then the next."""
    coarse, *finer = cuts
    longest = limit * LONG_CHARS
    blocks: list[_Block] = []
    for part in coarse(text):
        # Counting is most of the work: what is far too long is cut further without it.
        tokens = limit + 1
        if not finer or len(part) <= longest:
            tokens = count_tokens(part)
        end = start + len(part)
        if finer and tokens > limit:
            blocks += _cut(part, start, limit, finer)
        elif blocks and blocks[-1].tokens + tokens <= limit:
            blocks[-1].end = end
            blocks[-1].tokens += tokens
        else:
            blocks.append(_Block(start, end, tokens, cut=True))
        start = end
    return blocks


def _cut_after(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """The text cut after every match of the pattern; nothing is lost."""
    start = 0
    for match in pattern.finditer(text):
        end = match.end()
        if end > start:
            yield text[start:end]
            start = end
    if start < len(text):
        yield text[start:]


def _after_each(pattern: str) -> Cut:
    return functools.partial(_cut_after, re.compile(pattern))


_paragraphs = _after_each(r"\n(?:[ \t]*\n)+")
_sentences = _after_each(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))\s+(?=\S)|(?<=[。！？｡])(?![。！？｡」』）”’])"
)
_lines = _after_each(r"(?<=\n)(?!\n)")
_words = _after_each(rf"\s{{0,{WORD_CHARS}}}\S{{1,{WORD_CHARS}}}|\s{{1,{WORD_CHARS}}}")


def _outline(text: str) -> Iterator[str]:
    """Groups of lines that begin at the least indentation: list items, statements, keys with what hangs below them."""
    first, *lines = _lines(text)
    indents = [_INDENT.match(line) for line in lines]
    least = min((indent.end() for indent in indents if indent), default=0)
    group = first
    for line, indent in zip(lines, indents, strict=True):
        if indent and indent.end() == least:
            yield group
            group = ""
        group += line
    yield group


_PROSE: tuple[Cut, ...] = (_paragraphs, _sentences, _lines, _words)
# Three times: what hangs below an item that is still too long is cut at its own indentation.
_ATOMIC: tuple[Cut, ...] = (_outline, _outline, _outline, _lines, _sentences, _words)


def _pack(blocks: Iterable[_Block], text: str, budget: _Budget) -> list[_Block]:
    """Blocks packed into larger ones: closed when full enough, a short tail joined to its predecessor."""
    packed: list[_Block] = []
    for block in blocks:
        if packed and _has_space_for(packed[-1], block, budget):
            packed[-1].take(block)
        else:
            packed.append(block)
    if len(packed) > 1:
        last, tail = packed[-2:]
        total = last.tokens + tail.tokens
        if tail.tokens < TAIL_TOKENS and total <= budget.cap:
            last.take(packed.pop())
            last.cut = True
    _move_spaces_back(packed, text)
    for block in packed:
        if block.cut:
            block.tokens = count_tokens(text[block.start : block.end])
    return packed


def _has_space_for(last: _Block, block: _Block, budget: _Budget) -> bool:
    limit = budget.goal
    if last.tokens < budget.low:
        limit = budget.cap
    return last.tokens + block.tokens <= limit


def _move_spaces_back(packed: Sequence[_Block], text: str) -> None:
    """A cut between words leaves the space with the piece before, so that no piece begins with one (indents stay)."""
    for before, after in itertools.pairwise(packed):
        if after.cut and text[after.start - 1] != "\n":
            body = text[after.start : after.end]
            after.start = after.end - len(body.lstrip())
            before.end = after.start


def _is_heading_line(content: str, heading: Heading) -> bool:
    """Whether the text of a block is nothing but its heading line, with its marks or the line under it."""
    if not heading or len(content) >= MAX_HEADING_CHARS:
        return False
    return content.strip().strip("#=- ").strip() == heading[-1]


def _one_small_note(pieces: list[Piece], budget: _Budget) -> list[Piece]:
    """All pieces as one, where together they are no more than a small chunk."""
    total = sum(piece.tokens for piece in pieces)
    if len(pieces) < 2 or total > budget.low:
        return pieces
    return [functools.reduce(_merged, pieces)]


def _join_stubs(pieces: list[Piece], budget: _Budget) -> list[Piece]:
    """Pieces too small to stand alone joined to what precedes them, a lone heading to what stands below it."""
    joined = pieces[:1]
    for piece, following in itertools.zip_longest(pieces[1:], pieces[2:]):
        last = joined[-1]
        belongs_above = _is_above(last, piece)
        introduces = (
            following and piece.tokens < STUB_TOKENS and _is_above(piece, following)
        )
        if (introduces and not belongs_above) or _lose_header(last, piece):
            joined.append(piece)
            continue
        together = _merged(last, piece)
        fits = together.tokens <= budget.cap
        if fits and last.bare and belongs_above:
            # The heading of the piece says more than the one that both share.
            joined[-1] = replace(
                together, heading=piece.heading, bare=piece.bare, joined=False
            )
        elif (fits and (last.bare or piece.bare)) or _are_stubs(
            last, piece, together, budget
        ):
            joined[-1] = together
        else:
            joined.append(piece)
    return joined


def _lose_header(last: Piece, piece: Piece) -> bool:
    """Whether rows, joined under the headings that both share, would stand without the names of their columns."""
    if not (last.header or piece.header) or last.heading == piece.heading:
        return False
    if last.header or last.table != piece.table:
        return True
    # The beginning of the table holds the names in its text.
    return last.heading != piece.heading[:-1]


def _is_above(above: Piece, piece: Piece) -> bool:
    """Whether the piece stands, at some depth, below the heading of the one above."""
    depth = len(above.heading)
    if not 0 < depth < len(piece.heading):
        return False
    return piece.heading[:depth] == above.heading


def _are_stubs(last: Piece, piece: Piece, together: Piece, budget: _Budget) -> bool:
    """Whether two neighbours are small, one of them a stub, and siblings or parent and child."""
    if min(last.tokens, piece.tokens) >= STUB_TOKENS:
        return False
    if (
        last.heading == piece.heading
    ):  # neighbouring pages: nothing but the page number is lost
        return together.tokens <= budget.cap
    depth = max(len(last.heading), len(piece.heading))
    # One of them may be one level deeper, or both differ in the last heading alone.
    related = len(together.heading) >= depth - 1
    # What stands well alone keeps its own heading.
    limit = budget.low
    if not last.joined:
        limit = min(budget.low, 3 * STUB_TOKENS)
    return related and together.tokens <= limit


def _merged(last: Piece, piece: Piece) -> Piece:
    """Both as one, under the headings with which both paths begin."""
    heading = last.heading
    while piece.heading[: len(heading)] != heading:
        heading = heading[:-1]
    return Piece(
        last.start,
        piece.end,
        last.tokens + piece.tokens,
        heading,
        joined=True,
        table=piece.table,
        header=last.header and heading == last.heading,
    )

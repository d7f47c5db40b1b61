"""The margin behind which somebody else's words stand: a model's answer, a sentence of a note.

Every row of theirs begins with the margin, in a terminal and in a pipe, and in a terminal no row is wider than it, so
that it never begins one of its own. What stands at the first column is therefore said by this program. Leaves out
control sequences, which are gone before (`text`). Serves the print gate.
"""

from __future__ import annotations

import re
import unicodedata

MARGIN = "| "
# Around an answer inside a quote, until it is styled. Control characters: the sanitiser has left none of a text's own.
ANSWER_BEGINS = "\x02"
ANSWER_ENDS = "\x03"
TAB = 8  # columns between the stops of a terminal

_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_PIECES = re.compile(r"\s+|\S+")
_PICTURE = "\ufe0f"  # the character before it is drawn as a picture, two cells wide


def cells(char: str) -> int:
    """How many cells of a terminal a character fills (Unicode TR 11)."""
    if unicodedata.combining(char) or char in (ANSWER_BEGINS, ANSWER_ENDS):
        return 0
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    return 1


class Margin:
    """Rows of one text that comes in pieces. The row that is open is kept between them."""

    def __init__(self) -> None:
        # Cells of the open row that are filled, 0 when no row is open.
        self._filled = 0

    def feed(self, text: str, width: int | None) -> str:
        """The text with the margin before each row; `width` in cells, None where nothing wraps."""
        done = []
        first, *others = _BREAK.split(text)
        done.append(self._words(first, width))
        for row in others:
            done += (self._end_row(), self._words(row, width))
        return "".join(done)

    def finish(self) -> str:
        """The end of the open row, "" when none is."""
        return self._end_row() if self._filled else ""

    def _end_row(self) -> str:
        empty = "" if self._filled else MARGIN.rstrip()
        self._filled = 0
        return f"{empty}\n"

    def _words(self, row: str, width: int | None) -> str:
        done = []
        for piece in _PIECES.findall(row):
            needed = sum(map(cells, piece))
            full = width is not None and self._filled + needed > width
            if full and self._filled > len(MARGIN):
                done.append(self._end_row())
                if piece.isspace():
                    continue
            done += [self._char(char, width) for char in piece]
        return "".join(done)

    def _char(self, char: str, width: int | None) -> str:
        """One character; before the first of a row stands the margin."""
        before = ""
        needed = cells(char)
        if char == "\t":
            needed = TAB - self._filled % TAB
        if char == _PICTURE:
            needed = 1
        full = width is not None and self._filled + needed > width
        if full and self._filled > len(MARGIN):
            before = self._end_row()
        if not self._filled:
            before += MARGIN
            self._filled = len(MARGIN)
        self._filled += needed
        return before + char

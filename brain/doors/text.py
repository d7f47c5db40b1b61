"""What a terminal may be shown: text without control sequences, direction overrides or invisible smuggling characters.

Leaves out colour and layout (`render` has them) and changes nothing that is stored. A well-formed escape sequence is
removed whole; a broken or endless one loses only the characters that make it dangerous, so that nobody can hide the
rest of a note behind it. Serves the one print gate. Sources: ECMA-48 (sequences), Unicode TR 9 and TR 36 (bidi, tags).
"""

from __future__ import annotations

import re

# A control string longer than this is no sequence, it is text; the limit of xterm itself is smaller.
STRING_CHARS = 4_096
# The parameters of ECMA-48 stay under 20 characters in real use.
CSI_CHARS = 64

ESC = "\x1b"
BEL = "\x07"
C1_CSI = "\x9b"
C1_ST = "\x9c"
# What opens a control string: OSC, DCS, SOS, PM and APC, behind an escape and in their 8-bit forms.
STRING_STARTS = frozenset("]PX^_")
C1_STRINGS = frozenset("\x9d\x90\x98\x9e\x9f")

# Invisible characters that reorder or hide text. ZWJ and ZWNJ stay: emoji and several scripts need them.
INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{INVISIBLE}\ud800-\udfff]")
REPLACEMENT = "\ufffd"
BREAKS = re.compile(r"[\n\t\u2028\u2029]+")


class Sanitiser:
    """A filter for text that arrives in pieces: any split of the same text gives the same output.

    `feed` returns what is safe so far, `finish` what was held back at the end. At most `STRING_CHARS` are held.
    """

    def __init__(self) -> None:
        # Inside which sequence: "", "esc", "csi", "string" or "string esc".
        self._state = ""
        # What comes out as text if the sequence turns out to be none.
        self._held = ""

    def feed(self, chunk: str) -> str:
        """The safe text that `chunk` completes."""
        done: list[str] = []
        at = 0
        while at < len(chunk):
            if self._state:
                self._step(chunk[at], done)
                at += 1
                continue
            found = UNSAFE.search(chunk, at)
            end = found.start() if found else len(chunk)
            done.append(chunk[at:end])
            if found:
                self._plain(found.group(), done)
            at = end + 1
        return "".join(done)

    def finish(self) -> str:
        """The visible part of a sequence that never ended."""
        held = self._held
        self._state = ""
        self._held = ""
        return held

    def _plain(self, char: str, done: list[str]) -> None:
        """An unsafe character outside any sequence."""
        if char == ESC:
            self._enter("esc")
        elif char == C1_CSI:
            self._enter("csi")
        elif char in C1_STRINGS:
            self._enter("string")
        elif "\ud800" <= char <= "\udfff":
            done.append(REPLACEMENT)

    def _step(self, char: str, done: list[str]) -> None:
        """One character inside a sequence."""
        if self._state == "esc":
            self._after_escape(char, done)
        elif self._state == "csi":
            self._inside_csi(char, done)
        else:
            self._inside_string(char, done)

    def _after_escape(self, char: str, done: list[str]) -> None:
        if char == "[":
            self._enter("csi", char)
        elif char in STRING_STARTS:
            self._enter("string", char)
        elif " " <= char <= "/" and len(self._held) < CSI_CHARS:
            # An intermediate character, as in ESC ( B.
            self._held += char
        elif "0" <= char <= "~":
            self._leave()
        else:
            self._abort(char, done)

    def _inside_csi(self, char: str, done: list[str]) -> None:
        if " " <= char <= "?" and len(self._held) < CSI_CHARS:
            self._held += char
        elif "@" <= char <= "~":
            self._leave()
        else:
            self._abort(char, done)

    def _inside_string(self, char: str, done: list[str]) -> None:
        if char in (BEL, C1_ST) or (self._state == "string esc" and char == "\\"):
            self._leave()
        elif self._state == "string esc":
            self._abort(char, done, after_escape=True)
        elif char == ESC:
            self._state = "string esc"
        elif char == "\n" or len(self._held) >= STRING_CHARS:
            self._abort(char, done)
        elif not UNSAFE.match(char):
            self._held += char

    def _enter(self, state: str, held: str = "") -> None:
        self._state = state
        self._held = held

    def _leave(self) -> None:
        self._enter("")

    def _abort(self, char: str, done: list[str], *, after_escape: bool = False) -> None:
        """It was no sequence: show what was held, then look at `char` afresh."""
        done.append(self._held)
        self._enter("esc" if after_escape else "")
        if after_escape:
            self._step(char, done)
        elif UNSAFE.match(char):
            self._plain(char, done)
        else:
            done.append(char)


def safe_text(text: str) -> str:
    """`text` as a terminal may be shown it: newline and tab are the only control characters left."""
    if not UNSAFE.search(text):
        return text
    sanitiser = Sanitiser()
    return sanitiser.feed(text) + sanitiser.finish()


def unbroken(text: str) -> str:
    """Safe, and without line breaks or tabs, which would forge further lines; the spaces around it stay."""
    return BREAKS.sub(" ", safe_text(text))


def one_line(text: str) -> str:
    """Safe, on one line and without spaces around it: for titles, paths and reasons."""
    return unbroken(text).strip()

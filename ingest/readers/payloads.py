"""What stands in a text and is no text: pictures and keys as base64, packed drawings, minified code.

`without_payloads` takes them out of a text and says so; every newline stays, so that lines keep their numbers.
`refuse_minified` leaves a file out that a program packed. Leaves out what a format says of its own pictures. Serves
the readers of texts.
"""

from __future__ import annotations

import re

from ingest.document import Texts
from ingest.errors import BY_NAME_ONLY, UnsupportedFile
from ingest.reading import Raw

PACKED_CHARS = (
    512  # of base64 in one run: no word, no hash, hardly an address is so long
)
BLOCK_LINES = 6  # lines of base64 below each other that are no accident
MINIFIED_LINE = 1_000  # characters of a line that no person wrote
MINIFIED_SHARE = 0.5  # of a file, in such lines
LEFT = "…"  # stands where a payload stood
_URI = re.compile(
    r"data:[\w.+-]{1,80}/[\w.+-]{1,80}(?:;[\w.=+-]{1,80}){0,5};base64,[A-Za-z0-9+/=%_-]*"
)
_RUN = re.compile(rf"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{{{PACKED_CHARS},}}")
_LINE = r"[ \t>]*[A-Za-z0-9+/=]{56,100}[ \t]*\n"
_BLOCK = re.compile(
    rf"^(?:{_LINE}){{{BLOCK_LINES},}}(?:[ \t>]*[A-Za-z0-9+/]{{1,100}}={{0,2}}[ \t]*$)?",
    re.M,
)
# A picture drawn in the text itself; a short one may be an example.
_SVG = re.compile(r"<svg\b(?:(?!<svg\b|</svg>).)*</svg>", re.S | re.I)
# A drawing of Obsidian's Excalidraw, packed or as JSON.
_DRAWING = re.compile(
    r"^```compressed-json[ \t]*\n[^`]*^```[ \t]*$"
    r"""|^```json[ \t]*\n\s*\{\s*"type":\s*"excalidraw"[^`]*^```[ \t]*$""",
    re.M,
)
_DIGIT_AND_CASES = (re.compile(r"\d"), re.compile("[a-z]"), re.compile("[A-Z]"))
# Kinds whose files are packed for browsers, and how such files are called.
_PACKED_KINDS = set(
    "text/x-javascript text/x-typescript text/x-tsx text/x-plain-code".split()
)
_PACKED_SUFFIXES = (".js", ".mjs", ".cjs", ".css", ".ts", ".jsx", ".tsx")
_PACKED_NAME = re.compile(r".+[.-]min\.(?:js|mjs|cjs|css)", re.I)


def without_payloads(text: str) -> tuple[str, Texts]:
    """(the text without what is no text in it, a notice of what was left out)."""
    if len(text) < PACKED_CHARS and "base64," not in text:
        return text, ()
    chars = 0

    def taken(match: re.Match[str]) -> str:
        nonlocal chars
        found = match[0]
        if found.startswith("<"):
            is_packed = len(found) >= PACKED_CHARS
        else:
            is_packed = found.startswith(("data:", "```")) or _looks_packed(found)
        if not is_packed:
            return found
        chars += len(found)
        return LEFT + "\n" * found.count("\n")

    cleaned = text
    if "```" in text:
        cleaned = _DRAWING.sub(taken, cleaned)
    if "</svg>" in text:
        cleaned = _SVG.sub(taken, cleaned)
    if "base64," in text:
        cleaned = _URI.sub(taken, cleaned)
    for pattern in (_BLOCK, _RUN):
        cleaned = pattern.sub(taken, cleaned)
    if not chars:
        return text, ()
    size = f"{chars} bytes"
    if chars >= 1000:
        size = f"{chars / 1000:,.0f} KB"
    return cleaned, (f"{size} of pictures or packed data in it are no text: left out",)


def _looks_packed(found: str) -> bool:
    """Whether small and capital letters and digits are mixed, as in base64, unlike a rule or a sequence of genes."""
    return all(kind.search(found) for kind in _DIGIT_AND_CASES)


def refuse_minified(raw: Raw, text: str) -> None:
    """Raises UnsupportedFile for code that a program packed into long lines."""
    name = raw.name.lower()
    if raw.media_type not in _PACKED_KINDS or not name.endswith(_PACKED_SUFFIXES):
        return
    long = sum(len(line) for line in text.split("\n") if len(line) > MINIFIED_LINE)
    if _PACKED_NAME.fullmatch(name) or long > len(text) * MINIFIED_SHARE:
        raise UnsupportedFile("minified code, which nobody reads", BY_NAME_ONLY)

"""Formulas of pages, books and Word documents as text: TeX where it is there, else their signs on one line.

Also raised and lowered figures, which would otherwise run into the number before them: "10^6" is not "106". Leaves out
pictures without words. Serves `html_blocks` and `docx`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ingest.readers.outline import one_line
from ingest.readers.xml import attribute, descendants, local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_SUPERSCRIPTS = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")
_FIGURE = re.compile(r"[-−+(]{0,2}(?:\d{1,4}|n)[)]?")
# The unit or the sign at the end of a text: "km", "x"; a longer word before a raised figure has a note there.
_UNIT = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,2}$")
_TEX = re.compile(r"math|\btex\b|latex|equation|formula", re.I)
# How MathML's pairs are written on one line.
_PAIRS = {
    "msup": "^",
    "msub": "_",
    "mfrac": "/",
    "mover": "^",
    "munder": "_",
}
# Marks of what stands below and above a sign -> its element in OMML.
_LIMITS = {"_": "sub", "^": "sup"}
_BRACKET = re.compile("[()]")
_DEEP = 60  # elements within each other beyond which the words of a formula are taken as they come


def text_of(element: Element, tag: str, before: str) -> str | None:
    """A formula, or a raised or lowered figure after the text `before`; None for any other element."""
    match tag:
        case "math":
            return _formula(element)
        case "sup" | "sub":
            words = _inner_text(element)
            return moved(words, before, lowered=tag == "sub")
        case "script":
            return _tex_of_script(element)
        case "img":
            return _tex_of_picture(element)
        case _:
            return None


def _inner_text(element: Element) -> str:
    return "".join(map(str, element.itertext()))


def _tex_of_script(script: Element) -> str | None:
    """The TeX that a page keeps for a program to draw; None for any other script."""
    kind = script.get("type", "")
    if not kind.startswith("math/tex"):
        return None
    if _stands_beside(script):
        return ""
    return one_line(script.text or "")


def _tex_of_picture(picture: Element) -> str | None:
    """The words of a picture of a formula; None for any other picture."""
    words = picture.get("alt", "")
    if not words or not _is_picture_of_one(picture):
        return None
    return one_line(words)


def holds_formula(element: Element) -> bool:
    """Whether a formula is in it: pages hide its MathML from the eye, and show a picture of it."""
    return next(element.iter("math"), None) is not None


def is_drawing_of_one(element: Element) -> bool:
    """Whether it only draws, for the eye, what stands as MathML beside it."""
    return element.get("aria-hidden") == "true" and _stands_beside(element)


def _stands_beside(element: Element) -> bool:
    for neighbour in (element.getprevious(), element.getnext()):
        if neighbour is not None and holds_formula(neighbour):
            return True
    return False


def _is_picture_of_one(picture: Element) -> bool:
    words = picture.get("alt", "").strip()
    is_tex = words.startswith(("$", "\\"))
    if not is_tex:
        style = picture.get("class", "")
        address = picture.get("src", "")
        # An address may hold the whole picture: its beginning tells enough.
        named = f"{style} {address}"[:500]
        is_tex = bool(_TEX.search(named))
    return is_tex and not _stands_beside(picture)


def moved(words: str, before: str, *, lowered: bool) -> str | None:
    """A raised or lowered figure after the text `before`: "²", "₂", "^6"; None for words, such as "st"."""
    words = one_line(words)
    if not _FIGURE.fullmatch(words):
        return None
    if lowered:
        if "n" in words:
            return f"_{words}"
        return words.translate(_SUBSCRIPTS)
    ending = before[-3:]
    if _UNIT.search(ending):
        return words.translate(_SUPERSCRIPTS)
    return f"^{words}"


def of_office(element: Element, depth: int = _DEEP) -> str:
    """The signs of an equation of an office document (OMML, ECMA-376 part 1, 22.1), as they are read."""
    kind = local(element)
    if kind.endswith("Pr") or not depth:
        return ""
    if kind == "t":
        return element.text or ""
    inner = []
    parts: dict[str, str] = defaultdict(str)
    for child in element:
        signs = of_office(child, depth - 1)
        inner.append(signs)
        parts[local(child)] = signs
    filled = filter(None, inner)
    match kind:
        case "f":
            above = _grouped(parts["num"])
            below = _grouped(parts["den"])
            return f"{above}/{below}"
        case "rad":
            root = _grouped(parts["e"])
            return f"√{root}"
        case "d":
            listed = ", ".join(filled)
            return f"({listed})"
        case "sSup" | "sSub" | "sSubSup":
            base = _grouped(parts["e"])
            return base + _limits(parts)
        case "nary":
            return _operator(element) + _limits(parts) + parts["e"]
        case "func":
            return " ".join(filled)
        case _:
            return "".join(inner)


def _limits(parts: Mapping[str, str]) -> str:
    """What stands below and above a sign: "_1^n"."""
    written = ""
    for mark, name in _LIMITS.items():
        signs = parts[name]
        if signs:
            written += mark + _grouped(signs)
    return written


def _operator(element: Element) -> str:
    """The sign of a sum, a product or the like; that of an integral is not written out."""
    stated = next(descendants(element, "naryPr"), None)
    sign = next(descendants(stated, "chr"), None)
    if sign is None:
        return "∫"
    return attribute(sign, "val") or "∫"


def _formula(element: Element) -> str:
    for note in descendants(element, "annotation"):
        encoding = note.get("encoding", "").lower()
        tex = one_line(note.text or "")
        if "tex" in encoding and tex:
            return tex
    words = one_line(element.get("alttext", ""))
    if words:
        return words
    return one_line(_signs(element, _DEEP))


def _signs(element: Element, depth: int) -> str:
    """The signs of MathML as they are read: "x^2", "(a+b)/2"."""
    name = local(element)
    if name in ("annotation", "annotation-xml"):
        return ""
    if not depth:
        return _inner_text(element)
    inner = [_signs(child, depth - 1) for child in element]
    if name in _PAIRS and len(inner) == 2:
        first, second = map(_grouped, inner)
        sign = _PAIRS[name]
        return f"{first}{sign}{second}"
    joined = "".join(inner)
    if name == "msqrt":
        root = _grouped(joined)
        return f"√{root}"
    return one_line(element.text or "") + joined


def _grouped(signs: str) -> str:
    """The signs in brackets, unless they are one thing already."""
    if len(signs) < 2 or signs.isalnum():
        return signs
    inside = signs[1:-1]
    has_brackets = signs.startswith("(") and signs.endswith(")")
    if has_brackets and not _BRACKET.search(inside):
        return signs
    return f"({signs})"

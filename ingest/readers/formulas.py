"""Formulas of web pages and books as text: TeX where the page has it, else the signs of its MathML on one line.

Also raised and lowered figures, which would otherwise run into the number before them: "10^6" is not "106". Leaves out
pictures without words. Serves `html_blocks` and `html`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.readers.outline import one_line
from ingest.readers.xml import descendants, local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_SUPERSCRIPTS = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")
_FIGURE = re.compile(r"[-−+(]{0,2}(?:\d{1,4}|n)[)]?")
# The unit or the sign at the end of a text: "km", "x"; a longer word before a raised figure has a note there.
_UNIT = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,2}$")
_TEX = re.compile(r"math|\btex\b|latex|equation|formula", re.I)
# How MathML's pairs are written on one line.
_PAIRS = {"msup": "^", "msub": "_", "mfrac": "/", "mover": "^", "munder": "_"}
_DEEP = 60  # elements within each other beyond which the words of a formula are taken as they come


def text_of(element: Element, tag: str, before: str) -> str | None:
    """A formula, or a raised or lowered figure after the text `before`; None for any other element."""
    if tag == "math":
        return f" {_formula(element)} "
    if tag in ("sup", "sub"):
        return _moved(element, tag, before)
    if tag == "script" and (element.get("type") or "").startswith("math/tex"):
        return "" if _stands_beside(element) else f" {one_line(element.text or '')} "
    if tag == "img" and (alt := element.get("alt")) and _is_picture_of_one(element):
        return f" {one_line(alt)} "
    return None


def holds_formula(element: Element) -> bool:
    """Whether a formula is in it: pages hide its MathML from the eye, and show a picture of it."""
    return next(element.iter("math"), None) is not None


def is_drawing_of_one(element: Element) -> bool:
    """Whether it only draws, for the eye, what stands as MathML beside it."""
    return element.get("aria-hidden") == "true" and _stands_beside(element)


def _stands_beside(element: Element) -> bool:
    beside = (element.getprevious(), element.getnext())
    return any(found is not None and holds_formula(found) for found in beside)


def _is_picture_of_one(element: Element) -> bool:
    named = f"{element.get('class') or ''} {element.get('src') or ''}"[:500]
    alt = (element.get("alt") or "").strip()
    is_tex = alt.startswith(("$", "\\")) or bool(_TEX.search(named))
    return is_tex and not _stands_beside(element)


def _moved(element: Element, tag: str, before: str) -> str | None:
    words = one_line("".join(map(str, element.itertext())))
    if not _FIGURE.fullmatch(words):
        return None
    if tag == "sub":
        return words.replace("n", "_n").translate(_SUBSCRIPTS)
    after_unit = _UNIT.search(before[-3:])
    return words.translate(_SUPERSCRIPTS) if after_unit else f"^{words}"


def _formula(element: Element) -> str:
    for note in descendants(element, "annotation"):
        if "tex" in (note.get("encoding") or "").lower() and (note.text or "").strip():
            return one_line(note.text or "")
    return one_line(element.get("alttext") or "") or one_line(_signs(element, _DEEP))


def _signs(element: Element, depth: int) -> str:
    """The signs of MathML as they are read: "x^2", "(a+b)/2"."""
    if local(element) in ("annotation", "annotation-xml"):
        return ""
    if not depth:
        return "".join(map(str, element.itertext()))
    inner = [_signs(child, depth - 1) for child in element]
    name = local(element)
    if name in _PAIRS and len(inner) == 2:
        return _PAIRS[name].join(map(_grouped, inner))
    if name == "msqrt":
        return f"√{_grouped(''.join(inner))}"
    return one_line(element.text or "") + "".join(inner)


def _grouped(signs: str) -> str:
    return signs if len(signs) == 1 or signs.isalnum() else f"({signs})"

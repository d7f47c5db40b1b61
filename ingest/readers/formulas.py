"""Formulas of pages, books and Word documents as text: TeX where it is there, else their signs on one line.

Also raised and lowered figures, which would otherwise run into the number before them: "10^6" is not "106". Leaves out
pictures without words. Serves `html_blocks` and `docx`.
"""

from __future__ import annotations

import re
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
_PAIRS = {"msup": "^", "msub": "_", "mfrac": "/", "mover": "^", "munder": "_"}
_DEEP = 60  # elements within each other beyond which the words of a formula are taken as they come


def text_of(element: Element, tag: str, before: str) -> str | None:
    """A formula, or a raised or lowered figure after the text `before`; None for any other element."""
    if tag == "math":
        return _formula(element)
    if tag in ("sup", "sub"):
        words = "".join(map(str, element.itertext()))
        return moved(words, before, lowered=tag == "sub")
    if tag == "script" and (element.get("type") or "").startswith("math/tex"):
        return "" if _stands_beside(element) else one_line(element.text or "")
    if tag == "img" and (alt := element.get("alt")) and _is_picture_of_one(element):
        return one_line(alt)
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


def moved(words: str, before: str, *, lowered: bool) -> str | None:
    """A raised or lowered figure after the text `before`: "²", "₂", "^6"; None for words, such as "st"."""
    words = one_line(words)
    if not _FIGURE.fullmatch(words):
        return None
    if lowered:
        return f"_{words}" if "n" in words else words.translate(_SUBSCRIPTS)
    after_unit = _UNIT.search(before[-3:])
    return words.translate(_SUPERSCRIPTS) if after_unit else f"^{words}"


def of_office(element: Element, depth: int = _DEEP) -> str:
    """The signs of an equation of an office document (OMML, ECMA-376 part 1, 22.1), as they are read."""
    kind = local(element)
    if kind.endswith("Pr") or not depth:
        return ""
    if kind == "t":
        return element.text or ""
    found: dict[str, str] = {}
    inner = []
    for child in element:
        signs = of_office(child, depth - 1)
        inner.append(signs)
        found[local(child)] = signs
    if kind == "f":
        return "/".join(_grouped(found.get(name, "")) for name in ("num", "den"))
    if kind == "rad":
        return f"√{_grouped(found.get('e', ''))}"
    if kind == "d":
        return f"({', '.join(filter(None, inner))})"
    if kind in ("sSup", "sSub", "sSubSup", "nary"):
        low, high = (found.get(name, "") for name in ("sub", "sup"))
        limits = f"_{_grouped(low)}" * bool(low) + f"^{_grouped(high)}" * bool(high)
        base = found.get("e", "")
        if kind == "nary":
            return _operator(element) + limits + base
        return _grouped(base) + limits
    if kind == "func":
        return " ".join(filter(None, inner))
    return "".join(inner)


def _operator(element: Element) -> str:
    stated = next(descendants(element, "naryPr"), None)
    signs = descendants(stated, "chr")
    return next((attribute(sign, "val") for sign in signs), "") or "∫"


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
    inside = signs[1:-1]
    is_grouped = signs[:1] + signs[-1:] == "()" and not set("()") & set(inside)
    alone = len(signs) < 2 or signs.isalnum() or is_grouped
    return signs if alone else f"({signs})"

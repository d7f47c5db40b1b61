"""HTML: the page's content without its furniture, by trafilatura, or all of its text where that keeps too little.

Headings, lists, tables and code blocks survive as plain text; sections are counted ("§3") as a page has no lines. Text
only: nothing is fetched, run or rendered; scripts, styles and hidden elements are left out. Leaves out links and
pictures. Serves `loading`.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingest.document import Texts
from ingest.readers.outline import by_heading, one_line
from ingest.readers.text import decode
from ingest.readers.xml import local
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Of the words outside the furniture that an extraction must keep. Measured on 34 news pages and 36 others:
# at 0.0, 0.5, 0.8, 1.1 it finds .990 .989 .989 .989 and .965 .966 .978 .993 of the truth in 1.0-1.5 times its words.
FAIR_SHARE = 0.5
CONTENT_WORDS = 60  # below, a page is small enough to keep all of it
HEADER_CHARS = (
    2_048  # where a page declares its encoding (HTML standard: the first 1,024 bytes)
)
_TAGS = re.compile(r"<[^<>]*>?")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")  # what lxml takes in no text
_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([a-zA-Z0-9_.:-]{2,40})""",
    re.I,
)
# They say more of an encoding than the page does.
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_FURNITURE = {"nav", "footer", "aside", "form", "menu", "dialog"}
_NO_TEXT = set(
    "script style noscript template svg math title iframe object select button textarea canvas audio "
    "video map".split()
)
# Of a book: its pages may be drawn, formulas are text.
_TEXTLESS = _NO_TEXT - {"svg", "math"} | {"annotation", "annotation-xml"}
_BLOCKS = (
    set(
        "p div section article main header ul ol dl dt dd list table quote blockquote figure figcaption address "
        "details summary hr fieldset body center td th cell".split()
    )
    | _FURNITURE
)
_ITEMS = {"li", "item"}
_LINES = {"tr", "row", "text", "br", "lb"}  # "text": a line of SVG
_CELLS = {"td", "th", "cell"}
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_VERBATIM = {"pre", "code"}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)

# Where a page states its date, what it was published before what it was changed.
_DATE_KEYS = (
    "article:published_time datepublished dc.date dcterms.created dcterms.date date pubdate "
    "og:published_time article:modified_time last-modified".split()
)

Block = tuple[int, str]  # (heading level or 0, text)


def read(raw: Raw) -> Readings:
    """One document, "§n" by heading."""
    text, notices = _decoded(raw.data)
    tree = _tree(text)
    title, date = _declared(tree)
    everything = list(_blocks(tree, skip=_FURNITURE))
    blocks = _content(text, everything)
    if blocks is None:
        # A page that is furniture throughout keeps all of it.
        blocks = everything if _words(everything) else list(_blocks(tree, skip=set()))
    heading = next((words for level, words in blocks if level), "")
    sections = list(by_heading(blocks, "§{}"))
    if sections:
        last = sections[-1]
        sections[-1] = replace(last, text=last.text.removesuffix("\n"))
    yield Reading(
        sections, title=title or heading, notices=notices, date=date, date_by="metadata"
    )


def whole_page(data: bytes) -> tuple[list[Block], str]:
    """(every block of a page, its title): for pages that are a text through and through, as a book's or a mail's
    are."""
    text, _notices = _decoded(data)
    tree = _tree(text)
    title, _date = _declared(tree)
    return list(_blocks(tree, skip=set(), textless=_TEXTLESS)), title


def page_text(data: bytes) -> str:
    """The text of such a page, block by block."""
    blocks, _title = whole_page(data)
    return "\n\n".join(words for _level, words in blocks)


def _decoded(data: bytes) -> tuple[str, Texts]:
    """Text by the page's own charset where it says one that works, else as any text."""
    declared = _CHARSET.search(data, 0, HEADER_CHARS)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name not in ("utf-8", "utf8") and not data.startswith(_BYTE_ORDER_MARKS):
        with suppress(LookupError, UnicodeDecodeError):
            return data.decode(name).replace("\x00", ""), ()
    return decode(data)


def _tree(text: str) -> Element:
    """The root of a page; an empty one where nothing is in it."""
    from lxml import etree
    from lxml.html import HTMLParser

    parser = HTMLParser(
        encoding="utf-8",
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        tree = etree.fromstring(text.encode(), parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        tree = None
    if tree is None:
        return etree.Element("body")
    errors = {entry.type_name for entry in parser.error_log}
    if "ERR_RESOURCE_LIMIT" in errors:
        # Nested beyond the 2,048 levels that libxml2 reads: flat text is what remains.
        tree = etree.Element("body")
        tree.text = _CONTROLS.sub("", _TAGS.sub(" ", text))
    return tree


def _declared(tree: Element) -> tuple[str, str]:
    """(title, date) that the head of the page states."""
    meta: dict[str, str] = {}
    for element in tree.iter("meta"):
        key = (
            element.get("property")
            or element.get("name")
            or element.get("itemprop")
            or ""
        )
        meta.setdefault(key.lower(), element.get("content") or "")
    titles = (str(element.text or "") for element in tree.iter("title"))
    title = meta.get("og:title") or next(titles, "")
    dates = filter(None, map(meta.get, _DATE_KEYS))
    times = (element.get("datetime") or "" for element in tree.iter("time"))
    return one_line(title), next(dates, "") or next(times, "")


def _content(text: str, everything: list[Block]) -> list[Block] | None:
    """trafilatura's extraction, or None when the page is small or the extraction keeps less than a fair share."""
    available = _words(everything)
    if available < CONTENT_WORDS:
        return None
    from trafilatura import bare_extraction

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: Any = bare_extraction(
                text,
                include_comments=False,
                include_tables=True,
                favor_recall=True,
                with_metadata=False,
            )
        except MemoryError:
            raise
        except Exception:  # whatever an odd page leads to: all of the text remains
            return None
    body = getattr(found, "body", None)
    if body is None:
        return None
    blocks = list(_blocks(body, skip=set()))
    return blocks if _words(blocks) >= available * FAIR_SHARE else None


def _words(blocks: list[Block]) -> int:
    return sum(len(words.split()) for _level, words in blocks)


def _blocks(
    tree: Element, *, skip: set[str], textless: set[str] = _NO_TEXT
) -> Iterator[Block]:
    """The text of a tree, block by block in order, without recursion."""
    from lxml import etree

    pieces: list[str] = []
    dropped = verbatim = 0

    def flush(level: int = 0) -> Iterator[Block]:
        words = "".join(pieces)
        # The mark of an item whose text is a block of its own: it goes with that.
        if words.strip() == "-":
            return
        pieces.clear()
        lines = words.split("\n")
        if not verbatim:
            lines = list(map(one_line, lines))
        if text := "\n".join(line for line in lines if line.strip(" |")):
            yield level, text

    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = local(element).lower()
        level = _level(element, tag)
        breaks = tag in _BLOCKS or level > 0 or _is_block_of_code(element, tag)
        if event == "start":
            if dropped or tag in textless or tag in skip or _hidden(element):
                dropped += 1
                continue
            if level or (breaks and tag not in _CELLS):
                yield from flush()
            if tag in _ITEMS:
                pieces.append("\n- ")
            elif tag in _LINES:
                pieces.append("\n")
            verbatim += tag in _VERBATIM
            pieces.append(_inline(element.text, verbatim))
            continue
        if dropped:
            dropped -= 1
        else:
            if tag in _CELLS:
                pieces.append(" | ")
            elif breaks:
                yield from flush(level)
            verbatim -= tag in _VERBATIM
        if not dropped:
            pieces.append(_inline(element.tail, verbatim))
    yield from flush()


def _inline(text: str | None, verbatim: int) -> str:
    """Text between tags: a newline there is a space, except in code."""
    text = text or ""
    return text if verbatim else text.replace("\n", " ")


def _is_block_of_code(element: Element, tag: str) -> bool:
    return tag == "pre" or (tag in _VERBATIM and "\n" in (element.text or ""))


def _level(element: Element, tag: str) -> int:
    """1-6 for a heading, also in trafilatura's words (<head rend="h2">), else 0."""
    name = element.get("rend") or tag if tag == "head" else tag
    return _LEVELS.get(name, 0)


def _hidden(element: Element) -> bool:
    style = element.get("style") or ""
    return "hidden" in element.attrib or bool(_HIDDEN.search(style[:2000]))

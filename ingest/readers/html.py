"""HTML: everything that a reader of the page sees, without the menus around it; how much was left out is told.

Headings, lists, tables, code blocks and formulas survive as plain text; sections are counted ("§3") as a page has no
lines. Left out is what surely is no content: blocks of links in menus, heads and feet of a page, and what is hidden. In
doubt a block stays. Text only: nothing is fetched, run or rendered. Leaves out links and pictures. Serves `loading` and
the readers of books and mails.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ingest.document import Metadata, Texts
from ingest.readers.html_blocks import (
    CONTROLS,
    HIDDEN_TEXT,
    NO_TEXT,
    Judge,
    blocks,
    count_words,
    number_of_words,
)
from ingest.readers.outline import Block, by_heading, one_line
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Of the words of a page, the share kept below which it was furniture only by its form: then all of it stays.
FAIR_SHARE = 0.2
LINKED_SHARE = 0.5  # of a block's words: more in links is a menu
FORM_WORDS = 60  # a form with more holds more than its fields
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
# Of a book: its pages may be drawn.
_TEXTLESS = NO_TEXT - {"svg"}
_ROLES = {
    "navigation": "nav",
    "search": "nav",
    "menu": "nav",
    "menubar": "nav",
    "contentinfo": "footer",
    "banner": "header",
    "complementary": "aside",
    "dialog": "dialog",
}
_ZONES = {"nav", "menu", "footer", "header", "aside", "dialog", "form"}
# Words below which a block there is furniture without links as well: "Home", "Your name".
_SHORT = {"nav": 4, "menu": 4, "footer": 4, "form": 10}
_IN_CONTENT = ("article", "main", "section", "blockquote", "figure")
_TITLES = ("h1", "h2", "h3", "h4", "h5", "h6")
_IMPRINT = re.compile(r"©|\(c\) ?\d|copyright|all rights reserved|cookies", re.I)
_NEVER_SEEN = (HIDDEN_TEXT, CONTROLS)
_MENUS = "menus, page heads and feet"

# Where a page states its date, what it was published before what it was changed.
_DATE_KEYS = (
    "article:published_time datepublished dc.date dcterms.created dcterms.date date pubdate "
    "og:published_time article:modified_time last-modified".split()
)


class PageJudge(Judge):
    """What of a web page is furniture as well."""

    def zone(self, element: Element, tag: str) -> str:
        """Menus, and heads, feet and margins of the page itself; those of an article belong to it."""
        kind = _ROLES.get(element.get("role") or "", tag)
        if kind not in _ZONES:
            return ""
        if kind == "header" and next(element.iter(*_TITLES), None) is not None:
            return ""
        # Some pages are one large form.
        if kind == "form" and count_words(element) > FORM_WORDS:
            return ""
        if kind in ("header", "footer") and _is_in_content(element):
            return ""
        return kind

    def is_furniture(self, zone: str, text: str, linked: int) -> bool:
        """Whether a block there is mostly links, an imprint or a word or two."""
        words = number_of_words(text)
        if linked >= words * LINKED_SHARE:
            return True
        is_imprint = zone in ("footer", "dialog") and _IMPRINT.search(text)
        return bool(is_imprint) or words < _SHORT.get(zone, 0)


def read(raw: Raw) -> Readings:
    """One document, "§n" by heading."""
    text, notices = _decoded(raw.data)
    tree = _tree(text)
    title, date = _declared(tree)
    judge: Judge = PageJudge()
    found = list(blocks(tree, judge))
    words = sum(number_of_words(block.text) for block in found)
    if words < FAIR_SHARE * (words + judge.left_out.total()):
        # A page that is furniture throughout keeps all of it.
        judge = Judge()
        found = list(blocks(tree, judge))
    heading = next((block.text for block in found if block.level), "")
    sections = list(by_heading(found, "§{}"))
    if sections:
        last = sections[-1]
        sections[-1] = replace(last, text=last.text.removesuffix("\n"))
    yield Reading(
        sections,
        title=title or heading,
        notices=(*notices, *told(judge.left_out)),
        date=date,
        date_by="metadata",
    )


def told(left_out: Counter[str]) -> Iterator[str]:
    """How many words were left out, and what they were."""
    menus = sum(left_out[zone] for zone in _ZONES)
    counts = {_MENUS: menus, **{what: left_out[what] for what in _NEVER_SEEN}}
    parts = [f"{what} ({count:,})" for what, count in counts.items() if count]
    if parts:
        total = sum(counts.values())
        words = "word" if total == 1 else "words"
        listed = ", ".join(parts)
        yield f"{total:,} {words} left out: {listed}"


def _is_in_content(element: Element) -> bool:
    return next(element.iterancestors(*_IN_CONTENT), None) is not None


class Page(NamedTuple):
    """A page that is a text through and through, as a book's or a mail's are: all blocks that a reader sees."""

    blocks: list[Block]
    title: str
    left_out: Counter[str]  # words never seen, by what they are

    @property
    def text(self) -> str:
        """Block by block, parted by blank lines."""
        return "\n\n".join(block.text for block in self.blocks)


def whole_page(data: bytes, prepared: Callable[[Element], None] | None = None) -> Page:
    """Such a page, without what is hidden. `prepared` may mend its tree first."""
    text, _notices = _decoded(data)
    tree = _tree(text)
    if prepared is not None:
        prepared(tree)
    title, _date = _declared(tree)
    judge = Judge(_TEXTLESS)
    return Page(list(blocks(tree, judge)), title, judge.left_out)


def _decoded(data: bytes) -> tuple[str, Texts]:
    """Text by the page's own charset where it says one that works, else as any text."""
    declared = _CHARSET.search(data, 0, HEADER_CHARS)
    name = "utf-8"
    if declared:
        name = declared[1].decode("ascii").lower()
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
    meta: Metadata = {}
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

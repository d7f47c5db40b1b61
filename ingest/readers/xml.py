"""XML of archives: parsed without entities, network or huge trees, compared by local names, so that strict and
transitional dialects read alike. Also the core properties (title, author, dates) that office formats share.

Leaves out what elements mean. Serves the office and EPUB readers.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingest.readers.zips import content

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

VALUE_CHARS = 2_000  # of a property kept
_PLACEHOLDERS = re.compile(  # titles that programs and libraries put there themselves
    r"(powerpoint|word|excel)?[ -]?(presentation|document|workbook)\d*|untitled.*|slide 1|title|title of the document",
    re.I,
)
_NO_AUTHORS = {"python-docx", "openpyxl", "unknown", "microsoft office user", "user"}
_TEMPLATE_DATES = (
    "2013-12-23",
    "2013-01-27",
)  # of the empty files inside python-docx and python-pptx
_NAMES = {
    "title": "Title",
    "creator": "Author",
    "initial-creator": "Author",
    "subject": "Subject",
    "keywords": "Keywords",
    "keyword": "Keywords",
    "description": "Description",
    "category": "Category",
    "created": "Created",
    "creation-date": "Created",
    "modified": "Modified",
    "date": "Modified",
    "language": "Language",
}


def tree(data: bytes) -> Element | None:
    """The root of an XML text, None when there is none. Nothing is resolved or fetched; damage is skipped over."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=True,
    )
    try:
        root: Element | None = etree.fromstring(data, parser) if data.strip() else None
    except etree.XMLSyntaxError:
        return None
    return root


def local(element: Element) -> str:
    """The element's name without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The value of an attribute by its name without namespace, "" when it is not there."""
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    return next(
        (str(value) for key, value in element.items() if key.rpartition("}")[2] == name), ""
    )


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these local names."""
    return (child for child in element if local(child) in names)


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """All elements below, and the element itself, of these local names, in document order."""
    return (found for found in element.iter() if local(found) in names)


def properties(archive: zipfile.ZipFile, name: str = "docProps/core.xml") -> dict[str, str]:
    """The document's stated properties under their usual names, without a program's own defaults."""
    root = tree(content(archive, name))
    found: dict[str, str] = {}
    for element in root.iter() if root is not None else ():
        key = _NAMES.get(local(element))
        value = " ".join((element.text or "").split())[:VALUE_CHARS]
        if key and value:
            found[key] = (
                f"{found[key]}, {value}"
                if key == "Keywords" and key in found
                else found.get(key, value)
            )
    if _PLACEHOLDERS.fullmatch(found.get("Title", "")):
        del found["Title"]
    if found.get("Author", "").lower() in _NO_AUTHORS:
        del found["Author"]
    for key in ("Created", "Modified"):
        if found.get(key, "").startswith(_TEMPLATE_DATES):
            del found[key]
    return found


def created(stated: dict[str, str]) -> str:
    """The day that a document was made, else last changed, as its properties say; "" when they do not."""
    return (stated.get("Created") or stated.get("Modified") or "")[:10]

"""XML of archives: parsed without entities, network or huge trees, compared by local names, so that strict and
transitional dialects read alike. Also the core properties (title, author, dates) that office formats share.

Leaves out what elements mean. Serves the office and EPUB readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from ingest.document import Metadata, Section
from ingest.readers.outline import one_line
from ingest.readers.zips import content
from ingest.reading import Reading

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

VALUE_CHARS = 2_000  # of a property kept
# Titles that programs and libraries put there themselves.
_PLACEHOLDERS = re.compile(
    r"(powerpoint|word|excel)?[ -]?(presentation|document|workbook)\d*|untitled.*|slide 1|title|title of the document",
    re.I,
)
_NO_AUTHORS = {"python-docx", "openpyxl", "unknown", "microsoft office user", "user"}
# Of the empty files inside python-docx and python-pptx.
_TEMPLATE_DATES = ("2013-12-23", "2013-01-27")
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
        root: Element | None = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:  # nothing in it
        return None
    return root


def local(element: Element) -> str:
    """The element's name without its namespace; "" for what is no element."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """The value of an attribute by its name without namespace, "" when it is not there."""
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these local names."""
    yield from element.iterchildren(*map(_in_any_namespace, names))


def descendants(element: Element | None, *names: str) -> Iterator[Element]:
    """All elements below, and the element itself, of these local names, in document order; none below None."""
    if element is not None:
        yield from element.iter(*map(_in_any_namespace, names))


def _in_any_namespace(name: str) -> str:
    return f"{{*}}{name}"


def entry(archive: ZipFile, name: str) -> Element | None:
    """The root of an entry of the archive, None when there is no such entry or no XML in it."""
    return tree(content(archive, name))


def related(part: Any) -> Iterator[tuple[str, Any]]:
    """(last word of the relation's type, part) of the parts of an opened package that a part refers to."""
    for relation in part.rels.values():
        if not relation.is_external:
            yield relation.reltype.rpartition("/")[2], relation.target_part


def properties(archive: ZipFile, name: str) -> Metadata:
    """The document's stated properties under their usual names, without a program's own defaults."""
    found: Metadata = {}
    for element in descendants(entry(archive, name), *_NAMES):
        key = _NAMES[local(element)]
        value = one_line(element.text or "")[:VALUE_CHARS]
        if not value:
            continue
        if key == "Keywords" and key in found:
            found[key] += f", {value}"
        else:
            found.setdefault(key, value)
    if _PLACEHOLDERS.fullmatch(found.get("Title", "")):
        del found["Title"]
    if found.get("Author", "").lower() in _NO_AUTHORS:
        del found["Author"]
    for key in ("Created", "Modified"):
        if found.get(key, "").startswith(_TEMPLATE_DATES):
            del found[key]
    return found


def described(
    sections: list[Section],
    archive: ZipFile,
    *,
    properties_in: str = "docProps/core.xml",
    title: str = "",
    notices: Iterable[str] = (),
) -> Reading:
    """The document of an archive with what its properties say of it; `title` where they state none."""
    stated = properties(archive, properties_in)
    created = stated.get("Created") or stated.get("Modified") or ""
    return Reading(
        sections,
        title=stated.get("Title", "") or title,
        metadata=stated,
        notices=tuple(notices),
        created=created[:10],
    )


def first_heading(sections: list[Section]) -> str:
    """The outermost heading of the first section, "" when it has none: what slides are called without a title."""
    opening = sections[0].heading if sections else ()
    return opening[0] if opening else ""

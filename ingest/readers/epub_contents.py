"""The table of contents of a book: the title of each chapter's file, as EPUB 3 ("nav") and EPUB 2 ("ncx") keep it.

A file that the table names several times has the title of its first mention.
Leaves out lists of pages and figures. Serves `epub`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.xml import attribute, children, descendants, tree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

NCX = "application/x-dtbncx+xml"
_NO_CHAPTERS = {"page-list", "landmarks", "loi", "lot"}


def titles(archive: ZipFile, package: Element, name: str) -> dict[str, str]:
    """Entry of the archive -> title; `name` is the entry of the package."""
    found: dict[str, str] = {}
    for item in descendants(package, "item"):
        is_navigation = "nav" in attribute(item, "properties").split()
        if not is_navigation and attribute(item, "media-type") != NCX:
            continue
        place = _joined(name, attribute(item, "href"))
        root = tree(zips.content(archive, place))
        entries = _links(root) if is_navigation else _points(root)
        for title, target in entries:
            words = one_line(title)[:HEADING_CHARS]
            if words:
                found.setdefault(_joined(place, target), words)
    return found


def _joined(place: str, target: str) -> str:
    """The entry that an address in the entry `place` names, without the part of the page."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(place), path))


def _links(root: Element | None) -> Iterator[tuple[str, str]]:
    """(title, address) of the navigation page."""
    for navigation in descendants(root, "nav"):
        if _NO_CHAPTERS.isdisjoint(attribute(navigation, "type").split()):
            for link in descendants(navigation, "a"):
                yield "".join(map(str, link.itertext())), attribute(link, "href")


def _points(root: Element | None) -> Iterator[tuple[str, str]]:
    """(title, address) of the navigation points of EPUB 2."""
    for point in descendants(root, "navPoint"):
        label = next(children(point, "navLabel"), None)
        target = next(children(point, "content"), None)
        if label is not None and target is not None:
            words = (text.text or "" for text in descendants(label, "text"))
            yield " ".join(words), attribute(target, "src")

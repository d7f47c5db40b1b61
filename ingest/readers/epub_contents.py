"""The table of contents of a book: the title of each chapter's file, as EPUB 3 ("nav") and EPUB 2 ("ncx") keep it.

A file that the table names several times has the title of its first mention.
Leaves out lists of pages and figures. Serves `epub`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.xml import attribute, children, descendants, tree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

NCX = "application/x-dtbncx+xml"
_NO_CHAPTERS = {
    "page-list",
    "landmarks",
    "loi",
    "lot",
}
Links = Iterator[tuple[str, str]]  # title, address


def titles(archive: ZipFile, package: Element, name: str) -> dict[str, str]:
    """Entry of the archive -> title; `name` is the entry of the package."""
    found: dict[str, str] = {}
    for item in descendants(package, "item"):
        links_in = _kind_of_table(item)
        if links_in is None:
            continue
        place = _joined(name, attribute(item, "href"))
        root = tree(zips.content(archive, place))
        for title, target in links_in(root):
            words = one_line(title)
            if words:
                chapter = _joined(place, target)
                found.setdefault(chapter, words[:HEADING_CHARS])
    return found


def _kind_of_table(item: Element) -> Callable[[Element | None], Links] | None:
    """How a table of contents is read; None for an item that is none."""
    properties = attribute(item, "properties")
    if "nav" in properties.split():
        return _links
    media_type = attribute(item, "media-type")
    return _points if media_type == NCX else None


def _joined(place: str, target: str) -> str:
    """The entry that an address in the entry `place` names, without the part of the page."""
    path, _sign, _part = target.partition("#")
    folder = posixpath.dirname(place)
    entry = posixpath.join(folder, unquote(path))
    return posixpath.normpath(entry)


def _links(root: Element | None) -> Links:
    """Those of the navigation page."""
    for navigation in descendants(root, "nav"):
        kinds = attribute(navigation, "type").split()
        if not _NO_CHAPTERS.isdisjoint(kinds):
            continue
        for link in descendants(navigation, "a"):
            words = "".join(map(str, link.itertext()))
            yield words, attribute(link, "href")


def _points(root: Element | None) -> Links:
    """Those of the navigation points of EPUB 2."""
    for point in descendants(root, "navPoint"):
        label = next(children(point, "navLabel"), None)
        target = next(children(point, "content"), None)
        if label is None or target is None:
            continue
        words = []
        for text in descendants(label, "text"):
            words.append(text.text or "")
        yield " ".join(words), attribute(target, "src")

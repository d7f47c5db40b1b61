"""EPUB books: the chapters in the order of the book's spine, "ch. 3", under the headings that they contain and, where
they have none, those of the table of contents.

The archive and its XML are checked first (`zips`); each chapter is read like a web page, text only. Title, authors and
date come from the package. Leaves out navigation lists, pictures, scripts and protected (DRM) chapters, which are told.
EbookLib would do this and is refused for its licence (AGPL). Serves `loading`, in a worker.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers import epub_contents as contents
from ingest.readers import zips
from ingest.readers.html import told, whole_page
from ingest.readers.outline import by_heading
from ingest.readers.xml import attribute, descendants, described, entry
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
CONTAINER = "META-INF/container.xml"
# Algorithms that scramble fonts, not text.
_FONT_ONLY = re.compile(r"obfuscation|adobe\.com/pdf/enc#RC")


def read(raw: Raw) -> Readings:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    root = next(descendants(entry(archive, CONTAINER), "rootfile"), None)
    name = ""
    if root is not None:
        name = attribute(root, "full-path")
    package = entry(archive, name)
    if package is None:
        raise UnreadableFile("damaged: no book in it", zips.ODD)
    locked = _locked(archive)
    titles = contents.titles(archive, package, name)
    made: list[Section] = []
    left_out: Counter[str] = Counter()
    lost = []
    broken = []
    for number, chapter in enumerate(_spine(package, name), 1):
        content = zips.content(archive, chapter)
        if chapter in locked or not content:
            lost.append(str(number))
            continue
        if chapter in archive.damaged:
            broken.append(str(number))
        named = titles.get(chapter, contents.Chapter())
        blocks, title, hidden = whole_page(content, named.entitle)
        left_out += hidden
        headed = any(block.level for block in blocks)
        made += by_heading(blocks, f"ch. {number}", "" if headed else title)
    if locked and not made:
        raise UnreadableFile("encrypted (DRM)", "only its own reader opens it")
    notices = []
    if lost:
        notices.append(f"left out: ch. {', '.join(lost)} (protected or missing)")
    if broken:
        notices.append(f"damaged, read as far as it goes: ch. {', '.join(broken)}")
    notices += told(left_out)
    yield described(made, archive, properties_in=name, notices=notices)


def _spine(package: Element, name: str) -> Iterator[str]:
    """The entries of the chapters in reading order; the navigation page is none."""
    folder = posixpath.dirname(name)
    pages = {}
    for item in descendants(package, "item"):
        is_navigation = "nav" in attribute(item, "properties").split()
        if attribute(item, "media-type") in PAGES and not is_navigation:
            target = unquote(attribute(item, "href").partition("#")[0])
            pages[attribute(item, "id")] = posixpath.normpath(
                posixpath.join(folder, target)
            )
    for reference in descendants(package, "itemref"):
        if page := pages.pop(attribute(reference, "idref"), ""):
            yield page


def _locked(archive: ZipFile) -> set[str]:
    """Entries that are encrypted, fonts aside."""
    locked = set()
    for data in descendants(entry(archive, "META-INF/encryption.xml"), "EncryptedData"):
        methods = descendants(data, "EncryptionMethod")
        if any(_FONT_ONLY.search(attribute(method, "Algorithm")) for method in methods):
            continue
        for reference in descendants(data, "CipherReference"):
            locked.add(unquote(attribute(reference, "URI")))
    return locked

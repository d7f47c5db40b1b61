"""EPUB books: the chapters in the order of the book's spine, "ch. 3", under the headings that they contain.

The archive and its XML are checked first (`zips`); each chapter is read like a web page, text only. Title, authors and
date come from the package. Leaves out navigation lists, pictures, scripts and protected (DRM) chapters, which are told.
EbookLib would do this and is refused for its licence (AGPL). Serves `loading`, in a worker.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.readers import zips
from ingest.readers.html import Block, whole_page
from ingest.readers.xml import attribute, descendants, properties, tree
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
CONTAINER = "META-INF/container.xml"
_FONT_ONLY = (b"obfuscation", b"adobe.com/pdf/enc#RC")  # algorithms that scramble fonts, not text


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    root = tree(zips.content(archive, CONTAINER))
    name = (
        next((attribute(found, "full-path") for found in descendants(root, "rootfile")), "")
        if root is not None
        else ""
    )
    package = tree(zips.content(archive, name)) if name else None
    if package is None:
        raise UnreadableFile("damaged: no book in it", zips.ODD)
    locked = _locked(archive)
    made: list[Section] = []
    lost: list[int] = []
    for number, entry in enumerate(_spine(package, name), 1):
        content = zips.content(archive, entry)
        if entry in locked or not content:
            lost.append(number)
            continue
        blocks, title = whole_page(content)
        made += _sections(blocks, title, number)
    if locked and not made:
        raise UnreadableFile("encrypted (DRM)", "only its own reader opens it")
    stated = properties(archive, name)
    notices = (f"left out: ch. {', '.join(map(str, lost))} (protected or missing)",) if lost else ()
    yield Reading(
        made,
        title=stated.get("Title", ""),
        metadata=stated,
        notices=notices,
        created=stated.get("Modified", "")[:10],
    )


def _spine(package: Element, name: str) -> Iterator[str]:
    """The entries of the chapters in reading order; the navigation page is none."""
    pages: dict[str, str] = {}
    for item in descendants(package, "item"):
        if (
            attribute(item, "media-type") in PAGES
            and "nav" not in attribute(item, "properties").split()
        ):
            target = unquote(attribute(item, "href").partition("#")[0])
            pages[attribute(item, "id")] = posixpath.normpath(
                posixpath.join(posixpath.dirname(name), target)
            )
    for reference in descendants(package, "itemref"):
        if entry := pages.pop(attribute(reference, "idref"), ""):
            yield entry


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """Entries that are encrypted, fonts aside."""
    root = tree(zips.content(archive, "META-INF/encryption.xml"))
    locked: set[str] = set()
    for data in descendants(root, "EncryptedData") if root is not None else ():
        methods = [
            attribute(found, "Algorithm").encode()
            for found in descendants(data, "EncryptionMethod")
        ]
        if not any(mark in method for method in methods for mark in _FONT_ONLY):
            locked |= {
                unquote(attribute(found, "URI")) for found in descendants(data, "CipherReference")
            }
    return locked


def _sections(blocks: list[Block], title: str, number: int) -> Iterator[Section]:
    """One section per heading of a chapter; a chapter without one has its page's title."""
    path: list[Block] = []
    body: list[str] = []
    heads = tuple([title] if title and not any(level for level, _words in blocks) else [])
    where = f"ch. {number}"
    for level, words in blocks:
        if level:
            if body:
                yield Section("\n\n".join(body) + "\n\n", heads, where)
            line = " ".join(words.split())[:300]
            path = [*(entry for entry in path if entry[0] < level), (level, line)]
            heads, body = tuple(text for _level, text in path), [line]
        else:
            body.append(words)
    if body:
        yield Section("\n\n".join(body) + "\n\n", heads, where)

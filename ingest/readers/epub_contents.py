"""The table of contents of a book, as EPUB 3 ("nav") and EPUB 2 ("ncx") keep it: what each chapter's file is called,
and each place in it that an entry points to; and those titles written into pages that have no heading there.

Leaves out lists of pages and figures. Serves `epub`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.readers.xml import attribute, children, descendants, local, tree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

NCX = "application/x-dtbncx+xml"
_NO_CHAPTERS = {
    "page-list",
    "landmarks",
    "loi",
    "lot",
}
_HEADINGS = {f"h{level}" for level in range(1, 7)}
DEEPEST = 6  # level of a heading
# Before which a title may be written: in a table only before the whole of it.
_PLACES = set(
    "p div section article aside blockquote figure header main pre ul ol dl li dt dd table".split()
)
# Elements, and characters (the number of a page, an author), between a place and its heading.
LOOKED_AHEAD = 50
SHORT = 60


class Entry(NamedTuple):
    """One of a table: what it says, what it points to, how deep it stands."""

    title: str
    target: str
    depth: int


class Part(NamedTuple):
    """A chapter, or a place in it: its title, and how deep it stands in the table."""

    title: str
    depth: int


Entries = Iterator[Entry]


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the table says of one file. `parts`: id of a place -> what is called so, "" the file as a whole."""

    parts: dict[str, Part] = field(default_factory=dict)

    def entitle(self, page: Element) -> None:
        """Write the titles into a page as headings, where none stands there already."""
        if not self.parts:
            return
        elements = list(page.iter())
        places = dict(_places(elements, self.parts))
        own = self._own(places)
        headings = filter(_is_heading, elements)
        first = next(headings, None)
        top = 1 if first is None else _level(first)
        depths = [part.depth for part in self.parts.values()]
        above = own.depth if own else min(depths)
        taken: set[Element] = set()
        for key, at in places.items():
            part = self.parts[key]
            place = _place(elements[at])
            if place in taken or _has_heading(elements, at):
                continue
            taken.add(place)
            deeper = max(part.depth - above, bool(own))
            _write(place, part.title, min(top + deeper, DEEPEST))
        if own and first is None:
            body = next(page.iter("body"), page)
            _write(body, own.title, top)

    def _own(self, places: Iterable[str]) -> Part | None:
        """What the file as a whole is called: by its own entry, or by one to a place that is not there."""
        for key, part in self.parts.items():
            if key not in places:
                return part
        return None


def titles(archive: ZipFile, package: Element, name: str) -> dict[str, Chapter]:
    """Entry of the archive -> what it is called; `name` is the entry of the package."""
    found: dict[str, Chapter] = {}
    for item in descendants(package, "item"):
        entries_in = _kind_of_table(item)
        if entries_in is None:
            continue
        place = _joined(name, attribute(item, "href"))
        root = tree(zips.content(archive, place))
        for title, target, depth in entries_in(root):
            words = one_line(title)
            if words:
                part = Part(words[:HEADING_CHARS], depth)
                file, _sign, key = target.partition("#")
                chapter = found.setdefault(_joined(place, file), Chapter())
                chapter.parts.setdefault(unquote(key), part)
    return found


def _kind_of_table(item: Element) -> Callable[[Element | None], Entries] | None:
    """How a table of contents is read; None for an item that is none."""
    properties = attribute(item, "properties")
    if "nav" in properties.split():
        return _links
    media_type = attribute(item, "media-type")
    return _points if media_type == NCX else None


def _joined(place: str, target: str) -> str:
    """The entry that an address in the entry `place` names."""
    folder = posixpath.dirname(place)
    entry = posixpath.join(folder, unquote(target))
    return posixpath.normpath(entry)


def _links(root: Element | None) -> Entries:
    """Those of the navigation page."""
    for navigation in descendants(root, "nav"):
        kinds = attribute(navigation, "type").split()
        if not _NO_CHAPTERS.isdisjoint(kinds):
            continue
        for link in descendants(navigation, "a"):
            words = "".join(map(str, link.itertext()))
            yield Entry(words, attribute(link, "href"), _depth(link, "ol"))


def _points(root: Element | None) -> Entries:
    """Those of the navigation points of EPUB 2."""
    for point in descendants(root, "navPoint"):
        label = next(children(point, "navLabel"), None)
        target = next(children(point, "content"), None)
        if label is None or target is None:
            continue
        words = []
        for text in descendants(label, "text"):
            words.append(text.text or "")
        yield Entry(
            " ".join(words), attribute(target, "src"), _depth(point, "navPoint")
        )


def _depth(element: Element, name: str) -> int:
    """How many elements of this name are around it."""
    return sum(local(above) == name for above in element.iterancestors())


# -- titles in a page ------------------------------------------------------------------------------------------------


def _places(
    elements: list[Element], parts: dict[str, Part]
) -> Iterator[tuple[str, int]]:
    """(id, number of the element) of the places that the table points to, in the order of the page."""
    for at, element in enumerate(elements):
        for key in (element.get("id"), element.get("name")):
            if key and key in parts:
                yield key, at


def _is_heading(element: Element) -> bool:
    return local(element) in _HEADINGS and bool(_words(element))


def _level(heading: Element) -> int:
    return int(local(heading)[1:])


def _words(element: Element) -> str:
    return one_line("".join(map(str, element.itertext())))


def _has_heading(elements: list[Element], at: int) -> bool:
    """Whether a place is in a heading, or one comes before more than a few words."""
    element = elements[at]
    if any(map(_is_heading, element.iterancestors())):
        return True
    passed = 0
    for following in elements[at : at + LOOKED_AHEAD]:
        if _is_heading(following):
            return True
        passed += len(one_line(str(following.text or "")))
        if len(following) == 0:
            passed += len(one_line(str(following.tail or "")))
        if passed > SHORT:
            return False
    return False


def _has_text(text: object) -> bool:
    return bool(str(text or "").strip())


def _place(element: Element) -> Element:
    """The paragraph, item or table that an element stands in, or is; itself where it stands in none."""
    found = None
    for around in (element, *element.iterancestors()):
        tag = local(around)
        if tag == "table" or (found is None and tag in _PLACES):
            found = around
    return element if found is None else found


def _write(place: Element, title: str, level: int) -> None:
    """A heading before a place, or instead of its first line where that is the title in other type."""
    name = f"h{level}"
    line = _first_line(place)
    if line is not None and _words(line).casefold() == title.casefold():
        line.tag = name
        return
    heading = place.makeelement(name)
    heading.text = title
    parent = place.getparent()
    if parent is None or local(place) == "body":
        heading.tail = place.text
        place.text = None
        place.insert(0, heading)
    else:
        place.addprevious(heading)


def _first_line(place: Element) -> Element | None:
    """The innermost paragraph with the first text of a place."""
    for element in place.iter():
        if _has_text(element.text):
            block = _place(element)
            if local(block) in ("p", "div"):
                return block
            return None
    return None

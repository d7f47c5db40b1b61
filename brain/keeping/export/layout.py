"""Where each thing stands in an export: files in the tree that they came from under their own names, notes by title.

The tree begins with the folder that holds everything which was taken in from files, so that links between files
lead where they led. A name is changed only when the disk of the export does not take it. Leaves out writing files, and
links (names.py, attachments.py). Serves the export.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from brain.keeping.export.names import (
    FORBIDDEN,
    ID_SHOWN,
    LINK_SIGNS,
    RESERVED,
    UNTITLED,
    Named,
    folder_of,
    is_safe,
    one_line,
)
from brain.store.moves import path_of
from ingest.document import digest

MARKDOWN = "text/markdown"
NAME_BYTES = 255  # of one component of a path (POSIX file systems of today)
TITLE_BYTES = 100  # of a file that is named by its title, without id and suffix
MESSAGES = " messages"  # behind the name of a mailbox: the folder of its messages
_SIGNS = str.maketrans(dict.fromkeys(FORBIDDEN, " ")) | LINK_SIGNS


def is_writable(part: str) -> bool:
    """Whether one component of a path can stand in an export at all and means only itself."""
    if part in ("", ".", "..") or "/" in part:
        return False
    if len(part.encode("utf-8", "surrogatepass")) > NAME_BYTES:
        return False
    kinds = set(map(unicodedata.category, part))
    return kinds.isdisjoint(("Cc", "Cs"))


def title_name(title: str) -> str:
    """A file's name, without suffix, that says the title and that every disk takes."""
    words = one_line(title.translate(_SIGNS))
    cut = words.encode("utf-8", "replace")[:TITLE_BYTES]
    name = cut.decode("utf-8", "ignore").strip(" .")
    if not name:
        return UNTITLED
    stem, _dot, _suffix = name.partition(".")
    if stem.lower() in RESERVED:
        return f"{name} note"
    return name


def file_of(uri: str) -> tuple[str, str]:
    """(the path on its disk, which part of that file it is) of an address; ("", "") of what is no file."""
    if not uri.startswith("file:"):
        return "", ""
    whole, _sign, part = uri.partition("#")
    return path_of(whole), part


@dataclass(slots=True)
class Tree:
    """The folders of a disk as they stand below `documents/`. `strict`: the export's disk is particular about names."""

    base: str
    strict: bool = False

    @classmethod
    def over(cls, paths: Iterable[str], *, strict: bool) -> Tree:
        """The tree of these files: the folder that holds them all keeps its name."""
        folders = {os.path.dirname(path) for path in paths}
        base = "/"
        if folders:
            base = os.path.dirname(os.path.commonpath(folders))
        return cls(base, strict)

    def place(self, path: str) -> str:
        """Where a file stands in the export, "" for one outside the tree."""
        below = os.path.relpath(path, self.base)
        parts = below.split("/")
        if parts[0] in ("..", "."):
            return ""
        return "/".join(["documents", *map(self._name, parts)])

    def _name(self, part: str) -> str:
        """A component as it is, or where the disk does not take it with other signs and the beginning of a hash."""
        name = os.fsencode(part).decode("utf-8", "backslashreplace")
        if is_writable(name) and (is_safe(name) or not self.strict):
            return name
        stem, dot, suffix = name.rpartition(".")
        ending = ""
        if not dot or len(suffix) >= ID_SHOWN:
            stem = name
        elif suffix.isalnum():
            ending = f".{suffix}"
        clean = title_name(stem)
        sign = digest(name)[:ID_SHOWN]
        return f"{clean} ({sign}){ending}"


@dataclass(slots=True)
class Layout:
    """The place of each document that has a file of its own, by its id. What is known by its name alone has none."""

    tree: Tree
    paths: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, documents: Iterable[Named], *, strict: bool) -> Layout:
        """Of all that is exported. Where two would have one place, what was added first has it."""
        held = list(documents)
        files = [file_of(document.uri)[0] for document in held]
        layout = cls(Tree.over(filter(None, files), strict=strict))
        # A note in the tree has its own name; what is named after something else gives way to it.
        held.sort(
            key=lambda document: (
                not _is_note(document),
                document.added_at,
                document.id,
            )
        )
        for document in held:
            if document.entry != "name":
                layout._add(document)
        return layout

    def _add(self, document: Named) -> None:
        path, part = file_of(document.uri)
        place = self.tree.place(path) if path else ""
        given = True
        if not path or part:
            folder = f"{place}{MESSAGES}" if part else folder_of(document.uri)
            name = title_name(document.title)
            place = f"{folder}/{name}.md"
        elif document.media_type != MARKDOWN:
            place = self._cut(place)
        else:
            given = False
        self.paths[document.id] = self._free(place, document.id, fold=given)

    @staticmethod
    def _cut(place: str) -> str:
        """The Markdown file beside a file of another kind."""
        folder, _slash, name = place.rpartition("/")
        room = NAME_BYTES - len(".md")
        whole = name.encode()
        if len(whole) > room:
            ending = f" ({digest(name)[:ID_SHOWN]})"
            cut = whole[: room - len(ending)]
            name = cut.decode("utf-8", "ignore") + ending
        return f"{folder}/{name}.md"

    def _free(self, place: str, key: str, *, fold: bool) -> str:
        """The place, or when it is taken one with the beginning of the id, or all of it, in its name."""
        stem = place.removesuffix(".md")
        suffix = place[len(stem) :]
        one_case = fold or self.tree.strict
        for tried in (
            place,
            f"{stem} ({key[:ID_SHOWN]}){suffix}",
            f"{stem} ({key}){suffix}",
        ):
            sign = tried.casefold() if one_case else tried
            if sign not in self._taken:
                break
        self._taken.update((tried, sign))
        return tried


def _is_note(document: Named) -> bool:
    return (
        document.media_type == MARKDOWN
        and document.uri.startswith("file:")
        and "#" not in document.uri
    )

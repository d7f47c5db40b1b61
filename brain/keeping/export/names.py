"""Names of files that every disk takes, and the links from episodes and feedback to documents.

Leaves out where a document stands (layout.py) and making files. Serves the export.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from brain.types import NO_FILE

PART_BYTES = 143  # of one component of a path on an encrypted file system
ID_BYTES = 64  # of an id in a name
ID_SHOWN = 8  # characters of an id in a name; all of it where two would be the same
UNTITLED = "untitled"
# Windows, "Naming Files, Paths, and Namespaces".
RESERVED = frozenset(
    (
        "con prn aux nul "
        "com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 "
        "lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9"
    ).split()
)
FORBIDDEN = frozenset('<>:"/\\|?*')  # in a name, on one file system or another
# Signs that would end or part an Obsidian link, each to become a blank.
LINK_SIGNS = str.maketrans(dict.fromkeys("[]|#^\\", " "))


def slug(text: str) -> str:
    """Letters, digits and marks of any script, lower case, composed, joined by single hyphens; at most ID_BYTES bytes.

    >>> slug("../../.ssh/Authorized Keys?")
    'ssh-authorized-keys'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = unicodedata.normalize("NFC", folded)
    letters = []
    for character in plain:
        if unicodedata.category(character)[0] not in "LNM":
            character = " "
        letters.append(character)
    words = "".join(letters).split()
    whole = "-".join(words).encode("utf-8")
    cut = whole[:ID_BYTES].decode("utf-8", "ignore")
    # Composed again: the cut may have parted a letter from its mark.
    return unicodedata.normalize("NFC", cut).strip("-") or UNTITLED


def folder_name(name: str) -> str:
    """A skill's folder: its name, unless Windows keeps that for a device."""
    if name not in RESERVED:
        return name
    return f"{name}-skill"


def is_safe(part: str) -> bool:
    """Whether one component of a path can be written anywhere and means only itself."""
    size = len(part.encode("utf-8", "surrogatepass"))
    if not 0 < size <= PART_BYTES:
        return False
    stem = part.partition(".")[0]
    if stem.lower() in RESERVED or part.endswith((".", " ")):
        return False
    return part.isprintable() and FORBIDDEN.isdisjoint(part)


def folder_of(uri: str) -> str:
    """The folder of a document's file: what was written here is a note, what came from elsewhere a document."""
    if uri.startswith(NO_FILE):
        return "notes"
    return "documents"


@dataclass(frozen=True, slots=True)
class Named:
    """What names and places need to know of a document."""

    id: str
    uri: str
    title: str
    source: str
    media_type: str = "text/markdown"
    entry: str = "full"
    added_at: str = ""
    chunks: tuple[str, ...] = ()  # ids


Texts = dict[str, str]


@dataclass(slots=True)
class Names:
    """Which document a citation means, and the wiki-link to it; filled before the first file.

    `links` by a document's id; the others give the id of the document that is meant.
    """

    links: Texts = field(default_factory=dict)
    by_source: Texts = field(default_factory=dict)
    by_id: Texts = field(default_factory=dict)  # of a document or a chunk
    days: Texts = field(default_factory=dict)  # episode -> the day whose file it is in

    @classmethod
    def of(cls, documents: Iterable[Named], paths: Mapping[str, str]) -> Names:
        """Of all the documents that are exported, with the path of each that has a file."""
        names = cls()
        for document in documents:
            key = document.id
            title = one_line(document.title.translate(LINK_SIGNS))
            if key in paths:
                target = paths[key].removesuffix(".md")
                names.links[key] = f"[[{target}|{title or UNTITLED}]]"
            names.by_source.setdefault(document.source, key)
            names.by_id.update(dict.fromkeys((key, *document.chunks), key))
        return names

    def wiki_link(self, key: str | None) -> str:
        """`[[notes/Lease|Lease]]` for the document with this id, "" when it has no file in this export."""
        return self.links.get(key or "", "")

    def cited(self, citation: str) -> str:
        """The wiki-link for what an answer cites: a source, with locator or not, a document, a chunk; else ""."""
        key = self.by_id.get(citation) or self.by_source.get(citation)
        source = citation
        # A locator may hold colons itself ("00:14:05"), so one after the other is taken off.
        while not key and ":" in source:
            source, _, _locator = source.rpartition(":")
            key = self.by_source.get(source)
        return self.wiki_link(key)


def one_line(text: str) -> str:
    """The text in one line: a space for whatever is not printable, single ones between words."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())

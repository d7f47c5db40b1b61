"""File names that every file system takes, and the links between them.

A name is what the title says plus the beginning of the id, so that twins, case-only differences and titles of nothing
but punctuation stay apart. Leaves out making files. Serves the export.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# UTF-8; with id and suffix far under the 143 bytes of encrypted and the 255 of plain file systems.
SLUG_BYTES = 80
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


def slug(text: str, limit: int = SLUG_BYTES) -> str:
    """Letters, digits and marks of any script, lower case, composed, joined by single hyphens; at most `limit` bytes.

    >>> slug("../../.ssh/Authorized Keys?")
    'ssh-authorized-keys'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = unicodedata.normalize("NFC", folded)
    letters = []
    for character in plain:
        kind = unicodedata.category(character)
        letters.append(character if kind[0] in "LNM" else " ")
    words = "".join(letters).split()
    whole = "-".join(words).encode("utf-8")
    cut = whole[:limit].decode("utf-8", "ignore")
    # Composed again: the cut may have parted a letter from its mark.
    return unicodedata.normalize("NFC", cut).strip("-") or UNTITLED


def file_name(title: str, shown: str) -> str:
    """`lease-a1b2c3d4.md`. `shown`: the id, or its beginning."""
    return f"{slug(title)}-{slug(shown, ID_BYTES)}.md"


def folder_name(name: str) -> str:
    """A skill's folder: its name, unless Windows keeps that for a device."""
    return f"{name}-skill" if name in RESERVED else name


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
    return "notes" if uri.startswith(("note:", "episode:")) else "documents"


@dataclass(frozen=True, slots=True)
class Named:
    """What names need to know of a document."""

    id: str
    uri: str
    title: str
    source: str
    aliases: tuple[str, ...] = ()
    chunks: tuple[str, ...] = ()  # ids

    @property
    def names(self) -> tuple[str, ...]:
        """What a link may call it: its title, its file's name without the ending, its aliases."""
        _folder, _, file = self.source.rpartition("/")
        stem, _, _ending = file.rpartition(".")
        return (self.title, stem, *self.aliases)


Texts = dict[str, str]


@dataclass(slots=True)
class Names:
    """Which file each thing goes to, and which thing a link or a citation means; filled before the first file.

    `paths` and `links` by a document's id; the others give the id of the document that is meant.
    """

    paths: Texts = field(default_factory=dict)
    links: Texts = field(default_factory=dict)
    by_source: Texts = field(default_factory=dict)
    by_name: Texts = field(default_factory=dict)
    by_id: Texts = field(default_factory=dict)  # of a document or a chunk
    days: Texts = field(default_factory=dict)  # episode -> the day whose file it is in

    @classmethod
    def of(cls, documents: Iterable[Named]) -> Names:
        """Of all the documents that are exported. Where two have one name, the smaller id has it."""
        names = cls()
        ordered = sorted(documents, key=lambda document: document.id)
        beginnings = Counter(document.id[:ID_SHOWN] for document in ordered)
        for document in ordered:
            shown = document.id[:ID_SHOWN]
            if beginnings[shown] > 1:
                shown = document.id
            names._add(document, shown)
        return names

    def _add(self, document: Named, shown: str) -> None:
        """All the names of a document. `shown`: its id, or the beginning that no other has."""
        key = document.id
        folder = folder_of(document.uri)
        path = f"{folder}/{file_name(document.title, shown)}"
        target = path.removesuffix(".md")
        title = one_line(document.title.translate(LINK_SIGNS))
        self.paths[key] = path
        self.links[key] = f"[[{target}|{title or UNTITLED}]]"
        self.by_source.setdefault(document.source, key)
        for called in document.names:
            self.by_name.setdefault(called.casefold(), key)
        self.by_id.update(dict.fromkeys((key, *document.chunks), key))

    def wiki_link(self, key: str | None) -> str:
        """`[[notes/lease-a1b2c3d4|Lease]]` for the document with this id, "" when it is not in this export."""
        return self.links.get(key or "", "")

    def linked(self, target: str) -> str:
        """The wiki-link for a link written in a note ("Lease#Rent", "folder/Lease.md"), "" when nothing here fits."""
        place, _, _heading = target.partition("#")
        path, _, _shown = place.partition("|")
        name = path.strip().removesuffix(".md").casefold()
        key = self.by_name.get(name) or self.by_name.get(name.rpartition("/")[2])
        return self.wiki_link(key)

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

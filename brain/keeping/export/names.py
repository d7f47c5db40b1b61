"""File names that every file system takes, and the links between them.

A name is what the title says plus the beginning of the id, so that twins, case-only differences and titles of nothing
but signs stay apart. Leaves out making files. Serves the export.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SLUG_BYTES = (
    80  # UTF-8; with id and suffix far under the 143 of encrypted and the 255 of plain file systems
)
ID_SHOWN = 8  # characters of an id in a name; all of it where two would be the same
UNTITLED = "untitled"
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{i}" for name in ("com", "lpt") for i in range(10))}
)  # Windows, "Naming Files, Paths, and Namespaces"


def slug(text: str, limit: int = SLUG_BYTES) -> str:
    """Letters, digits and marks of any script, lower case, composed, joined by single hyphens; at most `limit` bytes.

    >>> slug("../../.ssh/Authorized Keys?")
    'ssh-authorized-keys'
    """
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    words = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in plain).split()
    cut = "-".join(words).encode("utf-8")[:limit].decode("utf-8", "ignore")
    return unicodedata.normalize("NFC", cut).strip("-") or UNTITLED


def file_name(title: str, document_id: str, shown: int = ID_SHOWN) -> str:
    """`lease-a1b2c3d4.md`."""
    return f"{slug(title)}-{slug(document_id[:shown], 64)}.md"


def folder_name(name: str) -> str:
    """A skill's folder: its name, unless Windows keeps that for a device."""
    return f"{name}-skill" if name in RESERVED else name


def is_safe(part: str) -> bool:
    """Whether one component of a path can be written anywhere and means only itself."""
    return (
        0 < len(part.encode("utf-8", "surrogatepass")) <= 143
        and part.split(".")[0].lower() not in RESERVED
        and part not in (".", "..")
        and part[-1] not in ". "
        and not any(c in '<>:"/\\|?*' or not c.isprintable() for c in part)
    )


def folder_of(uri: str) -> str:
    """The folder of a document's file: what was written here is a note, what came from elsewhere a document."""
    return "notes" if uri.startswith(("note:", "episode:")) else "documents"


@dataclass(slots=True)
class Names:
    """Which file each thing goes to, and which thing a link or a citation means; filled before the first file."""

    paths: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    by_source: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, str] = field(default_factory=dict)
    by_chunk: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, documents: Iterable[tuple[Mapping[str, object], Iterable[str], Iterable[str]]]
    ) -> Names:
        """From (row of `documents`, its aliases, its chunks' ids)."""
        names = cls()
        rows = sorted(
            ((dict(row), list(aliases), list(chunks)) for row, aliases, chunks in documents),
            key=_id,
        )
        short = Counter(str(row["id"])[:ID_SHOWN] for row, _, _ in rows)
        for row, aliases, chunks in rows:
            key, title, source = str(row["id"]), str(row["title"]), str(row["source"])
            shown = ID_SHOWN if short[key[:ID_SHOWN]] == 1 else len(key)
            names.paths[key] = f"{folder_of(str(row['uri']))}/{file_name(title, key, shown)}"
            names.titles[key] = title
            names.by_source.setdefault(source, key)
            stem = source.rpartition("/")[2].rpartition(".")[0]
            for name in (title, stem, *aliases):
                names.by_name.setdefault(name.casefold(), key)
            names.by_chunk.update(dict.fromkeys(chunks, key))
        return names

    def wiki_link(self, key: str) -> str:
        """`[[notes/lease-a1b2c3d4|Lease]]` for the document with this id, "" when it is not in this export."""
        if key not in self.paths:
            return ""
        shown = " ".join(
            "".join(
                " " if c in "[]|#^\\" or not c.isprintable() else c for c in self.titles[key]
            ).split()
        )
        return f"[[{self.paths[key].removesuffix('.md')}|{shown or UNTITLED}]]"

    def linked(self, target: str) -> str:
        """The wiki-link for a link written in a note ("Lease#Rent", "folder/Lease.md"), "" when nothing here fits."""
        name = target.partition("#")[0].partition("|")[0].strip().removesuffix(".md")
        key = self.by_name.get(name.casefold()) or self.by_name.get(
            name.rpartition("/")[2].casefold()
        )
        return self.wiki_link(key) if key else ""

    def cited(self, citation: str) -> str:
        """The wiki-link for what an answer cites: a source, with locator or not, a document, a chunk; else ""."""
        key = (
            citation
            if citation in self.paths
            else self.by_chunk.get(citation) or self.by_source.get(citation)
        )
        head = citation
        while not key and ":" in head:
            head = head.rpartition(":")[0]
            key = self.by_source.get(head)
        return self.wiki_link(key) if key else ""


def _id(item: tuple[dict[str, object], list[str], list[str]]) -> str:
    return str(item[0]["id"])

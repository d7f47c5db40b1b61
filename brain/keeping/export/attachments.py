"""Files that exported notes link to and that are no notes: pictures, papers, whatever lies beside them.

A link leads where it led in the tree of the notes: to a path beside the note, or for a wiki-link to a file of that
name, whatever stands before it. Only files of folders that were added are looked for. Where the disk of an original is
away, a copy in an export of before serves. Leaves out copying them (folder.py). Serves the export.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote

from brain.errors import BrainError
from brain.keeping.export.documents import loaded
from brain.keeping.export.folder import SIDECAR, is_ours, read_manifest
from brain.keeping.export.layout import MARKDOWN, file_of
from brain.keeping.export.names import Named, folder_of, slug
from brain.plain import open_plain
from ingest.readers.front_matter import BadFrontMatter, text_at

FILES_OF_A_NAME = 5  # that a wiki-link can mean, at most so many are copied
ORIGINAL_BYTES = 2**28  # a larger file is no note
BUILT = {
    "node_modules",
    "__pycache__",
    "site-packages",
}  # folders in which nobody keeps what a note shows
_WIKI = re.compile(r"\[\[([^\[\]\n]+?)\]\]")
_LINK = re.compile(
    r"""\]\(\s*(?:<([^>\n]+)>|([^\s()]+(?:\([^\s()]*\)[^\s()]*)*))"""  # [x](path "title")
    r"""|^\s{0,3}\[[^\]\n]+\]:\s*(?:<([^>\n]+)>|(\S+))"""  # [x]: path
    r"""|\b(?:src|href)\s*=\s*["']([^"'\n]+)["']""",  # <img src="path">
    re.MULTILINE | re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|/", re.IGNORECASE)


@dataclass(slots=True)
class Copies:
    """Originals of documents and attachments: on this disk, else in exports that were made or taken in before."""

    directories: Sequence[Path]
    _attachments: dict[str, Path] | None = None  # by address

    def of(self, document_id: str, uri: str, content_hash: str) -> bytes | None:
        """The bytes that a document was read from, None when nothing has them any more."""
        path, part = file_of(uri)
        if part:
            return None
        for place in filter(None, (path, *self._exported(document_id, uri))):
            data = _read(place)
            if data is not None and hashlib.sha256(data).hexdigest() == content_hash:
                return data
        return None

    def attachment(self, path: str) -> Path | None:
        """The copy of a file that is not on this disk."""
        if self._attachments is None:
            self._attachments = {}
            for directory in reversed(self.directories):
                with suppress(BrainError):
                    for place, uri in read_manifest(directory).attachments.items():
                        if is_ours(place):
                            self._attachments[uri] = directory / place
        return self._attachments.get(uri_of(path))

    def names(self) -> Iterator[str]:
        """Where the originals of all such copies were."""
        self.attachment("")
        for uri in self._attachments or ():
            yield file_of(uri)[0]

    def _exported(self, document_id: str, uri: str) -> Iterator[str]:
        """Files of this document in the exports of before."""
        for directory in self.directories:
            entry = _read(str(directory / sidecar(uri, document_id)))
            if entry is None:
                continue
            with suppress(BadFrontMatter, UnicodeDecodeError):
                path = text_at(loaded(entry.decode("utf-8")), "file")
                if is_ours(path):
                    yield str(directory / path)


def sidecar(uri: str, document_id: str) -> str:
    """Where the entry of a document lies."""
    return f"{SIDECAR}/{folder_of(uri)}/{slug(document_id)}.json"


def uri_of(path: str) -> str:
    """The `file:` address of a path."""
    return f"file://{quote_from_bytes(os.fsencode(path))}"


PathsByName = dict[str, list[str]]


@dataclass(slots=True)
class Attachments:
    """Which files the notes of one export link to. `roots`: folders that were added."""

    copies: Copies
    roots: Sequence[str]
    _notes: PathsByName = field(default_factory=dict)
    _others: PathsByName = field(default_factory=dict)
    _disk: PathsByName | None = None
    missing: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, documents: Iterable[Named], copies: Copies, roots: Sequence[str]
    ) -> Attachments:
        """Of everything that is exported."""
        found = cls(copies, roots)
        for document in documents:
            path, part = file_of(document.uri)
            if part or not path:
                continue
            is_note = document.media_type == MARKDOWN and document.entry != "name"
            _note(found._notes if is_note else found._others, path)
        return found

    def linked(self, uri: str, text: str) -> Iterator[tuple[str, Path]]:
        """(path of the original, the file to copy) of each file that a note links to."""
        path, _part = file_of(uri)
        for target in dict.fromkeys(_WIKI.findall(text)):
            for found in self._by_name(target):
                yield from self._copied(found, path)
        if not path:
            return
        for groups in dict.fromkeys(_LINK.findall(text)):
            written = unquote(next(filter(None, groups), ""))
            target = re.split("[#?]", written)[0]
            if not target or _ELSEWHERE.match(target) or "\0" in target:
                continue
            beside = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if beside not in self._notes.get(_key(beside), ()):
                yield from self._copied(beside, path)

    def _copied(self, original: str, note: str) -> Iterator[tuple[str, Path]]:
        there = _is_file(original)
        copy = self.copies.attachment(original)
        if there and self._may(original, note):
            yield original, Path(original)
        elif copy and _is_file(str(copy)):
            yield original, copy
        elif there:
            self.outside.add(original)
        elif copy or original in self._others.get(_key(original), ()):
            self.missing.add(original)

    def _may(self, path: str, note: str) -> bool:
        """Whether a file lies in a folder that was added, or beside its note; no link of a note reaches further."""
        folders = filter(None, (*self.roots, os.path.dirname(note)))
        return any(map(Path(path).is_relative_to, folders))

    def _by_name(self, target: str) -> list[str]:
        """The files that a wiki-link can mean, none when it means a note that is exported."""
        plain = target.replace("\\|", "|")
        place = re.split("[|#]", plain)[0].strip().strip("/")
        wanted = _folded(place.removeprefix("./"))
        name = wanted.rpartition("/")[2]
        if not name:
            return []
        for known in (self._notes, self._others, self._looked_for()):
            found = []
            for key in (name, f"{name}.md"):
                for path in known.get(key, ()):
                    here = _folded(path)
                    if here.endswith((f"/{wanted}", f"/{wanted}.md")):
                        found.append(path)
            if found:
                if known is self._notes:
                    return []
                return found[:FILES_OF_A_NAME]
        return []

    def _looked_for(self) -> PathsByName:
        """Every file of the added folders, and every copy of one, by its name; looked for once."""
        if self._disk is None:
            self._disk = {}
            for root in self.roots:
                for folder, folders, files in os.walk(root):
                    folders[:] = sorted(set(folders) - BUILT)
                    folders[:] = [name for name in folders if not name.startswith(".")]
                    for name in sorted(files):
                        _note(self._disk, os.path.join(folder, name))
            for path in self.copies.names():
                _note(self._disk, path)
        return self._disk


def _note(paths: PathsByName, path: str) -> None:
    held = paths.setdefault(_key(path), [])
    if path not in held:
        held.append(path)


def _key(path: str) -> str:
    return _folded(os.path.basename(path))


def _folded(text: str) -> str:
    """Names as links compare them: composed, without large letters."""
    return unicodedata.normalize("NFC", text).casefold()


def _is_file(path: str) -> bool:
    """Whether a plain file lies there, reached without following a link."""
    with suppress(OSError, ValueError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            return os.path.realpath(path) == os.path.abspath(path)
    return False


def _read(path: str) -> bytes | None:
    with suppress(OSError, ValueError), open_plain(path) as file:
        data = file.read(ORIGINAL_BYTES + 1)
        if len(data) <= ORIGINAL_BYTES:
            return data
        return None
    return None

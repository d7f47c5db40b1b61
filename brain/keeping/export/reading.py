"""`brain import DIR`: all that an export holds, as it was stored, file by file.

Documents are read by their entries in the sidecar folder; a file that a person moved is found again by its hash. Every
other file with our marker is read wherever it lies below the folder, those of exports of before among them; links are
not followed. A file that cannot be read is given as `Skipped`, and the rest goes on. Leaves out saving. Serves the app.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from brain.errors import BrainError, NotFound
from brain.inbox import Proposal
from brain.keeping.export import documents, episodes, judgments, older, proposals
from brain.keeping.export.documents import MARKER
from brain.keeping.export.folder import SIDECAR, Manifest, is_ours, read_manifest
from brain.keeping.export.rows import StoredDocument, StoredEpisode, StoredSkill
from brain.keeping.export.skills import KIND as SKILL
from brain.keeping.export.skills import MAIN, read_skill
from brain.plain import open_plain
from brain.reports import Judgment
from brain.types import Skipped
from ingest.readers.front_matter import BadFrontMatter, read_nested, split, text_at

FILE_BYTES = (
    256 * 2**20
)  # of a file; documents are capped well below when they are taken in
HINT_OTHER = "add it with `brain add`"

UNREADABLE = (BadFrontMatter, OSError, UnicodeDecodeError)

Stored = StoredDocument | StoredEpisode | StoredSkill | Judgment | Proposal
Read = tuple[Path, Stored | Skipped]  # the file, and what it holds


def manifest(directory: Path) -> Manifest:
    """The folder descriptions and roots that travel with an export. Raises `NotFound` when it is none."""
    found = read_manifest(directory)
    if not found.found:
        raise NotFound(
            f"{directory} is no export of brain",
            "name the folder that `brain export` wrote",
        )
    return found


def read_export(directory: Path) -> Iterator[Read]:
    """What the folder holds, each as it was stored, with its file: documents (those that are a part of another's file
    last), then episodes by day, skills, feedback by month, the inbox.
    """
    files = _Files(directory)
    parts: list[tuple[Path, Callable[[str], StoredDocument]]] = []
    kinds = (episodes.KIND, SKILL, judgments.KIND, proposals.KIND)
    later: dict[str, list[Path]] = {kind: [] for kind in kinds}
    for path in files.entries():
        yield from _document(path, files.document, parts)
    for path in _below(directory):
        try:
            kind = _kind(_text(path))
        except UNREADABLE as error:
            if path not in files.known:
                yield path, _skipped(path, error)
            continue
        if kind in later:
            later[kind].append(path)
        elif kind == documents.KIND:
            yield from _document(path, older.read, parts)
        elif path not in files.known and not _in_skill(path, directory):
            why = "not written by brain export"
            yield path, Skipped(str(path), "ignored", why, HINT_OTHER)
    for path, read in parts:
        yield from _document(path, read)
    yield from _read_all(later[episodes.KIND], episodes.read)
    for path in later[SKILL]:
        try:
            yield path, read_skill(path)
        except BrainError as error:
            yield path, Skipped(str(path), "unreadable", error.message, error.hint)
    yield from _read_all(later[judgments.KIND], judgments.read)
    yield from _read_all(later[proposals.KIND], proposals.read)


class _Files:
    """The files of the documents of an export. `known`: those that belong to it, so that no other is meant."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._top = directory.resolve()
        self.known: set[Path] = set()
        self._by_hash: dict[str, Path] | None = None
        for place in read_manifest(directory).attachments:
            self.known.add(directory / place)

    def entries(self) -> Iterator[Path]:
        """The entries in the sidecar folder, notes first."""
        for kind in ("notes", "documents"):
            folder = self._directory / SIDECAR / kind
            if not folder.is_symlink():
                yield from _below(folder, ".json")

    def document(self, entry: str) -> StoredDocument:
        """The document of an entry. Raises `BadFrontMatter`."""
        return documents.read(entry, self._load)

    def _load(self, place: str, sha: str) -> bytes | None:
        """The bytes of a document's file, which a person may have moved."""
        path = self._directory / place
        if is_ours(place):
            with suppress(OSError):
                if path.resolve().is_relative_to(self._top):
                    data = _bytes(path)
                    self.known.add(path)
                    return data
        if self._by_hash is None:
            self._by_hash = {}
            for found in _below(self._directory):
                with suppress(OSError, BadFrontMatter):
                    data = _bytes(found)
                    self._by_hash[hashlib.sha256(data).hexdigest()] = found
        moved = self._by_hash.get(sha)
        if moved is None:
            return None
        self.known.add(moved)
        return _bytes(moved)


def _document(
    path: Path,
    read: Callable[[str], StoredDocument],
    parts: list[tuple[Path, Callable[[str], StoredDocument]]] | None = None,
) -> Iterator[Read]:
    """The document of a file or entry; one that is a part of another's file goes into `parts`."""
    try:
        found = read(_text(path))
    except UNREADABLE as error:
        yield path, _skipped(path, error)
        return
    if parts is not None and "#" in found.uri:
        parts.append((path, read))
    else:
        yield path, found


def _read_all(
    paths: list[Path], read: Callable[[str], Iterable[Stored]]
) -> Iterator[Read]:
    """What the files hold, in the order of their days or months; a file comes whole or not at all."""
    for path in sorted(paths, key=lambda path: path.name):
        try:
            for item in list(read(_text(path))):
                yield path, item
        except UNREADABLE as error:
            yield path, _skipped(path, error)


def _skipped(path: Path, error: Exception) -> Skipped:
    reason = getattr(error, "strerror", "") or str(error)
    if isinstance(error, UnicodeDecodeError):
        reason = "not UTF-8"
    return Skipped(str(path), "unreadable", reason, "mend the file")


def _below(directory: Path, suffix: str = ".md") -> Iterator[Path]:
    """Files with this suffix below the folder, sorted, hidden ones and links left out."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return
    for path in paths:
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _below(path, suffix)
        elif path.name.endswith(suffix):
            yield path


def _in_skill(path: Path, directory: Path) -> bool:
    """Whether the file belongs to a skill: some folder above it holds a SKILL.md."""
    above = (folder for folder in path.parents if folder.is_relative_to(directory))
    return any((folder / MAIN).is_file() for folder in above)


def _kind(text: str) -> str:
    """The marker in a file's front matter, "" when it has none."""
    try:
        block, _ = split(text)
        if MARKER not in block:
            return ""
        return text_at(read_nested(block), MARKER)
    except BadFrontMatter:
        return ""


def _text(path: Path) -> str:
    """A plain file's text, line ends as they stand. Raises `OSError`, `UnicodeDecodeError`, `BadFrontMatter`."""
    text = _bytes(path).decode("utf-8")
    if not text.startswith("---\r\n"):
        return text
    return text.replace("\r\n", "\n")


def _bytes(path: Path) -> bytes:
    """A plain file's bytes. Raises `OSError`, `BadFrontMatter`."""
    with open_plain(path) as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise BadFrontMatter("too large")
    return data

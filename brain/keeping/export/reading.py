"""`brain import DIR`: the documents, episodes, skills and feedback of an export, as they were stored, file by file.

Every file with our marker is read wherever it lies below the folder, since people move files; links are not followed. A
file that cannot be read is given as `Skipped`, and the rest goes on. Leaves out saving. Serves the app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from brain.errors import BrainError, NotFound
from brain.keeping.export import documents, episodes, judgments
from brain.keeping.export.documents import MARKER
from brain.keeping.export.folder import Manifest, read_manifest
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

Stored = StoredDocument | StoredEpisode | StoredSkill | Judgment


def manifest(directory: Path) -> Manifest:
    """The folder descriptions and roots that travel with an export. Raises `NotFound` when it is none."""
    found = read_manifest(directory)
    if not found.found:
        raise NotFound(
            f"{directory} is no export of brain",
            "name the folder that `brain export` wrote",
        )
    return found


def read_export(directory: Path) -> Iterator[Stored | Skipped]:
    """What the folder holds, each as it was stored: documents, then episodes by day, skills, feedback by month."""
    later: dict[str, list[Path]] = {episodes.KIND: [], SKILL: [], judgments.KIND: []}
    for path in _files(directory):
        try:
            text = _text(path)
            kind = _kind(text)
            if kind in later:
                later[kind].append(path)
            elif kind == documents.KIND:
                yield documents.read(text)
            elif not _in_skill(path, directory):
                yield Skipped(
                    str(path), "ignored", "not written by brain export", HINT_OTHER
                )
        except UNREADABLE as error:
            yield _skipped(path, error)
    yield from _read_all(later[episodes.KIND], episodes.read)
    for path in later[SKILL]:
        try:
            yield read_skill(path)
        except BrainError as error:
            yield Skipped(str(path), "unreadable", error.message, error.hint)
    yield from _read_all(later[judgments.KIND], judgments.read)


def _read_all(
    paths: list[Path], read: Callable[[str], Iterable[Stored]]
) -> Iterator[Stored | Skipped]:
    """What the files hold, in the order of their days or months; a file comes whole or not at all."""
    for path in sorted(paths, key=lambda path: path.name):
        try:
            yield from list(read(_text(path)))
        except UNREADABLE as error:
            yield _skipped(path, error)


def _skipped(path: Path, error: Exception) -> Skipped:
    reason = getattr(error, "strerror", "") or str(error)
    if isinstance(error, UnicodeDecodeError):
        reason = "not UTF-8"
    return Skipped(str(path), "unreadable", reason, "mend the file")


def _files(directory: Path) -> Iterator[Path]:
    """Markdown files below the folder, sorted, hidden ones and links left out."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return
    for path in paths:
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.name.endswith(".md"):
            yield path


def _in_skill(path: Path, directory: Path) -> bool:
    """Whether the file belongs to a skill: some folder above it holds a SKILL.md."""
    above = (folder for folder in path.parents if folder.is_relative_to(directory))
    return any((folder / MAIN).is_file() for folder in above)


def _kind(text: str) -> str:
    """The marker in a file's front matter, "" when it has none."""
    try:
        block, _ = split(text)
        return text_at(read_nested(block), MARKER) if MARKER in block else ""
    except BadFrontMatter:
        return ""


def _text(path: Path) -> str:
    """A plain file's text, line ends as they stand. Raises `OSError`, `UnicodeDecodeError`, `BadFrontMatter`."""
    with open_plain(path) as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise BadFrontMatter("too large")
    text = data.decode("utf-8")
    return text.replace("\r\n", "\n") if text.startswith("---\r\n") else text

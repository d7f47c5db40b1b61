"""Which files of a folder are read: everything regular that no rule leaves out, each exclusion with its reason.

Honours .gitignore and .brainignore of every folder below the root, skips hidden, generated and temporary things,
Obsidian's own folders and templates, symbolic links (a link into the folder would be a duplicate, one out of it is
not followed), cloud placeholders, and folders that brain itself exported. Leaves out reading files, ignore files above
the root, and ordering (names sort within a folder). Serves `add` and `sync`.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ingest.errors import IngestError
from ingest.limits import USUAL, Limits
from ingest.reading import read_file, too_large
from ingest.sniffing import kind_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# Folders that each folder of a Maildir has, and names of those with what a person threw away.
MAIL_PARTS = ("cur", "new")
UNWANTED_MAIL = ("trash", "deleted", "junk", "spam")
SKIPPED_FOLDERS = set(
    "node_modules __pycache__ venv site-packages bower_components __MACOSX".split()
)
IGNORE_FILES = (".gitignore", ".brainignore")  # the later one decides
# Written by `brain export`: reading it back would double every note.
EXPORT_MARKS = {".brain-export", ".brain-export.json"}
TEMPORARY = tuple(
    ".tmp .temp .swp .swo .part .partial .crdownload .download .lock .lck .pyc".split()
)
LOCK_NAMES = {"package-lock.json", "pnpm-lock.yaml", "thumbs.db", "desktop.ini"}
TEMPLATE_FOLDERS = {
    "templates",
    "_templates",
    "template",
}  # of an Obsidian vault that names none
SETTINGS = Limits(file_bytes=65_536)  # for ignore files and Obsidian's settings
# Smaller files may have no block of their own on btrfs or ext4 (inline data).
PLACEHOLDER_BYTES = 4_096
DATALESS = (
    0x40000000  # SF_DATALESS, macOS <sys/stat.h>: the content is in the cloud only
)

Kind = Literal[
    "ignored",
    "hidden",
    "generated",
    "temporary",
    "template",
    "export",
    "link",
    "special",
    "large",
    "cloud",
    "unreadable",
]


Passed = Callable[[Mapping[str, os.stat_result]], Container[str]]
_Seen = tuple[str, os.stat_result]  # a file to read, as the system tells of it
Why = tuple[Kind, str]  # what kind of exclusion, and the reason for a person
_LINK: Why = ("link", "a symbolic link: not followed")
_CLOUD: Why = ("cloud", "not on this disk")
# What programs leave beside a file that they have open: "~$letter.docx", "notes.txt~", "#notes.txt#".
_BACKUP = re.compile(r"~\$.*|.*~|#(.*#)?", re.S)
# Where Obsidian and its Templater keep the name of the folder of templates.
_TEMPLATE_SETTINGS = (
    (".obsidian/templates.json", "folder"),
    (".obsidian/plugins/templater-obsidian/data.json", "templates_folder"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file to read. `size` in bytes, times in nanoseconds; `media_type` by name, which may have no reader."""

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A file or folder left out: `kind` groups, `reason` tells a person. A folder stands for all that is in it."""

    path: Path
    kind: Kind
    reason: str
    folder: bool = False


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to look into. `rules`: (length of the path of the folder that states them + 1, its rules), root first.
    `templates`: absolute paths of the template folders of the Obsidian vault around."""

    path: str
    rules: tuple[tuple[int, GitIgnoreSpec], ...] = ()
    templates: frozenset[str] = frozenset()


def walk(
    root: Path,
    *,
    limits: Limits = USUAL,
    passed: Passed = lambda _files: (),
) -> Iterator[Found | Skip]:
    """Everything under a folder, or the one file that `root` is. Never raises for what it meets on the way.

    `passed` is asked once for each folder, of all files in it that would be found, and names those to leave out, which
    costs a third of finding them (a folder looked at before every question has seldom changed).
    """
    if not root.is_dir():
        yield _single(root, limits)
        return
    seen = set()
    pending = [_Folder(os.path.abspath(root))]
    while pending:
        folder = pending.pop()
        path = Path(folder.path)
        try:
            with os.scandir(folder.path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            status = os.stat(folder.path)
        except OSError as error:
            yield _unreadable(path, error, folder=True)
            continue
        # A mount may show a folder inside itself.
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            continue
        seen.add(identity)
        names = {entry.name for entry in entries}
        if EXPORT_MARKS & names:
            yield Skip(path, "export", "a folder that brain exported", folder=True)
            continue
        folder = _with_rules(folder, names)
        below: list[_Folder] = []
        listed = [_look(entry, folder, limits, below) for entry in entries]
        yield from _not_passed(listed, passed)
        pending += reversed(below)


def _unreadable(path: Path, error: OSError, *, folder: bool = False) -> Skip:
    reason = error.strerror or "cannot be read"
    return Skip(path, "unreadable", reason.lower(), folder)


def _single(path: Path, limits: Limits) -> Found | Skip:
    """What was named is meant: a link that a person names is read where it points to."""
    try:
        if path.is_symlink():
            path = Path(os.path.realpath(path))
        status = os.lstat(path)
        skip = _status_skip(status, limits)
        if skip:
            return Skip(path, *skip)
        return _found(path, status)
    except OSError as error:
        return _unreadable(path, error)


def _look(
    entry: os.DirEntry[str],
    folder: _Folder,
    limits: Limits,
    below: list[_Folder],
) -> _Seen | Skip | None:
    """What an entry of a folder is; a folder to be read goes into `below`."""
    try:
        is_folder = entry.is_dir(follow_symlinks=False)
        if (
            why := _folder_skip(entry, folder)
            if is_folder
            else _name_skip(entry, folder)
        ):
            return Skip(Path(entry.path), *why, is_folder)
        if is_folder:
            below.append(replace(folder, path=entry.path))
            return None
        status = entry.stat(follow_symlinks=False)
        if why := _status_skip(status, limits):
            return Skip(Path(entry.path), *why)
        return entry.path, status
    except OSError as error:
        return _unreadable(Path(entry.path), error)


def _not_passed(
    listed: Sequence[_Seen | Skip | None], passed: Passed
) -> Iterator[Found | Skip]:
    """What was met in a folder, without the files that are passed over."""
    files = dict(item for item in listed if isinstance(item, tuple))
    left_out = passed(files) if files else ()
    for item in listed:
        if isinstance(item, Skip):
            yield item
        elif item is not None and item[0] not in left_out:
            path = Path(item[0])
            try:
                yield _found(path, item[1])
            except OSError as error:
                yield _unreadable(path, error)


def _folder_skip(entry: os.DirEntry[str], folder: _Folder) -> Why | None:
    if entry.name.startswith(".") and not _is_mail_folder(entry):
        return "hidden", "a hidden folder"
    if entry.name in SKIPPED_FOLDERS:
        return "generated", "a folder of installed or generated files"
    if entry.path in folder.templates:
        return "template", "Obsidian's templates"
    return _ignored(entry.path + "/", folder)


def _is_mail_folder(entry: os.DirEntry[str]) -> bool:
    """Whether a hidden folder is one of a Maildir, which calls them ".Sent"; deleted mail and spam stay hidden."""
    name = entry.name.lower()
    if any(word in name for word in UNWANTED_MAIL):
        return False
    return all(os.path.isdir(os.path.join(entry.path, part)) for part in MAIL_PARTS)


def _name_skip(entry: os.DirEntry[str], folder: _Folder) -> Why | None:
    name = entry.name
    if entry.is_symlink():
        return _LINK
    if name.startswith("."):
        if name.endswith(".icloud"):
            return _CLOUD
        return ("hidden", "a hidden file")
    low = name.lower()
    if _BACKUP.fullmatch(low):
        return "temporary", "a program's lock or backup file"
    if low.endswith(TEMPORARY) or low in LOCK_NAMES:
        return "temporary", "a temporary or lock file"
    return _ignored(entry.path, folder)


def _status_skip(status: os.stat_result, limits: Limits) -> Why | None:
    """Why the file is not read, from what the system says of it."""
    if stat.S_ISLNK(status.st_mode):
        return _LINK
    if not stat.S_ISREG(status.st_mode):
        return "special", "not a regular file"
    if _elsewhere(status):
        return _CLOUD
    if status.st_size > limits.file_bytes:
        return "large", too_large(status.st_size, limits).reason
    return None


def _found(path: Path, status: os.stat_result) -> Found:
    return Found(
        path=path,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        inode=status.st_ino,
        media_type=kind_of(path),
    )


def _elsewhere(status: os.stat_result) -> bool:
    """Whether only a cloud drive's placeholder is here: reading it would download it."""
    if sys.platform == "darwin":
        return bool(getattr(status, "st_flags", 0) & DATALESS)
    return getattr(status, "st_blocks", 1) == 0 and status.st_size > PLACEHOLDER_BYTES


def _with_rules(folder: _Folder, names: set[str]) -> _Folder:
    """The folder with its own ignore files, and its vault's template folders, added to what it inherits."""
    rules = folder.rules
    templates = folder.templates
    lines = []
    for name in IGNORE_FILES:
        if name in names:
            lines += _small_text(folder.path, name).splitlines()
    if lines:
        from pathspec import GitIgnoreSpec

        # A pattern that git would not take either: the file counts as empty.
        with suppress(ValueError):
            own = GitIgnoreSpec.from_lines(lines)
            rules += ((len(folder.path.rstrip("/")) + 1, own),)
    if ".obsidian" in names:
        templates |= _templates(folder.path, names)
    return _Folder(folder.path, rules, templates)


def _ignored(path: str, folder: _Folder) -> Why | None:
    """What the nearest rules that say anything say."""
    for start, rules in reversed(folder.rules):
        verdict = rules.check_file(path[start:]).include
        if verdict is not None:
            return ("ignored", "by an ignore file") if verdict else None
    return None


def _templates(vault: str, names: set[str]) -> frozenset[str]:
    """Absolute paths of a vault's template folders: as its settings say, else by their usual names."""
    folders = {
        _setting(vault, file, key).strip("/") for file, key in _TEMPLATE_SETTINGS
    }
    folders.discard("")
    if not folders:
        folders = {name for name in names if name.lower() in TEMPLATE_FOLDERS}
    return frozenset(os.path.join(vault, name) for name in folders)


def _setting(vault: str, name: str, key: str) -> str:
    try:
        value = json.loads(_small_text(vault, name)).get(key, "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def _small_text(folder: str, name: str) -> str:
    """A small settings file as text, or "" when it is missing, large or no regular file."""
    try:
        data, _status = read_file(Path(folder, name), SETTINGS)
    except IngestError:
        return ""
    return data.decode("utf-8", "replace")

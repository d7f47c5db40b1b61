"""A folder that an export writes into: nothing outside it, no link followed, nothing of a person's overwritten.

The manifest, in the sidecar folder `.brain-export`, holds the hash of every file as it was last written. A file that
still has it may be replaced or removed; any other was changed by a person and needs force. Hashes are noted before the
files are written, so that an export that was killed can be told from a person's hand. Leaves out what the files say.
Serves the export.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from brain.errors import BrainError, Refused
from brain.faults import reach
from brain.keeping.export.layout import is_writable
from brain.keeping.export.rows import Facts, texts_in
from brain.plain import open_plain
from brain.types import Texts

SIDECAR = ".brain-export"  # `ingest.folders` leaves out every folder that holds one
MANIFEST = f"{SIDECAR}/manifest.json"
OLD_MANIFEST = ".brain-export.json"  # of format 1
FORMAT = 3
# Before, every label was "internal", which nobody had chosen.
FORMAT_WITH_LABELS = 3
KINDS = (
    "documents",
    "notes",
    "episodes",
    "skills",
    "feedback",
    "inbox",
)  # each a folder at the top
BATCH_FILES = 500  # files between two writings of the manifest …
BATCH_CHARACTERS = 16 * 2**20  # … or so much text
MANIFEST_BYTES = 256 * 2**20  # a larger one is not ours: 100 bytes a file
TEMPORARY = ".brain-export-tmp"
PROBE = ".Brain export?:probe"  # a name that not every disk takes
PIECE = 2**20  # bytes copied at a time
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(slots=True)
class Folder:
    """An open export folder. `put` every file, then `remove_others`, then `close`."""

    path: Path
    force: bool
    facts: Facts  # goes into the manifest beside the files: contexts, roots
    files: dict[str, str]  # as last written: path below the folder -> SHA-256
    _top: int
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    conflicts: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    strict: bool = False  # the disk takes only names that every disk takes
    _waiting: list[tuple[str, bytes | Path, str]] = field(default_factory=list)
    _size: int = 0
    _pending: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *, force: bool, facts: Facts) -> Folder:
        """Make the folder where it is missing and read what was exported before. Raises `BrainError`, `Refused`."""
        try:
            path = path.expanduser().resolve()
            path.mkdir(parents=True, exist_ok=True)
            top = os.open(path, _FOLDER)
        except OSError as error:
            raise _explained(error, path) from error
        before = read_manifest(path)
        strict = not _takes_any_name(top)
        files = {name: sha for name, sha in before.files.items() if is_ours(name)}
        pending = dict(before.writing)
        return cls(path, force, facts, files, top, strict=strict, _pending=pending)

    def put(self, name: str, said: str | bytes) -> bool:
        """Have a file say this. Unchanged, it is not touched; changed by a person, it is left, reported, and False."""
        data = said if isinstance(said, bytes) else said.encode("utf-8", "replace")
        return self._put(name, data, len(data), hashlib.sha256(data).hexdigest())

    def leave(self, name: str) -> None:
        """Let a file stay as it is."""
        self._seen.add(name)

    def put_copy(self, name: str, original: Path) -> None:
        """The same for the bytes of another file. Raises `OSError` when that cannot be read."""
        with open_plain(original) as file:
            sha = hashlib.file_digest(file, "sha256").hexdigest()
        self._put(name, original, PIECE, sha)

    def _put(self, name: str, data: bytes | Path, size: int, sha: str) -> bool:
        self._seen.add(name)
        found = self._hash(name)
        if found == sha:
            self.files[name] = sha
            self.unchanged += 1
        elif not self._untouched(name, found):
            self.conflicts.append(name)
            return False
        else:
            self._waiting.append((name, data, sha))
            self._size += size
            if len(self._waiting) >= BATCH_FILES or self._size >= BATCH_CHARACTERS:
                self._flush()
        return True

    def remove_others(self, prefixes: Texts) -> None:
        """Remove what was exported below these folders and was not put again, unless a person changed it."""
        self._flush()
        for name in sorted(set(self.files) - self._seen):
            if not name.startswith(prefixes):
                continue
            found = self._hash(name)
            if found is None:
                del self.files[name]
            elif self._untouched(name, found) and self._unlink(name):
                self.removed += 1
                del self.files[name]
            else:
                self.conflicts.append(name)

    def close(self) -> None:
        """Write what waits and the manifest, and let go of the folder."""
        try:
            self._flush()
            self._write_manifest({})
            _remove(OLD_MANIFEST, self._top)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the folder without writing; a second call does nothing."""
        if self._top >= 0:
            os.close(self._top)
            self._top = -1

    # -- within -------------------------------------------------------------------------------------------------------

    def _untouched(self, name: str, found: str | None) -> bool:
        """Whether no person's words are lost when the file goes: there is none, or it is as it was written."""
        return self.force or found in (
            None,
            self.files.get(name),
            self._pending.get(name),
        )

    def _flush(self) -> None:
        if not self._waiting:
            return
        self._write_manifest(
            self._pending | {name: sha for name, _, sha in self._waiting}
        )
        reach("export.before_files")
        for name, data, sha in self._waiting:
            self._write(name, data)
            self.files[name] = sha
            self.written += 1
        reach("export.after_files")
        self._waiting = []
        self._size = 0

    def _write_manifest(self, writing: Mapping[str, str]) -> None:
        body = {"format": FORMAT, **self.facts, "files": self.files, "writing": writing}
        said = {name: value for name, value in body.items() if value}
        text = json.dumps(
            said,
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
        )
        data = f"{text}\n".encode("utf-8", "replace")
        if self._hash(MANIFEST) != hashlib.sha256(data).hexdigest():
            self._write(MANIFEST, data)

    def _write(self, name: str, data: bytes | Path) -> None:
        """Write beside, then rename: the old file or the new one, never half of one."""
        try:
            folder = self._folder(name, make=True)
            try:
                _remove(TEMPORARY, folder)  # a leftover of an export that was killed
                with os.fdopen(
                    os.open(TEMPORARY, _WRITE, 0o600, dir_fd=folder), "wb"
                ) as file:
                    _fill(file, data)
                os.rename(
                    TEMPORARY,
                    name.rpartition("/")[2],
                    src_dir_fd=folder,
                    dst_dir_fd=folder,
                )
            except OSError:
                _remove(TEMPORARY, folder)
                raise
            finally:
                os.close(folder)
        except OSError as error:
            raise _explained(error, self.path / name) from error

    def _hash(self, name: str) -> str | None:
        """SHA-256 of what stands there now, None when nothing does; "" for what is no plain file."""
        try:
            folder = self._folder(name, make=False)
            try:
                with open_plain(name.rpartition("/")[2], folder=folder) as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            finally:
                os.close(folder)
        except FileNotFoundError:
            return None
        except OSError:
            return ""

    def _unlink(self, name: str) -> bool:
        """Remove a file and the folders that it leaves empty; False when it cannot be removed."""
        parts = name.split("/")
        for depth in range(len(parts), 1, -1):
            folder = self._folder("/".join(parts[:depth]), make=False)
            try:
                (os.unlink if depth == len(parts) else os.rmdir)(
                    parts[depth - 1], dir_fd=folder
                )
            except OSError:
                return depth < len(parts)
            finally:
                os.close(folder)
        return True

    def _folder(self, name: str, *, make: bool) -> int:
        """The open folder of a file, reached from the top one step at a time without following a link."""
        here = os.dup(self._top)
        try:
            for part in name.split("/")[:-1]:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=here)
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
        except OSError as error:
            os.close(here)
            if isinstance(error, FileNotFoundError):
                raise
            where = self.path / name.rpartition("/")[0]
            raise Refused(
                f"{where} is a link or no folder", "move it away, then export again"
            ) from error
        return here


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says. `writing`: files that an export was about to write when it last noted it. `labels_chosen`:
    somebody or something chose each label that the export says.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    writing: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(
        default_factory=dict
    )  # path -> address of the original
    roots: tuple[Facts, ...] = ()
    folder_labels: Mapping[str, str] = field(default_factory=dict)
    labels_chosen: bool = True
    found: bool = False


def read_manifest(path: Path) -> Manifest:
    """The manifest of a folder; an empty one when there is none. Raises `BrainError` for one that cannot be read."""
    file = path / MANIFEST
    if not os.path.lexists(file):
        file = path / OLD_MANIFEST
    try:
        with open_plain(file) as opened:
            body = json.loads(opened.read(MANIFEST_BYTES))
        match body:
            case {"format": given} if given is not True and given in range(
                1, FORMAT + 1
            ):
                pass
            case _:
                raise ValueError("another format")
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, RecursionError) as error:
        hint = "move it away; then every file that is there counts as changed by you, and needs --force"
        raise BrainError(f"{file} cannot be read", hint) from error
    return Manifest(
        texts_in(body, "files"),
        texts_in(body, "writing"),
        texts_in(body, "contexts"),
        texts_in(body, "attachments"),
        tuple(_roots(file, body.get("roots", []))),
        texts_in(body, "folder_labels"),
        labels_chosen=body["format"] >= FORMAT_WITH_LABELS,
        found=True,
    )


def _roots(file: Path, given: Any) -> Iterator[dict[str, Any]]:
    """The folders that a manifest names, with their addresses as brain gives them. Raises `BrainError` for odd ones."""
    for root in given if isinstance(given, list) else [given]:
        match root:
            case {"path": str(path), **more} if os.path.isabs(path):
                pass
            case _:
                raise _odd(file, "names a folder without a path")
        options = more.get("options") or {}
        if not _are_options(options):
            raise _odd(file, f"says of {path!r} what brain does not understand")
        clean = os.path.normpath(path)
        if "\0" in clean or _encoded(clean) is None:
            raise _odd(file, "names a folder that no disk can have")
        yield {"uri": Path(clean).as_uri(), "path": clean, "options": options}


def _are_options(options: Any) -> bool:
    match options:
        case {"tags": [*tags]}:
            return all(isinstance(tag, str) for tag in tags)
        case {"tags": _}:
            return False
    return isinstance(options, dict)


def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _odd(file: Path, what: str) -> BrainError:
    return BrainError(f"{file} {what}", "mend it, or take another copy of the export")


def _remove(name: str, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def is_ours(name: str) -> bool:
    """Whether a path is one that an export can have written: it decides what may be removed, and what is read."""
    parts = name.split("/")
    if len(parts) == 1 or parts[0] not in (*KINDS, SIDECAR):
        return False
    return all(map(is_writable, parts))


def _takes_any_name(top: int) -> bool:
    """Whether the disk of this folder takes every name, and knows small letters from large ones."""
    try:
        os.close(os.open(PROBE, _WRITE, 0o600, dir_fd=top))
    except FileExistsError:
        pass
    except OSError:
        return False
    try:
        os.stat(PROBE.lower(), dir_fd=top, follow_symlinks=False)
        return False
    except OSError:
        return True
    finally:
        _remove(PROBE, top)


def _fill(file: BinaryIO, data: bytes | Path) -> None:
    """Write the bytes, or those of another file, into an open one."""
    if isinstance(data, bytes):
        file.write(data)
        return
    with open_plain(data) as original:
        shutil.copyfileobj(original, file, PIECE)


def _explained(error: OSError, path: Path) -> BrainError:
    reason = (error.strerror or "cannot be written").lower()
    return BrainError(
        f"{path}: {reason}",
        "what was written before is whole; mend it, then export again",
    )

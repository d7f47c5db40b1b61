"""What erasing has to see to outside the database: words left in other files of the home, and backups that hold them.

Leaves out deleting rows (`brain.store.erasure`), which it is handed. Serves `brain forget --erase`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from brain.errors import BrainError
from brain.faults import reach
from brain.keeping import encryption
from brain.keeping.backup import Backup, gone_by
from brain.keeping.encryption import Secret
from brain.keeping.files import copy_file, flush_directory, sweep, temporary
from brain.types import Holding

PIECES = 12  # looked for in every file of the home
SHORTEST_PIECE = 12  # characters; a shorter one is no sign of anything
READ_BYTES = 4 * 2**20
PIECE_CHARACTERS = 40  # so short that a page of a database seldom cuts it in two


def pieces_of(texts: Iterable[str], stays: Callable[[str], bool]) -> list[bytes]:
    """Short stretches of the texts by which what is left of them is known, spread over all of each; without those that
    are also in something that stays.
    """
    kept: list[bytes] = []
    for text in texts:
        lines = [line.strip() for line in text.splitlines() if len(line.strip()) >= SHORTEST_PIECE]
        step = max(1, len(lines) // PIECES)
        for line in lines[::step][:PIECES]:
            piece = line[:PIECE_CHARACTERS]
            if not stays(piece):
                kept.append(piece.encode("utf-8", "replace"))
    return kept


def left_in(home: Path, pieces: Sequence[bytes], *, without: Iterable[Path]) -> list[str]:
    """Files below the home that hold one of the pieces. Not to be called where the database is open: closing a second
    handle to it drops SQLite's locks (`brain.app.cage` calls it elsewhere).
    """
    passed = {path.name for path in without}
    found = []
    for folder, _, names in os.walk(home):
        for name in sorted(names):
            path = Path(folder, name)
            if (
                name not in passed
                and path.is_file()
                and not path.is_symlink()
                and _holds(path, pieces)
            ):
                found.append(str(path))
    return found


def _holds(path: Path, pieces: Sequence[bytes]) -> bool:
    longest = max((len(piece) for piece in pieces), default=1)
    with suppress(OSError), path.open("rb", buffering=0) as file:
        kept = b""
        while block := file.read(READ_BYTES):
            data = kept + block
            if any(piece in data for piece in pieces):
                return True
            kept = data[-longest:]
    return False


def look_through(
    backups: Sequence[Backup],
    *,
    holds: Callable[[Path], bool],
    rewrite: Callable[[Path, str], None] | None,
    secret: Secret,
    keep: Mapping[str, int] | None,
    today: date,
) -> list[Holding]:
    """Which backups hold it and until when; with `rewrite` each is written anew without it, at the same place.

    `holds(path)` looks into a plain copy, `rewrite(path, made_at)` erases in one. Of an encrypted one that the secret
    does not open, and of a damaged one, nobody can tell.
    """
    for folder in {backup.path.parent for backup in backups}:
        sweep(folder)
    found = []
    for backup in backups:
        until = gone_by(backup, backups, keep, today)
        made_at, name = backup.at.isoformat(timespec="seconds"), str(backup.path)
        with temporary(backup.path) as work:
            try:
                _open(backup, work, secret)
                inside = holds(work)
            except BrainError:
                found.append(Holding(name, made_at, until.isoformat() if until else "", "unread"))
                continue
            if not inside:
                continue
            if rewrite is None:
                found.append(Holding(name, made_at, until.isoformat() if until else ""))
                continue
            rewrite(work, made_at)
            _put_back(backup, work, secret)
        found.append(Holding(name, made_at, state="rewritten"))
    return found


def _open(backup: Backup, work: Path, secret: Secret) -> None:
    """A plain copy to look into and to write in."""
    if encryption.is_sealed(backup.path):
        encryption.unseal(backup.path, work, secret)
    else:
        copy_file(backup.path, work)


def _put_back(backup: Backup, work: Path, secret: Secret) -> None:
    reach("erase.before_put_back")
    if encryption.is_sealed(backup.path):
        with temporary(backup.path.with_name(f"sealed-{backup.path.name}")) as sealed:
            encryption.seal(work, sealed, secret)
            sealed.replace(backup.path)
    else:
        work.replace(backup.path)
    flush_directory(backup.path.parent)

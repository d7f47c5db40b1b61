"""What erasing has to see to outside the database: words left in other files of the home, and backups that hold them.

Of what was erased only the random ids are remembered, so that a backup can be looked into later. Leaves out deleting
rows (`brain.store.erasure`). Serves `brain forget --erase`, `brain backup --rewrite` and the doctor.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from brain.config import Config
from brain.config.secret import Secret
from brain.errors import BrainError
from brain.faults import reach
from brain.keeping import encryption, isolated
from brain.keeping.backup import Backup, copies_of, gone_by, keep_rule
from brain.keeping.files import copy_file, flush_directory, sweep, temporary
from brain.protocols import Progress, silent
from brain.reports import Holding, NotRewritten, RewriteReport
from brain.store import Store, copies
from brain.store.erased_copies import erase_in_copy, in_copy
from brain.store.erasure import Eraser, ErasureTargets
from brain.store.mentions import tells
from ingest.terms import tokens

# Setting: what erasures left out, {path: [when, when the file last changed]} in JSON.
ELSEWHERE = "erased_elsewhere"
ERASED = "erased"  # setting: ids of all that was ever erased, a list for each kind of targets
KINDS = ("documents", "episodes", "answers", "judgments", "proposals")
PIECES = 12  # looked for in every file of the home
LONG_LINE = 12  # characters; a shorter line counts only where it stands by itself
SHORTEST_PIECE = 3  # characters; a shorter one may stand anywhere
PIECE_CHARACTERS = 40  # so short that a page of a database seldom cuts it in two


@dataclass(frozen=True, slots=True)
class Pieces:
    """By what the words of something are known in any file. `words` count only where they stand by themselves, and not
    in a file of bytes, where so short a piece stands by chance.
    """

    lines: Sequence[bytes] = ()
    words: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.words)


def pieces_of(texts: Iterable[str], stays: Callable[[str], bool]) -> Pieces:
    """Short stretches of the texts, spread over all of each, and short lines that say something; without those that are
    also in something that stays.
    """
    lines: list[bytes] = []
    words: list[bytes] = []
    for text in texts:
        long = []
        short = []
        for line in map(str.strip, text.splitlines()):
            if len(line) >= LONG_LINE:
                long.append(line[:PIECE_CHARACTERS])
            elif len(line) >= SHORTEST_PIECE and any(map(tells, tokens(line))):
                short.append(line)
        for found, kept in ((long, lines), (short, words)):
            step = max(1, len(found) // PIECES)
            kept += [
                piece.encode("utf-8", "replace")
                for piece in found[::step][:PIECES]
                if not stays(piece)
            ]
    return Pieces(lines, words)


def database_files(config: Config) -> list[Path]:
    """The database and what SQLite keeps beside it."""
    name = config.database.name
    return [config.database.with_name(f"{name}{end}") for end in ("", "-wal", "-shm")]


def files_with(
    eraser: Eraser, targets: ErasureTargets, config: Config, *, but: Iterable[Path]
) -> list[str]:
    """Files of the home, but those named, that hold some of its words. Raises `BrainError`."""
    pieces = pieces_of(targets.words(), eraser.stands_elsewhere)
    if not pieces:
        return []
    return isolated.left_in(config.home, pieces.lines, pieces.words, without=but)


# -- backups ----------------------------------------------------------------------------------------------------------


def backups_with(
    store: Store,
    config: Config,
    targets: ErasureTargets,
    *,
    secret: Secret,
    today: date,
    looked: Sequence[Backup] = (),
) -> tuple[list[Holding], ErasureTargets]:
    """(the backups that hold it, with the day on which retention deletes each; the ids under which they hold it).

    Of an encrypted one that the secret does not open, and of a damaged one, nobody can tell. One that is deleted in the
    meantime holds nothing. `looked`: those that were looked into before.
    """
    rule = keep_rule(store)
    backups = copies_of(store, config)
    ids = ErasureTargets()
    found = []
    for backup in backups:
        if backup in looked:
            continue
        state: Literal["holds", "unread"] = "holds"
        try:
            with _opened(backup, secret) as copy:
                inside = in_copy(copy, targets)
            if not inside:
                continue
            ids.add(inside)
        except (BrainError, OSError, sqlite3.Error):
            if not backup.path.exists():
                continue
            state = "unread"
        day = gone_by(backup, backups, rule, today)
        until = day.isoformat() if day else ""
        found.append(Holding(str(backup.path), _made_at(backup), until, state))
    return found, ids


def rewrite(
    store: Store, config: Config, *, secret: Secret, progress: Progress = silent
) -> RewriteReport:
    """Write every backup anew that holds something erased, without it, each in one step at its own place.

    An encrypted one stays encrypted for the same passphrase or key. What cannot be rewritten stays as it is.
    """
    targets = erased(store)
    # An import may have brought something back under its old id: then it stays in the backups too.
    targets.discard(Eraser(store.connection.conn).find(targets.copy()))
    if not targets:
        return RewriteReport(
            notices=("nothing is erased: no backup has to be written anew",)
        )
    backups = copies_of(store, config)
    rewritten: list[str] = []
    failed: list[NotRewritten] = []
    for number, backup in enumerate(backups, 1):
        try:
            with _opened(backup, secret) as copy:
                if in_copy(copy, targets):
                    erase_in_copy(copy, targets, _made_at(backup))
                    _put_back(backup, copy, secret)
                    rewritten.append(str(backup.path))
        except (BrainError, OSError, sqlite3.Error) as error:
            message = str(error)
            if isinstance(error, BrainError):
                message = f"{error.message}: {error.hint}"
            if backup.path.exists():
                failed.append(NotRewritten(str(backup.path), message))
        progress("backups", number, len(backups))
    return RewriteReport(len(backups), tuple(rewritten), tuple(failed))


def _same_lock(path: Path, secret: Secret) -> Secret:
    """What encrypts it for the one who could read it before. Raises `BrainError` where others could as well."""
    keys = encryption.keys_of(path)
    if keys > 1:
        raise BrainError(
            f"{path} is encrypted for {keys} keys, and could be written anew for yours alone",
            "make a new one with a --recipient for each, then delete it",
        )
    if keys == 0:
        return replace(secret, identity=None)
    return replace(secret, passphrase="")


@contextmanager
def _opened(backup: Backup, secret: Secret) -> Iterator[Path]:
    """A plain copy beside it to look into and to write in, judged to be sound. Raises `BrainError`."""
    sweep(backup.path.parent)
    with temporary(backup.path) as copy:
        if encryption.is_sealed(backup.path):
            encryption.unseal(backup.path, copy, secret)
        else:
            copies.glance(backup.path)
            copy_file(backup.path, copy)
        isolated.judge(copy, compare=False, called=backup.path)
        yield copy


def _put_back(backup: Backup, copy: Path, secret: Secret) -> None:
    reach("erase.before_put_back")
    if not backup.path.exists():
        raise FileNotFoundError(f"{backup.path} is gone")  # what was let go stays gone
    if encryption.is_sealed(backup.path):
        with temporary(backup.path.with_name(f"sealed-{backup.path.name}")) as sealed:
            encryption.seal(copy, sealed, _same_lock(backup.path, secret))
            sealed.replace(backup.path)
    else:
        copy.replace(backup.path)
    flush_directory(backup.path.parent)


def _made_at(backup: Backup) -> str:
    return backup.at.isoformat(timespec="seconds")


# -- what is remembered -----------------------------------------------------------------------------------------------


def erased(store: Store) -> ErasureTargets:
    """The ids of all that was ever erased."""
    kept: dict[str, object] = store.library.setting_json(ERASED, dict)
    named: list[set[str]] = []
    for kind in KINDS:
        ids = kept.get(kind)
        if not isinstance(ids, list):
            ids = []
        named.append(set(map(str, ids)))
    documents, episodes, answers, judgments, proposals = named
    return ErasureTargets(documents, episodes, answers, judgments, proposals)


def note_erased(store: Store, ids: ErasureTargets) -> None:
    """Remember these ids too."""
    known = erased(store)
    kept = {}
    for kind in KINDS:
        kept[kind] = sorted(getattr(known, kind) | getattr(ids, kind))
    store.library.keep_setting(ERASED, json.dumps(kept))


def left_out(store: Store) -> dict[str, str]:
    """Backups and files that held what was erased, are unchanged since, and since when."""
    there = {}
    for path, noted in store.library.setting_json(ELSEWHERE, dict).items():
        match noted:
            case [str(at), int(changed)] if _changed(path) == changed:
                there[path] = at
    return there


def note_left_out(store: Store, paths: Iterable[str], now: str) -> None:
    """Keep in mind what an erasure left out, for the doctor."""
    since = {**left_out(store), **dict.fromkeys(paths, now)}
    noted = {path: (at, _changed(path)) for path, at in since.items()}
    wanted = json.dumps(noted, ensure_ascii=False) if noted else None
    if wanted != store.library.setting(ELSEWHERE):
        store.library.keep_setting(ELSEWHERE, wanted)


def _changed(path: str) -> int:
    """When a file last changed, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0

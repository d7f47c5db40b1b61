"""`forget --erase`: what goes for good, in which order, and what is still left of it somewhere.

The rows and the mark "an erasure is not finished" change in one transaction; every later step can be done again by
`brain doctor --deep --repair`. Leaves out the rows (`brain.store.erasure`) and the files (`brain.keeping.erase`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from brain.app import cage, library
from brain.app.intake import uri_of
from brain.app.keep import IndexCare, _embed, backup_folders, keep_rule
from brain.app.parts import Parts
from brain.errors import BrainError, NotFound
from brain.faults import reach
from brain.keeping.backup import Backup, found, put_aside
from brain.keeping.encryption import Secret
from brain.keeping.erase import look_through, pieces_of
from brain.store.erasure import (
    PENDING,
    Eraser,
    ErasureFindings,
    ErasureTargets,
    erase_in_copy,
    free_pages,
    holds,
    scrub,
)
from brain.types import EraseReport, Forgotten, Holding

SHORTEST_PREFIX = 6  # STYLE.md: of an id that is typed
ELSEWHERE = (
    "erased_elsewhere"  # setting: what erasures left out, {path: [when, the file's own time]}
)
SEALED = "{} of the backups could not be looked into; delete them, or name their passphrase or key"


def erase(
    parts: Parts,
    references: Sequence[str],
    *,
    dry_run: bool,
    backups: bool = False,
    passphrase: str = "",
    identity: Path | None = None,
) -> EraseReport:
    """Documents and episodes, forgotten ones too, leave every file of the home. Raises `NotFound`.

    With `backups` every backup that holds them is written anew without them; else those are listed.
    """
    items, unknown = _named(parts, references)
    marks = _marks(items, unknown)
    eraser = Eraser(parts.store.connection.conn)
    copies, secret = _copies(parts), Secret(passphrase, identity=identity)
    if dry_run:
        present = eraser.find(marks)
        held = _held(parts, copies, marks, secret, rewrite=False)
        _must_be_somewhere(unknown, held)
        return EraseReport(
            items, _quoting(present, marks), held, notices=_notices(eraser, marks, held)
        )
    with parts.store.write():
        present = eraser.find(marks)
        parts.store.library.keep_setting(PENDING, parts.now())
        eraser.erase(present, marks)
        for reference in references:
            parts.store.library.drop_root(library.place(reference))
    reach("erase.after_commit")
    pending = finish(parts)
    held = _held(parts, copies, marks, secret, rewrite=backups)
    _must_be_somewhere(unknown, held)
    pieces = pieces_of(marks.texts, eraser.stands_elsewhere)
    left = cage.left_in(parts.config.home, pieces, without=[copy.path for copy in copies])
    _note_places(parts, held, left)
    return EraseReport(
        items,
        _quoting(present, marks),
        held,
        done=True,
        left=tuple(left),
        pending=pending,
        notices=_notices(eraser, marks, held),
    )


def finish(parts: Parts) -> str:
    """The last step of an erasure: index files and every freed byte of the database. "" when done, else why not yet."""
    _embed(parts)
    try:
        for fingerprint in sorted(parts.store.vectors.fingerprints()):
            with suppress(
                BrainError
            ):  # without Chroma the exact index serves, and its files are gone by now
                IndexCare(parts).renew(fingerprint)
        reach("erase.before_scrub")
        if not scrub(parts.store.connection, parts.config.home):
            return "another process reads the store: words may still lie in its log until that one ends"
    except BrainError as error:
        return error.message
    parts.store.library.keep_setting(PENDING, None)
    return ""


@dataclass(frozen=True, slots=True)
class Words:
    """What the doctor asks about erasures (`brain.keeping.findings.Words`)."""

    parts: Parts

    def since(self) -> str | None:
        """When an erasure began whose last step is not known to be done."""
        return self.parts.store.library.setting(PENDING)

    def finish(self) -> bool:
        """Do the last step again; whether it is done."""
        return not finish(self.parts)

    def freed(self) -> int:
        """Free pages of the database that hold something. Not looked at while changes wait in its log."""
        database = self.parts.config.database
        log = database.with_name(f"{database.name}-wal")
        waits = log.exists() and log.stat().st_size
        return (
            cage.freed(database)
            if free_pages(self.parts.store.connection.conn) and not waits
            else 0
        )

    def strays(self) -> list[str]:
        """Files of the home, but the database and the backups, that hold words of what was forgotten."""
        eraser = Eraser(self.parts.store.connection.conn)
        pieces = pieces_of(
            eraser.forgotten_texts(), lambda piece: eraser.stands_elsewhere(piece, forgotten=False)
        )
        config = self.parts.config
        own = [
            config.database.with_name(f"{config.database.name}{end}")
            for end in ("", "-wal", "-shm")
        ]
        known = [*own, *(copy.path for copy in _copies(self.parts))]
        return cage.left_in(config.home, pieces, without=known) if pieces else []

    def places(self) -> dict[str, str]:
        """Backups and files that held what was erased, are unchanged since, and since when."""
        noted = json.loads(self.parts.store.library.setting(ELSEWHERE) or "{}")
        return {path: at for path, (at, changed) in noted.items() if _changed(path) == changed}


def _note_places(parts: Parts, held: Sequence[Holding], left: Sequence[str]) -> None:
    """Keep in mind what an erasure left out, for the doctor."""
    places = [*(item.path for item in held if item.state == "holds"), *left]
    noted = {path: (at, _changed(path)) for path, at in Words(parts).places().items()}
    noted |= {path: (parts.now(), _changed(path)) for path in places}
    wanted = json.dumps(noted, ensure_ascii=False) if noted else None
    if wanted != parts.store.library.setting(ELSEWHERE):
        parts.store.library.keep_setting(ELSEWHERE, wanted)


def _changed(path: str) -> int:
    """When a file last changed, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _named(parts: Parts, references: Sequence[str]) -> tuple[tuple[Forgotten, ...], list[str]]:
    """(what is stored or was forgotten under the references, the references under which nothing is)."""
    items: dict[str, Forgotten] = {}
    unknown = []
    trash = library.forgotten(parts)
    for reference in references:
        meant = [item for item in trash if _fits(item, reference)]
        try:
            meant += library.forget(parts, [reference], dry_run=True).items
        except NotFound:
            if not meant:
                unknown.append(reference)
        items.update((item.id, item) for item in meant)
    return tuple(items.values()), unknown


def _marks(items: Sequence[Forgotten], unknown: Sequence[str]) -> ErasureTargets:
    """By what it is known everywhere; of what the store no longer has, a whole id or a path finds it in the backups."""
    bare = {reference.removeprefix("#").removeprefix("episode:") for reference in unknown}
    documents = {item.id for item in items if item.kind == "document"} | bare
    episodes = {item.id for item in items if item.kind == "episode"} | bare
    return ErasureTargets(
        documents, episodes, {uri_of(Path(library.place(reference))) for reference in unknown}
    )


def _must_be_somewhere(unknown: Sequence[str], held: Sequence[Holding]) -> None:
    """Raise `NotFound` for a reference under which neither the store nor any backup has something."""
    if unknown and not any(item.state != "unread" for item in held):
        raise NotFound(
            f"nothing is stored under {unknown[0]!r}",
            "`brain list` and `brain undo --list` show what there is",
        )


def _fits(item: Forgotten, reference: str) -> bool:
    bare = reference.removeprefix("#").removeprefix("episode:")
    place = library.place(reference)
    by_id = len(bare) >= SHORTEST_PREFIX and item.id.startswith(bare)
    return by_id or item.source in (reference, place) or item.source.startswith(f"{place}/")


def _copies(parts: Parts) -> list[Backup]:
    """Every backup that can be reached, and databases put aside."""
    made = [backup for folder in backup_folders(parts) for backup in found(folder)]
    return [*made, *put_aside(parts.config.database)]


def _held(
    parts: Parts, copies: list[Backup], marks: ErasureTargets, secret: Secret, *, rewrite: bool
) -> tuple[Holding, ...]:
    return tuple(
        look_through(
            copies,
            holds=lambda path: bool(cage.judge(path, compare=False)) and holds(path, marks),
            rewrite=(lambda path, made_at: erase_in_copy(path, marks, made_at))
            if rewrite
            else None,
            secret=secret,
            keep=keep_rule(parts),
            today=parts.moment().date(),
        )
    )


def _quoting(present: ErasureFindings, marks: ErasureTargets) -> tuple[Forgotten, ...]:
    """Rounds that go, or lose their answer, because they quote it."""
    others = [
        Forgotten(i, "episode", f"episode:{i}", "")
        for i in present.episodes
        if i not in marks.episodes
    ]
    answers = [
        Forgotten(i, "episode", f"episode:{i}", question, at=at)
        for i, question, at in present.quoting
    ]
    return (*others, *answers)


def _notices(eraser: Eraser, marks: ErasureTargets, held: Sequence[Holding]) -> tuple[str, ...]:
    notices = [
        f"the same text also stands in {source}, which stays" for source in eraser.copies_of(marks)
    ]
    there = [
        source
        for source in sorted(marks.sources)
        if Path(source).is_absolute() and Path(source).exists()
    ]
    notices += [
        f"{source} is still on the disk: `brain sync` would take it in again" for source in there
    ]
    unread = sum(item.state == "unread" for item in held)
    return tuple(notices + ([SEALED.format(unread)] if unread else []))

"""`forget --erase`: what goes for good, in which order, and what is still left of it somewhere.

The rows and the mark "an erasure is not finished" change in one transaction; every later step can be done again by
`brain doctor --deep --repair`. Leaves the rows to `brain.store.erasure`, the files to `brain.keeping.erase`. Serves
`.keep.erase` and the doctor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.app import cage
from brain.app.backups import copies_of, keep_rule
from brain.app.derived import finish_erasure
from brain.app.file_facts import uri_of
from brain.app.library import Library, stored_path
from brain.app.resources import Resources
from brain.errors import NotFound
from brain.faults import reach
from brain.keeping.backup import Backup
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
)
from brain.types import EraseReport, Forgotten, Holding

SHORTEST_PREFIX = 6  # of an id that is typed
# Setting: what erasures left out, {path: [when, the file's own time]} in JSON
ELSEWHERE = "erased_elsewhere"
SEALED = "{} of the backups could not be looked into; delete them, or name their passphrase or key"


def erase(
    resources: Resources,
    references: Sequence[str],
    secret: Secret,
    *,
    dry_run: bool,
    backups: bool = False,
) -> EraseReport:
    """Documents and episodes, forgotten ones too, leave every file of the home. Raises `NotFound`.

    With `backups` every backup that holds them is written anew without them; else those are listed.
    """
    items, unknown = _named(resources, references)
    marks = _marks(items, unknown)
    eraser = Eraser(resources.store.connection.conn)
    copies = copies_of(resources)
    if dry_run:
        present = eraser.find(marks)
        held = _held(resources, copies, marks, secret, rewrite=False)
        _must_be_somewhere(unknown, held)
        return EraseReport(
            items, _quoting(present, marks), held, notices=_notices(eraser, marks, held)
        )
    with resources.store.write():
        present = eraser.find(marks)
        resources.store.library.keep_setting(PENDING, resources.now())
        eraser.erase(present, marks)
        for reference in references:
            resources.store.library.drop_root(stored_path(reference))
    reach("erase.after_commit")
    pending = finish_erasure(resources)
    held = _held(resources, copies, marks, secret, rewrite=backups)
    _must_be_somewhere(unknown, held)
    pieces = pieces_of(marks.texts, eraser.stands_elsewhere)
    left = cage.left_in(resources.config.home, pieces, without=[copy.path for copy in copies])
    _note_places(resources, held, left)
    return EraseReport(
        items,
        _quoting(present, marks),
        held,
        done=True,
        left=tuple(left),
        pending=pending,
        notices=_notices(eraser, marks, held),
    )


@dataclass(frozen=True, slots=True)
class Words:
    """What the doctor asks about erasures, bound to this store."""

    resources: Resources

    def since(self) -> str | None:
        """When an erasure began whose last step is not known to be done."""
        return self.resources.store.library.setting(PENDING)

    def finish(self) -> bool:
        """Do the last step again; whether it is done."""
        return not finish_erasure(self.resources)

    def freed(self) -> int:
        """Free pages of the database that hold something. Not looked at while changes wait in its log."""
        database = self.resources.config.database
        log = database.with_name(f"{database.name}-wal")
        waits = log.exists() and log.stat().st_size
        return (
            cage.freed(database)
            if free_pages(self.resources.store.connection.conn) and not waits
            else 0
        )

    def strays(self) -> list[str]:
        """Files of the home, but the database and the backups, that hold words of what was forgotten."""
        eraser = Eraser(self.resources.store.connection.conn)
        pieces = pieces_of(
            eraser.forgotten_texts(), lambda piece: eraser.stands_elsewhere(piece, forgotten=False)
        )
        config = self.resources.config
        own = [
            config.database.with_name(f"{config.database.name}{end}")
            for end in ("", "-wal", "-shm")
        ]
        known = [*own, *(copy.path for copy in copies_of(self.resources))]
        return cage.left_in(config.home, pieces, without=known) if pieces else []

    def places(self) -> dict[str, str]:
        """Backups and files that held what was erased, are unchanged since, and since when."""
        noted = json.loads(self.resources.store.library.setting(ELSEWHERE) or "{}")
        return {path: at for path, (at, changed) in noted.items() if _changed(path) == changed}


def _note_places(resources: Resources, held: Sequence[Holding], left: Sequence[str]) -> None:
    """Keep in mind what an erasure left out, for the doctor."""
    places = [*(item.path for item in held if item.state == "holds"), *left]
    noted = {path: (at, _changed(path)) for path, at in Words(resources).places().items()}
    noted |= {path: (resources.now(), _changed(path)) for path in places}
    wanted = json.dumps(noted, ensure_ascii=False) if noted else None
    if wanted != resources.store.library.setting(ELSEWHERE):
        resources.store.library.keep_setting(ELSEWHERE, wanted)


def _changed(path: str) -> int:
    """When a file last changed, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _named(
    resources: Resources, references: Sequence[str]
) -> tuple[tuple[Forgotten, ...], list[str]]:
    """(what is stored or was forgotten under the references, the references under which nothing is)."""
    items: dict[str, Forgotten] = {}
    unknown = []
    library = Library(resources)
    trash = library.forgotten()
    for reference in references:
        meant = [item for item in trash if _fits(item, reference)]
        try:
            meant += library.named([reference])
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
        documents, episodes, {uri_of(Path(stored_path(reference))) for reference in unknown}
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
    place = stored_path(reference)
    by_id = len(bare) >= SHORTEST_PREFIX and item.id.startswith(bare)
    return by_id or item.source in (reference, place) or item.source.startswith(f"{place}/")


def _held(
    resources: Resources,
    copies: list[Backup],
    marks: ErasureTargets,
    secret: Secret,
    *,
    rewrite: bool,
) -> tuple[Holding, ...]:
    return tuple(
        look_through(
            copies,
            holds=lambda path: bool(cage.judge(path, compare=False)) and holds(path, marks),
            rewrite=(lambda path, made_at: erase_in_copy(path, marks, made_at))
            if rewrite
            else None,
            secret=secret,
            keep=keep_rule(resources),
            today=resources.moment().date(),
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

"""`forget --erase`: what goes for good, in which order, and what is still left of it somewhere.

The rows and the mark "an erasure is not finished" change in one transaction; every later step can be done again by
`brain doctor --deep --repair`. Leaves the rows to `brain.store.erasure`, the files to `brain.keeping.erase`. Serves
`.keep.erase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brain.app.derived import finish_erasure
from brain.app.file_facts import uri_of
from brain.app.library import EPISODE, Library, stored_path
from brain.app.resources import Resources
from brain.errors import NotFound
from brain.faults import reach
from brain.keeping import isolated
from brain.keeping.backup import copies_of
from brain.keeping.erase import backups_with, note_erased, note_left_out, pieces_of
from brain.reports import EraseReport, Forgotten, Holding
from brain.store.erasure import PENDING, Eraser, ErasureFindings, ErasureTargets
from brain.types import Secret, Texts

SHORTEST_PREFIX = 6  # of an id that is typed
SEALED = "{} of the backups could not be looked into; delete them, or name their passphrase or key"


def erase(
    resources: Resources, references: Sequence[str], secret: Secret, *, dry_run: bool
) -> EraseReport:
    """Documents and episodes, forgotten ones too, leave every file of the home; backups that hold them are listed.

    Raises `NotFound`.
    """
    store = resources.store
    config = resources.config
    items, unknown = _named(resources, references)
    targets = _targets(items, unknown)
    eraser = Eraser(store.connection.conn)
    pending = ""
    if dry_run:
        present = eraser.find(targets)
    else:
        with store.write():
            present = eraser.find(targets)
            store.library.keep_setting(PENDING, resources.now())
            eraser.erase(present, targets)
            for reference in references:
                store.library.drop_root(stored_path(reference))
        reach("erase.after_commit")
        pending = finish_erasure(resources)
    today = resources.moment().date()
    held, ids = backups_with(store, config, targets, secret=secret, today=today)
    _must_be_somewhere(unknown, held)
    report = EraseReport(
        items,
        _quoting(present, targets),
        tuple(held),
        done=not dry_run,
        pending=pending,
        notices=_notices(eraser, targets, held),
    )
    if dry_run:
        return report
    ids.add(present)
    note_erased(store, ids)
    pieces = pieces_of(targets.texts, eraser.stands_elsewhere)
    copies = [copy.path for copy in copies_of(store, config)]
    left = isolated.left_in(config.home, pieces, without=copies)
    holding = [item.path for item in held if item.state == "holds"]
    note_left_out(store, [*holding, *left], resources.now())
    return replace(report, left=tuple(left))


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


def _targets(items: Sequence[Forgotten], unknown: Sequence[str]) -> ErasureTargets:
    """By what it is known everywhere; of what the store no longer has, a whole id or a path finds it in the backups."""
    bare = {_bare(reference) for reference in unknown}
    documents = {item.id for item in items if item.kind == "document"} | bare
    episodes = {item.id for item in items if item.kind == "episode"} | bare
    uris = {uri_of(Path(stored_path(reference))) for reference in unknown}
    return ErasureTargets(documents, episodes, uris=uris)


def _must_be_somewhere(unknown: Sequence[str], held: Sequence[Holding]) -> None:
    """Raise `NotFound` for a reference under which neither the store nor any backup has something."""
    if unknown and not any(item.state != "unread" for item in held):
        raise NotFound(
            f"nothing is stored under {unknown[0]!r}",
            "`brain list` and `brain undo --list` show what there is",
        )


def _bare(reference: str) -> str:
    """An id without what may stand before it."""
    return reference.removeprefix("#").removeprefix(EPISODE)


def _fits(item: Forgotten, reference: str) -> bool:
    """Whether a forgotten thing is meant: by the start of its id, its path, or a folder above it."""
    start = _bare(reference)
    path = stored_path(reference)
    if len(start) >= SHORTEST_PREFIX and item.id.startswith(start):
        return True
    return item.source in (reference, path) or item.source.startswith(f"{path}/")


def _quoting(
    present: ErasureFindings, targets: ErasureTargets
) -> tuple[Forgotten, ...]:
    """Rounds that go, or lose their answer, because they quote it."""
    found = []
    for episode_id in present.episodes:
        if episode_id not in targets.episodes:
            found.append(Forgotten(episode_id, "episode", f"{EPISODE}{episode_id}", ""))
    for episode_id, question, at in present.quoting:
        source = f"{EPISODE}{episode_id}"
        found.append(Forgotten(episode_id, "episode", source, question, at=at))
    return tuple(found)


def _notices(eraser: Eraser, targets: ErasureTargets, held: Sequence[Holding]) -> Texts:
    """What a person must know of what is left elsewhere."""
    notices = []
    for source in eraser.copies_of(targets):
        notices.append(f"the same text also stands in {source}, which stays")
    for source in sorted(targets.sources):
        path = Path(source)
        if path.is_absolute() and path.exists():
            notices.append(
                f"{source} is still on the disk: `brain sync` would take it in again"
            )
    unread = sum(item.state == "unread" for item in held)
    if unread:
        notices.append(SEALED.format(unread))
    return tuple(notices)

"""`sync`, and the look before every question: the registered folders, what changed in them and what is gone from them.

Forgets what is gone, but not when so much is missing that it is more likely a disk that is not there. Leaves looking to
`brain.app.look`, reading and saving to `brain.app.intake`, and vectors to the end of every taking in.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from brain.app.file_facts import (
    believable,
    path_of,
    shown,
    whole_files,
)
from brain.app.intake import Intake
from brain.app.resources import Resources
from brain.app.tally import Tally
from brain.app.vectors import finish
from brain.errors import BrainError
from brain.faults import reach
from brain.labels import FolderLabel
from brain.store.moves import is_gone
from brain.types import AddReport, Change

CHANGES = (
    "added",
    "updated",
    "removed",
)  # outcomes that leave chunks without vectors, or too many
MISSING_NAMED = 3  # files or folders that a notice names


def sync(resources: Resources, *, wait: bool = True) -> AddReport:
    """Look at every root again, take in what changed, let go of what is gone, finish what waits."""
    from brain.app.derived import finish_erasure

    # What was forgotten long ago leaves every file, before an index is written that would go with it.
    if resources.store.trash.expire(now=resources.moment()):
        finish_erasure(resources)
    intake = Intake.of(resources)
    for root in resources.store.library.roots():
        _look_at_root(intake, root)
    return finish(resources, intake.tally, wait=wait)


def look_at(resources: Resources, paths: Collection[Path]) -> AddReport:
    """Some of the registered folders again, as `sync` does; vectors of the second speed follow behind it."""
    intake = Intake.of(resources)
    for root in resources.store.library.roots():
        if Path(path_of(str(root["uri"]))) in paths:
            _look_at_root(intake, root)
    tally = intake.tally
    if any(tally.counts[outcome] for outcome in CHANGES):
        return finish(resources, tally)
    return tally.report()


def refresh(resources: Resources) -> list[str]:
    """Before a question: take in a few changed files at once, or say how many are newer than what is known."""
    roots = resources.store.library.roots()
    if not roots:
        return []
    intake = Intake.of(resources)
    newer = 0
    tally = intake.tally
    try:
        for root in roots:
            newer += _look_at_root(intake, root, resources.config.ingest.inline_changes)
        taken = _taken_in(tally)
        if taken:
            tally.notices.insert(0, f"files that changed were taken in first: {taken}")
        if any(tally.counts[outcome] for outcome in CHANGES):
            finish(resources, tally, wait=False)
    except (BrainError, OSError) as error:
        # a full disk or a read-only home: what is stored can still be asked
        tally.notices.append(
            f"changed files were not taken in: {getattr(error, 'message', error)}"
        )
    if newer:
        said = f"{newer:,} files are newer than what is stored; run `brain sync`"
        tally.notices.insert(0, said)
    return tally.notices


def _taken_in(tally: Tally) -> str:
    """What changed in the store, counted; "" for nothing."""
    said = []
    for outcome in (*CHANGES, "renamed"):
        count = tally.counts[outcome]
        if count:
            said.append(f"{count:,} {outcome}")
    return ", ".join(said)


def _look_at_root(
    intake: Intake, root: Mapping[str, Any], limit: int | None = None
) -> int:
    """One root: changed files in (at most `limit`, else none and their number is returned), missing ones out."""
    resources = intake.resources
    uri = str(root["uri"])
    path = Path(path_of(uri))
    if not path.exists():
        name = shlex.quote(shown(path))
        intake.tally.notices.append(
            f"{shown(path)} is not there; nothing of it was forgotten. Moved? brain folder rename {name} NEW. "
            f"Gone for good? brain folder remove {name}"
        )
        return 0
    look = intake.look(path, question=limit is not None)
    fresh = look.changed()
    missing = len(look.missing)
    if (
        limit is not None
        and len(fresh) + missing > limit
        and not _vanished(intake, path)
    ):
        # Files touched just before the last look are read again to be safe, which can wait for `sync`
        fresh = look.surely(fresh)
        if len(fresh) + missing > limit:
            return len(fresh) + missing
    tags = root["options"].get("tags", ())
    renamed = intake.tally.counts["renamed"]
    intake.take_changes(fresh, tuple(tags), [path])
    if intake.tally.counts["renamed"] > renamed:
        intake.tally.notices += _left_behind(resources, root["path"])
    reach("sync.before_let_go")
    removed = _let_go(intake, path) if missing else 0
    if fresh or removed or limit is None:
        resources.store.library.looked_at(uri, resources.now())
    return 0


def _left_behind(resources: Resources, root: str) -> Iterator[str]:
    """Labels of folders below a root that are not there any more, and did not go with the files that were moved."""
    for folder in resources.store.labels.folders():
        below = FolderLabel(root, "").covers(folder.source)
        if below and is_gone(folder.source):
            yield (
                f"the label {folder.label} of {folder.source} stays with that place, which is not there any more; "
                f"for where its files lie now: brain label set {folder.label} FOLDER"
            )


def _let_go(intake: Intake, path: Path) -> int:
    """Forget documents whose files are gone, and say how many; renamed ones have their new address by now."""
    store = intake.resources.store
    tally = intake.tally
    folder = shown(path)
    known = store.library.known_files(path.as_uri())
    gone = [uri for uri in known if is_gone(path_of(uri))]
    if not gone:
        return 0
    if _vanished(intake, path):
        notice = f"{folder} is empty, as when a disk is not mounted; nothing of it was forgotten"
        tally.notices.append(notice)
        return 0
    files = {path_of(uri) for uri in gone}
    total = len(whole_files(known))
    if not believable(len(files), total):
        names = _quoted(_topmost_missing(files))
        tally.notices.append(
            f"{len(files):,} of {total:,} files under {folder} are gone; nothing was forgotten. "
            f"Were they deleted? Then: brain forget {names}"
        )
        return 0
    ids = [store.library.resolve(uri) for uri in gone]
    tally.changes += [Change("removed", shown(Path(file))) for file in sorted(files)]
    removed = store.trash.forget(ids, now=intake.resources.now(), lasting=False)
    tally.counts["removed"] += removed
    return removed


def _vanished(intake: Intake, path: Path) -> bool:
    """Whether a folder that held files holds nothing at all now: a disk that is not mounted leaves one like that."""
    if not path.is_dir() or any(path.iterdir()):
        return False
    known = intake.resources.store.library.known_files(path.as_uri())
    return bool(known)


def _topmost_missing(files: Iterable[str]) -> list[str]:
    """The missing files, those of a missing folder named by the folder alone."""
    found = set()
    for file in files:
        while is_gone(os.path.dirname(file)):
            file = os.path.dirname(file)
        found.add(file)
    return sorted(found)


def _quoted(paths: Sequence[str]) -> str:
    """As a shell takes them, the first few."""
    named = paths[:MISSING_NAMED]
    rest = paths[MISSING_NAMED:]
    words = [shlex.quote(shown(Path(path))) for path in named]
    if rest:
        words.append(f"… and {len(rest):,} more")
    return " ".join(words)

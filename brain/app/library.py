"""The library verbs that need more than one table: get, open, forget, undo.

Leaves out lists and tags, which `Brain` asks of the store's library itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from brain.app.parts import Parts
from brain.errors import NotFound, UsageError
from brain.types import Excerpt, ForgetReport, Forgotten

EPISODE, NOTE = "episode:", "note:"
UNDO_DAYS = 30  # as long as the store's trash keeps it (HOUSE)
VAULT = ".obsidian"  # the folder that makes a folder an Obsidian vault


def excerpt(parts: Parts, reference: str) -> Excerpt:
    """What the reference points at. Raises `NotFound` or, when it is ambiguous, `UsageError`."""
    library = parts.store.library
    try:
        return library.excerpt(reference)
    except NotFound as nothing:
        try:
            episode = parts.episodes.get(reference)
        except NotFound:
            raise nothing from None
    text = "\n".join(part for part in (episode.question, episode.answer) if part) + "\n"
    source = f"{EPISODE}{episode.id}"
    return Excerpt(
        episode.id,
        "",
        source,
        episode.session or episode.kind,
        "",
        text,
        date=episode.at,
        label=episode.label,
    )


def excerpts(parts: Parts, pattern: str) -> list[Excerpt]:
    """Whole documents by glob. Raises `NotFound`."""
    library = parts.store.library
    found = [library.excerpt(document_id) for document_id in library.matching(pattern)]
    if not found:
        raise NotFound(
            f"no document fits {pattern!r}", "`brain list` shows what is stored; quote the pattern"
        )
    return found


def locate(parts: Parts, reference: str) -> str:
    """What a person's desktop opens. Raises `NotFound` for what is no file, or a file that is gone."""
    from brain.store.documents import path_of

    detail = parts.store.library.detail(
        parts.store.library.resolve(reference.rpartition(":L")[0] or reference)
    )
    if not detail.uri.startswith("file:"):
        raise NotFound(
            f"{detail.row.source} is no file", f"read it with: brain get {detail.row.id[:8]}"
        )
    path = Path(path_of(detail.uri.partition("#")[0]))
    if not path.exists():
        raise NotFound(
            f"{detail.row.source} is no longer there", f"its text is: brain get {detail.row.id[:8]}"
        )
    if path.suffix.lower() == ".md" and any((folder / VAULT).is_dir() for folder in path.parents):
        return f"obsidian://open?path={quote(os.fsencode(path))}"
    return str(path)


def place(path: str) -> str:
    """A path as sources are written: absolute."""
    from brain.store.library import as_stored

    return (
        as_stored(os.path.abspath(os.path.expanduser(path.replace("\x00", "")))).rstrip("/") or "/"
    )


def forget(parts: Parts, references: Sequence[str], *, dry_run: bool) -> ForgetReport:
    """Documents by id, path or folder, and episodes by id. Raises `NotFound` when a reference fits nothing."""
    items: dict[str, Forgotten] = {}
    for reference in references:
        items.update((item.id, item) for item in _meant(parts, reference))
    planned = tuple(items.values())
    if dry_run:
        return ForgetReport(planned)
    now = parts.now()
    with parts.store.write():
        parts.store.trash.forget([item.id for item in planned if item.kind == "document"], now=now)
        parts.store.trash.forget_episodes(
            [item.id for item in planned if item.kind == "episode"], now=now
        )
        for reference in references:
            parts.store.library.drop_root(place(reference))
    try:
        until = (parts.moment() + timedelta(days=UNDO_DAYS)).date().isoformat()
    except OverflowError:  # a clock at the end of time
        until = ""
    return ForgetReport(planned, done=True, undo_until=until)


def _meant(parts: Parts, reference: str) -> list[Forgotten]:
    """The documents and episodes that one reference names; remembered words go with their episode, and it with them."""
    library = parts.store.library
    below = library.below(place(reference))
    if below:
        return [Forgotten(row.id, "document", row.source, row.title, row.chunks) for row in below]
    try:
        row = library.detail(library.resolve(reference)).row
    except NotFound as nothing:
        try:
            episode = parts.episodes.get(reference)
        except NotFound:
            raise nothing from None
        title = (episode.question or episode.answer)[:80]
        words = [Forgotten(episode.id, "episode", f"{EPISODE}{episode.id}", title, 1)]
        twin = library.by_uri(f"{EPISODE}{episode.id}")
        return words + (
            [Forgotten(twin.id, "document", twin.source, twin.title, twin.chunks)] if twin else []
        )
    found = [Forgotten(row.id, "document", row.source, row.title, row.chunks)]
    if row.source.startswith(NOTE):
        rounds = parts.episodes.of_source(row.source)
        found += [
            Forgotten(one.id, "episode", f"{EPISODE}{one.id}", row.title, 1) for one in rounds
        ]
    if row.source.startswith(EPISODE):
        found.append(
            Forgotten(row.source.removeprefix(EPISODE), "episode", row.source, row.title, 1)
        )
    return found


def restore(parts: Parts, reference: str) -> Forgotten:
    """One by the start of its id, or with "last" all that the last `forget` took. Raises `NotFound`."""
    listing = forgotten(parts)
    if reference == "last":
        wanted = parts.store.trash.last_batch()
    else:
        wanted = [item.id for item in listing if item.id.startswith(reference.removeprefix("#"))]
        if len(set(wanted)) > 1:
            raise UsageError(f"{reference!r} names {len(wanted)} things", "write more of the id")
    if not wanted and listing:
        raise NotFound(
            f"nothing forgotten has the id {reference}",
            "`brain undo --list` shows what can be undone",
        )
    if not wanted:
        raise NotFound(
            "there is nothing to undo",
            "`brain undo --list` shows what was forgotten in the last 30 days",
        )
    with parts.store.write():
        for item_id in wanted:
            parts.store.trash.restore(item_id)
    from brain.app.capture import finish
    from brain.app.intake import Tally

    finish(parts, Tally())
    return next(item for item in listing if item.id == wanted[0])


def forgotten(parts: Parts) -> list[Forgotten]:
    """What can be brought back, newest first."""
    return [
        Forgotten(row["id"], row["kind"], row["source"], row["title"], at=row["at"])
        for row in parts.store.trash.listing()
    ]

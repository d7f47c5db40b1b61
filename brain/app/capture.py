"""Taking in: `add`, `remember`. What was saved before a failure or Ctrl-C stays.

Leaves notes to `brain.app.notes`, reading and saving files to `brain.app.intake`, looking at folders again to
`brain.app.sync`, and vectors to `brain.app.vectors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from brain.app.file_facts import shown, unchanged, uri_of
from brain.app.intake import Intake
from brain.app.labelling import told
from brain.app.resources import Resources
from brain.app.tally import Tally, erased
from brain.app.times import month_first
from brain.app.vectors import finish
from brain.errors import BrainError, UsageError
from brain.labels import UNLABELLED, FolderLabel
from brain.store.documents import Origin
from brain.store.tombstones import Erased
from brain.types import AddReport, Episode
from ingest.document import Document
from ingest.limits import Limits
from ingest.media import HOLD_MANY


def add(
    resources: Resources,
    paths: Sequence[Path],
    tags: Sequence[str],
    *,
    dry_run: bool,
    again: bool = False,
    label: str = UNLABELLED,
) -> AddReport:
    """Files and folders. Folders become roots. `again`: what was erased is taken in again. `label`: of all of it."""
    places = [Path(os.path.abspath(path.expanduser())) for path in paths]
    intake = replace(Intake.of(resources), again=again, label=label)
    if dry_run:
        return _rehearse(intake, places)
    if label != UNLABELLED:
        _say_label(intake, places)
    return finish(resources, intake.take_in(places, tuple(tags)))


def _say_label(intake: Intake, places: Iterable[Path]) -> None:
    """What is there gets the label where that is stricter, and what comes into a folder or a mailbox later gets it."""
    resources = intake.resources
    label = intake.label
    store = resources.store
    with store.write():
        for named in places:
            place, holds_more = _place(named, intake.limits)
            source = shown(place)
            store.labels.raise_to(store.labels.at(source), label)
            if holds_more:
                why = "brain add --label"
                rule = FolderLabel(source, label, resources.seconds(), why)
                store.labels.raise_folder(rule)


def _place(place: Path, limits: Limits) -> tuple[Path, bool]:
    """Where it lies, and whether more may come into it: it is a folder, or a file of many documents."""
    import ingest

    if place.is_dir():
        return place, True
    # A link to a file is stored where it points to
    (found,) = ingest.walk(place, limits=limits)
    many = isinstance(found, ingest.Found) and found.media_type in HOLD_MANY
    return found.path, many


def _rehearse(intake: Intake, places: Iterable[Path]) -> AddReport:
    """What `add` would look at, with nothing written."""
    import ingest

    tally = Tally()
    tombstones = intake.resources.store.tombstones
    for place in places:
        known = intake.resources.store.library.known_files(place.as_uri())
        for item in ingest.walk(place, limits=intake.limits):
            if isinstance(item, ingest.Skip):
                continue
            uri = uri_of(item.path)
            if uri not in known and not intake.again and tombstones.covers(Erased(uri)):
                tally.skipped.append(erased(shown(item.path), new=True))
                continue
            state = "updated" if uri in known else "added"
            if unchanged(item, known.get(uri)):
                state = "unchanged"
            tally.counts[state] += 1
    return tally.report()


def remember(resources: Resources, said: Episode) -> Episode:
    """One episode by hand; its `at` as a person wrote it, "" for now. Raises `UsageError` for an empty text or a time
    that cannot be read.
    """
    text = said.answer.strip()
    if not text:
        raise UsageError(
            "there is nothing to remember",
            'write it after the command: brain remember "We chose …"',
        )
    now = resources.moment()
    at = now
    if said.at:
        at = _moment(said.at, now)
    label = told([text, said.session], said.label)
    episode = replace(
        said, at=at.isoformat(timespec="seconds"), answer=text, label=label
    )
    return remember_episodes(resources, [episode])[0]


def _moment(text: str, now: datetime) -> datetime:
    """The time that a person wrote; a day without an hour is its beginning. Raises `UsageError`."""
    from brain.retrieval import time_window

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(
            time_window.since_of(text, now, month_first=month_first(), option="at")
        )
    if moment.tzinfo:
        return moment
    return moment.replace(tzinfo=now.tzinfo)


def remember_episodes(
    resources: Resources, episodes: Sequence[Episode]
) -> list[Episode]:
    """Episodes in one transaction. Their words are evidence, so each is a document as well, under `episode:ID`."""
    tally = Tally()
    kept = record_episodes(resources, episodes, tally)
    finish(resources, tally)
    return kept


def record_episodes(
    resources: Resources, episodes: Sequence[Episode], tally: Tally
) -> list[Episode]:
    """The same without its end, `finish`: for what has to stand in one transaction with more."""
    with resources.store.write():
        kept = resources.store.episodes.record_many(episodes)
        for episode in kept:
            title = episode.session or (", ".join(episode.people) or "Remembered")
            document = document_of(
                resources,
                f"episode:{episode.id}",
                episode.answer or episode.question,
                title,
                episode.at,
            )
            origin = Origin(document.uri, label=episode.label, tags=episode.tags)
            tally.save(resources, document, origin)
    return kept


# -- documents that are no files ------------------------------------------------------------------


def document_of(
    resources: Resources, uri: str, text: str, title: str, at: str = ""
) -> Document:
    """A text that is no file, read as one. Raises `BrainError` when it cannot be kept."""
    import ingest

    try:
        return ingest.load_text(
            text,
            uri=uri,
            title=title,
            dated_at=at or resources.seconds(),
            limits=ingest.Limits(chunk_tokens=resources.config.ingest.chunk_tokens),
        )
    except ingest.IngestError as error:
        raise BrainError(
            f"this text cannot be kept: {error.reason}", error.hint
        ) from None

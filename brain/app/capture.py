"""Taking in: `add`, `note`, `remember`. What was saved before a failure or Ctrl-C stays.

Leaves reading and saving files to `brain.app.intake`, and looking at folders again to `brain.app.sync`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from brain.app.file_facts import unchanged, uri_of
from brain.app.intake import Intake
from brain.app.resources import KINDS, SERVING, Resources
from brain.app.tally import Tally
from brain.errors import BrainError, Refused, StoreError, UsageError
from brain.faults import reach
from brain.types import AddReport, Episode
from ingest.document import Document, new_id

INLINE_CHUNKS = (
    64  # so few chunks are embedded by Ollama at once; more are filled behind the command's back
)
CHROMA_FROM = 1_000  # HOUSE §7: an `add` of more chunks brings Chroma up to date at its end
_started: list[
    subprocess.Popen[bytes]
] = []  # fillers, held so that one that has ended can be reaped


def add(
    resources: Resources, paths: Sequence[Path], tags: Sequence[str], *, dry_run: bool
) -> AddReport:
    """Files and folders. Folders become roots."""
    places = [Path(os.path.abspath(path.expanduser())) for path in paths]
    intake = Intake.of(resources)
    if dry_run:
        return _rehearse(intake, places)
    return finish(resources, intake.take_in(places, tuple(tags)))


def _rehearse(intake: Intake, places: Iterable[Path]) -> AddReport:
    """What `add` would look at, with nothing written."""
    import ingest

    tally = Tally()
    for place in places:
        known = intake.resources.store.library.known_files(place.as_uri())
        for item in ingest.walk(place, limits=intake.limits):
            if isinstance(item, ingest.Skip):
                continue
            uri = uri_of(item.path)
            state = "updated" if uri in known else "added"
            if unchanged(item, known.get(uri)):
                state = "unchanged"
            tally.counts[state] += 1
    return tally.report()


def note(resources: Resources, text: str, title: str | None, tags: Sequence[str]) -> AddReport:
    """A note that is no file; with `notes_dir` set it becomes one."""
    if not text.strip():
        raise UsageError("the note is empty", "nothing was added")
    folder = resources.config.ingest.notes_dir
    if folder:
        path = _note_file(Path(folder).expanduser(), text, title, resources.now()[:10])
        return add(resources, [path], tags, dry_run=False)
    document = _document(resources, f"note:{new_id()}", text, title)
    tally = Tally()
    with resources.store.write():
        _save(resources, document, tally, tags)
        reach("note.between")
        episode = Episode(
            new_id(),
            _seconds(resources),
            "note",
            "",
            text,
            source=f"note:{document.id}",
            tags=tuple(tags),
        )
        resources.store.episodes.record(episode)
    return finish(resources, tally)


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
    at = _moment(said.at, now) if said.at else now
    episode = replace(said, at=at.isoformat(timespec="seconds"), answer=text)
    return remember_episodes(resources, [episode])[0]


def _moment(text: str, now: datetime) -> datetime:
    """The time that a person wrote; a day without an hour is its beginning. Raises `UsageError`."""
    from brain.retrieval import time_window

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(time_window.since_of(text, now))
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def remember_episodes(resources: Resources, episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes in one transaction. Their words are evidence, so each is a document as well, under `episode:ID`."""
    from brain.store.episodes import Circumstances

    tally = Tally()
    with resources.store.write():
        kept = list(
            resources.store.episodes.record_many((episode, Circumstances()) for episode in episodes)
        )
        for episode in kept:
            title = episode.session or (", ".join(episode.people) or "Remembered")
            document = _document(
                resources,
                f"episode:{episode.id}",
                episode.answer or episode.question,
                title,
                episode.at,
            )
            _save(resources, document, tally, episode.tags)
    finish(resources, tally)
    return kept


# -- vectors --------------------------------------------------------------------------------------------------------------


def finish(resources: Resources, tally: Tally, *, wait: bool = False) -> AddReport:
    """The end of every taking in: built-in vectors at once, Ollama's behind them, Chroma when it pays."""
    from brain.index import embed_pending

    waiting: int | None = 0
    name = ""
    try:
        reach("finish.before_vectors")
        name = resources.builtin.name
        for kind in KINDS:
            report = embed_pending(
                resources.store.vectors, resources.builtin, kind=kind, progress=resources.progress
            )
            waiting = (
                None if waiting is None or report.waiting is None else waiting + report.waiting
            )
            if isinstance(
                report.error, StoreError
            ):  # a full disk: exit code 1, and what is saved stays
                kept = f"what was read is saved, {_chunks(waiting)} without vectors: {report.error.message}"
                raise StoreError(kept, "free some space, then run `brain sync`")
            if report.error is not None and report.error.message not in tally.notices:
                tally.notices.append(report.error.message)
        if not tally.interrupted:
            tally.notices += _ollama_vectors(resources, wait=wait)
            _chroma(resources, tally, wait=wait)
    except KeyboardInterrupt:
        tally.interrupted = True
    return tally.report(waiting=waiting, embedder=name)


def _ollama_vectors(resources: Resources, *, wait: bool) -> list[str]:
    """Start or finish the generation of an Ollama model, where one is there and wanted; what to tell about it."""
    if resources.config.models.embed == "builtin" or resources.given_embedder is not None:
        return []
    try:
        model = resources.wanted_embedder()
        if model is None:
            return []
        embedder = resources.ollama_embedder(model)
        fingerprint = str(embedder.fingerprint)
    except BrainError as error:
        return (
            [f"{error.message}; the built-in embedder serves"]
            if resources.config.models.embed != "auto"
            else []
        )
    place = resources.store.vectors.place()
    waiting = sum(resources.store.vectors.waiting_count(kind, fingerprint) for kind in KINDS)
    if not waiting:
        _switch(resources, model, fingerprint, place)
        return []
    resources.__dict__.pop("serving", None)  # what it said of complete vectors is no longer so
    if wait or waiting <= INLINE_CHUNKS:
        return fill(resources, model)
    return [_in_background(resources, waiting, model)]


def fill(resources: Resources, model: str) -> list[str]:
    """Compute what is missing of a model's vectors, here and now; it takes over when nothing is missing."""
    from brain.index import embed_pending

    embedder, place, made = resources.ollama_embedder(model), resources.store.vectors.place(), 0
    for kind in KINDS:
        try:
            report = embed_pending(
                resources.store.vectors,
                embedder,
                kind=kind,
                sentences=True,
                progress=resources.progress,
            )
        except (
            Refused
        ) as error:  # a model that turned out to run elsewhere: the notes are saved all the same
            return [f"{error.message}; no vectors of {model} were made"]
        made += report.embedded
        if report.error is not None:
            left = f"{_chunks(report.waiting)} waiting for {model}"
            unknown = f"how many chunks wait for {model} is unknown until the server answers"
            return [
                f"{report.error.message}; {unknown if report.waiting is None else left}: run `brain sync`"
            ]
        if report.waiting:
            return [
                f"{_chunks(report.waiting)} not embedded by {model}; run `brain sync` to try again"
            ]
    _switch(resources, model, str(embedder.fingerprint), place)
    if made > CHROMA_FROM:
        _ahead(resources, str(embedder.fingerprint))
    return []


def _switch(resources: Resources, model: str, fingerprint: str, place: tuple[int, int]) -> None:
    """From now on these vectors answer; the built-in ones stay as the warm spare. `place`: where the store was before they
    were looked through and none was missing; what comes later is looked at again.
    """
    before = json.loads(resources.store.library.setting(SERVING) or "{}")
    value = {"model": model, "fingerprint": fingerprint, "pk": place[0], "seq": place[1]}
    if before != value:
        resources.store.library.keep_setting(SERVING, json.dumps(value, sort_keys=True))
        resources.__dict__.pop("serving", None)


def _in_background(resources: Resources, waiting: int, model: str) -> str:
    """Let a child process of its own session fill the vectors; a lock makes sure that only one does."""
    environ = {**os.environ, "BRAIN_HOME": str(resources.config.home)}
    _started[:] = [child for child in _started if child.poll() is None]
    child = subprocess.Popen(
        [sys.executable, "-m", "brain.app.fill", model],
        env=environ,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _started.append(child)
    return f"{waiting:,} chunks are being embedded by {model} in the background; `brain status` shows how far it is"


def _chunks(count: int | None) -> str:
    if count is None:
        return "an unknown number of chunks"
    return f"{count:,} chunk{'s' * (count != 1)}"


def _chroma(resources: Resources, tally: Tally, *, wait: bool) -> None:
    """At the end of a large `add` and of every `sync`: a snapshot of Chroma's where one is due, exact files where not."""
    large = tally.counts["chunks"] > CHROMA_FROM
    if not (wait or large):
        return
    fingerprint = ""
    try:
        fingerprint = resources.serving.fingerprint
        if fingerprint:
            resources.indexes(fingerprint).update(progress=resources.progress)
    except BrainError as error:
        tally.notices.append(f"{error.message}; exact search answers meanwhile")
    if large and fingerprint:
        _ahead(resources, fingerprint)


def _ahead(resources: Resources, fingerprint: str) -> None:
    """The exact files of many new vectors, before the first question has to wait for them."""
    from brain.index import ExactIndex, max_exact

    most = max_exact(resources.config.index.exact_limit, fingerprint)
    if sum(resources.store.vectors.size(kind) for kind in KINDS) <= most:
        for kind in KINDS:
            ExactIndex(
                resources.store.vectors,
                resources.config.index_dir,
                kind=kind,
                fingerprint=fingerprint,
            ).prepare()


# -- documents that are no files --------------------------------------------------------------------------------------------


def _document(
    resources: Resources, uri: str, text: str, title: str | None, at: str | None = None
) -> Document:
    import ingest

    try:
        document = ingest.load_text(
            text,
            uri=uri,
            title=title,
            dated_at=at or _seconds(resources),
            chunk_tokens=resources.config.ingest.chunk_tokens,
        )
    except ingest.IngestError as error:
        raise BrainError(f"this text cannot be kept: {error.reason}", error.hint) from None
    return replace(document, uri=f"note:{document.id}") if uri.startswith("note:") else document


def _save(resources: Resources, document: Document, tally: Tally, tags: Sequence[str]) -> None:
    from brain.store.documents import Origin

    outcome, document_id = resources.store.documents.save(
        document, Origin(document.uri, tags=tuple(tags)), now=resources.now()
    )
    tally.saved(document, outcome, document_id)


def _note_file(folder: Path, text: str, title: str | None, day: str) -> Path:
    """Write a note as a Markdown file of its own; never over another."""
    folder.mkdir(parents=True, exist_ok=True)
    first = (title or text.strip().splitlines()[0].lstrip("# "))[:60]
    stem = "".join(c if c.isalnum() else "-" for c in first).strip("-") or "note"
    body = f"# {title}\n\n{text}\n" if title else f"{text}\n"
    for number in range(1, 1_000):
        path = folder / f"{day} {stem}{'' if number == 1 else f' {number}'}.md"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(body)
            return path
        except FileExistsError:
            continue
    raise UsageError(f"{folder} holds 1,000 notes of that name", "give it a title")


def _seconds(resources: Resources) -> str:
    return resources.moment().isoformat(timespec="seconds")

"""Taking in: `add`, `note`, `remember`, `sync`, and filling the vectors behind them.

Leaves out reading and saving files (`brain.app.intake`) and computing vectors (`brain.index`). Every function is handed the
parts; what was saved before a failure or Ctrl-C stays.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from brain.app.intake import (
    Intake,
    Tally,
    believable,
    differs,
    shown,
    unchanged,
    uri_of,
    whole_files,
)
from brain.app.parts import SERVING, Parts
from brain.errors import BrainError, Refused, StoreError, UsageError
from brain.faults import reach
from brain.types import AddReport, Episode
from ingest.document import Document, new_id

KINDS = ("knowledge", "episodes")
INLINE_CHUNKS = (
    64  # so few chunks are embedded by Ollama at once; more are filled behind the command's back
)
NAMED = 3  # missing files or folders that a notice names
CHROMA_FROM = 1_000  # HOUSE §7: an `add` of more chunks brings Chroma up to date at its end
_started: list[
    subprocess.Popen[bytes]
] = []  # fillers, held so that one that has ended can be reaped


def add(parts: Parts, paths: Sequence[Path], tags: Sequence[str], *, dry_run: bool) -> AddReport:
    """Files and folders. Folders become roots."""
    places = [Path(os.path.abspath(path.expanduser())) for path in paths]
    intake = parts.intake()
    if dry_run:
        return _rehearse(intake, places)
    tally = intake.take_in(places, tags=tuple(tags))
    return finish(parts, tally)


def _rehearse(intake: Intake, places: Iterable[Path]) -> AddReport:
    """What `add` would look at, with nothing written."""
    import ingest

    tally = Tally()
    for place in places:
        known = intake.store.library.known_files(place.as_uri())
        for item in ingest.walk(place, limits=intake.limits):
            if isinstance(item, ingest.Found):
                uri = uri_of(item.path)
                state = (
                    "unchanged"
                    if unchanged(item, known.get(uri))
                    else "updated"
                    if uri in known
                    else "added"
                )
                tally.counts[state] += 1
    return tally.report()


def note(parts: Parts, text: str, title: str | None, tags: Sequence[str]) -> AddReport:
    """A note that is no file; with `notes_dir` set it becomes one."""
    if not text.strip():
        raise UsageError("the note is empty", "nothing was added")
    folder = parts.config.ingest.notes_dir
    if folder:
        return add(
            parts, [_note_file(Path(folder).expanduser(), text, title, parts)], tags, dry_run=False
        )
    document = _document(parts, f"note:{new_id()}", text, title)
    tally = Tally()
    with parts.store.write():
        _save(parts, document, tally, tags)
        reach("note.between")
        episode = Episode(
            new_id(),
            _seconds(parts),
            "note",
            "",
            text,
            source=f"note:{document.id}",
            tags=tuple(tags),
        )
        parts.episodes.record(episode)
    return finish(parts, tally)


def remember(parts: Parts, episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes by hand. Their words are evidence, so each is a document as well, under `episode:ID`."""
    from brain.store.episodes import Circumstances

    tally = Tally()
    with parts.store.write():
        kept = list(parts.episodes.record_many((episode, Circumstances()) for episode in episodes))
        for episode in kept:
            title = episode.session or (", ".join(episode.people) or "Remembered")
            document = _document(
                parts,
                f"episode:{episode.id}",
                episode.answer or episode.question,
                title,
                episode.at,
            )
            _save(parts, document, tally, episode.tags)
    finish(parts, tally)
    return kept


def sync(parts: Parts, *, wait: bool = True) -> AddReport:
    """Look at every root again, take in what changed, let go of what is gone, finish what waits."""
    intake, tally = parts.intake(), Tally()
    for root in parts.store.library.roots():
        look_at_root(parts, intake, root, tally, limit=None)
    expired = parts.store.trash.expire(now=parts.moment())
    report = finish(parts, tally, wait=wait)
    if expired:
        from brain.app import erase

        erase.finish(parts)  # what was forgotten long ago leaves every file
    return report


def look_at_root(
    parts: Parts, intake: Intake, root: dict[str, object], tally: Tally, *, limit: int | None
) -> int:
    """One root: changed files in (at most `limit`, else none and their number is returned), missing ones out."""
    from brain.store.documents import path_of

    path = Path(path_of(str(root["uri"])))
    if not path.exists():
        tally.notices.append(f"{shown(path)} is not there; nothing of it was forgotten")
        return 0
    fresh, gone = intake.look(path, tally)
    if limit is not None and len(fresh) + len(gone) > limit and not _vanished(parts, path):
        known = whole_files(parts.store.library.known_files(path.as_uri()))
        fresh = [item for item in fresh if differs(item, known.get(uri_of(item.path)))]
        if len(fresh) + len(gone) > limit:
            return len(fresh) + len(gone)
    options = root["options"] if isinstance(root["options"], dict) else {}
    intake.take_changes(fresh, tuple(options.get("tags", ())), tally)
    reach("sync.before_let_go")
    removed = tally.counts["removed"]
    if gone:
        _let_go(parts, path, tally)
    if fresh or tally.counts["removed"] > removed or limit is None:
        parts.store.library.looked_at(str(root["uri"]), parts.now())
    return 0


def _let_go(parts: Parts, path: Path, tally: Tally) -> None:
    """Forget documents whose files are gone; renamed ones have their new address by now."""
    known = parts.store.library.known_files(path.as_uri())
    gone = [uri for uri in known if not os.path.lexists(_file_of(uri))]
    if not gone:
        return
    files = {_file_of(uri) for uri in gone}
    if _vanished(parts, path):
        tally.notices.append(
            f"{shown(path)} is empty, as when a disk is not mounted; nothing of it was forgotten"
        )
    elif not believable(len(files), len(whole_files(known))):
        tally.notices.append(
            f"{len(files):,} of {len(whole_files(known)):,} files under {shown(path)} are gone; nothing was forgotten. "
            f"Were they deleted? Then: brain forget {_quoted(_topmost_missing(files))}"
        )
    else:
        ids = [parts.store.library.resolve(uri) for uri in gone]
        tally.counts["removed"] += parts.store.trash.forget(ids, now=parts.now(), lasting=False)


def _vanished(parts: Parts, path: Path) -> bool:
    """Whether a folder that held files holds nothing at all now: a disk that is not mounted leaves one like that."""
    return (
        path.is_dir()
        and not any(path.iterdir())
        and bool(parts.store.library.known_files(path.as_uri()))
    )


def _file_of(uri: str) -> str:
    """The file that a document came from; a message of a mailbox has the mailbox's."""
    from brain.store.documents import path_of

    return path_of(uri.partition("#")[0])


def _topmost_missing(files: Iterable[str]) -> list[str]:
    """The missing files, those of a missing folder named by the folder alone."""
    found = set()
    for file in files:
        while not os.path.lexists(os.path.dirname(file)):
            file = os.path.dirname(file)
        found.add(file)
    return sorted(found)


def _quoted(paths: Sequence[str]) -> str:
    """As a shell takes them, the first few."""
    named = " ".join(shlex.quote(shown(Path(path))) for path in paths[:NAMED])
    return named + (f" … and {len(paths) - NAMED:,} more" if len(paths) > NAMED else "")


def refresh(parts: Parts) -> list[str]:
    """Before a question: take in a few changed files at once, or say how many are newer than what is known."""
    roots = parts.store.library.roots()
    if not roots:
        return []
    intake, tally, newer = parts.intake(), Tally(), 0
    try:
        for root in roots:
            newer += look_at_root(
                parts, intake, root, tally, limit=parts.config.ingest.inline_changes
            )
        if tally.counts["added"] or tally.counts["updated"] or tally.counts["removed"]:
            finish(parts, tally, wait=False)
    except (
        BrainError,
        OSError,
    ) as error:  # a full disk or a read-only home: what is stored can still be asked
        tally.notices.append(f"changed files were not taken in: {getattr(error, 'message', error)}")
    said = [f"{newer:,} files are newer than what is stored; run `brain sync`"] if newer else []
    return [*said, *tally.notices]


# -- vectors --------------------------------------------------------------------------------------------------------------


def finish(parts: Parts, tally: Tally, *, wait: bool = False) -> AddReport:
    """The end of every taking in: built-in vectors at once, Ollama's behind them, Chroma when it pays."""
    from brain.index import embed_pending

    waiting: int | None = 0
    name = ""
    try:
        reach("finish.before_vectors")
        name = parts.builtin.name
        for kind in KINDS:
            report = embed_pending(
                parts.store.vectors, parts.builtin, kind=kind, progress=parts.progress
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
            tally.notices += _ollama_vectors(parts, wait=wait)
            _chroma(parts, tally, wait=wait)
    except KeyboardInterrupt:
        tally.interrupted = True
    return tally.report(waiting=waiting, embedder=name)


def _ollama_vectors(parts: Parts, *, wait: bool) -> list[str]:
    """Start or finish the generation of an Ollama model, where one is there and wanted; what to tell about it."""
    if parts.config.models.embed == "builtin" or parts.given_embedder is not None:
        return []
    try:
        model = parts.wanted_embedder()
        if model is None:
            return []
        embedder = parts.ollama_embedder(model)
        fingerprint = str(embedder.fingerprint)
    except BrainError as error:
        return (
            [f"{error.message}; the built-in embedder serves"]
            if parts.config.models.embed != "auto"
            else []
        )
    place = parts.store.vectors.place()
    waiting = sum(parts.store.vectors.waiting_count(kind, fingerprint) for kind in KINDS)
    if not waiting:
        _switch(parts, model, fingerprint, place)
        return []
    parts.__dict__.pop("serving", None)  # what it said of complete vectors is no longer so
    if wait or waiting <= INLINE_CHUNKS:
        return fill(parts, model)
    return [_in_background(parts, waiting, model)]


def fill(parts: Parts, model: str) -> list[str]:
    """Compute what is missing of a model's vectors, here and now; it takes over when nothing is missing."""
    from brain.index import embed_pending

    embedder, place, made = parts.ollama_embedder(model), parts.store.vectors.place(), 0
    for kind in KINDS:
        try:
            report = embed_pending(
                parts.store.vectors, embedder, kind=kind, sentences=True, progress=parts.progress
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
    _switch(parts, model, str(embedder.fingerprint), place)
    if made > CHROMA_FROM:
        _ahead(parts, str(embedder.fingerprint))
    return []


def _switch(parts: Parts, model: str, fingerprint: str, place: tuple[int, int]) -> None:
    """From now on these vectors answer; the built-in ones stay as the warm spare. `place`: where the store was before they
    were looked through and none was missing; what comes later is looked at again.
    """
    before = json.loads(parts.store.library.setting(SERVING) or "{}")
    value = {"model": model, "fingerprint": fingerprint, "pk": place[0], "seq": place[1]}
    if before != value:
        parts.store.library.keep_setting(SERVING, json.dumps(value, sort_keys=True))
        if before.get("fingerprint") != fingerprint:
            parts.store.vectors.generations.serve(fingerprint)
        parts.__dict__.pop("serving", None)


def _in_background(parts: Parts, waiting: int, model: str) -> str:
    """Let a child process of its own session fill the vectors; a lock makes sure that only one does."""
    environ = {**os.environ, "BRAIN_HOME": str(parts.config.home)}
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


def _chroma(parts: Parts, tally: Tally, *, wait: bool) -> None:
    """The outbox into Chroma, at the end of a large `add` and at every `sync` that has something to apply."""
    if not wait and tally.counts["chunks"] <= CHROMA_FROM:
        return
    from brain.index import apply

    try:
        apply(
            parts.store.vectors,
            parts.config.index_dir,
            parts.serving.fingerprint,
            progress=parts.progress,
        )
    except BrainError as error:
        tally.notices.append(f"{error.message}; exact search answers meanwhile")
    if tally.counts["chunks"] > CHROMA_FROM:
        _ahead(parts, parts.serving.fingerprint)


def _ahead(parts: Parts, fingerprint: str) -> None:
    """The exact files of many new vectors, before the first question has to wait for them."""
    from brain.index import ExactIndex, most_exactly

    most = most_exactly(parts.config.index.exact_limit, fingerprint)
    if sum(parts.store.vectors.size(kind) for kind in KINDS) <= most:
        for kind in KINDS:
            ExactIndex(
                parts.store.vectors, parts.config.index_dir, kind=kind, fingerprint=fingerprint
            ).prepare()


# -- documents that are no files --------------------------------------------------------------------------------------------


def _document(
    parts: Parts, uri: str, text: str, title: str | None, at: str | None = None
) -> Document:
    import ingest

    try:
        document = ingest.load_text(
            text,
            uri=uri,
            title=title,
            dated_at=at or _seconds(parts),
            chunk_tokens=parts.config.ingest.chunk_tokens,
        )
    except ingest.IngestError as error:
        raise BrainError(f"this text cannot be kept: {error.reason}", error.hint) from None
    return replace(document, uri=f"note:{document.id}") if uri.startswith("note:") else document


def _save(parts: Parts, document: Document, tally: Tally, tags: Sequence[str]) -> None:
    from brain.store.documents import Origin

    outcome, document_id = parts.store.documents.save(
        document, Origin(document.uri, tags=tuple(tags)), now=parts.now()
    )
    tally.counts[outcome] += 1
    tally.counts["chunks"] += len(document.chunks)
    tally.documents.append(document_id)


def _note_file(folder: Path, text: str, title: str | None, parts: Parts) -> Path:
    """Write a note as a Markdown file of its own; never over another."""
    folder.mkdir(parents=True, exist_ok=True)
    first = (title or text.strip().splitlines()[0].lstrip("# "))[:60]
    stem = "".join(c if c.isalnum() else "-" for c in first).strip("-") or "note"
    body = f"# {title}\n\n{text}\n" if title else f"{text}\n"
    day = parts.now()[:10]
    for number in range(1, 1_000):
        path = folder / f"{day} {stem}{'' if number == 1 else f' {number}'}.md"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(body)
            return path
        except FileExistsError:
            continue
    raise UsageError(f"{folder} holds 1,000 notes of that name", "give it a title")


def _seconds(parts: Parts) -> str:
    return parts.moment().isoformat(timespec="seconds")

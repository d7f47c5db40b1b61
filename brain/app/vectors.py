"""When vectors are computed and when an index is written: built-in ones at once, an Ollama model's behind them,
Chroma's snapshot where something asks it.

`finish` is the end of every taking in. A large amount for an Ollama model is computed by a process of its own
(`python -m brain.app.vectors MODEL`), of which one at a time runs for a home; it may be killed at any moment, since the
next `add` or `sync` goes on where it was. Leaves computing and searching to `brain.index`, and which embedder answers
to `brain.app.resources`. Serves `add`, `sync`, `rebuild`, the doctor's repairs and erasing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.app import filling
from brain.app.filling import LOCK
from brain.app.resources import KINDS, Resources
from brain.app.serving import AUTO, OF_OLLAMA, WITHOUT_OLLAMA
from brain.app.speeds import about
from brain.app.tally import Tally
from brain.config import load
from brain.errors import BrainError, Refused, StoreError, Unavailable
from brain.faults import reach
from brain.types import AddReport, Speed

if TYPE_CHECKING:
    from brain.index import EmbedReport

# So few chunks are embedded by Ollama at once; more are computed behind the command.
INLINE_CHUNKS = 64
# After so many new chunks the index files are written, so that the first question does not wait for them.
LARGE_CHUNKS = 1_000
# Seconds that a second process waits for that lock: somebody may only look whether it is held.
LOCK_SECONDS = 1.0
# Those that this process started, held so that one that has ended can be reaped.
_started: list[subprocess.Popen[bytes]] = []


def finish(resources: Resources, tally: Tally, *, wait: bool = False) -> AddReport:
    """The end of every taking in. `wait`: an Ollama model's vectors are computed here and now, however many.

    Raises `StoreError` when vectors cannot be stored, as on a full disk; the texts are saved by then.
    """
    waiting: int | None = 0
    filling_chunks = 0
    name = ""
    try:
        reach("finish.before_vectors")
        resources.store.days.note(resources.moment().date())
        name = resources.builtin.name
        waiting = _built_in(resources, tally)
        if not tally.interrupted:
            notices, filling_chunks = _of_ollama(resources, wait=wait)
            tally.notices += notices
            _index(resources, tally, wait=wait)
    except KeyboardInterrupt:
        tally.interrupted = True
    if waiting is not None:
        waiting = max(waiting, filling_chunks)
    return tally.report(
        waiting=waiting,
        filling=filling_chunks,
        embedder=name,
    )


def _built_in(resources: Resources, tally: Tally) -> int | None:
    """The vectors that every chunk has; returns how many chunks wait for one, None when nobody knows."""
    from brain.index import embed_pending

    waiting: list[int | None] = []
    for kind in KINDS:
        report = embed_pending(
            resources.store.vectors,
            resources.builtin,
            kind=kind,
            progress=resources.progress,
        )
        waiting.append(report.waiting)
        error = report.error
        if isinstance(error, StoreError):
            left = _chunks(_total(waiting))
            said = f"what was read is saved, {left} without vectors: {error.message}"
            raise StoreError(said, "free some space, then run `brain sync`")
        if error is not None and error.message not in tally.notices:
            tally.notices.append(error.message)
    return _total(waiting)


def embed_builtin(resources: Resources) -> int | None:
    """Built-in vectors for what has none, as a repair; returns how many chunks still wait, None when nobody knows."""
    from brain.index import embed_pending

    waiting = []
    for kind in KINDS:
        try:
            report = embed_pending(
                resources.store.vectors, resources.builtin, kind=kind
            )
        except Unavailable:
            return None
        waiting.append(report.waiting)
    return _total(waiting)


# -- an Ollama model's --------------------------------------------------------------------------------------------


def _of_ollama(resources: Resources, *, wait: bool) -> tuple[list[str], int]:
    """Start or finish the vectors of an Ollama model, where one is there and wanted: what to tell about it, and how
    many chunks still wait for one.
    """
    wanted = resources.config.models.embed
    if wanted in WITHOUT_OLLAMA or resources.given_embedder is not None:
        return [], 0
    try:
        model = resources.wanted_embedder()
        if model is None:
            return [], 0
        fingerprint = str(resources.ollama_embedder(model).fingerprint)
    except BrainError as error:
        said = f"{error.message}; the built-in embedder serves"
        return [] if wanted == AUTO else [said], 0
    vectors = resources.store.vectors
    place = vectors.place()
    waiting = vectors.waiting_in_all(fingerprint)
    if not waiting:
        _switch(resources, model, fingerprint, place)
        return [], 0
    resources.__dict__.pop(
        "serving", None
    )  # what it said of complete vectors is no longer so
    if wait or waiting <= INLINE_CHUNKS:
        notices = fill(resources, model)
        return notices, vectors.waiting_in_all(fingerprint) if notices else 0
    filling.begun(resources, model, fingerprint)
    return [_in_background(resources, waiting, model)], waiting


def fill(resources: Resources, model: str) -> list[str]:
    """Compute what is missing of a model's vectors, here and now; it takes over when nothing is missing. What it could
    not do is noted, so that `status` and the doctor can tell.
    """
    from brain.index import EmbedReport

    try:
        error = _filled(resources, model)
    except Refused as refused:  # it runs elsewhere; the notes are saved all the same
        error = f"{refused.message}; no vectors of {model} were made"
    except Unavailable as away:
        error = _incomplete(EmbedReport(waiting=None, error=away), model)
    except BrainError as stopped:
        filling.failed(resources, model, stopped.message)
        raise
    if error:
        filling.failed(resources, model, error)
        return [error]
    return []


def _filled(resources: Resources, model: str) -> str:
    """Why it is not complete, "" when it is."""
    from brain.index import embed_pending

    embedder, vectors = resources.ollama_embedder(model), resources.store.vectors
    fingerprint = str(embedder.fingerprint)
    filling.begun(resources, model, fingerprint)
    place, made = vectors.place(), 0

    def keep(speed: Speed) -> None:
        resources.speeds.keep(model, embedder.fingerprint.digest, speed)

    for kind in KINDS:
        pace = filling.Pace(resources.progress, keep)
        report = embed_pending(
            vectors, embedder, kind=kind, sentences=True, progress=pace
        )
        pace.note()
        made += report.embedded
        if report.error is not None or report.waiting:
            return _incomplete(report, model)
    _switch(resources, model, fingerprint, place)
    if made > LARGE_CHUNKS:
        _exact_files(resources, fingerprint)
    return ""


def _incomplete(report: EmbedReport, model: str) -> str:
    left = _chunks(report.waiting)
    if report.error is None:
        return f"{left} not embedded by {model}; run `brain sync` to try again"
    said = f"{left} waiting for {model}"
    if report.waiting is None:
        said = f"how many chunks wait for {model} is unknown until the server answers"
    return f"{report.error.message}; {said}: run `brain sync`"


def _switch(
    resources: Resources, model: str, fingerprint: str, place: tuple[int, int]
) -> None:
    """From now on these vectors answer; the built-in ones stay as the warm spare. `place`: where the store was before
    they were looked through and none was missing; what comes later is looked at again.
    """
    pk, seq = place
    value = {"model": model, "fingerprint": fingerprint, "pk": pk, "seq": seq}
    library = resources.store.library
    filling.done(resources)
    if library.setting_json(OF_OLLAMA, dict) != value:
        library.keep_setting(OF_OLLAMA, json.dumps(value, sort_keys=True))
        resources.__dict__.pop("serving", None)


def _in_background(resources: Resources, waiting: int, model: str) -> str:
    """Let a process in a session of its own compute them, so that it outlives this command."""
    _started[:] = [child for child in _started if child.poll() is None]
    child = subprocess.Popen(
        [sys.executable, "-m", "brain.app.vectors", model],
        env={**os.environ, "BRAIN_HOME": str(resources.config.home)},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _started.append(child)
    takes = about(resources.speeds.seconds_for(waiting, model))
    said = f"{waiting:,} chunks are being embedded by {model} in the background{takes}"
    return f"{said}; `brain status` shows how far it is"


# -- indexes ------------------------------------------------------------------------------------------------------


def _index(resources: Resources, tally: Tally, *, wait: bool) -> None:
    """At the end of a large `add` and of every `sync`: Chroma's snapshot, or the exact files, where they are due."""
    large = tally.counts["chunks"] > LARGE_CHUNKS
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
        _exact_files(resources, fingerprint)


def _exact_files(resources: Resources, fingerprint: str) -> None:
    """Write the exact files where a command will read them, before the first question has to wait for it."""
    from brain.index import max_exact

    most = max_exact(resources.config.index.exact_limit, fingerprint)
    if resources.store.vectors.total() <= most:
        for kind in KINDS:
            resources.indexes(fingerprint).exact(kind).prepare()


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _chunks(count: int | None) -> str:
    if count is None:
        return "an unknown number of chunks"
    return f"{count:,} chunk{'s' * (count != 1)}"


def main(model: str) -> int:
    """The process in the background: until nothing waits, the model is away, or another one does it already."""
    from filelock import FileLock, Timeout

    resources = Resources(load())
    try:
        with FileLock(resources.config.home / LOCK, timeout=LOCK_SECONDS):
            fill(resources, model)
    except (Timeout, BrainError, KeyboardInterrupt):
        return 1
    finally:
        resources.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

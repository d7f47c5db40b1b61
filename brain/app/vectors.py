"""When vectors are computed and when an index is written: word vectors at once, those of the second speed behind them,
Chroma's snapshot where something asks it.

`finish` is the end of every taking in. The embedder of the second speed is a model of Ollama or the one that ships. A
large amount for it is computed by a process of its own (`python -m brain.app.vectors MODEL`), of which one at a time
runs for a home; it may be killed at any moment, since the next `add` or `sync` goes on where it was. Leaves computing
and searching to `brain.index`, and which embedder answers to `brain.app.serving`. Serves `add`, `sync`, `rebuild`, the
doctor's repairs and erasing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.app import filling
from brain.app.filling import LOCK
from brain.app.resources import KINDS, Resources
from brain.app.serving import OF_OLLAMA, OF_SHIPPED, SHIPPED
from brain.app.speeds import about
from brain.app.tally import Tally
from brain.config import load
from brain.errors import BrainError, Refused, StoreError, Unavailable
from brain.faults import reach
from brain.protocols import Speed
from brain.types import AddReport

if TYPE_CHECKING:
    from brain.index import EmbedReport
    from brain.protocols import Embedder

# So few chunks are embedded by Ollama at once; more are computed behind the command.
INLINE_CHUNKS = 64
# Seconds that a command embeds with the model that ships, its loading (.3 s) included; the rest is computed behind it.
# 60 short notes on an idle core.
INLINE_SECONDS = 0.7
# Chunks of one call of the model that ships, which a kill may lose: .2 s of ordinary ones. More at once are no faster
# (300 full chunks: 24 processor seconds in fours, 29 in eights, 31 in sixteens).
SHIPPED_BATCH = 4
# After so many new chunks the index files are written, so that the first question does not wait for them.
LARGE_CHUNKS = 1_000
# Seconds that a second process waits for that lock: somebody may only look whether it is held, or computes for a model
# that is no longer wanted and stops after the batch that it has begun.
LOCK_SECONDS = 5.0
WATCH_SECONDS = 0.5  # between two looks at how far that process is
NICENESS = 10  # of that process: whatever else runs comes first
ONE_TOKENIZER = "TOKENIZERS_PARALLELISM"  # "false": it takes one thread as well
# Those that this process started, held so that one that has ended can be reaped.
_started: list[subprocess.Popen[bytes]] = []


def finish(resources: Resources, tally: Tally, *, wait: bool = False) -> AddReport:
    """The end of every taking in. `wait`: the vectors of the second speed are computed here and now, however many.

    Raises `StoreError` when vectors cannot be stored, as on a full disk; the texts are saved by then.
    """
    waiting: int | None = 0
    second = Second()
    try:
        reach("finish.before_vectors")
        resources.store.days.note(resources.moment().date())
        waiting = _built_in(resources, tally)
        _sentences(resources, tally, resources.builtin, wait=wait)
        if not tally.interrupted:
            second = _second(resources, wait=wait)
            tally.notices += second.notices
            serving = resources.serving.embedder if wait else None
            if serving is not None and serving is not resources.builtin:
                _sentences(resources, tally, serving, wait=wait)
            _index(resources, tally, wait=wait)
    except KeyboardInterrupt:
        tally.interrupted = True
    if waiting is not None:
        waiting = max(waiting, second.waiting)
    return tally.report(
        waiting=waiting,
        filling=second.waiting,
        embedder=second.complete or resources.builtin.name,
    )


def _built_in(resources: Resources, tally: Tally) -> int | None:
    """The vectors that every chunk has; returns how many passages wait for one, None when nobody knows."""
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
            left = _passages(_total(waiting))
            said = f"what was read is saved, {left} found by words only so far: {error.message}"
            raise StoreError(said, "free some space, then run `brain sync`")
        if error is not None and error.message not in tally.notices:
            tally.notices.append(error.message)
    return _total(waiting)


def _sentences(
    resources: Resources, tally: Tally, embedder: Embedder, *, wait: bool
) -> None:
    """The sentences of texts whose vectors an earlier version made. Many are left to `sync`; until then chunks are
    compared by their own vectors alone.
    """
    from brain.index import embed_sentences

    vectors = resources.store.vectors
    try:
        fingerprint = str(embedder.fingerprint)
    except Unavailable:
        return
    lacking = vectors.without_sentences(fingerprint)
    if not lacking or (lacking > LARGE_CHUNKS and not wait):
        return
    for kind in KINDS:
        error = embed_sentences(
            vectors, embedder, kind=kind, progress=resources.progress
        )
        if error is not None and error.message not in tally.notices:
            tally.notices.append(error.message)
    if lacking > LARGE_CHUNKS:
        resources.indexes(fingerprint).prepare()


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


# -- the second speed ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Second:
    """What became of the second speed: how many passages wait for it, what to tell, and the model's name where all of
    its vectors are there.
    """

    waiting: int = 0
    notices: Sequence[str] = ()
    complete: str = ""


def _second(resources: Resources, *, wait: bool) -> Second:
    """Start or finish the vectors of the second speed."""
    model, missing = resources.second_embedder()
    notices = [missing] if missing else []
    if not model:
        return Second(notices=notices)
    fingerprint = resources.embedder_of(model).fingerprint
    vectors = resources.store.vectors
    place = vectors.place()
    until = time.monotonic() + INLINE_SECONDS
    waiting = vectors.waiting_in_all(str(fingerprint))
    damaged = _damaged(resources, model) if waiting else None
    if damaged is not None:
        return Second(notices=[*notices, *damaged])
    if waiting:
        # What it said of complete vectors is no longer so
        resources.__dict__.pop("serving", None)
        if wait:
            notices += _alone(resources, model)
        else:
            notices += _at_once(resources, model, waiting, until)
        waiting = vectors.waiting_in_all(str(fingerprint))
    else:
        _switch(resources, model, str(fingerprint), place)
    return Second(waiting, notices, "" if waiting else model)


def _damaged(resources: Resources, model: str) -> list[str] | None:
    """What to tell of a shipped model that cannot be used, told before or not at all; None where it can be."""
    if model != SHIPPED:
        return None
    try:
        resources.shipped.open()
    except Unavailable as error:
        said = f"{error.message}; the built-in words stand in"
        if filling.failed(resources, model, said):
            return [f"{said}: {error.hint}"]
        return []
    return None


def _at_once(resources: Resources, model: str, waiting: int, until: float) -> list[str]:
    """What is missing: as much of it as a command has time for, the rest behind it; what to tell."""
    shipped = model == SHIPPED
    if not shipped and waiting <= INLINE_CHUNKS:
        return fill(resources, model)
    fingerprint = str(resources.embedder_of(model).fingerprint)
    if shipped and not filling.at_work(resources):
        failed = fill(resources, model, stop=lambda: time.monotonic() > until)
        waiting = resources.store.vectors.waiting_in_all(fingerprint)
        if failed or not waiting:
            return failed
    filling.begun(resources, model, fingerprint)
    return [_in_background(resources, waiting, model)]


def _alone(resources: Resources, model: str) -> list[str]:
    """All of it here and now, but not what the process in the background is at already: that is waited for."""
    from filelock import FileLock, Timeout

    fingerprint = str(resources.embedder_of(model).fingerprint)
    vectors = resources.store.vectors
    waiting = vectors.waiting_in_all(fingerprint)
    filling.begun(resources, model, fingerprint)  # one for another model stops
    while True:
        try:
            with FileLock(resources.config.home / LOCK, timeout=WATCH_SECONDS):
                return fill(resources, model)
        except Timeout:
            left = vectors.waiting_in_all(fingerprint)
            resources.progress("embed", max(waiting - left, 0), waiting)


def fill(
    resources: Resources,
    model: str,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Compute what is missing of a model's vectors until `stop()`; it takes over when nothing is missing. What it could
    not do is noted, so that `status` and the doctor can tell.
    """
    from brain.index import EmbedReport

    try:
        error = _filled(resources, model, stop)
    except Refused as refused:  # it runs elsewhere; the notes are saved all the same
        error = f"{refused.message}; {model} has read nothing"
    except Unavailable as away:
        error = _incomplete(EmbedReport(waiting=None, error=away), model)
    except BrainError as stopped:
        filling.failed(resources, model, stopped.message)
        raise
    if error:
        filling.failed(resources, model, error)
        return [error]
    return []


def _filled(resources: Resources, model: str, stop: Callable[[], bool]) -> str:
    """Why it is not complete, "" when it is, or was stopped."""
    from brain.index import embed_pending
    from brain.index.embed import BATCH

    embedder = resources.embedder_of(model)
    vectors = resources.store.vectors
    fingerprint = embedder.fingerprint
    filling.begun(resources, model, str(fingerprint))
    made = 0
    batch = BATCH
    least = filling.MEASURE_FROM
    if model == SHIPPED:
        batch = least = SHIPPED_BATCH

    def keep(speed: Speed) -> None:
        resources.speeds.keep(fingerprint.model, fingerprint.digest, speed)

    while True:  # chunks may come from elsewhere meanwhile
        place = vectors.place()
        if not vectors.waiting_in_all(str(fingerprint)):
            break
        for kind in KINDS:
            pace = filling.Pace(resources.progress, keep, least)
            report = embed_pending(
                vectors,
                embedder,
                kind=kind,
                batch=batch,
                progress=pace,
                stop=stop,
            )
            pace.note()
            made += report.embedded
            if report.error is None and report.waiting and stop():
                return ""
            if report.error is not None or report.waiting:
                return _incomplete(report, model)
    _switch(resources, model, str(fingerprint), place)
    if made > LARGE_CHUNKS:
        resources.indexes(str(fingerprint)).prepare()
    return ""


def _incomplete(report: EmbedReport, model: str) -> str:
    left = _passages(report.waiting)
    if report.error is None:
        return f"{left} not read by {model}; run `brain sync` to try again"
    said = f"{left} waiting for {model}"
    if report.waiting is None:
        said = f"how many passages wait for {model} is unknown until the server answers"
    return f"{report.error.message}; {said}: run `brain sync`"


def _switch(
    resources: Resources, model: str, fingerprint: str, place: tuple[int, int]
) -> None:
    """From now on these vectors answer; word vectors stay as the warm spare. `place`: where the store was before they
    were looked through and none was missing; what comes later is looked at again.
    """
    pk, seq = place
    value = {"model": model, "fingerprint": fingerprint, "pk": pk, "seq": seq}
    setting = OF_SHIPPED if model == SHIPPED else OF_OLLAMA
    library = resources.store.library
    filling.done(resources)
    if library.setting_json(setting, dict) != value:
        library.keep_setting(setting, json.dumps(value, sort_keys=True))
        resources.__dict__.pop("serving", None)


def _in_background(resources: Resources, waiting: int, model: str) -> str:
    """Let a process in a session of its own compute them, so that it outlives this command."""
    _started[:] = [child for child in _started if child.poll() is None]
    passages = _passages(waiting)
    home = str(resources.config.home)
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "brain.app.vectors", model],
            env={**os.environ, "BRAIN_HOME": home, ONE_TOKENIZER: "false"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        said = f"no process can be started for it ({error.strerror})"
        return f"{passages} waiting for {model}, and {said}: run `brain sync`"
    _started.append(child)
    name = resources.embedder_of(model).fingerprint.model
    takes = about(resources.speeds.seconds_for(waiting, name))
    said = f"{model} is reading {passages} in the background{takes}"
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
        resources.indexes(fingerprint).prepare()


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    if len(known) != len(counts):
        return None
    return sum(known)


def _passages(count: int | None) -> str:
    if count is None:
        return "an unknown number of passages"
    return f"{count:,} passage{'s' * (count != 1)}"


def main(model: str) -> int:
    """The process in the background: until nothing waits, the model is away or not wanted any more, or another one does
    it already.
    """
    from filelock import FileLock, Timeout

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    config = load()
    if not config.database.exists():  # the home was removed meanwhile
        return 1
    resources = Resources(config)
    try:
        with FileLock(config.home / LOCK, timeout=LOCK_SECONDS):
            fill(
                resources,
                model,
                stop=lambda: not filling.is_wanted(resources, model),
            )
    except (Timeout, BrainError, KeyboardInterrupt):
        return 1
    finally:
        resources.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

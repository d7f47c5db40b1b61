"""`status`: what is there, what serves and why, and what waits.

Leaves checks and repairs to `.keep`, and choosing models to `.models`. Ollama is asked here, so that a person who
started it late learns that a better model is at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from brain.app import filling
from brain.app.file_facts import shown
from brain.app.filling import Fill
from brain.app.folders import Folders
from brain.app.governed import policies_of
from brain.app.not_read import FAILURES, newer_files, noted
from brain.app.resources import Resources
from brain.app.serving import AUTO, OF_OLLAMA, SHIPPED
from brain.app.speeds import about
from brain.errors import BrainError, StoreError
from brain.labels import NOT_WALKED
from brain.reports import Status, VectorProgress
from brain.store.snapshots import dimensions_of
from brain.store.sql import WALKED

OFFLINE = "offline: nothing leaves, nothing is fetched"
TOLD = "nudged_at"  # setting: when a person was last told that Ollama is there
TELL_EVERY = timedelta(
    days=7
)  # often enough to be heard, seldom enough not to be a nuisance


def status(resources: Resources) -> Status:
    """Counts, what serves and why, generations, roots."""
    store = resources.store
    serving = resources.serving
    generator, why, _missing = resources.generator()
    index = resources.sources(store.search, "knowledge").index
    lag = 0
    if index and index.name == "chroma":
        lag = store.vectors.snapshots.lag(serving.fingerprint)
    fill = filling.look(resources)
    second, _missing = resources.second_embedder()
    generations = _generations(resources, fill, second)
    state, notices = _ollama(resources)
    if fill is not None and fill.error:
        notices.insert(0, fill.told)
    if fill is None and second == SHIPPED:
        notices += _not_begun(generations)
    if resources.config.offline:
        notices.insert(0, OFFLINE)
    notices += policies_of(resources).notices()
    left_out = noted(resources)
    if store.library.count() and not store.library.setting(WALKED):
        notices.append(NOT_WALKED)
    proposed = store.inbox.count()
    if proposed:
        notices.append(f"{proposed} of agents' proposals wait: brain inbox list")
    return Status(
        home=shown(resources.config.home),
        database_bytes=resources.config.database.stat().st_size,
        documents=store.library.count(),
        chunks=store.vectors.size("knowledge"),
        episodes=store.episodes.count(),
        skills=store.skills.count(),
        embedder=serving.embedder.name if serving.embedder else "",
        embedder_reason=serving.degraded or serving.reason,
        generator=generator.name if generator else "extractive",
        generator_reason=why,
        index=index.name if index else "words only",
        index_reason=str(getattr(index, "reason", "")),
        index_lag=lag,
        generations=generations,
        ollama=state,
        roots=tuple(Folders(resources).all()),
        waiting=sum(
            row.total - row.done for row in generations if row.state != "spare"
        ),
        newer=newer_files(resources),
        skipped=len(left_out),
        unread=tuple(left for left in left_out if left.kind in FAILURES),
        notices=tuple(notices),
    )


def _generations(
    resources: Resources, fill: Fill | None, second: str
) -> tuple[VectorProgress, ...]:
    """One row for each model that vectors are kept of, or are being made for. `second`: that of the second speed."""
    vectors = resources.store.vectors
    serving = resources.serving.fingerprint
    everything = vectors.total()
    rows = []
    fingerprints = set(vectors.fingerprints())
    kept_up = _kept_up(resources, fill)
    shipped = str(resources.shipped.fingerprint)
    if fill is not None and fill.fingerprint:
        fingerprints.add(fill.fingerprint)
    if second == SHIPPED and everything:
        fingerprints.add(shipped)
        kept_up.add(shipped)
    for number, fingerprint in enumerate(_readable(fingerprints), 1):
        # A question that was asked gets its vector at the next `recall`: nothing waits for it before
        later = vectors.unasked_for(fingerprint)
        total = everything - later
        waiting = vectors.waiting_in_all(fingerprint) - later
        model, _at, _rest = fingerprint.partition("@")
        # What nobody asks for any more stays as it is: nothing waits for it.
        wanted = fingerprint in kept_up or model == resources.config.models.embed
        state = "building" if waiting and wanted else "spare"
        if fingerprint == serving:
            state = "live"
        eta = resources.speeds.seconds_for(waiting, model) if waiting else None
        error = ""
        if fill is not None and fill.fingerprint == fingerprint:
            error = fill.error
        row = VectorProgress(
            number,
            SHIPPED if fingerprint == shipped else model,
            dimensions_of(fingerprint),
            state,
            total - waiting,
            total,
            eta,
            error,
        )
        rows.append(row)
    return tuple(rows)


def _not_begun(generations: Iterable[VectorProgress]) -> list[str]:
    """What `sync` would do, where the model that ships has something to read and nobody lets it."""
    for row in generations:
        left = row.total - row.done
        if row.embedder == SHIPPED and row.state == "building" and left:
            takes = about(row.eta_seconds)
            return [f"`brain sync` lets {SHIPPED} read {left:,} passages{takes}"]
    return []


def _kept_up(resources: Resources, fill: Fill | None) -> set[str]:
    """The fingerprints whose vectors each new chunk gets: the built-in one's, those that serve, those being made."""
    found = {resources.serving.fingerprint}
    with suppress(BrainError):
        found.add(str(resources.builtin.fingerprint))
    chosen = resources.config.models.embed
    complete = resources.store.library.setting_json(OF_OLLAMA, dict)
    if chosen in (AUTO, complete.get("model")):
        found.add(complete.get("fingerprint", ""))
    if fill is not None:
        found.add(fill.fingerprint)
    return found


def _readable(fingerprints: Iterable[str]) -> list[str]:
    """Those that say how long their vectors are; of a damaged one the doctor tells."""
    found = []
    for fingerprint in sorted(map(str, fingerprints)):
        with suppress(StoreError):
            dimensions_of(fingerprint)
            found.append(fingerprint)
    return found


def _ollama(resources: Resources) -> tuple[str, list[str]]:
    """(its state in one line, what to tell)."""
    try:
        version = resources.ollama.version()
        wanted = resources.wanted_embedder()
    except BrainError as error:
        return error.message, []
    state = f"version {version} at {resources.config.ollama.host}"
    complete = resources.store.library.setting_json(OF_OLLAMA, dict)
    if wanted is None or complete.get("model") == wanted:
        return state, []
    return state, _better_embedder(resources, wanted)


def _better_embedder(resources: Resources, model: str) -> list[str]:
    """At most once a week: a better embedder is there, and what it costs."""
    library = resources.store.library
    vectors = resources.store.vectors
    last = library.setting(TOLD)
    if last and resources.moment() - datetime.fromisoformat(last) < TELL_EVERY:
        return []
    if not resources.read_only:
        library.keep_setting(TOLD, resources.now())
    chunks = vectors.total()
    takes = about(resources.speeds.seconds_for(chunks, model))
    return [f"Ollama has {model}: `brain sync` has it read {chunks:,} passages{takes}"]

"""What is there and what serves: `status`, `models list`, `models use`.

Leaves out checks and repairs (`brain.app.keep`). Asking Ollama here is how a person who started it late learns that
better models are at hand (USERS 27).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from brain.app.capture import INLINE_CHUNKS, KINDS, finish
from brain.app.intake import Tally
from brain.app.parts import AUTO, BUILTIN, SERVING, Parts
from brain.config import write_setting
from brain.errors import BrainError, UsageError
from brain.types import Generation, ModelRow, ModelTable, Root, Status

ROLES = ("embed", "ask")
NUDGED = "nudged_at"  # setting: when a person was last told that Ollama is there
NUDGE_EVERY = timedelta(days=7)  # USERS 27
CHUNKS_PER_SECOND = (
    30.0  # OLLAMA on a laptop's processor, for the cost that a nudge names (FAULTS.md §1.2: 20-50)
)


def status(parts: Parts) -> Status:
    """Counts, what serves and why, generations, roots."""
    store, serving = parts.store, parts.serving
    generator, why, _missing = parts.generator()
    index = parts.index("knowledge", serving.fingerprint) if serving.fingerprint else None
    generations = _generations(parts)
    state, notices = _ollama(parts)
    return Status(
        home=str(parts.config.home),
        database_bytes=_size(parts.config.database),
        documents=store.library.count(),
        chunks=store.vectors.size("knowledge"),
        episodes=parts.episodes.count(),
        skills=parts.skills.count(),
        embedder=serving.embedder.name if serving.embedder else "",
        embedder_reason=serving.degraded or serving.reason,
        generator=generator.name if generator else "extractive",
        generator_reason=why,
        index=index.name if index else "words only",
        index_reason=str(getattr(index, "reason", "")),
        index_lag=store.vectors.generations.lag(serving.fingerprint)
        if index and index.name == "chroma"
        else 0,
        generations=generations,
        ollama=state,
        roots=tuple(_root(parts, root) for root in store.library.roots()),
        waiting=sum(g.total - g.done for g in generations if g.state != "dead"),
        skipped=len(store.library.skipped()),
        notices=tuple(notices),
    )


def _generations(parts: Parts) -> tuple[Generation, ...]:
    """One row for each model that vectors are kept of. A question that was asked gets its vector at the next `recall`:
    nothing waits for it, and it is not counted before.
    """
    vectors, serving = parts.store.vectors, parts.serving.fingerprint
    everything = sum(vectors.size(kind) for kind in KINDS)
    rows = []
    for number, fingerprint in enumerate(sorted(vectors.fingerprints()), 1):
        later = vectors.unasked_for(fingerprint)
        waiting = sum(vectors.waiting_count(kind, fingerprint) for kind in KINDS) - later
        total = everything - later
        state = "live" if fingerprint == serving else "spare" if not waiting else "building"
        eta = waiting / CHUNKS_PER_SECOND if waiting else None
        dimensions = int(fingerprint.rsplit("/", 3)[1])
        rows.append(
            Generation(
                number,
                fingerprint.partition("@")[0],
                dimensions,
                state,
                total - waiting,
                total,
                eta,
            )
        )
    return tuple(rows)


def _root(parts: Parts, root: dict[str, Any]) -> Root:
    known = parts.store.library.known_files(root["uri"])
    path = Path(root["path"])
    state = (
        "missing"
        if not path.exists()
        else "unmounted"
        if known and not any(path.iterdir())
        else "ok"
    )
    return Root(root["path"], len(known), root["looked_at"], state)


def _ollama(parts: Parts) -> tuple[str, list[str]]:
    """(its state in one line, what to tell)."""
    try:
        version = parts.ollama.version()
        wanted = parts.wanted_embedder()
    except BrainError as error:
        return error.message, []
    state = f"version {version} at {parts.config.ollama.host}"
    if (
        wanted is None
        or json.loads(parts.store.library.setting(SERVING) or "{}").get("model") == wanted
    ):
        return state, []
    return state, _nudge(parts, wanted)


def _nudge(parts: Parts, model: str) -> list[str]:
    """At most once a week: a better embedder is there, and what it costs."""
    last = parts.store.library.setting(NUDGED)
    if last and parts.moment() - datetime.fromisoformat(last) < NUDGE_EVERY:
        return []
    parts.store.library.keep_setting(NUDGED, parts.now())
    chunks = sum(parts.store.vectors.size(kind) for kind in KINDS)
    minutes = max(1, round(chunks / CHUNKS_PER_SECOND / 60))
    return [
        f"Ollama has {model}: `brain sync` embeds {chunks:,} chunks with it, about {minutes} min"
    ]


def models(parts: Parts) -> ModelTable:
    """The built-in models and those that Ollama has, with the roles they serve."""
    serving = parts.serving
    generator, _why, _missing = parts.generator()
    embed_name = serving.embedder.name if serving.embedder else ""
    ask_name = generator.name if generator else "extractive"
    rows = [
        ModelRow(
            parts.builtin.name,
            BUILTIN,
            ("embed",),
            ("embed",) if embed_name == parts.builtin.name else (),
        ),
        ModelRow(
            "extractive",
            BUILTIN,
            ("ask",),
            ("ask",) if generator is None else (),
            note="quotes the best sentences",
        ),
    ]
    try:
        installed = parts.ollama.tags()
        state = f"version {parts.ollama.version()}"
    except BrainError as error:
        return ModelTable(tuple(rows), error.message, (error.hint,) if error.hint else ())
    for entry in installed:
        name = str(entry.get("name", ""))
        use = tuple(
            role
            for role, used in (("embed", embed_name), ("ask", ask_name))
            if used and used in (name, name.removesuffix(":latest"))
        )
        remote = (
            "refused: it runs elsewhere"
            if entry.get("remote_host") or entry.get("remote_model")
            else ""
        )
        rows.append(ModelRow(name, "ollama", _roles(entry), use, int(entry.get("size", 0)), remote))
    return ModelTable(tuple(rows), state)


def _roles(entry: dict[str, Any]) -> tuple[str, ...]:
    said = entry.get("capabilities") or ()
    if said:
        return tuple(
            role for role, word in (("embed", "embedding"), ("ask", "completion")) if word in said
        )
    return (
        ("embed",)
        if "embed" in str(entry.get("name", "")) or "minilm" in str(entry.get("name", ""))
        else ("ask",)
    )


def use_model(parts: Parts, role: str, name: str) -> str:
    """Write the choice into the configuration. Raises `UsageError`, `Refused` for a remote model, `Unavailable`."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", f"roles: {', '.join(ROLES)}")
    if name not in (AUTO, BUILTIN):
        parts.ollama.prove(name)
    from brain.config import make_home

    make_home(parts.config)
    write_setting(parts.config, "models", role, name)
    if role == "ask" or name == BUILTIN:
        return f"{role}: {name}, from now"
    chosen = Parts(
        _with_embed(parts, name),
        embedder=None,
        generator=None,
        index=None,
        progress=parts.progress,
        now=parts.moment,
    )
    try:
        report = finish(chosen, Tally())
    finally:
        chosen.close()
    told = "; ".join(report.notices)
    return f"{role}: {name}" + (
        f"; {told}" if told else f", from now ({INLINE_CHUNKS} chunks or fewer were left to do)"
    )


def _with_embed(parts: Parts, name: str) -> Any:
    from dataclasses import replace

    return replace(parts.config, models=replace(parts.config.models, embed=name))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

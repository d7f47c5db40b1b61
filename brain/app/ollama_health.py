"""Whether Ollama answers in time, still has the models that serve, and whether they are still the same ones.

Asks for nothing that is not loaded already, so that a look costs the machine nothing. Leaves restarting it to the door,
and models as such to `brain.models`. Serves `brain.app.service`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from brain.app.resources import Resources
from brain.app.serving import AUTO, OF_OLLAMA, WITHOUT_OLLAMA
from brain.errors import BrainError, Refused, Unavailable
from brain.health import OllamaState
from brain.models.locality import canonical
from brain.models.ollama import OllamaServer

SECONDS = 20.0  # for one answer of a model that is loaded
# Setting: of each model that serves, its digest and since when it is another one, as JSON.
SEEN = "service_models"
NOT_USED = "not used; the built-in models serve"
OWN = "own"  # the name of the runs on the person's own questions
SHORT = 12  # characters of a digest that tell two apart


def look(resources: Resources, seconds: float = SECONDS) -> OllamaState:
    """Its state now."""
    wanted = serving_models(resources)
    if resources.given_embedder is not None:
        return OllamaState(NOT_USED)
    try:
        server = resources.ollama_within(seconds)
        version = server.version()
    except BrainError as error:
        if not wanted:
            return OllamaState(NOT_USED)
        return _away(resources, error, seconds)
    said = f"version {version} at {resources.config.ollama.host}"
    try:
        troubles, hangs = _of_models(resources, server, wanted)
        return OllamaState(said, troubles, hangs=hangs)
    except BrainError as error:
        hangs = isinstance(error, Unavailable)
        return OllamaState(said, (f"{error.message}; {error.hint}",), hangs=hangs)


def serving_models(resources: Resources) -> list[str]:
    """The models of Ollama that a person named, and the one whose vectors serve."""
    models = resources.config.models
    complete = resources.store.library.setting_json(OF_OLLAMA, dict)
    named = {models.embed, models.ask}
    if models.embed == AUTO:
        named.add(str(complete.get("model", "")))
    return sorted(named - {"", AUTO, *WITHOUT_OLLAMA})


def _away(resources: Resources, error: BrainError, seconds: float) -> OllamaState:
    """It did not say its version: nobody listens there, or somebody who does not answer."""
    from brain.models.ollama_knock import nobody_listens

    trouble = f"{error.message}; {error.hint}"
    if isinstance(error, Refused) or nobody_listens(resources.ollama.address):
        return OllamaState(error.message, (trouble,))
    host = resources.config.ollama.host
    said = f"something listens at {host} and does not answer within {seconds:g} s"
    return OllamaState(said, (f"{said}; restart Ollama",), hangs=True)


def _of_models(
    resources: Resources, server: OllamaServer, wanted: list[str]
) -> tuple[tuple[str, ...], bool]:
    """(what is wrong with the models that serve, whether one of them hangs)."""
    digests = {
        canonical(str(row.get("name", ""))): str(row.get("digest", ""))
        for row in server.tags()
    }
    lost = [name for name in wanted if canonical(name) not in digests]
    troubles = [
        f"Ollama has lost {name}; fetch it again: brain models pull {name}"
        for name in lost
    ]
    there = {name: digests[canonical(name)] for name in wanted if name not in lost}
    troubles += changed(resources, there)
    loaded = {canonical(str(row.get("name", ""))) for row in server.running()}
    for name in there:
        if canonical(name) in loaded and not answers(resources, server, name):
            trouble = f"{name} is loaded and does not answer within {SECONDS:.0f} s"
            return (*troubles, f"{trouble}; restart Ollama"), True
    return tuple(troubles), False


def answers(resources: Resources, server: OllamaServer, model: str) -> bool:
    """Whether a model that is loaded does the least that can be asked of it in time."""
    from brain.models.ollama_embedder import OllamaEmbedder

    try:
        if model == resources.config.models.ask:
            server.load(model, window=resources.config.ollama.num_ctx)
        else:
            OllamaEmbedder(server, model, pauses=()).embed_query("warm")
    except Unavailable:
        return False
    return True


def changed(resources: Resources, digests: Mapping[str, str]) -> list[str]:
    """What to tell of models that are not those of before. Told until a person's own questions were asked again."""
    library = resources.store.library
    seen: dict[str, dict[str, Any]] = library.setting_json(SEEN, dict)
    kept = dict(seen)
    told = []
    for name, digest in digests.items():
        before = seen.get(name)
        if before is None:
            kept[name] = {"digest": digest, "at": ""}
        elif before.get("digest") != digest:
            kept[name] = {"digest": digest, "at": resources.seconds()}
        at = str(kept[name]["at"])
        if at and not _measured_since(resources, at):
            told.append(
                f"{name} is another one since {at[:16].replace('T', ' ')} (its digest is {digest[:SHORT]}); "
                "measure it again: brain eval run"
            )
    if kept != seen and not resources.read_only:
        library.keep_setting(SEEN, json.dumps(kept, sort_keys=True))
    return told


def _measured_since(resources: Resources, at: str) -> bool:
    last = resources.judgments.last_run(OWN)
    return last is not None and last[0] > at

"""`.models`: the models there are, built in and in Ollama on this machine, and which of them embed and answer.

Leaves talking to Ollama to `brain.models`, and deciding which model serves at the moment to `brain.app.resources`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brain.app.capture import INLINE_CHUNKS, finish
from brain.app.resources import AUTO, BUILTIN, Resources
from brain.app.tally import Tally
from brain.config import make_home, write_setting
from brain.errors import BrainError, UsageError
from brain.protocols import Progress, silent
from brain.types import ModelRow, ModelTable

ROLES = ("embed", "ask")
CAPABILITIES = {"embed": "embedding", "ask": "completion"}  # what Ollama calls the roles
EMBEDDERS = ("embed", "minilm")  # in the names of embedding models, where Ollama does not say


class LocalModels:
    """The models of this machine."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def table(self) -> ModelTable:
        """The built-in models and those that Ollama has, with the roles they serve."""
        resources, serving = self._resources, self._resources.serving
        generator, _why, _missing = resources.generator()
        embedder = serving.embedder.name if serving.embedder else ""
        builtin = resources.builtin.name
        embeds = ("embed",) if embedder == builtin else ()
        quotes = ("ask",) if generator is None else ()
        rows = [
            ModelRow(builtin, BUILTIN, ("embed",), embeds),
            ModelRow("extractive", BUILTIN, ("ask",), quotes, note="quotes the best sentences"),
        ]
        try:
            installed = resources.ollama.tags()
            state = f"version {resources.ollama.version()}"
        except BrainError as error:
            return ModelTable(tuple(rows), error.message, (error.hint,) if error.hint else ())
        used = {"embed": embedder, "ask": generator.name if generator else "extractive"}
        rows += [_row(entry, used) for entry in installed]
        return ModelTable(tuple(rows), state)

    def pull(self, name: str, progress: Progress = silent) -> None:
        """Let Ollama fetch a model."""
        self._resources.ollama.pull(name, progress)

    def use(self, role: str, name: str) -> str:
        """Choose the model of a role ("embed", "ask") in the configuration; returns what happens next.

        Raises `UsageError`, `Refused` for a remote model, `Unavailable`.
        """
        resources = self._resources
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}", f"roles: {', '.join(ROLES)}")
        if name not in (AUTO, BUILTIN):
            resources.ollama.prove(name)
        make_home(resources.config)
        write_setting(resources.config, "models", role, name)
        if role == "ask" or name == BUILTIN:
            return f"{role}: {name}, from now"
        models = replace(resources.config.models, embed=name)
        chosen = Resources(
            replace(resources.config, models=models),
            progress=resources.progress,
            now=resources.moment,
        )
        try:
            notices = finish(chosen, Tally()).notices
        finally:
            chosen.close()
        if notices:
            return f"{role}: {name}; {'; '.join(notices)}"
        return f"{role}: {name}, from now ({INLINE_CHUNKS} chunks or fewer were left to do)"


def _row(entry: dict[str, Any], used: dict[str, str]) -> ModelRow:
    """One model of Ollama's list. `used`: the model of each role; Ollama adds ":latest" to a name without a tag."""
    name = str(entry.get("name", ""))
    names = (name, name.removesuffix(":latest"))
    serves = tuple(role for role, model in used.items() if model and model in names)
    elsewhere = entry.get("remote_host") or entry.get("remote_model")
    note = "refused: it runs elsewhere" if elsewhere else ""
    return ModelRow(name, "ollama", _roles(entry), serves, int(entry.get("size", 0)), note)


def _roles(entry: dict[str, Any]) -> tuple[str, ...]:
    said = entry.get("capabilities") or ()
    if said:
        return tuple(role for role, word in CAPABILITIES.items() if word in said)
    name = str(entry.get("name", ""))
    return ("embed",) if any(part in name for part in EMBEDDERS) else ("ask",)

"""`.models`: the models there are, built in and in Ollama on this machine, and which of them embed and answer.

Leaves talking to Ollama to `brain.models`, and deciding which model serves at the moment to `brain.app.resources`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from brain.app.resources import AUTO, BUILTIN, Noun, Resources
from brain.app.tally import Tally
from brain.app.vectors import INLINE_CHUNKS, finish
from brain.config import make_home, write_setting
from brain.errors import BrainError, UsageError
from brain.protocols import Progress, silent
from brain.reports import ModelRow, ModelTable
from brain.types import Texts

ROLES = ("embed", "ask")
QUOTES = "extractive"  # the built-in answerer, which quotes
CAPABILITIES = {
    "embed": "embedding",
    "ask": "completion",
}  # what Ollama calls the roles
EMBEDDERS = (
    "embed",
    "minilm",
)  # in the names of embedding models, where Ollama does not say


class LocalModels(Noun):
    """The models of this machine."""

    def table(self) -> ModelTable:
        """The built-in models and those that Ollama has, with the roles they serve."""
        resources = self._resources
        embedder = resources.serving.embedder
        generator, _why, _missing = resources.generator()
        used = {
            "embed": embedder.name if embedder else "",
            "ask": generator.name if generator else QUOTES,
        }
        rows = [
            _builtin_row("embed", resources.builtin.name, used),
            _builtin_row("ask", QUOTES, used, note="quotes the best sentences"),
        ]
        try:
            installed = resources.ollama.tags()
            state = f"version {resources.ollama.version()}"
        except BrainError as error:
            hints = (error.hint,) if error.hint else ()
            return ModelTable(tuple(rows), error.message, hints)
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
        # As the next command will find it: the vectors of the new model are begun now
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


def _builtin_row(
    role: str, name: str, used: dict[str, str], note: str = ""
) -> ModelRow:
    serves = (role,) if used[role] == name else ()
    return ModelRow(name, BUILTIN, (role,), serves, note=note)


def _row(entry: dict[str, Any], used: dict[str, str]) -> ModelRow:
    """One model of Ollama's list. `used`: the model of each role; Ollama adds ":latest" to a name without a tag."""
    name = str(entry.get("name", ""))
    names = (name, name.removesuffix(":latest"))
    serves = tuple(role for role, model in used.items() if model and model in names)
    roles = _roles(name, entry.get("capabilities") or ())
    size = int(entry.get("size", 0))
    note = ""
    if entry.get("remote_host") or entry.get("remote_model"):
        note = "refused: it runs elsewhere"
    return ModelRow(name, "ollama", roles, serves, size, note)


def _roles(name: str, capabilities: Sequence[str]) -> Texts:
    """What a model can serve for; older versions of Ollama do not say, and then its name must tell."""
    if capabilities:
        return tuple(
            role for role, word in CAPABILITIES.items() if word in capabilities
        )
    if any(part in name for part in EMBEDDERS):
        return ("embed",)
    return ("ask",)

"""`.models`: the models there are, built in and in Ollama on this machine, and which of them embed and answer.

Leaves talking to Ollama to `brain.models`, and deciding which model serves at the moment to `brain.app.resources`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from brain.app import filling
from brain.app.governed import note_pull
from brain.app.resources import Noun, Resources, clean
from brain.app.serving import AUTO, BUILTIN, SHIPPED, WITHOUT_OLLAMA, WORDLLAMA
from brain.app.tally import Tally
from brain.app.vectors import INLINE_CHUNKS, finish
from brain.config import make_home, write_setting
from brain.errors import BrainError, Unavailable, UsageError
from brain.models.catalogue import Abilities, can
from brain.protocols import Progress, silent
from brain.reports import ModelAdvice, ModelRow, ModelTable
from brain.types import Texts

if TYPE_CHECKING:
    from brain.protocols import Vectors

ROLES = ("embed", "ask")
QUOTES = "extractive"  # the built-in answerer, which quotes
# The built-in models of each role, and the setting by which each is chosen
BUILT_IN = {
    "embed": {WORDLLAMA: WORDLLAMA, SHIPPED: BUILTIN},
    "ask": {QUOTES: BUILTIN},
}
WORDS_NOTE = "the meaning of words, at once"
SENTENCES_NOTE = "the meaning of English sentences, behind it"
CAPABILITIES = {
    "embed": "embedding",
    "ask": "completion",
}  # what Ollama calls the roles
LACKS = {
    "embed": "it writes and does not search by meaning",
    "ask": "it searches by meaning and does not write",
}


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts, a row each, and by what: those of two fingerprints are not compared."""

    embedder: str
    fingerprint: str
    vectors: Vectors


class LocalModels(Noun):
    """The models of this machine."""

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embedded:
        """The vectors of texts by the embedder that serves; `query`: as what is looked for. Raises `Unavailable`."""
        serving = self._resources.serving
        embedder = serving.embedder
        if embedder is None:
            raise Unavailable(serving.degraded, "see `brain models list`")
        cleaned = [clean(text) for text in texts]
        if not query:
            vectors = embedder.embed_documents(cleaned)
        else:
            import numpy as np

            vectors = np.stack([embedder.embed_query(text) for text in cleaned])
        return Embedded(embedder.name, serving.fingerprint, vectors)

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
            _builtin_row("embed", resources.builtin.name, used, note=WORDS_NOTE),
            _builtin_row("embed", SHIPPED, used, note=SENTENCES_NOTE),
            _builtin_row("ask", QUOTES, used, note="quotes the best sentences"),
        ]
        try:
            server = resources.ollama
            installed = server.tags()
            state = f"version {resources.ollama.version()}"
        except BrainError as error:
            hints = (error.hint,) if error.hint else ()
            return ModelTable(tuple(rows), error.message, hints)
        rows += [_row(entry, used, server.abilities) for entry in installed]
        return ModelTable(tuple(rows), state)

    def advise(self) -> ModelAdvice:
        """Which models fit this machine, how fast they are on it, and what each role lacks."""
        from brain.app.advice import advise

        return advise(self._resources)

    def pull(self, name: str, progress: Progress = silent) -> None:
        """Let Ollama fetch a model. Raises `Refused` when offline, and what `Ollama.pull` raises."""
        note_pull(self._resources, name)
        self._resources.ollama.pull(name, progress)

    def use(self, role: str, name: str) -> str:
        """Choose the model of a role ("embed", "ask") in the configuration; returns what happens next.

        Raises `UsageError`, also for a role that the model does not have, `Refused` for a remote model, `Unavailable`.
        """
        resources = self._resources
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}", f"roles: {', '.join(ROLES)}")
        name = self._able(role, name)
        make_home(resources.config)
        if role == "embed":
            filling.done(
                resources
            )  # whatever was being filled is not what is wanted now
        write_setting(resources.config, "models", role, name)
        if role == "ask" or name == WORDLLAMA:
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
        if name == BUILTIN:
            return f"{role}: {name}, from now"
        return f"{role}: {name}, from now ({INLINE_CHUNKS} passages or fewer were left to do)"

    def _able(self, role: str, name: str) -> str:
        """The name as it is set, of a model that has the role. Raises as `use` does."""
        resources = self._resources
        if any(name in models for models in BUILT_IN.values()):
            if name not in BUILT_IN[role]:
                other = "`brain models list` shows what each model can do"
                raise UsageError(f"{name} is built in, but not for {role}", other)
            return BUILT_IN[role][name]
        if name in (AUTO, BUILTIN):
            return name
        server = resources.ollama
        try:
            server.prove(name)
        except Unavailable as error:
            error.hint = error.hint.replace("models use ask", f"models use {role}")
            raise
        if can(name, CAPABILITIES[role], server.abilities):
            return name
        fitting = []
        for entry in server.tags():
            other = str(entry.get("name", ""))
            if can(other, CAPABILITIES[role], server.abilities):
                fitting.append(other)
        hint = "`brain models advise` names models that can"
        if fitting:
            hint = f"models here that can: {', '.join(fitting)}"
        raise UsageError(f"{name} cannot {role}: {LACKS[role]}", hint)


def wrong_roles(resources: Resources) -> list[str]:
    """Roles that a file or a variable gave to a model which does not have them, a line each. Raises `BrainError`."""
    models = resources.config.models
    found = []
    for role, name in (("embed", models.embed), ("ask", models.ask)):
        if name in (AUTO, *WITHOUT_OLLAMA):
            continue
        if not can(name, CAPABILITIES[role], resources.ollama.abilities):
            found.append(f"{name} cannot {role}: {LACKS[role]}")
    return found


def _builtin_row(
    role: str, name: str, used: dict[str, str], note: str = ""
) -> ModelRow:
    serves: Texts = ()
    if used[role] == name:
        serves = (role,)
    return ModelRow(name, BUILTIN, (role,), serves, note=note)


def _row(entry: dict[str, Any], used: dict[str, str], abilities: Abilities) -> ModelRow:
    """One model of Ollama's list. `used`: the model of each role; Ollama adds ":latest" to a name without a tag."""
    name = str(entry.get("name", ""))
    names = (name, name.removesuffix(":latest"))
    serves = tuple(role for role, model in used.items() if model and model in names)
    size = int(entry.get("size", 0))
    if entry.get("remote_host") or entry.get("remote_model"):
        note = "refused: it runs elsewhere"
        return ModelRow(name, "ollama", (), serves, size, note)
    note = ""
    roles = _roles(name, abilities)
    return ModelRow(name, "ollama", roles, serves, size, note)


def _roles(name: str, abilities: Abilities) -> Texts:
    """What a model can serve for."""
    return tuple(
        role for role, ability in CAPABILITIES.items() if can(name, ability, abilities)
    )

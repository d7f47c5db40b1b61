"""Which embedder answers at the moment, and why: of those whose vectors are complete the best.

There are two speeds. The built-in word vectors come first: every chunk has them at once. Vectors of a model that reads
sentences follow behind them: of a model of Ollama where one is wanted and there, else of the one that ships inside the
package. Leaves computing them to `brain.app.vectors`; serves `brain.app.resources`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brain.errors import BrainError, Unavailable
from brain.models.sentence_embedder import SentenceEmbedder

if TYPE_CHECKING:
    from brain.protocols import Embedder
    from brain.store import Store

# Values of the setting `[models] embed`; any other is the name of a model of Ollama.
AUTO = "auto"
BUILTIN = "builtin"
WORDLLAMA = "wordllama"
SHIPPED = SentenceEmbedder.name
WITHOUT_OLLAMA = (BUILTIN, WORDLLAMA, SHIPPED)
# Settings of the store: which vectors of Ollama's and of the shipped model were complete, and where the store was then:
# JSON with model, fingerprint, pk, seq.
OF_OLLAMA = "serving"
OF_SHIPPED = "serving_shipped"


@dataclass(frozen=True, slots=True)
class Serving:
    """The embedder that answers now, None for words only; `degraded` says what is missing, `reason` why this one."""

    embedder: Embedder | None
    fingerprint: str
    reason: str
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses. `wanted`: the setting `[models] embed`; `first`: the built-in word vectors; `second`: the model that
    ships; `of_ollama` opens a model of Ollama by its name.
    """

    store: Store
    wanted: str
    first: Embedder
    second: SentenceEmbedder
    of_ollama: Callable[[str], Embedder]

    def serving(self) -> Serving:
        """The embedder that answers."""
        kept = self._complete(OF_OLLAMA)
        if kept and self.wanted not in WITHOUT_OLLAMA:
            return self._ollama(kept)
        if self.wanted in (AUTO, *WITHOUT_OLLAMA):
            return self._built_in()
        return self._built_in("no model of Ollama has read everything yet")

    def without_ollama(self, missing: str) -> Serving:
        """A built-in embedder in place of a model of Ollama; `missing`: why that one does not answer."""
        return self._built_in("Ollama does not serve", missing)

    def _complete(self, name: str) -> dict[str, Any]:
        kept: dict[str, Any] = self.store.library.setting_json(name, dict)
        return kept

    def _behind(self, kept: dict[str, Any]) -> int:
        """How many chunks came since, and have no such vector."""
        seen = (kept.get("pk", 0), kept.get("seq", 0))
        return self.store.vectors.behind(str(kept.get("fingerprint", "")), seen)

    def _ollama(self, kept: dict[str, Any]) -> Serving:
        """The Ollama embedder whose vectors were complete, and what came since; a built-in one when it is away."""
        model = str(kept.get("model", ""))
        fingerprint = str(kept.get("fingerprint", ""))
        try:
            embedder = self.of_ollama(model)
            if str(embedder.fingerprint) != fingerprint:
                return self._built_in(
                    f"{model} has changed; `brain sync` has it read everything anew"
                )
        except BrainError as error:
            return self.without_ollama(error.message)
        until = ""
        if self.wanted not in (AUTO, model):
            until = f"; it serves until {self.wanted} has read everything"
        behind = self._behind(kept)
        if not behind:
            return Serving(embedder, fingerprint, f"it has read everything{until}")
        passages = "1 passage is"
        if behind != 1:
            passages = f"{behind:,} passages are"
        lacking = f"{passages} not read by {model} yet"
        cure = "can be found by words only; `brain sync` makes up for it"
        return Serving(
            embedder, fingerprint, f"{lacking}{until}", f"{lacking} and {cure}"
        )

    def _built_in(self, reason: str = "", missing: str = "") -> Serving:
        """The model that ships where its vectors are complete, else word vectors. `missing`: why Ollama is away."""
        if self.wanted == WORDLLAMA:
            return self._words("chosen in the configuration")
        fingerprint = str(self.second.fingerprint)
        kept = self._complete(OF_SHIPPED)
        if kept.get("fingerprint") != fingerprint or self._behind(kept):
            return self._words(
                reason or f"until {SHIPPED} has read everything", missing
            )
        try:
            self.second.open()
        except Unavailable as error:
            both = "; ".join(filter(None, (missing, error.message)))
            return self._words("a shipped model cannot be used", both)
        degraded = ""
        if missing:
            degraded = f"{missing}; {SHIPPED} searched"
        return Serving(
            self.second, fingerprint, reason or "it has read everything", degraded
        )

    def _words(self, reason: str, missing: str = "") -> Serving:
        """The built-in word vectors, which are always complete; words alone where they cannot be read."""
        degraded = f"{missing}; the built-in model searched" if missing else ""
        try:
            return Serving(self.first, str(self.first.fingerprint), reason, degraded)
        except Unavailable as error:
            return Serving(None, "", reason, f"{error.message}; searched by words only")

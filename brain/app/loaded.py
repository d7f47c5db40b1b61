"""The models that ship inside the package, loaded once and used by every `Brain` of a process.

Each is opened on first use and may be shared between threads. Leaves models of Ollama, which run in a process of their
own, and the choice between them to `brain.app.resources`. Serves it, and the doors that live long through `Pool`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from brain.models.sentence_embedder import SentenceEmbedder

if TYPE_CHECKING:
    from brain.config import Models
    from brain.index.open_snapshots import OpenSnapshots
    from brain.protocols import AnswerReader, Embedder

OFF = "off"


class LoadedModels:
    """`settings`: the section `[models]`. What is given in place of a model that ships is used as it is."""

    def __init__(
        self,
        settings: Models,
        *,
        embedder: Embedder | None = None,
        shipped: SentenceEmbedder | None = None,
        reader: AnswerReader | None = None,
    ) -> None:
        self._settings = settings
        self.given_embedder = embedder
        self._given_shipped = shipped
        self._given_reader = reader

    def made(self) -> LoadedModels:
        """This, with each of its parts made but not loaded: threads that begin to use them find the same."""
        _ = (self.builtin, self.shipped, self.answer_reader, self.snapshots)
        return self

    @cached_property
    def builtin(self) -> Embedder:
        """The word vectors, which every chunk has; a given embedder takes their place."""
        if self.given_embedder is not None:
            return self.given_embedder
        from brain.models.builtin import BuiltinEmbedder

        return BuiltinEmbedder()

    @cached_property
    def shipped(self) -> SentenceEmbedder:
        """The sentence embedder."""
        if self._given_shipped is not None:
            return self._given_shipped
        return SentenceEmbedder(threads=self._settings.threads)

    @cached_property
    def answer_reader(self) -> AnswerReader | None:
        """What reads question and passage together; None where it is left out."""
        if self._given_reader is not None or self._settings.reader == OFF:
            return self._given_reader
        from brain.models.answer_reader import CrossEncoder

        return CrossEncoder(threads=self._settings.threads)

    @cached_property
    def snapshots(self) -> OpenSnapshots:
        """The snapshots of Chroma that are open in a child process."""
        from brain.index.open_snapshots import OpenSnapshots

        return OpenSnapshots()

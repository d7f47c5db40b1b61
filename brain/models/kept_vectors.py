"""An embedder that keeps the vectors of the last texts: the sentences of a passage that is found again are not read
again.

Leaves computing to the embedder that it is handed, and questions, which seldom come twice. Serves the answerer, in a
process that answers more than one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from brain.protocols import Embedder

if TYPE_CHECKING:
    from brain.protocols import Vectors
    from brain.types import Fingerprint

KEPT = 4_096  # vectors: the sentences of about a hundred questions, 4 MB of 256 numbers each


class KeptVectors:
    """`Embedder` over another one, whose vectors are the same whatever texts are computed together."""

    def __init__(self, embedder: Embedder, kept: int = KEPT) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._kept = kept
        self._vectors: dict[str, Vectors] = {}

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """That of the embedder."""
        return self._embedder.fingerprint

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """The vectors of the embedder, which is asked for those that are not kept."""
        known = self._vectors
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if len(new) + len(known) > self._kept:
            known = self._vectors = {}
            new = list(dict.fromkeys(texts))
        if new:
            known.update(zip(new, self._embedder.embed_documents(new), strict=True))
        if not texts:
            return self._embedder.embed_documents(texts)
        import numpy as np

        return np.stack([known[text] for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """That of the embedder."""
        return self._embedder.embed_query(text)

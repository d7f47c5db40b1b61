"""The embedder of the second speed: all-MiniLM-L6-v2, which ships inside the package and reads sentences in English.

Slower than word vectors (about 28 texts of 200 tokens a second on one core) and much better at other people's words for
the same thing. Leaves when its vectors are computed to `brain.app.vectors`. Serves search where no Ollama model does.
The model and its limits: docs/MODELS.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brain.models.onnx import CLS, MINILM, SEP, SHIPPED, UNKNOWN, OnnxModel
from brain.types import Fingerprint

if TYPE_CHECKING:
    from brain.protocols import Vectors

DIMENSIONS = 384
WINDOW = 254  # tokens of the model's 256, less [CLS] and [SEP]
# SHA-256 of the file as it was quantised. The shipped graph is that one after onnxruntime's own passes, its vectors are
# the same to the last bit: those that a store holds stay what they are.
QUANTISED = "f384a25cc1cb151322d1b591bccb7372945c077d8f7be655f54edb6a2a4efad3"
TINY = 1e-9  # no division by a length of nothing


class SentenceEmbedder:
    """`Embedder` that needs no server. Opened on first use; safe to share between threads. Raises `Unavailable`."""

    name = "all-minilm-l6-v2"
    fingerprint = Fingerprint(
        "all-minilm-l6-v2-int8",
        QUANTISED,
        DIMENSIONS,
        prefixes="none",
        pooling="mean",
    )

    def __init__(self, *, threads: int = 1, folder: Path = SHIPPED) -> None:
        self.folder = folder
        self._model = OnnxModel(MINILM, threads=threads, folder=folder)

    def open(self) -> None:
        """Check and load the files, as the first use does. Raises `Unavailable`."""
        self._model.open()

    def embed_query(self, text: str) -> Vectors:
        """Shape (384,)."""
        vector: Vectors = self.embed_documents([text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 384), float32, rows of length 1. A text over the model's window is embedded in windows
        and averaged.
        """
        import numpy as np

        rows: list[list[int]] = []
        owners: list[int] = []
        for owner, encoding in enumerate(self._model.encode(texts)):
            for window in _windows(encoding.ids or [UNKNOWN]):
                rows.append([CLS, *window, SEP])
                owners.append(owner)
        total = np.zeros((len(texts), DIMENSIONS), np.float32)
        for places, (vectors,) in self._model.run(rows):
            np.add.at(total, [owners[place] for place in places], vectors)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        unit: Vectors = total / np.maximum(lengths, TINY)
        return unit


def _windows(ids: list[int]) -> Iterator[list[int]]:
    """The tokens in windows of about equal size: a short last one would weigh as much as a full one."""
    count = math.ceil(len(ids) / WINDOW)
    size = math.ceil(len(ids) / count)
    for start in range(0, len(ids), size):
        yield ids[start : start + size]

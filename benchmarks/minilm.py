"""all-MiniLM-L6-v2 from a folder with its ONNX file and tokenizer, as an `Embedder` for measuring.

Leaves out downloads: the folder is given. Texts over 256 tokens are embedded in windows and averaged, as the product does. Serves
the scripts of this folder; onnxruntime and tokenizers come with chromadb.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brain.types import Fingerprint

WINDOW = 254  # tokens of the model's 256, less [CLS] and [SEP]
CLS, SEP, UNKNOWN = 101, 102, 100  # numbers in the BERT vocabulary
DIMENSIONS = 384
BATCH_TOKENS = 4_096  # per run of the model, padding included
BATCH_TEXTS = 64


class MiniLM:
    """`folder` holds all-minilm-l6-v2-int8.onnx and all-minilm-l6-v2-tokenizer.json."""

    name = "minilm"
    fingerprint = Fingerprint(
        "all-minilm-l6-v2-int8", "int8", DIMENSIONS, prefixes="none", pooling="mean"
    )

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        path = str(folder / "all-minilm-l6-v2-int8.onnx")
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(
            str(folder / "all-minilm-l6-v2-tokenizer.json")
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed_query(self, text: str) -> Any:
        """Shape (384,)."""
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str]) -> Any:
        """Shape (len(texts), 384), float32, rows of length 1."""
        windows: list[list[int]] = []
        owners: list[int] = []
        for owner, encoding in enumerate(
            self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ):
            ids = encoding.ids or [UNKNOWN]
            size = -(
                -len(ids) // -(-len(ids) // WINDOW)
            )  # equal windows: a short last one would weigh too much
            for start in range(0, len(ids), size):
                windows.append([CLS, *ids[start : start + size], SEP])
                owners.append(owner)
        total = np.zeros((len(texts), DIMENSIONS), np.float32)
        np.add.at(total, owners, self._run(windows))
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)

    def _run(self, windows: list[list[int]]) -> Any:
        out = np.zeros((len(windows), DIMENSIONS), np.float32)
        order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and end - start < BATCH_TEXTS:
                if (end - start + 1) * len(windows[order[end]]) > BATCH_TOKENS:
                    break
                end += 1
            batch = order[start:end]
            longest = len(windows[batch[-1]])
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(batch):
                ids[row, : len(windows[i])] = windows[i]
                mask[row, : len(windows[i])] = 1
            out[batch] = self._session.run(
                None, {"input_ids": ids, "attention_mask": mask}
            )[0]
            start = end
        return out

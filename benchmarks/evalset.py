"""What the scripts of this folder share about evaluation folders: their rows, vectors kept between runs.

Leaves out the stores (stores.py) and the judgment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brain.errors import Unavailable
from brain.protocols import Embedder


class Remembering:
    """An embedder that answers questions from vectors computed before."""

    def __init__(self, name: str, fingerprint: str, known: dict[str, Any]) -> None:
        self.name, self.fingerprint, self._known = name, fingerprint, known

    def embed_query(self, text: str) -> Any:
        return self._known[text]

    def embed_documents(self, texts: Sequence[str]) -> Any:
        raise Unavailable("documents were embedded before")


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [
        json.loads(line)
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def embedded_text(document: dict[str, Any]) -> str:
    """What is embedded of a document: its title, a line end, its text."""
    title = document.get("title") or ""
    return f"{title}\n{document['text']}" if title else str(document["text"])


def kept(
    cache: Path,
    name: str,
    embedder: Embedder,
    texts: list[str],
    *,
    documents: bool = False,
) -> Any:
    """The vectors of these questions, computed once, each alone as a command does it: a model of small integers gives
    other numbers in company. Or of `documents`. Delete the folder when the texts or the model change.
    """
    path = cache / f"{name}.npy"
    if path.exists():
        return np.load(path)
    cache.mkdir(parents=True, exist_ok=True)
    vectors = (
        embedder.embed_documents(texts)
        if documents
        else np.stack([embedder.embed_query(text) for text in texts])
    )
    np.save(path, vectors)
    return vectors

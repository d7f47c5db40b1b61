"""ChromaDB, the only module that imports it: one directory with one collection per kind, ids and vectors only.

Chroma is not crash-safe, not process-safe, and a damaged directory kills the interpreter. So this class is opened by a
worker process (worker.py) that holds the lock; in-process it is for tests. It is given no text and no metadata, since
Chroma keeps deleted ones in its files. Leaves out scopes, locks, generations and every decision about trust.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import Unavailable
from brain.index.files import MANIFEST, private_directory, write_manifest

if TYPE_CHECKING:
    from brain.protocols import Vectors

PRIVATE_UMASK = 0o077  # Chroma creates 0755 and 0644 by itself
MOST_IN_A_BATCH = 1_000  # Chroma takes 5,461 (SQLite's variables); its own flush comes every 1,000
COSINE = {"hnsw": {"space": "cosine"}}  # the default is L2
SETTINGS = {
    "anonymized_telemetry": False,
    "chroma_otel_collection_endpoint": "",
    "allow_reset": False,
}


class ChromaDirectory:
    """One opened directory. Only one may be open per path and machine: the caller holds the lock.

    The manifest is taken away while it is open and written at a clean close, so that its absence tells of a crash.
    Every method raises `Unavailable` for whatever Chroma raises; afterwards no manifest is written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._collections: dict[str, Any] = {}
        self._sound = True
        self._umask = os.umask(PRIVATE_UMASK)
        self._client: Any = None
        try:
            private_directory(directory)
            (directory / MANIFEST).unlink(missing_ok=True)
            self._client = self._guard(_open, directory)
            self._batch = min(MOST_IN_A_BATCH, self._client.get_max_batch_size())
        except BaseException:
            self.close()
            raise

    def upsert(self, kind: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Set the vectors of these chunks, shape (ids, dimensions), rows of length 1."""
        collection = self._collection(kind)
        for start in range(0, len(ids), self._batch):
            stop = start + self._batch
            self._guard(
                collection.upsert, ids=list(ids[start:stop]), embeddings=vectors[start:stop]
            )

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        """Forget these chunks; unknown ones are no error."""
        collection, once = (
            self._collection(kind),
            list(dict.fromkeys(ids)),
        )  # Chroma refuses an id that is named twice
        for start in range(0, len(once), self._batch):
            self._guard(collection.delete, ids=once[start : start + self._batch])

    def nearest(self, kind: str, vector: Vectors, *, limit: int) -> list[tuple[str, float]]:
        """(chunk id, cosine) of the approximately nearest, best first; fewer than `limit` when there are no more."""
        collection = self._collection(kind)
        if limit < 1 or not self._guard(collection.count):
            return []
        found = self._guard(
            collection.query, query_embeddings=[vector], n_results=limit, include=["distances"]
        )
        return [
            (i, 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def vectors(self, kind: str, ids: Sequence[str]) -> Vectors:
        """The stored vectors of these chunks in their order, float32; fewer rows when some are not there."""
        import numpy as np

        found: dict[str, Any] = {}
        for start in range(0, len(ids), self._batch):
            part = list(ids[start : start + self._batch])
            held = self._guard(self._collection(kind).get, ids=part, include=["embeddings"])
            found |= dict(zip(held["ids"], held["embeddings"], strict=True))
        return np.array([found[i] for i in ids if i in found], np.float32)

    def ids(self, kind: str) -> set[str]:
        """Every chunk in it."""
        return set(self._guard(self._collection(kind).get, include=[])["ids"])

    def count(self, kind: str) -> int:
        """How many it says it has; no proof of health."""
        return int(self._guard(self._collection(kind).count))

    def close(self) -> None:
        """Flush and let go; a second call does nothing."""
        client, self._client = self._client, None
        self._collections.clear()
        try:
            if client is not None:
                self._guard(client.close)
                _forget_systems()
                if self._sound:
                    write_manifest(self._directory)
        finally:
            if self._umask is not None:
                os.umask(self._umask)
                self._umask = None  # type: ignore[assignment]

    def _collection(self, kind: str) -> Any:
        if self._client is None:
            raise Unavailable("the vector index is closed", "run the command again")
        if kind not in self._collections:
            self._collections[kind] = self._guard(
                self._client.get_or_create_collection,
                kind,
                configuration=COSINE,
                embedding_function=_poison(),
            )
        return self._collections[kind]

    def _guard(self, call: Any, *arguments: Any, **named: Any) -> Any:
        """Chroma's answer. Its Rust half panics with a `BaseException` of its own, which is turned like the others."""
        try:
            return call(*arguments, **named)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:
            self._sound = False
            raise Unavailable(
                f"the vector index failed: {type(error).__name__}: {error}", "run `brain sync`"
            ) from error


def _open(directory: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(directory), settings=Settings(**SETTINGS))  # type: ignore[arg-type]


def _forget_systems() -> None:
    """Chroma keeps every opened path in a table of the class; an entry left there would be used again, stale."""
    from chromadb.api.shared_system_client import SharedSystemClient

    with suppress(AttributeError):
        SharedSystemClient.clear_system_cache()


def _poison() -> Any:
    """An embedding function that refuses. Without one Chroma downloads a model when it is handed text."""
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings

    class Poison(EmbeddingFunction[Documents]):
        def __init__(self) -> None:
            pass

        def __call__(self, input: Documents) -> Embeddings:
            raise RuntimeError("this index takes vectors, never text")

        @staticmethod
        def name() -> str:
            return "poison"

        def get_config(self) -> dict[str, Any]:
            return {}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Poison:
            return Poison()

    return Poison()

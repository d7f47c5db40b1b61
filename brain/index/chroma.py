"""ChromaDB, the only module that imports it: one directory with one collection per kind, ids and vectors only.

Chroma is not crash-safe, not process-safe, and a damaged directory kills the interpreter. So a directory is opened by a
child process alone (chroma_child.py), written once and never again. It is given no text and no metadata, since Chroma
keeps deleted ones in its files. Leaves out scopes, snapshots and every decision about trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import Unavailable

if TYPE_CHECKING:
    from brain.protocols import Vectors

DATABASE = "chroma.sqlite3"  # the one file that Chroma writes into whenever it opens a directory
BATCH = (
    1_000  # Chroma takes 5,461 (SQLite's variables); its own flush comes every 1,000
)
COSINE = {"hnsw": {"space": "cosine"}}  # the default is L2
SETTINGS = {
    "anonymized_telemetry": False,
    "chroma_otel_collection_endpoint": "",
    "allow_reset": False,
}


class ChromaDirectory:
    """One opened directory. Every method raises `Unavailable` for whatever Chroma raises."""

    def __init__(self, directory: Path) -> None:
        self._client: Any = _guarded(_client, directory)
        self._collections: dict[str, Any] = {}

    def create(self, kinds: Sequence[str]) -> None:
        """Make the empty collections."""
        create = self._client.create_collection
        for kind in kinds:
            self._collections[kind] = _guarded(
                create, kind, configuration=COSINE, embedding_function=_refusal()
            )

    def add(self, kind: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Set the vectors of these chunks, shape (ids, dimensions), rows of length 1."""
        collection = self._collection(kind)
        for start in range(0, len(ids), BATCH):
            batch = slice(start, start + BATCH)
            _guarded(collection.upsert, ids=list(ids[batch]), embeddings=vectors[batch])

    def nearest(
        self, kind: str, vector: Vectors, *, limit: int
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine) of the approximately nearest, best first; fewer than `limit` when there are no more."""
        if limit < 1 or not self.count(kind):
            return []
        query = self._collection(kind).query
        found = _guarded(
            query, query_embeddings=[vector], n_results=limit, include=["distances"]
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(chunk_id, 1.0 - float(distance)) for chunk_id, distance in pairs]

    def vectors(self, kind: str, ids: Sequence[str]) -> Vectors:
        """The stored vectors of these chunks in their order, float32; fewer rows when some are not there."""
        import numpy as np

        get = self._collection(kind).get
        held: dict[str, Any] = {}
        for start in range(0, len(ids), BATCH):
            batch = list(ids[start : start + BATCH])
            found = _guarded(get, ids=batch, include=["embeddings"])
            held |= dict(zip(found["ids"], found["embeddings"], strict=True))
        return np.array(
            [held[chunk_id] for chunk_id in ids if chunk_id in held], np.float32
        )

    def ids(self, kind: str) -> set[str]:
        """Every chunk in it."""
        return set(_guarded(self._collection(kind).get, include=[])["ids"])

    def count(self, kind: str) -> int:
        """How many it says it has."""
        return int(_guarded(self._collection(kind).count))

    def close(self) -> None:
        """Flush and let go. Only then do its files hold everything."""
        self._collections.clear()
        _guarded(self._client.close)
        _forget_systems()

    def _collection(self, kind: str) -> Any:
        if kind not in self._collections:
            get = self._client.get_collection
            self._collections[kind] = _guarded(get, kind, embedding_function=_refusal())
        return self._collections[kind]


def _guarded(call: Any, *arguments: Any, **named: Any) -> Any:
    """Chroma's answer. Its Rust half panics with a `BaseException` of its own, which is turned like the others."""
    try:
        return call(*arguments, **named)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        said = f"the vector index failed: {type(error).__name__}: {error}"
        raise Unavailable(said, "run `brain sync`") from error


def _client(directory: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(**SETTINGS)  # type: ignore[arg-type]
    return chromadb.PersistentClient(path=str(directory), settings=settings)


def _forget_systems() -> None:
    """Chroma keeps every opened path in a table of the class; an entry left there would be used again, stale."""
    from chromadb.api.shared_system_client import SharedSystemClient

    with suppress(AttributeError):
        SharedSystemClient.clear_system_cache()


def _refusal() -> Any:
    """An embedding function that refuses. Without one Chroma downloads a model when it is handed text."""
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings

    class Refusal(EmbeddingFunction[Documents]):
        def __init__(self) -> None:
            pass

        def __call__(self, input: Documents) -> Embeddings:
            raise RuntimeError("this index takes vectors, never text")

        @staticmethod
        def name() -> str:
            return "refusal"

        def get_config(self) -> dict[str, Any]:
            return {}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Refusal:
            return Refusal()

    return Refusal()

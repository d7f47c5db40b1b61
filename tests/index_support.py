"""What the tests of the vectors and the indexes share: a store with rows, a model without a model, and its figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brain.errors import Unavailable
from brain.store.connection import Connection, connect
from brain.store.vectors import VectorTable
from brain.types import Fingerprint

NOW = "2026-05-01T09:00:00+00:00"
SMALL = 32  # dimensions; enough for neighbours that differ, little to compute


def fingerprint(model: str = "fake", dimensions: int = SMALL) -> Fingerprint:
    return Fingerprint(model, "0123456789abcdef", dimensions, "none", "mean")


def vector_of(text: str, dimensions: int = SMALL) -> Any:
    """A direction that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    values = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    return values / np.linalg.norm(values)


class FakeEmbedder:
    """Directions by hash. `before` is called with the texts of every call and may raise; `calls` counts texts."""

    def __init__(
        self,
        model: str = "fake",
        *,
        dimensions: int = SMALL,
        before: Callable[[Sequence[str]], None] | None = None,
    ):
        self.name = model
        self.fingerprint = fingerprint(model, dimensions)
        self._before = before or (lambda texts: None)
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Any:
        self._before(texts)
        self.texts.extend(texts)
        return np.stack(
            [
                vector_of(f"{self.name}:{text}", self.fingerprint.dimensions)
                for text in texts
            ]
        )

    def embed_query(self, text: str) -> Any:
        return self.embed_documents([text])[0]


def away(_texts: Sequence[str]) -> None:
    raise Unavailable("the model does not answer", "start it")


class Clock:
    """Every look at it is `step` seconds later."""

    def __init__(self, step: float = 0.01) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def open_store(home: Path) -> VectorTable:
    home.mkdir(parents=True, exist_ok=True)
    return VectorTable(connect(home / "brain.db"))


def connection_of(table: VectorTable) -> Connection:
    return table._connection


def add_chunks(
    table: VectorTable, texts: dict[str, str], *, document: str = "d"
) -> None:
    """Insert chunks {id: content} of one document, as saving a document does."""
    connection = connection_of(table)
    with connection.write():
        connection.conn.execute(
            "INSERT OR IGNORE INTO documents (id, uri, source, title, text, media_type, content_hash, text_sha, dated_at, "
            "dated_by, added_at, updated_at) VALUES (?, ?, ?, 't', '', 'text/plain', '', '', ?, 'x', ?, ?)",
            (document, f"note:{document}", document, NOW, NOW, NOW),
        )
        connection.conn.executemany(
            'INSERT INTO knowledge (id, document_id, ordinal, topic, content, source, locator, start, "end", tokens, terms, '
            "text_sha, created_at) VALUES (?, ?, 0, 'topic', ?, 's', 'L1', 0, 1, 1, ?, ?, ?)",
            [
                (
                    i,
                    document,
                    text,
                    text,
                    hashlib.sha256(f"topic\n{text}".encode()).hexdigest(),
                    NOW,
                )
                for i, text in texts.items()
            ],
        )


def add_episodes(table: VectorTable, rows: dict[str, tuple[str, str]]) -> None:
    """Insert episodes {id: (question, answer)}."""
    connection = connection_of(table)
    with connection.write():
        for episode_id, (question, answer) in rows.items():
            content = "\n".join(part for part in (question, answer) if part)
            sha = hashlib.sha256(f"topic\n{content}".encode()).hexdigest()
            connection.conn.execute(
                "INSERT INTO episodes (id, at, kind, question, answer, topic, terms, text_sha) "
                "VALUES (?, ?, 'note', ?, ?, 'topic', '', ?)",
                (episode_id, NOW, question, answer, sha),
            )


def delete_chunks(table: VectorTable, ids: Sequence[str]) -> None:
    connection = connection_of(table)
    with connection.write():
        connection.conn.executemany(
            "DELETE FROM knowledge WHERE id=?", [(i,) for i in ids]
        )


def numbered(count: int, start: int = 0) -> dict[str, str]:
    return {f"c{n:06d}": f"text number {n}" for n in range(start, start + count)}


def filled(
    home: Path, count: int, *, embedder: FakeEmbedder | None = None
) -> tuple[VectorTable, FakeEmbedder]:
    """A store with `count` chunks and their vectors."""
    from brain.index import embed_pending

    table, model = open_store(home), embedder or FakeEmbedder()
    add_chunks(table, numbered(count))
    report = embed_pending(table, model, kind="knowledge", clock=Clock())
    assert (report.embedded, report.waiting, report.error) == (count, 0, None)
    return table, model


def files_below(path: Path) -> Iterator[Path]:
    return (file for file in sorted(path.rglob("*")) if file.is_file())


def embed_all(table: VectorTable, model: FakeEmbedder) -> None:
    from brain.index import embed_pending

    for kind in ("knowledge", "episodes"):
        embed_pending(table, model, kind=kind, clock=Clock())


def held_by(
    child: Any, table: VectorTable, home: Path, kind: str = "knowledge"
) -> set[str]:
    """The chunks in the present snapshot, which is proven first; `child` is a `ChromaChild`."""
    from brain.index import snapshot

    found = table.snapshots.current(str(fingerprint()))
    assert snapshot.doubt(home / "index", found) == ""
    assert found is not None
    child.open(snapshot.directory_of(home / "index", found.n))
    ids: set[str] = child.ids(kind)
    return ids

"""An evaluation folder (corpus.jsonl, queries.jsonl, qrels.tsv) as stores of the product's own schema, in memory.

Every conversation is a store of its own. Vectors are computed once per embedder and kept in a folder. Leaves out the
judgment. Serves the scripts of this folder; `brain eval` goes the user's whole way instead.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlite_utils import Database

from brain.errors import Unavailable
from brain.protocols import Embedder
from brain.store.search import KnowledgeSearch
from brain.types import Fingerprint, header
from ingest.sentences import sentences
from ingest.terms import index_terms
from migrations import m0001_first

NO_CRC = bytes(4)  # the store keeps a checksum behind the sentences; the search does not read it
CHARACTERS_PER_TOKEN = 4  # a rough count suffices: it decides only whether a text is short


@dataclass
class Query:
    id: str
    text: str
    relevant: dict[str, int]
    facts: dict[str, Any] = field(default_factory=dict)


class MatrixIndex:
    """Exact cosine over one store."""

    name = "matrix"

    def __init__(self, ids: Sequence[str], matrix: Any) -> None:
        self._ids, self._matrix = list(ids), matrix

    def query(self, vector: Any, *, limit: int, allowed: set[str] | None = None) -> list[tuple[str, float]]:
        scores = self._matrix @ vector
        order = np.argsort(-scores, kind="stable")
        rows = (row for row in order if allowed is None or self._ids[row] in allowed)
        return [(self._ids[row], float(scores[row])) for row, _ in zip(rows, range(limit), strict=False)]

    def upsert(self, ids: Sequence[str], vectors: Any) -> None:
        raise Unavailable("this index is only read")

    def delete(self, ids: Sequence[str]) -> None:
        raise Unavailable("this index is only read")

    def ids(self) -> set[str]:
        return set(self._ids)

    def close(self) -> None:
        return


class Remembering:
    """An embedder that answers questions from vectors computed before."""

    def __init__(self, name: str, fingerprint: Fingerprint, known: dict[str, Any]) -> None:
        self.name, self.fingerprint, self._known = name, fingerprint, known

    def embed_query(self, text: str) -> Any:
        return self._known[text]

    def embed_documents(self, texts: Sequence[str]) -> Any:
        raise Unavailable("documents were embedded before")


@dataclass
class Room:
    """One store with its index and its queries; `names` maps chunk ids to the set's own document ids."""

    search: KnowledgeSearch
    index: MatrixIndex
    embedder: Remembering
    queries: list[Query]
    conn: sqlite3.Connection


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def embedded_text(document: dict[str, Any]) -> str:
    """What is embedded of a document: its title, a line end, its text."""
    title = document.get("title") or ""
    return f"{title}\n{document['text']}" if title else str(document["text"])


def rooms(folder: Path, embedder: Embedder, cache: Path, *, with_sentences: bool) -> Iterator[Room]:
    """The stores of a set, one per conversation, else one. `with_sentences`: sentence vectors are kept as well."""
    corpus = rows(folder / "corpus.jsonl")
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, document_id, relevance = line.split("\t")
        judged[query_id][document_id] = int(relevance)
    asked = [row for row in rows(folder / "queries.jsonl") if row["id"] in judged]
    vectors = kept(cache, f"{folder.name}.{embedder.name}.documents", embedder, [embedded_text(row) for row in corpus])
    questions = kept(cache, f"{folder.name}.{embedder.name}.questions", embedder, [row["text"] for row in asked])
    parts = [[piece.text for piece in sentences(row["text"])] for row in corpus] if with_sentences else []
    flat = [text for texts in parts for text in texts]
    spoken = kept(cache, f"{folder.name}.{embedder.name}.sentences", embedder, flat) if with_sentences else None
    ends = np.cumsum([0, *(len(texts) for texts in parts)]) if with_sentences else None
    known = {row["text"]: vector for row, vector in zip(asked, questions, strict=True)}
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(corpus):
        groups[row.get("conv", "")].append(number)
    for name, numbers in groups.items():
        packed = {i: spoken[ends[i] : ends[i + 1]] for i in numbers if spoken is not None and ends is not None}
        queries = [
            Query(row["id"], row["text"], judged[row["id"]], row) for row in asked if row.get("conv", "") == name
        ]
        yield _room([corpus[i] for i in numbers], vectors[numbers], list(packed.values()), embedder, known, queries)


def kept(cache: Path, name: str, embedder: Embedder, texts: list[str]) -> Any:
    """The vectors of these texts, computed once. Delete the folder when the texts or the model change."""
    path = cache / f"{name}.npy"
    if path.exists():
        return np.load(path)
    cache.mkdir(parents=True, exist_ok=True)
    vectors = embedder.embed_documents(texts)
    np.save(path, vectors)
    return vectors


def _room(
    corpus: list[dict[str, Any]], vectors: Any, packed: list[Any], embedder: Embedder, known: dict[str, Any],
    queries: list[Query],
) -> Room:  # fmt: skip
    conn = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    m0001_first.apply(Database(conn, execute_plugins=False))
    conn.execute("BEGIN")
    documents: dict[str, int] = {}
    terms = [index_terms(row["text"]) for row in corpus]
    for i, row in enumerate(corpus):
        document_id = row.get("session") or row["doc_id"]
        if document_id not in documents:
            documents[document_id] = 0
            conn.execute(
                "INSERT INTO documents (id, uri, source, title, text, media_type, content_hash, text_sha, dated_at, "
                "dated_by, added_at, updated_at) VALUES (?, ?, ?, ?, '', '', '', '', ?, ?, '', '')",
                (document_id, document_id, document_id, row.get("title") or "", row.get("date") or "",
                 "heading" if row.get("date") else "first seen"),
            )  # fmt: skip
        short = "session" in row
        tokens = len(row["text"]) // CHARACTERS_PER_TOKEN
        near = [
            j
            for j in (i - 2, i - 1, i + 1, i + 2)
            if short and 0 <= j < len(corpus) and corpus[j]["session"] == document_id
        ]
        conn.execute(
            'INSERT INTO knowledge (id, document_id, ordinal, topic, content, source, locator, start, "end", tokens, '
            "terms, around, text_sha, created_at) VALUES (?, ?, ?, ?, ?, ?, '', 0, ?, ?, ?, ?, ?, '')",
            (row["doc_id"], document_id, documents[document_id], index_terms(header(row.get("title") or "", (), None)),
             row["text"], document_id, len(row["text"]), min(tokens, 59) if short else max(tokens, 60), terms[i],
             "\n".join(terms[j] for j in near), str(i)),
        )  # fmt: skip
        documents[document_id] += 1
        sentence = packed[i].astype(np.float16).tobytes() + NO_CRC if packed else None
        conn.execute(
            "INSERT INTO embeddings (text_sha, fingerprint, vector, sentences, crc) VALUES (?, ?, ?, ?, 0)",
            (str(i), str(embedder.fingerprint), vectors[i].astype(np.float16).tobytes(), sentence),
        )
    conn.execute("COMMIT")
    index = MatrixIndex([row["doc_id"] for row in corpus], vectors)
    return Room(KnowledgeSearch(conn), index, Remembering(embedder.name, embedder.fingerprint, known), queries, conn)

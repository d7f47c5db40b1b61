"""Searching by sentences against chunks alone: time, disk, memory and what is lost by looking at signs first.

    python -m benchmarks.sentences [--chunks 10000 100000] [--notes 300]

The vectors are made up, as those of texts lie: chunks about their topics, sentences about their chunk, questions about a
sentence. Runs of both alternate, medians count, processor time beside the wall. What sentences add to taking in is measured on
notes of corpus.py. Leaves out how well it finds (RETRIEVAL.md).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the product does

import numpy as np

from benchmarks import corpus
from benchmarks.measure import percentile, resident
from brain.index import Indexes
from brain.index.embed import vectors_of_sentences
from brain.models.builtin import BuiltinEmbedder
from brain.store import Store
from brain.store.vector_bytes import packed_sentences, packed_vector
from brain.types import Fingerprint
from ingest.sentences import sentences

DIMENSIONS = 256
FINGERPRINT = str(Fingerprint("made-up", "0" * 12, DIMENSIONS, "none", "mean"))
TOPICS = 2_000
SENTENCES = 10  # a chunk, on average
NEAR, FAR = (
    0.8,
    1.3,
)  # lengths of the noise: of a chunk about its topic, of a sentence about its chunk
QUESTIONS = 60
BATCH = 1_000
LIMIT = 40  # what retrieval asks for
MOMENT = "2026-01-01T00:00:00+00:00"
DOCUMENT = """
    INSERT INTO documents (id, uri, source, title, text, media_type, content_hash, text_sha, dated_at, dated_by,
        added_at, updated_at)
    VALUES ('d', 'note:d', 'd', 't', '', 'text/plain', '', '', ?1, 'x', ?1, ?1)
"""
CHUNK = """
    INSERT INTO knowledge (id, document_id, ordinal, topic, content, source, locator, start, "end", tokens, terms,
        text_sha, created_at)
    VALUES (?1, 'd', 0, '', '', 'd', 'L1', 0, 1, 1, '', ?1, ?2)
"""
VECTOR = "INSERT INTO embeddings VALUES (?, ?, ?, ?, ?)"


def unit(rows: Any) -> Any:
    """Rows of length 1, float32."""
    scaled = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled.astype(np.float32)


def noise(rng: Any, count: int, length: float) -> Any:
    """Directions by chance, of about that length."""
    return rng.standard_normal((count, DIMENSIONS), np.float32) * (
        length / DIMENSIONS**0.5
    )


def made_up(chunks: int) -> Iterator[tuple[Any, list[Any]]]:
    """(vectors of some chunks, those of the sentences of each)."""
    rng = np.random.default_rng(1)
    topics = unit(noise(rng, TOPICS, 1.0))
    for start in range(0, chunks, BATCH):
        count = min(BATCH, chunks - start)
        about = topics[rng.integers(0, TOPICS, count)]
        own = unit(about + noise(rng, count, NEAR))
        each = rng.integers(2, 2 * SENTENCES - 1, count)
        rows = np.repeat(own, each, axis=0)
        parts = unit(rows + noise(rng, len(rows), FAR))
        yield own, np.split(parts, np.cumsum(each)[:-1])


def fill(store: Store, chunks: int) -> list[Any]:
    """A store of so many chunks; returns a question near to one sentence of every thousandth."""
    rng = np.random.default_rng(2)
    conn = store.connection.conn
    asked = []
    number = 0
    with store.connection.write():
        conn.execute(DOCUMENT, (MOMENT,))
        for own, of_chunks in made_up(chunks):
            for vector, parts in zip(own, of_chunks, strict=True):
                key = hashlib.sha256(str(number).encode()).hexdigest()
                conn.execute(CHUNK, (key, MOMENT))
                body, crc = packed_vector(vector, DIMENSIONS)
                tail = packed_sentences(parts, DIMENSIONS)
                conn.execute(VECTOR, (key, FINGERPRINT, body, tail, crc))
                number += 1
            asked.append(unit(of_chunks[0][:1] + noise(rng, 1, 1.0))[0])
    return asked


def spent(work: Callable[[], Any]) -> tuple[float, float]:
    """(wall, processor) milliseconds of one run."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return (
        (time.perf_counter() - wall) * 1000,
        (time.process_time() - processor) * 1000,
    )


def said(times: list[tuple[float, float]]) -> str:
    """The medians, and the 95th percentile of processor time."""
    wall = median(pair[0] for pair in times)
    processor = [pair[1] for pair in times]
    return f"{wall:.1f} / {median(processor):.1f} ms, p95 {percentile(processor, 0.95):.1f}"


def exact_best(indexes: Indexes, asked: Any) -> set[str]:
    """The best by the same score, over all sentences."""
    scores: dict[str, float] = {}
    for found in indexes.stored("knowledge").stream_in_sentences():
        starts = np.cumsum([0, *found.counts[:-1]])
        best = np.maximum.reduceat(found.sentences @ asked, starts)
        mean = (found.own @ asked + best) / 2
        scores.update(zip(found.ids, mean.tolist(), strict=True))
    return set(sorted(scores, key=scores.__getitem__, reverse=True)[:LIMIT])


def searching(chunks: int) -> None:
    """Print the figures of one size."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with closing(Store.open(home / "brain.db")) as store:
            asked = fill(store, chunks)
            asked = (asked * QUESTIONS)[:QUESTIONS]
            indexes = Indexes(store.vectors, home / "index", FINGERPRINT)
            exact, sentence = indexes.exact("knowledge"), indexes.sentences("knowledge")
            assert sentence is not None
            print(f"{chunks:,} chunks")
            print(f"  exact file written: {said([spent(exact.prepare)])}")
            print(f"  sentence file written: {said([spent(sentence.prepare)])}")
            for path in sorted((home / "index").glob("*-knowledge-*.[fb]*")):
                print(
                    f"  {path.name.split('-')[0]} file: {path.stat().st_size:,} bytes"
                )
            stored = (
                "SELECT sum(length(vector)), sum(length(sentences)) FROM embeddings"
            )
            own, parts = store.connection.conn.execute(stored).fetchone()
            print(f"  in SQLite: {own:,} bytes of chunks, {parts:,} of sentences")
            memory = resident()
            opened = spent(lambda: exact.query(asked[0], limit=LIMIT))
            print(f"  first question, chunks alone: {said([opened])}")
            opened = spent(lambda: sentence.query(asked[0], limit=LIMIT))
            print(f"  … the look at signs beside it: {said([opened])}")
            print(f"  memory: {resident() - memory:.0f} MB more than before both")
            compare(indexes, asked)


def compare(indexes: Indexes, asked: list[Any]) -> None:
    """Warm questions in turn, and what was found of what is there."""
    alone: list[tuple[float, float]] = []
    signs: list[tuple[float, float]] = []
    both: list[tuple[float, float]] = []
    exact, sentence = indexes.exact("knowledge"), indexes.sentences("knowledge")
    assert sentence is not None
    index = indexes.index("knowledge")
    for vector in asked:
        alone.append(spent(lambda v=vector: exact.query(v, limit=LIMIT)))
        signs.append(spent(lambda v=vector: sentence.query(v, limit=LIMIT)))
        both.append(spent(lambda v=vector: index.query(v, limit=LIMIT)))
    print(f"  chunks alone, as before (the floor): {said(alone)}")
    print(f"  the look at signs: {said(signs)}")
    print(f"  by chunks and sentences, scored exactly: {said(both)}")
    shares = []
    for vector in asked[:5]:
        found = {key for key, _ in index.query(vector, limit=LIMIT)}
        shares.append(len(found & exact_best(indexes, vector)) / LIMIT)
    print(f"  of the exact first {LIMIT}, found: {np.mean(shares):.3f}")


def taking_in(notes: int) -> None:
    """What the sentences add to the vectors of a note's texts."""
    with tempfile.TemporaryDirectory() as folder:
        corpus.write(Path(folder) / "notes", notes)
        files = sorted((Path(folder) / "notes").rglob("*.md"))
        texts = [f"\n{file.read_text()[:1000]}" for file in files]
    embedder = BuiltinEmbedder()
    embedder.embed_documents(texts)
    alone: list[tuple[float, float]] = []
    added: list[tuple[float, float]] = []
    for _ in range(5):
        alone.append(spent(lambda: embedder.embed_documents(texts)))
        added.append(spent(lambda: vectors_of_sentences(embedder, texts)))
    count = sum(len(sentences(text)) for text in texts)
    print(f"{len(texts)} texts of 1,000 characters, {count} sentences")
    print(f"  vectors of the texts (the floor): {said(alone)}")
    print(f"  vectors of their sentences: {said(added)}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--notes", type=int, default=300)
    options = parser.parse_args()
    taking_in(options.notes)
    for chunks in options.chunks:
        searching(chunks)


if __name__ == "__main__":
    main()

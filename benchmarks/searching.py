"""Warm retrieval, as a long-lived door does it: against one bare FTS5 query and one bare Chroma query over as many chunks.

Runs in a process of its own per size: `python -m benchmarks.searching HOME BARE` prints the percentiles as JSON.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus import Writer
from benchmarks.measure import PYTHON, Figure, Spent, compared, percentile, spend
from benchmarks.prepared import Place

QUESTIONS = 200
SEED = 99  # not that of the notes
LIMIT = 10
CANDIDATES = 40  # the floor brings as many as the product compares
SIZES = (10_000, 100_000)


def figures(place: Place) -> Iterator[Figure]:
    """Median against the floor, tail, growth; each on the wall and by processor."""
    small, large = (_percentiles(place, chunks) for chunks in SIZES)
    chunks = place.count(SIZES[1])
    for mode, target in (("hybrid", 3.0), ("lexical", None)):
        took, floor, against = large[mode]["p50"], large["fts5"]["p50"], "bare FTS5"
        if mode == "hybrid":
            floor, against = (
                _both(floor, large["chroma"]["p50"]),
                "bare FTS5 + bare Chroma",
            )
        yield compared(
            f"{mode} retrieval, warm, {chunks:,} chunks: p50",
            took,
            floor,
            against,
            target,
        )
        yield compared("… p95", large[mode]["p95"], took, "its p50", 2.0)
        yield compared(
            f"… growth from {place.count(SIZES[0]):,}",
            took,
            small[mode]["p50"],
            "there",
            3.0,
        )
    yield compared(
        "… dense leg alone (exact index)",
        large["exact"]["p50"],
        large["chroma"]["p50"],
        "bare Chroma",
        None,
    )


def _both(one: Spent, other: Spent) -> Spent:
    return Spent(one.wall + other.wall, one.cpu + other.cpu, 0.0)


def _percentiles(place: Place, chunks: int) -> dict[str, dict[str, Spent]]:
    command = [
        *PYTHON,
        "-m",
        "benchmarks.searching",
        str(place.home(chunks)),
        str(place.bare(chunks)),
    ]
    found = json.loads(spend(command, place.home(chunks)).output)
    return {
        way: {name: Spent(*pair, 0.0) for name, pair in values.items()}
        for way, values in found.items()
    }


def measure(bare: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """(wall, processor) seconds by way and percentile; every way asked every question in turn: noise falls on all alike."""
    from brain.app import Brain
    from brain.config import load
    from brain.types import Request

    writer = Writer(SEED)
    questions = [
        writer.words(4 + number % 6).strip(".,;: ") for number in range(QUESTIONS)
    ]
    with Brain(load()) as brain:
        embedder = brain.resources.builtin
        index = brain.resources.index("knowledge", str(embedder.fingerprint))
        fts5, chroma = _bare(bare)
        ways: dict[str, Callable[[str, Any], object]] = {
            "fts5": lambda question, _vector: fts5(question),
            "chroma": lambda _question, vector: chroma(vector),
            "exact": lambda _question, vector: index.query(vector, limit=CANDIDATES),
            "lexical": lambda question, _vector: brain.search(
                Request(question, limit=LIMIT, mode="lexical", look=False)
            ),
            "hybrid": lambda question, _vector: brain.search(
                Request(question, limit=LIMIT, look=False)
            ),
        }
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for question in (*questions[:5], *questions):  # five to warm up
            vector = embedder.embed_query(question)
            for name, way in ways.items():
                began = time.perf_counter(), time.process_time()
                way(question, vector)
                took[name].append(
                    (time.perf_counter() - began[0], time.process_time() - began[1])
                )
    return {
        name: {"p50": _at(0.5, spent[5:]), "p95": _at(0.95, spent[5:])}
        for name, spent in took.items()
    }


def _at(share: float, spent: list[tuple[float, float]]) -> tuple[float, float]:
    """The percentile of either clock."""
    return percentile([wall for wall, _cpu in spent], share), percentile(
        [cpu for _wall, cpu in spent], share
    )


def _bare(folder: Path) -> tuple[Callable[[str], object], Callable[[Any], object]]:
    """One query of each library, nothing around it."""
    import chromadb
    from chromadb.config import Settings

    from brain.text import Question

    connection = sqlite3.connect(folder / "bare.db")
    client = chromadb.PersistentClient(
        str(folder / "chroma"), Settings(anonymized_telemetry=False)
    )
    collection = client.get_collection("chunks", embedding_function=None)

    def fts5(question: str) -> object:
        words = " OR ".join(
            f'"{word}"' for word in Question(question).words
        )  # content words: with "the" it takes far longer
        sql = (
            "SELECT rowid, rank FROM chunks WHERE chunks MATCH ? ORDER BY rank LIMIT ?"
        )
        return connection.execute(sql, (words, CANDIDATES)).fetchall()

    def chroma(vector: Any) -> object:
        return collection.query(
            query_embeddings=[vector], n_results=CANDIDATES, include=["distances"]
        )

    return fts5, chroma


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[2]))))

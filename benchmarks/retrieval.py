"""Judge what is shipped: hybrid beside its legs, frozen BM25, RRF and the best fixed weight, on evaluation folders.

    python -m benchmarks.retrieval ../shared/eval/squad_dev … --models ../shared/models --vectors .vectors [--questions 300]

nDCG@10 by ir_measures; "frozen BM25" is unicode61, an OR of all words, default weights, and never changes. The best
fixed weight is chosen with the answers known, so that no fixed weight can do better. Leaves out the user's whole way,
which `brain eval` goes.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from typing import Any

import ir_measures
from ir_measures import nDCG

from benchmarks.evalset import Query, Room, rooms
from benchmarks.minilm import MiniLM
from brain.models.builtin import BuiltinEmbedder
from brain.retrieval.retrieve import Mode, retrieve
from ingest.terms import tokens

DEPTH = 50  # of the plain rankings
RRF_K = 60  # Cormack, Clarke & Büttcher 2009
FIXED = [step / 10 for step in range(1, 10)]
MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")
Run = dict[str, dict[str, float]]


class Frozen:
    """Plain BM25 over the texts of one room."""

    def __init__(self, room: Room) -> None:
        self._conn = sqlite3.connect(":memory:")
        self._conn.execute("CREATE VIRTUAL TABLE t USING fts5(topic, content, tokenize='unicode61')")
        pairs = room.conn.execute(
            "SELECT k.pk, d.title, k.content FROM knowledge k JOIN documents d ON d.id = k.document_id"
        )
        self._conn.executemany("INSERT INTO t(rowid, topic, content) VALUES (?, ?, ?)", pairs)
        self._ids = dict(room.conn.execute("SELECT pk, id FROM knowledge"))

    def query(self, text: str) -> list[tuple[str, float]]:
        words = " OR ".join(f'"{word}"' for word in tokens(text))
        sql = "SELECT rowid, -bm25(t) FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT ?"
        return [(self._ids[pk], score) for pk, score in self._conn.execute(sql, (words, DEPTH))] if words else []


def rescaled(ranking: list[tuple[str, float]]) -> dict[str, float]:
    """Scores between 0 and 1."""
    values = [score for _, score in ranking]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in ranking}


def plain(room: Room, frozen: Frozen, query: Query) -> dict[str, dict[str, float]]:
    """The systems that hybrid has to beat."""
    words = frozen.query(query.text)
    meaning = room.index.query(room.embedder.embed_query(query.text), limit=DEPTH)
    fused: dict[str, float] = defaultdict(float)
    for ranking in (words, meaning):
        for place, (key, _) in enumerate(ranking, start=1):
            fused[key] += 1 / (RRF_K + place)
    systems = {"bm25": dict(words), "rrf": dict(fused)}
    a, b = rescaled(words), rescaled(meaning)
    for weight in FIXED:
        systems[f"w{weight}"] = {k: (1 - weight) * a.get(k, 0) + weight * b.get(k, 0) for k in a.keys() | b.keys()}
    return systems


def run(
    folder: Path, embedder: Any, options: argparse.Namespace, *, with_sentences: bool
) -> tuple[dict[str, float], float]:
    """nDCG@10 by system, and the mean milliseconds of hybrid."""
    runs: dict[str, Run] = defaultdict(dict)
    judged: dict[str, dict[str, int]] = {}
    number, seconds = 0, 0.0
    total = len({line.split("\t")[0] for line in (folder / "qrels.tsv").read_text().splitlines()[1:]})
    for room in rooms(folder, embedder, options.vectors, with_sentences=with_sentences):
        frozen = Frozen(room)
        for query in room.queries:
            number += 1
            if options.questions and (number * options.questions) % total >= options.questions:
                continue
            judged[query.id] = query.relevant
            for system, scores in plain(room, frozen, query).items():
                runs[system][query.id] = scores
            for mode in MODES:
                began = perf_counter()
                found = retrieve(
                    query.text, searchable=room.search, index=room.index, embedder=room.embedder, mode=mode
                )
                seconds += perf_counter() - began if mode == "hybrid" else 0.0
                runs[mode][query.id] = {p.id: 1.0 / place for place, p in enumerate(found.passages, start=1)}
        room.conn.close()
    values = {
        name: float(ir_measures.calc_aggregate([nDCG @ 10], judged, one)[nDCG @ 10]) for name, one in runs.items()
    }
    best = max(FIXED, key=lambda weight: values[f"w{weight}"])
    shown = {name: values[name] for name in ("hybrid", "lexical", "dense", "bm25", "rrf")}
    return shown | {f"best fixed ({best})": values[f"w{best}"]}, seconds * 1000 / len(judged)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--models", type=Path, help="folder with the MiniLM files; without it only the built-in embedder"
    )
    parser.add_argument("--vectors", type=Path, required=True, help="where vectors are kept between runs")
    parser.add_argument("--questions", type=int, help="of each set at most so many questions")
    options = parser.parse_args()
    embedders: list[tuple[Any, bool]] = [(BuiltinEmbedder(), False)]
    if options.models:
        embedders.append((MiniLM(options.models), True))
    for folder in options.folders:
        for embedder, with_sentences in embedders:
            values, milliseconds = run(folder, embedder, options, with_sentences=with_sentences)
            cells = " | ".join(f"{name} {value:.3f}" for name, value in values.items())
            print(f"{folder.name} | {embedder.name} | {cells} | {milliseconds:.1f} ms", flush=True)


if __name__ == "__main__":
    main()

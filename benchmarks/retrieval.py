"""The best fixed weight of dense against lexical, chosen with the answers known, on the stores that `brain eval` kept.

    python -m benchmarks.retrieval ../shared/eval/squad_dev … --models ../shared/models --stores .stores --vectors .vectors

Min-max scores of frozen BM25 and of the vectors, summed: no fixed weight can do better than the best of nine. Everything else that a table of RETRIEVAL.md holds is printed by `brain eval`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import ir_measures
from ir_measures import nDCG

from benchmarks.evalset import embedded_text, kept, rows
from benchmarks.minilm import MiniLM
from benchmarks.stores import Question, Room, rooms
from brain.models.builtin import BuiltinEmbedder
from brain.store.plain_bm25 import WORD, FrozenBM25
from brain.types import Scope

DEPTH = 60  # of either ranking
FIXED = [step / 10 for step in range(1, 10)]
Run = dict[str, dict[str, float]]


def rescaled(ranking: list[tuple[str, float]]) -> dict[str, float]:
    """Scores between 0 and 1; a document counts at its best chunk."""
    values = [score for _, score in ranking]
    low, high = min(values, default=0.0), max(values, default=1.0)
    found: dict[str, float] = {}
    for key, score in ranking:
        found.setdefault(key, (score - low) / (high - low) if high > low else 1.0)
    return found


class Scored(FrozenBM25):
    """Frozen BM25 with its scores."""

    def scored(self, question: str) -> list[tuple[str, float]]:
        """(source or id of an episode, score), best first."""
        words = " OR ".join(f'"{word}"' for word in WORD.findall(question))
        sql = "SELECT name, -bm25(plain) FROM plain WHERE plain MATCH ? ORDER BY bm25(plain), rowid LIMIT ?"
        return list(self._conn.execute(sql, (words, DEPTH))) if words else []


def fused(room: Room, frozen: Scored, query: Question) -> dict[float, dict[str, float]]:
    """weight of dense -> document -> score."""
    meaning = room.index.query(room.embedder.embed_query(query.text), limit=DEPTH)
    names = {
        p.id: room.name_of(p)
        for p in room.search.passages([key for key, _ in meaning], scope=Scope())
    }
    a = rescaled(
        [(room.identify(key), score) for key, score in frozen.scored(query.text)]
    )
    b = rescaled([(names[key], score) for key, score in meaning])
    return {
        w: {
            key: (1 - w) * a.get(key, 0) + w * b.get(key, 0)
            for key in a.keys() | b.keys()
        }
        for w in FIXED
    }


def best_weight(
    folder: Path, embedder: Any, stores: Path, cache: Path
) -> tuple[float, float]:
    """(nDCG@10 of the best fixed weight, that weight)."""
    runs: dict[float, Run] = {weight: {} for weight in FIXED}
    judged: dict[str, dict[str, int]] = {}
    for room in rooms(folder, stores, embedder, cache):
        frozen = Scored(
            room.brain.resources.store.connection.conn,
            "episodes" if room.talks else "knowledge",
        )
        for query in room.queries:
            judged[query.id] = dict(query.relevant)
            for weight, scores in fused(room, frozen, query).items():
                runs[weight][query.id] = scores
    values = {
        w: float(ir_measures.calc_aggregate([nDCG @ 10], judged, one)[nDCG @ 10])
        for w, one in runs.items()
    }
    best = max(FIXED, key=lambda weight: values[weight])
    return values[best], best


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--models", type=Path, required=True, help="folder with the MiniLM files"
    )
    parser.add_argument(
        "--stores",
        type=Path,
        required=True,
        help="the folder given to `brain eval … --vectors`",
    )
    parser.add_argument(
        "--vectors",
        type=Path,
        required=True,
        help="where vectors are kept between runs",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="keep the vectors of whole documents too, for peers.py",
    )
    options = parser.parse_args()
    for folder in options.folders:
        for embedder in (BuiltinEmbedder(), MiniLM(options.models)):
            value, weight = best_weight(
                folder, embedder, options.stores, options.vectors
            )
            print(
                f"{folder.name} | {embedder.name} | best fixed weight {value:.3f} ({weight})",
                flush=True,
            )
            if options.peers:
                texts = [embedded_text(row) for row in rows(folder / "corpus.jsonl")]
                kept(
                    options.vectors,
                    f"{folder.name}.{embedder.name}.documents",
                    embedder,
                    texts,
                    documents=True,
                )


if __name__ == "__main__":
    main()

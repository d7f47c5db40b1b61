"""Two peers on the same documents and the same vectors: LanceDB's and txtai's hybrid search, beside plain figures.

    pip install -r benchmarks/peers-requirements.txt
    python benchmarks/peers.py ../shared/eval/squad_dev --vectors DIR [--embedder wordllama|minilm] [--questions 1000]

`DIR` holds the vectors that `python -m benchmarks.retrieval … --vectors DIR` keeps (<set>.<embedder>.documents.npy and
.judged.npy). Runs in an environment of its own: neither peer is a dependency. Leaves out sets with conversations.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from ir_measures import nDCG

DEPTH = 50  # documents asked of each peer


def lancedb_hybrid(
    documents: list[dict[str, Any]], vectors: Any, questions: list[tuple[str, Any]]
) -> list[list[str]]:
    """LanceDB: its full-text index and its vectors, fused by its default (reciprocal rank fusion)."""
    import lancedb
    from lancedb.rerankers import RRFReranker

    with tempfile.TemporaryDirectory() as folder:
        rows = [
            {"id": d["doc_id"], "text": text_of(d), "vector": v}
            for d, v in zip(documents, vectors, strict=True)
        ]
        table = lancedb.connect(folder).create_table("documents", rows)
        table.create_fts_index("text", replace=True)
        found = []
        for text, vector in questions:
            words = "".join(c if c.isalnum() else " " for c in text)
            query = (
                table.search(query_type="hybrid")
                .vector(vector)
                .text(words)
                .rerank(RRFReranker())
            )
            found.append([row["id"] for row in query.limit(DEPTH).to_list()])
        return found


def txtai_hybrid(
    documents: list[dict[str, Any]], vectors: Any, questions: list[tuple[str, Any]]
) -> list[list[str]]:
    """txtai: its BM25 and the same vectors, its default weights (one half each)."""
    from txtai import Embeddings

    known = {text_of(d): v for d, v in zip(documents, vectors, strict=True)} | dict(
        questions
    )
    index = Embeddings(
        method="external",
        hybrid=True,
        backend="numpy",
        transform=lambda texts: np.stack([known[text] for text in texts]),
    )
    index.index([(d["doc_id"], text_of(d), None) for d in documents])
    return [
        [str(key) for key, _score in index.search(text, DEPTH)]
        for text, _vector in questions
    ]


def text_of(document: dict[str, Any]) -> str:
    """What is indexed of a document."""
    title = document.get("title") or ""
    return f"{title}\n{document['text']}" if title else str(document["text"])


def main() -> None:
    """Print nDCG@10 of each peer on each folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--embedder", default="minilm")
    parser.add_argument("--questions", type=int, default=10**9)
    wanted = parser.parse_args()
    for folder in wanted.folders:
        documents = [
            json.loads(line)
            for line in (folder / "corpus.jsonl").open(encoding="utf-8")
        ]
        judged: dict[str, dict[str, int]] = defaultdict(dict)
        for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
            query, document, relevance = line.split("\t")
            judged[query][document] = int(relevance)
        asked = [
            q
            for q in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8"))
            if q["id"] in judged
        ]
        vectors = np.load(
            wanted.vectors / f"{folder.name}.{wanted.embedder}.documents.npy"
        )
        targets = np.load(
            wanted.vectors / f"{folder.name}.{wanted.embedder}.judged.npy"
        )
        pairs = list(zip([q["text"] for q in asked], targets, strict=True))[
            : wanted.questions
        ]
        asked = asked[: wanted.questions]
        qrels = {q["id"]: judged[q["id"]] for q in asked}
        for name, peer in (("lancedb", lancedb_hybrid), ("txtai", txtai_hybrid)):
            found = peer(documents, vectors, pairs)
            run = {
                q["id"]: {d: -float(i) for i, d in enumerate(ids)}
                for q, ids in zip(asked, found, strict=True)
            }
            value = ir_measures.calc_aggregate([nDCG @ 10], qrels, run)[nDCG @ 10]
            print(
                f"{folder.name} | {wanted.embedder} | {name} | nDCG@10 {value:.3f} | {len(asked)} questions",
                flush=True,
            )


if __name__ == "__main__":
    main()

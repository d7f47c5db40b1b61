"""How much of a reranker's opinion pays: the blend of `brain.retrieval.rerank`, against other blends and none.

    python -m benchmarks.blend ../shared/eval ../shared/models --queries 200

A judge stands in for a language model: MiniLM's cosine of question and passage, which knows something that the built-in
search does not, with and without noise, and bent into four shapes of P(yes). It judges the first passages that the
search with the built-in embedder found; printed is what each blend gains in nDCG@10 over the search alone. Leaves out
Ollama: what a real model gains must be measured with it. Needs the folders that are given and nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.minilm import MiniLM
from brain.app import Brain
from brain.config import Config, Models
from brain.evaluation.folder import read_set, write_files
from brain.retrieval.rerank import blend, by_places
from brain.types import Request

SETS = ("cosqa_dev", "scifact_train", "squad_dev", "cranfield")
JUDGED, SHOWN, DEPTH = 12, 20, 10  # passages that are judged, found, and counted
NOISE = (
    0.0,
    0.1,
)  # standard deviation added to a cosine; the cosines of one question spread over about .2
SHAPES = {
    "bimodal": (0.5, 0.03),
    "soft": (0.5, 0.1),
    "mostly no": (0.7, 0.05),
    "mostly yes": (0.3, 0.05),
}
SEED = 7

Blend = Callable[[Sequence[float]], list[int]]
Row = dict[str, object]


def collect(sets: Path, models: Path, queries: int, home: Path) -> dict[str, list[Row]]:
    """For each question of each set: its judgments, the documents in the search's order, the judge's cosines."""
    judge = MiniLM(models, threads=1)
    found: dict[str, list[Row]] = {}
    for name in SETS:
        judged = read_set(sets / name)
        names = write_files(judged, home / name / "corpus")
        asked = [query for query in judged.queries if query["id"] in judged.qrels]
        random.Random(SEED).shuffle(asked)
        with Brain(
            Config(
                home=home / name / "home",
                models=Models(embed="wordllama", ask="builtin"),
            )
        ) as brain:
            brain.add([home / name / "corpus"])
            found[name] = []
            for query in asked[:queries]:
                passages = brain.search(
                    Request(query["text"], limit=SHOWN, look=False)
                ).passages
                vectors = judge.embed_documents(
                    [f"{one.header}\n{one.text}" for one in passages[:JUDGED]]
                )
                target = judge.embed_query(query["text"])
                found[name].append(
                    {
                        "qrels": judged.qrels[query["id"]],
                        "documents": [names[Path(one.source).name] for one in passages],
                        "cosines": [float(vector @ target) for vector in vectors],
                    }
                )
        print(f"{name}: {len(found[name])} questions", flush=True)
    return found


def ndcg(documents: Sequence[str], qrels: dict[str, int]) -> float:
    """nDCG@10 of one ranking."""
    gains = [qrels.get(document, 0) for document in dict.fromkeys(documents)][:DEPTH]
    ideal = sorted(qrels.values(), reverse=True)[:DEPTH]

    def total(values: Sequence[int]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(values))

    return total(gains) / (total(ideal) or 1.0)


def shaped(cosine: float, shape: tuple[float, float]) -> float:
    """A cosine as P(yes)."""
    centre, width = shape
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, (cosine - centre) / width))))


def sum_of(share: float, worth: Callable[[list[float]], list[float]]) -> Blend:
    """share / rank + (1 - share) * worth, best first."""

    def blended(judgments: Sequence[float]) -> list[int]:
        values = worth(list(judgments))
        return sorted(
            range(len(values)),
            key=lambda at: (-(share / (at + 1) + (1 - share) * values[at]), at),
        )

    return blended


def by_rank(judgments: list[float]) -> list[float]:
    """The reciprocal of the place by judgment, 1 at best."""
    places = by_places(dict(enumerate(judgments)))
    return [2 / (1 + places[at]) for at in range(len(judgments))]


def changing(judgments: Sequence[float]) -> list[int]:
    """75 % to the search among its first three, 60 % up to its tenth, 40 % beyond: as qmd blends."""

    def worth(at: int) -> float:
        share = 0.75 if at < 3 else 0.6 if at < 10 else 0.4
        return share / (at + 1) + (1 - share) * judgments[at]

    return sorted(range(len(judgments)), key=lambda at: (-worth(at), at))


BLENDS: dict[str, Blend] = {
    "the judge alone": lambda judgments: sorted(
        range(len(judgments)), key=lambda at: (-judgments[at], at)
    ),
    "75/60/40 on scores": changing,
    **{
        f"{share:.2f}/rank + P(yes)": sum_of(share, list)
        for share in (0.5, 0.55, 0.6, 0.65)
    },
    **{
        f"{share:.2f}/rank + 2/(1+place)": sum_of(share, by_rank)
        for share in (0.5, 0.55, 0.6, 0.65)
    },
    "shipped": lambda judgments: blend(dict(enumerate(judgments))),
}


def gains(
    rows: Sequence[Row], rule: Blend, shape: tuple[float, float], noise: float
) -> float:
    """What a blend adds to the mean nDCG@10 of the search."""
    dice, change = random.Random(SEED), 0.0
    for row in rows:
        documents: list[str] = row["documents"]  # type: ignore[assignment]
        qrels: dict[str, int] = row["qrels"]  # type: ignore[assignment]
        cosines: list[float] = row["cosines"]  # type: ignore[assignment]
        order = rule(
            [shaped(cosine + dice.gauss(0, noise), shape) for cosine in cosines]
        )
        moved = [documents[at] for at in order] + documents[len(order) :]
        change += ndcg(moved, qrels) - ndcg(documents, qrels)
    return change / len(rows)


def main() -> None:
    """Print one table for each shape."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.blend", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("sets", type=Path, help="the folder of the judged sets")
    parser.add_argument(
        "models", type=Path, help="the folder with all-minilm-l6-v2-int8.onnx"
    )
    parser.add_argument(
        "--queries", type=int, default=200, help="questions of each set"
    )
    parser.add_argument(
        "--rows",
        type=Path,
        help="keep what was collected in this file, or read it from there",
    )
    given = parser.parse_args()
    if given.rows and given.rows.exists():
        found: dict[str, list[Row]] = json.loads(given.rows.read_text("utf-8"))
    else:
        with tempfile.TemporaryDirectory(prefix="blend-") as home:
            found = collect(given.sets, given.models, given.queries, Path(home))
        if given.rows:
            given.rows.write_text(json.dumps(found), "utf-8")
    for shape, bent in SHAPES.items():
        print(
            f"\n{shape}: gain in nDCG@10 by {', '.join(found)}, without and with noise; mean; least"
        )
        for name, rule in BLENDS.items():
            row = [
                gains(rows, rule, bent, noise)
                for rows in found.values()
                for noise in NOISE
            ]
            print(
                f"{name:27}",
                *(f"{gain:+.3f}" for gain in row),
                f" {sum(row) / len(row):+.4f}  {min(row):+.3f}",
            )


if __name__ == "__main__":
    main()

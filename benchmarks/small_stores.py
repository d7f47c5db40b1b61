"""Judged sets for small stores, cut out of notes_dev and ans_dev: what a person has in the first weeks.

    python -m benchmarks.small_stores --sets ../shared/eval --seen ../shared/models/reader-seen.json --write .small
    for one in .small/*; do brain eval retrieval $one --embedder builtin --vectors .stores; done

Each is a folder as `brain eval` reads it: some documents, questions that they answer, near misses written against them,
and questions that documents left out would answer. Only documents that the answer reader was not trained on. Serves
fit_answers.py, which must know what a small store changes: there what is there is found.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# set -> (documents in a store, how many such stores, questions that can be answered in each at most)
STORES = (
    ("notes_dev", 10, 8, 30),
    ("notes_dev", 100, 2, 120),
    ("ans_dev", 10, 1, 24),
    ("ans_dev", 20, 2, 24),
    ("ans_dev", 40, 3, 24),
)
# Of the questions that can be answered: as many near misses, and as many about what is not there.
NEAR, ABSENT = 1 / 3, 2 / 3

Line = dict[str, Any]


@dataclass(frozen=True)
class Set:
    """A judged set: `about`, query -> the documents that answer it; `near`, query -> the one it was written against."""

    documents: list[Line]
    queries: list[Line]
    about: dict[str, list[str]]
    near: dict[str, str]


def read(folder: Path, seen: Collection[str]) -> Set:
    """A set without the documents that were `seen`."""
    about: dict[str, list[str]] = {}
    for query, document, *_grade in _rows(folder / "qrels.tsv"):
        about.setdefault(query, []).append(document)
    documents = [
        one for one in _lines(folder / "corpus.jsonl") if one["doc_id"] not in seen
    ]
    near = {query: document for query, document, *_ in _rows(folder / "near.tsv")}
    return Set(documents, list(_lines(folder / "queries.jsonl")), about, near)


def _lines(path: Path) -> Iterator[Line]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def cut(
    whole: Set, count: int, most: int, dice: random.Random
) -> tuple[list[Line], list[Line]]:
    """(so many documents, questions to them)."""
    documents = dice.sample(whole.documents, count)
    here = {one["doc_id"] for one in documents}
    fresh = {one["doc_id"] for one in whole.documents}
    answered, near, absent = [], [], []
    for query in whole.queries:
        about = set(whole.about.get(query["id"], ()))
        if about and about <= here:
            answered.append(query)
        elif about and about <= fresh - here:
            absent.append(
                {**query, "answerable": 0, "kind": "absent_article", "answers": []}
            )
        elif whole.near.get(query["id"]) in here:
            near.append(query)
    drawn = _some(answered, most, dice)
    drawn += _some(near, round(most * NEAR), dice)
    drawn += _some(absent, round(most * ABSENT), dice)
    return documents, drawn


def _some(queries: Sequence[Line], most: int, dice: random.Random) -> list[Line]:
    return dice.sample(queries, min(most, len(queries)))


def write(
    folder: Path, whole: Set, documents: Sequence[Line], queries: Sequence[Line]
) -> None:
    """The folder as `brain eval` reads it."""
    folder.mkdir(parents=True)
    for name, lines in (("corpus", documents), ("queries", queries)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    judged, near = ["query_id\tdoc_id\trelevance"], []
    for query in queries:
        name = query["id"]
        if query.get("answerable", 1):
            judged += [f"{name}\t{document}\t1" for document in whole.about[name]]
        elif name in whole.near:
            near.append(f"{name}\t{whole.near[name]}")
    (folder / "qrels.tsv").write_text("\n".join(judged) + "\n", "utf-8")
    (folder / "near.tsv").write_text("\n".join(near) + "\n", "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("sets", "seen", "write"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    seen = set(json.loads(options.seen.read_text("utf-8"))["notes_dev"])
    for name, count, stores, most in STORES:
        whole = read(options.sets / name, seen)
        for number in range(stores):
            dice = random.Random(f"{name} {count} {number}")
            documents, queries = cut(whole, count, most, dice)
            folder = options.write / f"{name.removesuffix('_dev')}_{count}_{number}"
            write(folder, whole, documents, queries)
            print(folder, len(documents), len(queries))


if __name__ == "__main__":
    main()

"""Labelled questions for fitting confidence: every evaluation set, with articles, paragraphs or documents left out.

An answerable question becomes an absent one when what answers it is not in the store: by leaving whole articles out
("absent_article"), one paragraph in four ("absent_paragraph", only where the answer string stands nowhere else) or its
relevant documents ("absent_document"). Each variant is a store of the product's schema, asked through the product's own
`retrieve`. Leaves out fitting. Serves benchmarks/fit_confidence.py.
"""

from __future__ import annotations

import pickle
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import evalset
from brain.models.builtin import BuiltinEmbedder
from brain.protocols import Embedder
from brain.retrieval import retrieve
from brain.retrieval.query import read
from brain.retrieval.retrieve import _idf
from brain.types import Passage
from ingest.sentences import sentences
from ingest.terms import stem

FOLDS = 4  # variants of a set, each with another quarter left out
EVERY = 3  # of the questions that stay answerable, one in three is asked in each variant
READ = 5  # passages kept of each row, for the answerer
SEED = 1


@dataclass
class Row:
    """One question asked of one store. `answerable` is the label; `group` what must not be split between fit and test."""

    set: str
    kind: str
    group: str
    answerable: bool
    id: str
    question: str
    answers: list[str]
    signals: Mapping[str, float]
    idf: Mapping[str, float]
    passages: list[Passage]
    gold: int  # place of the first relevant passage, -1 when not among the first ten
    words_only: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Loaded:
    """A set with its vectors."""

    name: str
    corpus: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    relevant: dict[str, set[str]]
    documents: Any
    spoken: list[Any]
    asked: dict[str, Any]
    embedder: Embedder


def load(folder: Path, embedder: Embedder, cache: Path) -> Loaded:
    """The set and its vectors, computed once."""
    corpus, queries = evalset.rows(folder / "corpus.jsonl"), evalset.rows(folder / "queries.jsonl")
    relevant: dict[str, set[str]] = defaultdict(set)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, document_id, relevance = line.split("\t")
        if int(relevance) > 0:
            relevant[query_id].add(document_id)
    name = f"{folder.name}.{embedder.name}"
    documents = evalset.kept(cache, f"{name}.documents", embedder, [evalset.embedded_text(row) for row in corpus])
    stored = embedder.name != BuiltinEmbedder.name  # the built-in one keeps no sentence vectors
    parts = [[piece.text for piece in sentences(row["text"])] for row in corpus] if stored else []
    flat = (
        evalset.kept(cache, f"{name}.sentences", embedder, [text for texts in parts for text in texts])
        if stored
        else None
    )
    asked = evalset.kept(cache, f"{name}.all_questions", embedder, [row["text"] for row in queries])
    packed: list[Any] = []
    at = 0
    for texts in parts:
        packed.append(flat[at : at + len(texts)] if flat is not None else None)
        at += len(texts)
    known = {row["text"]: vector for row, vector in zip(queries, asked, strict=True)}
    return Loaded(folder.name, corpus, queries, relevant, documents, packed, known, embedder)


def ask(held: Loaded, numbers: Sequence[int], asked: Sequence[tuple[dict[str, Any], bool, str, str]]) -> Iterator[Row]:
    """The rows of one store: `numbers` the documents in it, `asked` (query, answerable, kind, group)."""
    room = evalset._room(
        [held.corpus[i] for i in numbers], held.documents[list(numbers)], [held.spoken[i] for i in numbers] if held.spoken else [],
        held.embedder, held.asked, [],
    )  # fmt: skip
    for query, answerable, kind, group in asked:
        found = retrieve(query["text"], searchable=room.search, index=room.index, embedder=room.embedder)
        plain = retrieve(query["text"], searchable=room.search, index=None, embedder=None)
        words = read(query["text"]).words
        frequencies = room.search.document_frequencies(tuple(dict.fromkeys(words)))
        idf = {stem(word): _idf(frequencies[word], room.search.count()) for word in words}
        places = [i for i, p in enumerate(found.passages) if p.id in held.relevant.get(query["id"], ())]
        yield Row(
            held.name, kind, group, answerable, query["id"], query["text"], query.get("answers") or [],
            found.signals, idf,
            list(found.passages[:READ]), places[0] if places else -1, plain.signals,
        )  # fmt: skip
    room.conn.close()


def article(row: Mapping[str, Any]) -> str:
    """The article of a paragraph, by its title."""
    return str(row.get("title") or row["doc_id"].partition("#")[0])


def plain(held: Loaded) -> Iterator[Row]:
    """A set that carries its own labels, one store per conversation."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(held.corpus):
        groups[row.get("conv", "")].append(i)
    for name, numbers in groups.items():
        asked = [
            (q, bool(q["answerable"]), q.get("kind") or q.get("category") or "", name or q["article"].replace("_", " "))
            for q in held.queries
            if q.get("conv", "") == name
        ]
        yield from ask(held, numbers, asked)


def without_articles(held: Loaded) -> Iterator[Row]:
    """Whole articles left out, a quarter at a time."""
    titles = {row["doc_id"]: article(row) for row in held.corpus}
    if ":" in held.corpus[0]["doc_id"]:  # the same paragraphs in many languages: they go together
        titles = {key: key.partition(":")[2].partition(".")[0] for key in titles}
    names = sorted(set(titles.values()))
    random.Random(SEED).shuffle(names)
    home = {q["id"]: titles[next(iter(held.relevant[q["id"]]))] for q in held.queries if held.relevant.get(q["id"])}
    for fold in range(FOLDS):
        gone = set(names[fold::FOLDS])
        numbers = [i for i, row in enumerate(held.corpus) if titles[row["doc_id"]] not in gone]
        asked = []
        for place, query in enumerate(q for q in held.queries if q["id"] in home):
            if home[query["id"]] in gone:
                asked.append((query, False, "absent_article", home[query["id"]]))
            elif place % EVERY == fold % EVERY:
                asked.append((query, True, "answerable", home[query["id"]]))
        yield from ask(held, numbers, asked)


def without_paragraphs(held: Loaded) -> Iterator[Row]:
    """One paragraph in four left out; a question about it counts where its answer stands nowhere else in the store."""
    for fold in range(FOLDS):
        gone = {row["doc_id"] for i, row in enumerate(held.corpus) if i % FOLDS == fold}
        numbers = [i for i, row in enumerate(held.corpus) if row["doc_id"] not in gone]
        titles = {row["doc_id"]: article(row) for row in held.corpus}
        whole = "\n".join(held.corpus[i]["text"] for i in numbers)
        asked = []
        for place, query in enumerate(held.queries):
            home = next(iter(held.relevant[query["id"]]))
            if home not in gone and place % EVERY == (fold + 1) % EVERY:
                asked.append((query, True, "answerable", titles[home]))
            elif home in gone and not any(answer in whole for answer in query["answers"]):
                asked.append((query, False, "absent_paragraph", titles[home]))
        yield from ask(held, numbers, asked)


def without_documents(held: Loaded) -> Iterator[Row]:
    """The relevant documents of every second question left out."""
    judged = [q for q in held.queries if held.relevant.get(q["id"])]
    for fold in range(2):
        absent = {q["id"] for i, q in enumerate(judged) if i % 2 == fold}
        gone = set[str]().union(*(held.relevant[key] for key in absent))
        numbers = [i for i, row in enumerate(held.corpus) if row["doc_id"] not in gone]
        asked = [
            (
                q,
                q["id"] not in absent,
                "absent_document" if q["id"] in absent else "answerable",
                f"{held.name}{i // 20}",
            )
            for i, q in enumerate(judged)
            if q["id"] in absent or not held.relevant[q["id"]] <= gone
        ]
        yield from ask(held, numbers, asked)


HOW = {
    "ans_dev": (plain,),
    "locomo_dev": (plain,),
    "squad_dev": (without_articles, without_paragraphs),
    "xquad": (without_articles,),
    "cranfield": (without_documents,),
    "scifact_train": (without_documents,),
}


def rows(folder: Path, embedder: Embedder, cache: Path) -> list[Row]:
    """All labelled questions of one set, computed once: delete the file when retrieval changes."""
    path = cache / f"{folder.name}.{embedder.name}.rows.pickle"
    if path.exists():
        kept: list[Row] = pickle.loads(path.read_bytes())
        return kept
    held = load(folder, embedder, cache)
    made = [row for variant in HOW[folder.name] for row in variant(held)]
    cache.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(made))
    return made

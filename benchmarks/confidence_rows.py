"""Labelled questions for fitting confidence: every evaluation set, with articles, paragraphs or documents left out.

An answerable question becomes an absent one when what answers it is not in the store: by leaving whole articles out
("absent_article"), one paragraph in four ("absent_paragraph", only where the answer string stands nowhere else) or its
relevant documents ("absent_document"). Each variant is a copy of the store that `brain eval … --vectors` kept, in which those
are forgotten, asked through the product's own `retrieve`. Leaves out fitting. Serves benchmarks/fit_confidence.py.
"""

from __future__ import annotations

import pickle
import random
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import evalset, stores
from brain.app import Brain
from brain.config import Config, Models
from brain.evaluation.folder import Judged, conversations, read_set
from brain.protocols import Embedder
from brain.retrieval import Sources, retrieve
from brain.retrieval.candidates import idf as idf_of
from brain.text import Question
from brain.types import Passage, Request
from ingest.terms import stem

FOLDS = 4  # variants of a set, each with another quarter left out
EVERY = (
    3  # of the questions that stay answerable, one in three is asked in each variant
)
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
    """A set with the store that `brain eval … --vectors` kept of each of its parts, and its questions' vectors."""

    name: str
    corpus: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    relevant: dict[str, set[str]]
    parts: list[tuple[Judged, Path]]
    asked: dict[str, Any]
    embedder: Embedder


def load(folder: Path, embedder: Embedder, homes: Path, cache: Path) -> Loaded:
    """The set, its stores and the vectors of its questions, which are computed once."""
    judged = read_set(folder)
    relevant = {
        query: {name for name, grade in grades.items() if grade > 0}
        for query, grades in judged.qrels.items()
    }
    vectors = evalset.kept(
        cache,
        f"{folder.name}.{embedder.name}.all",
        embedder,
        [query["text"] for query in judged.queries],
    )
    known = {
        query["text"]: vector
        for query, vector in zip(judged.queries, vectors, strict=True)
    }
    parts = [
        (part, stores.home_of(homes, judged, part)) for part in conversations(judged)
    ]
    return Loaded(
        folder.name, judged.documents, judged.queries, relevant, parts, known, embedder
    )


def ask(
    held: Loaded,
    gone: Collection[str],
    asked: Sequence[tuple[dict[str, Any], bool, str, str]],
    *,
    number: int = 0,
) -> Iterator[Row]:
    """The rows of one store, of part `number`, in which the documents `gone` are forgotten; `asked` (query, answerable, kind, group)."""
    part, home = held.parts[number]
    with tempfile.TemporaryDirectory() as copied:
        source = sqlite3.connect(home / "brain.db")
        with sqlite3.connect(Path(copied) / "brain.db") as target:
            source.backup(target)
        target.close()
        source.close()
        with Brain(
            Config(home=Path(copied), models=Models(embed="wordllama", ask="builtin"))
        ) as brain:
            names = stores.file_names(part)
            paths = [
                row.source
                for row in brain.library.documents()
                if names.get(Path(row.source).name) in gone
            ]
            if paths:
                brain.library.forget(paths, dry_run=False)
            yield from _rows(
                held,
                stores.room(brain, part, held.embedder, held.asked, every=True),
                asked,
            )


def _rows(
    held: Loaded,
    room: stores.Room,
    asked: Sequence[tuple[dict[str, Any], bool, str, str]],
) -> Iterator[Row]:
    for query, answerable, kind, group in asked:
        request = Request(query["text"])
        found = retrieve(request, Sources(room.search, room.index, room.embedder))
        plain = retrieve(request, Sources(room.search))
        words = Question.of(request.question).words
        frequencies = room.search.document_frequencies(tuple(dict.fromkeys(words)))
        idf = {
            stem(word): idf_of(frequencies[word], room.search.count()) for word in words
        }
        places = [
            i
            for i, p in enumerate(found.passages)
            if room.name_of(p) in held.relevant.get(query["id"], ())
        ]
        yield Row(
            held.name,
            kind,
            group,
            answerable,
            query["id"],
            query["text"],
            query.get("answers") or [],
            found.signals,
            idf,
            list(found.passages[:READ]),
            places[0] if places else -1,
            plain.signals,
        )


def article(row: Mapping[str, Any]) -> str:
    """The article of a paragraph, by its title."""
    return str(row.get("title") or row["doc_id"].partition("#")[0])


def plain(held: Loaded) -> Iterator[Row]:
    """A set that carries its own labels, one store per conversation."""
    for number, (part, _home) in enumerate(held.parts):
        asked = [
            (
                q,
                bool(q["answerable"]),
                q.get("kind") or q.get("category") or "",
                q.get("conv") or q["article"].replace("_", " "),
            )
            for q in part.queries
        ]
        yield from ask(held, (), asked, number=number)


def without_articles(held: Loaded) -> Iterator[Row]:
    """Whole articles left out, a quarter at a time."""
    titles = {row["doc_id"]: article(row) for row in held.corpus}
    if (
        ":" in held.corpus[0]["doc_id"]
    ):  # the same paragraphs in many languages: they go together
        titles = {key: key.partition(":")[2].partition(".")[0] for key in titles}
    names = sorted(set(titles.values()))
    random.Random(SEED).shuffle(names)
    home = {
        q["id"]: titles[next(iter(held.relevant[q["id"]]))]
        for q in held.queries
        if held.relevant.get(q["id"])
    }
    for fold in range(FOLDS):
        gone = set(names[fold::FOLDS])
        asked = []
        for place, query in enumerate(q for q in held.queries if q["id"] in home):
            if home[query["id"]] in gone:
                asked.append((query, False, "absent_article", home[query["id"]]))
            elif place % EVERY == fold % EVERY:
                asked.append((query, True, "answerable", home[query["id"]]))
        yield from ask(
            held, {key for key, title in titles.items() if title in gone}, asked
        )


def without_paragraphs(held: Loaded) -> Iterator[Row]:
    """One paragraph in four left out; a question about it counts where its answer stands nowhere else in the store."""
    for fold in range(FOLDS):
        gone = {row["doc_id"] for i, row in enumerate(held.corpus) if i % FOLDS == fold}
        titles = {row["doc_id"]: article(row) for row in held.corpus}
        whole = "\n".join(
            row["text"] for row in held.corpus if row["doc_id"] not in gone
        )
        asked = []
        for place, query in enumerate(held.queries):
            home = next(iter(held.relevant[query["id"]]))
            if home not in gone and place % EVERY == (fold + 1) % EVERY:
                asked.append((query, True, "answerable", titles[home]))
            elif home in gone and not any(
                answer in whole for answer in query["answers"]
            ):
                asked.append((query, False, "absent_paragraph", titles[home]))
        yield from ask(held, gone, asked)


def without_documents(held: Loaded) -> Iterator[Row]:
    """The relevant documents of every second question left out."""
    judged = [q for q in held.queries if held.relevant.get(q["id"])]
    for fold in range(2):
        absent = {q["id"] for i, q in enumerate(judged) if i % 2 == fold}
        gone = set[str]().union(*(held.relevant[key] for key in absent))
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
        yield from ask(held, gone, asked)


HOW = {
    "ans_dev": (plain,),
    "locomo_dev": (plain,),
    "squad_dev": (without_articles, without_paragraphs),
    "xquad": (without_articles,),
    "cranfield": (without_documents,),
    "scifact_train": (without_documents,),
}


def rows(folder: Path, embedder: Embedder, homes: Path, cache: Path) -> list[Row]:
    """All labelled questions of one set, computed once: delete the file when retrieval changes."""
    path = cache / f"{folder.name}.{embedder.name}.rows.pickle"
    if path.exists():
        kept: list[Row] = pickle.loads(path.read_bytes())
        return kept
    held = load(folder, embedder, homes, cache)
    made = [row for variant in HOW[folder.name] for row in variant(held)]
    cache.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(made))
    return made

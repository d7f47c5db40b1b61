"""Fit the order that reading gives: what a logit of the answer reader, and a place in a ranking, adds to the score.

    brain eval retrieval ../shared/eval/notes_dev --embedder builtin --vectors .stores      # and so for the other sets
    python -m benchmarks.fit_reading --sets ../shared/eval --seen ../shared/models/reader-seen.json --stores .stores \
        --vectors .vectors [--names notes_dev,ans_dev …] [--most 150] [--words] [--write brain/fitted.json]

Questions go through the product's own candidates and reader; those about passages that the reader was trained on are left
out. A conditional logit over the candidates of a question, every set with the same mass, judged on questions left out.
Two looks as in `brain.retrieval.answers`: one sentence of each passage of the shortlist, then the first eight whole. Each
sign may weigh more or less with the nearest vector of the question. Leaves out which sentence is quoted (fit_answers.py).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditional_logit import Row, fit
from benchmarks.fitted_file import write_fitted
from benchmarks.stores import Question, Room, rooms
from brain.models.answer_reader import CrossEncoder
from brain.models.builtin import BuiltinEmbedder
from brain.models.sentence_embedder import SentenceEmbedder
from brain.retrieval import Sources
from brain.retrieval.answers import (
    CONSIDERED,
    MOST_APART,
    PLACE,
    READ,
    READING,
    SHORTLISTED,
)
from brain.retrieval.candidates import candidates
from brain.retrieval.retrieve import rank
from brain.text.places import matched
from brain.types import AnswerSpan, Passage, Request

NAMES = "notes_dev,ans_dev,squad_dev,cosqa_dev,scifact_train"
FOLDS = 5
RIDGE = 1.0
MASS = 100.0  # of each set
SNIPPET = 400  # characters of one sentence
FIRST = (
    "search search/nearest lexical_place dense_place sentence_relevance "
    "sentence_relevance/nearest sentence_margin"
).split()
SECOND = "first relevance relevance/nearest margin answers".split()


@dataclass
class Asked:
    """A question with its candidates, best first by the search: of each its signs, and its grade. `whole`: what reading
    it whole says, for the first ones of the first look.
    """

    set: str
    signs: Any
    grades: Any
    ideal: dict[str, int]
    names: list[str]
    nearest: float
    texts: list[str]
    text: str
    whole: Any = None
    first: Any = field(default=None)


def asked(folder: Path, options: Any, reader: CrossEncoder) -> Iterator[Asked]:
    """Questions of a set, at most `--most`, about what the reader has not met."""
    seen = json.loads(options.seen.read_text("utf-8"))
    met = set(seen["notes_dev"])
    articles = {title.replace(" ", "_") for title in seen["squad_articles"]}
    embedder = BuiltinEmbedder() if options.words else SentenceEmbedder()
    left = options.most
    for room in rooms(folder, options.stores, embedder, options.vectors):
        fresh = []
        for query in room.queries:
            about = {
                name.partition("#")[0].replace(" ", "_") for name in query.relevant
            }
            if met.isdisjoint(query.relevant) and articles.isdisjoint(about):
                fresh.append(query)
        drawn = random.Random(2).sample(fresh, min(left, len(fresh)))
        left -= len(drawn)
        for query in drawn:
            yield _asked(folder.name, room, query, reader)


def _asked(name: str, room: Room, query: Question, reader: CrossEncoder) -> Asked:
    request = Request(query.text, limit=CONSIDERED)
    found = candidates(request, Sources(room.search, room.index, room.embedder))
    ranked, weights = rank(found)
    ranked = ranked[:SHORTLISTED]
    places = matched(ranked, found.idf)
    snippets = [
        (one.text[at.start : at.end] if at else one.text)[:SNIPPET]
        for one, at in zip(ranked, places, strict=True)
    ]
    mean, deviation = READING["nearest"]
    near = weights.numbers["nearest"] if weights else mean
    apart = max(-MOST_APART, min(MOST_APART, (near - mean) / deviation))
    signs = []
    for one, span in zip(ranked, reader.read(query.text, snippets), strict=True):
        signs.append(_signs(one, span, apart))
    names = [room.name_of(one) for one in ranked]
    return Asked(
        name,
        np.array(signs).reshape(len(ranked), len(FIRST)),
        np.array([query.relevant.get(key, 0) for key in names], float),
        dict(query.relevant),
        names,
        apart,
        [one.text for one in ranked],
        query.text,
    )


def _signs(one: Passage, span: AnswerSpan | None, apart: float) -> list[float]:
    """The values of FIRST."""
    relevance, margin = (span.relevance, span.margin) if span else (0.0, 0.0)
    places = []
    for ranking in ("lexical", "dense"):
        place = one.ranks[ranking]
        places.append(1 / (PLACE + place) if place else 0.0)
    near = relevance * apart
    return [one.score, one.score * apart, *places, relevance, near, margin]


def read_whole(item: Asked, reader: CrossEncoder) -> None:
    """The first eight by the first look are read whole."""
    order = np.argsort(-item.first, kind="stable")[:READ]
    texts = [item.texts[place] for place in order]
    signs = []
    for place, span in zip(order, reader.read(item.text, texts), strict=True):
        relevance, margin = (span.relevance, span.margin) if span else (0.0, 0.0)
        above = [relevance, relevance * item.nearest, margin, max(margin, 0.0)]
        signs.append([item.first[place], *above])
    item.whole = (order, np.array(signs).reshape(len(order), len(SECOND)))


def left_out(rows: Sequence[Row]) -> list[Any]:
    """The scores of each question by coefficients that were fitted without it."""
    fold = np.random.RandomState(0).randint(0, FOLDS, len(rows))
    scores: list[Any] = [None] * len(rows)
    for number in range(FOLDS):
        known = [row for row, f in zip(rows, fold, strict=True) if f != number]
        w = fit(known, ridge=RIDGE, mass=MASS)
        for place in np.flatnonzero(fold == number):
            scores[place] = rows[place][1] @ w
    return scores


def report(items: Sequence[Asked], label: str, orders: Sequence[Any]) -> None:
    """nDCG@10, and how often a judged passage is the first, and among the first eight, of each set."""
    for name in dict.fromkeys(item.set for item in items):
        values, first, eight = [], [], []
        for item, order in zip(items, orders, strict=True):
            if item.set == name:
                values.append(ndcg([item.names[i] for i in order], item.ideal))
                first.append(item.grades[order[:1]].any())
                eight.append(item.grades[order[:READ]].any())
        figures = [np.mean(values), np.mean(first), np.mean(eight)]
        print(f"{label:12} {name:14}", *(f"{figure:.3f}" for figure in figures))


def ndcg(names: Sequence[str], grades: dict[str, int]) -> float:
    """nDCG@10 of a ranking of documents."""
    place = 1 / np.log2(np.arange(2, 12))
    gained = [2 ** grades.get(name, 0) - 1 for name in names[:10]]
    most = [2**grade - 1 for grade in sorted(grades.values(), reverse=True)[:10]]
    ideal = float(np.array(most) @ place[: len(most)])
    return float(np.array(gained) @ place[: len(gained)]) / ideal if ideal else 0.0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("sets", "seen", "stores", "vectors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--names", default=NAMES, help="of the sets, with commas")
    parser.add_argument("--most", type=int, default=150, help="questions of each set")
    parser.add_argument("--words", action="store_true", help="with word vectors")
    parser.add_argument("--write", type=Path, help="write the coefficients there")
    options = parser.parse_args()
    reader = CrossEncoder()
    items: list[Asked] = []
    for name in options.names.split(","):
        items += asked(options.sets / name, options, reader)
    report(items, "search", [np.arange(len(item.names)) for item in items])
    rows = [(item.set, item.signs, item.grades > 0) for item in items]
    for item, scores in zip(items, left_out(rows), strict=True):
        item.first = scores
        read_whole(item, reader)
    ordered = [np.argsort(-item.first, kind="stable") for item in items]
    report(items, "one sentence", ordered)
    second = [
        (item.set, item.whole[1], item.grades[item.whole[0]] > 0) for item in items
    ]
    for place, scores in enumerate(left_out(second)):
        read = items[place].whole[0]
        behind = ordered[place][READ:]
        ordered[place] = np.concatenate([read[np.argsort(-scores)], behind])
    report(items, "whole", ordered)
    of_both = [fit(part, ridge=RIDGE, mass=MASS) for part in (rows, second)]
    looks = zip((FIRST, SECOND), of_both, strict=True)
    found = [dict(zip(names, map(float, w), strict=True)) for names, w in looks]
    weights = together(*found)
    print(json.dumps(weights, indent=1))
    if options.write:
        write_fitted(options.write, reading={**READING, "weights": weights})


def together(
    first: dict[str, float], second: dict[str, float]
) -> dict[str, list[float]]:
    """[weight, slope] of every sign, in units of the score of the search for the average question."""
    unit = first["search"]
    scaled = {name: value / unit for name, value in first.items()}
    for name, value in second.items():
        scaled[name] = value / second["first"] / unit
    return {
        name: [round(value, 3), round(scaled.get(f"{name}/nearest", 0.0), 3)]
        for name, value in scaled.items()
        if "/" not in name and name != "first"
    }


if __name__ == "__main__":
    main()

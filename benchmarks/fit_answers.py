"""Fit what the answers stand on where the answer reader read: which sentence is quoted, and how likely it is right.

    brain eval retrieval ../shared/eval/notes_dev --embedder builtin --vectors .stores      # and so for ans_dev
    python -m benchmarks.small_stores …       # writes .small, and says how to fill its stores
    python -m benchmarks.fit_answers --sets ../shared/eval --small .small --seen ../shared/models/reader-seen.json \
        --stores .stores --vectors .vectors [--most 600] [--write brain/fitted.json]

Questions are asked through the product's own `retrieve` and `read_answers`. Left out: every passage that the reader was
trained on (`--seen`), so that its outputs are those on texts it has not met. `extract_read` is a conditional logit over the
sentences of a question, `answers` a logistic model of "the first quote holds the answer", `found_by_reading` one of "the
notes answer it". All are judged with whole articles left out, each set with half of the mass absent. Leaves the order by
reading to fit_reading.py.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import conditional_logit
from benchmarks.fit_confidence import logistic, matrix, rounded
from benchmarks.fitted_file import write_fitted
from benchmarks.stores import Room, rooms
from brain import confidence
from brain.answering.support import support_features
from brain.evaluation.answers import called, covered
from brain.evaluation.metrics import auroc, calibration
from brain.models.answer_reader import CrossEncoder
from brain.models.builtin import BuiltinEmbedder
from brain.models.sentence_embedder import SentenceEmbedder
from brain.retrieval import Sources, retrieve
from brain.retrieval.answers import CONSIDERED, read_answers
from brain.text import Question
from brain.text.sheet import sheet
from brain.types import Measures, Passage, Request

# The package hands out its function `extract`, which has the name of its module.
extracting = importlib.import_module("brain.answering.extract")

SETS = ("notes_dev", "ans_dev")
# Small stores of one kind and size are one set (small_stores.py).
SMALL = {"notes_10": "notes, 10", "notes_100": "notes, 100"}
SMALL |= dict.fromkeys(("ans_10", "ans_20", "ans_40"), "ans, 10 to 40")
FOLDS = 6
# Of the mass of a set: as it is judged, where a third of what is absent are near misses, as in the sets; and as `answers`
# is fitted, with more of them, since they are what it is for.
JUDGED = {"answerable": 0.5, "near_miss": 0.167, "absent": 0.333}
FITTED_ON = {"answerable": 0.5, "near_miss": 0.333, "absent": 0.167}
# Of the questions that are drawn.
SHARES = {"answerable": 0.55, "near_miss": 0.3, "absent": 0.15}
RIDGE = 0.3  # of standardised features
MASS = 1000.0  # of each set
UNHURRIED = 60.0  # seconds for reading: nothing is cut off by the clock
RIGHT = 0.85  # of those called answered
ENOUGH = 0.6  # of those called likely or answered
SENTENCE = (*extracting.COEFFICIENTS, "span", "span_margin", "span_relevance")
# Of `answers`: what earned its place when one was left out at a time, and no more: 171 notes and twelve articles are few.
# A near miss is relevant without a margin; in a small store what is there is found.
ANSWER = tuple(
    """margin margin_anywhere relevance_anywhere margin_and_relevance probability opposite fits_not size""".split()
)
# Of `found_by_reading`. Signs of the search earn nothing beside these: a near miss holds as many of the question's words.
THERE = ("margin_anywhere", "margin_and_relevance")


@dataclass
class Asked:
    """One question with what was read for it. `sentences`: features of each that may be quoted; `holds`: whether the
    answer stands in it.
    """

    set: str
    kind: str
    group: str
    answerable: bool
    question: Question
    passages: Sequence[Passage]
    signals: Measures
    scored: list[Any] = field(default_factory=list)
    sentences: Any = None
    holds: Any = None
    features: Measures = field(default_factory=dict)
    right: bool = False
    # What a person would be told as `found`, by a fit that did not see the question.
    told: float | None = None


def asked(
    folder: Path, seen: set[str], most: int, stores: Path, cache: Path
) -> Iterator[Asked]:
    """Questions of a set about passages that the reader has not met, at most so many, drawn at random."""
    reader = CrossEncoder()
    near = _near(folder)
    for room in rooms(folder, stores, SentenceEmbedder(), cache, every=True):
        queries = []
        for query in room.queries:
            about = {*query.relevant, near.get(query.id, "")}
            if about.isdisjoint(seen):
                queries.append(query)
        for query in _drawn(queries, most):
            yield _asked(set_of(folder.name), room, query, reader)


def set_of(name: str) -> str:
    """The name under which the questions of a folder are counted."""
    return SMALL.get(name.rpartition("_")[0], name)


def _drawn(queries: Sequence[Any], most: int) -> list[Any]:
    """So many questions at random, by kind as SHARES says, or all of a kind that has fewer; in a mixed order."""
    dice = random.Random(1)
    drawn = []
    for kind, share in SHARES.items():
        mine = [one for one in queries if kind_of(one.facts) == kind]
        drawn += dice.sample(mine, min(round(share * most), len(mine)))
    dice.shuffle(drawn)
    return drawn


def kind_of(facts: Mapping[str, Any]) -> str:
    """ "answerable", "near_miss" or "absent"."""
    if facts.get("answerable", 1):
        return "answerable"
    return "near_miss" if "near" in str(facts.get("kind")) else "absent"


def _near(folder: Path) -> dict[str, str]:
    """Id of a near miss -> the passage that it was written against."""
    lines = (folder / "near.tsv").read_text("utf-8").splitlines()
    pairs = (line.split("\t")[:2] for line in lines)
    return dict(pairs)


def _asked(name: str, room: Room, query: Any, reader: CrossEncoder) -> Asked:
    request = Request(query.text, limit=CONSIDERED)
    found = retrieve(request, Sources(room.search, room.index, room.embedder))
    read = read_answers(found, query.text, reader, limit=10, seconds=UNHURRIED)
    facts = query.facts
    made = Asked(
        name,
        str(facts.get("kind") or "answerable"),
        str(facts.get("article", "")),
        bool(facts.get("answerable", 1)),
        Question(query.text),
        read.passages,
        read.signals,
    )
    _cut(made, facts.get("answers") or [])
    return made


def _cut(made: Asked, answers: Sequence[str]) -> None:
    """The sentences that may be quoted, with their features."""
    passages = [one for one in made.passages if one.span][: extracting.MAX_READ]
    made.passages = passages
    cut = [sheet(one.text).statements[: extracting.MAX_SENTENCES] for one in passages]
    if not any(cut):
        return
    made.question = made.question.weighed(extracting.local_idf(cut))
    scored = extracting._scored(made.question, passages, cut, BuiltinEmbedder())
    made.scored = [
        one
        for one in scored
        if extracting._quotable(made.question, passages[one.rank], one)
    ]
    wanted = [answer.lower() for answer in answers] if made.answerable else []
    texts = [one.statement.text.lower() for one in made.scored]
    made.sentences = matrix([one.features for one in made.scored], SENTENCE)
    made.holds = np.array([any(a in text for a in wanted) for text in texts], float)


def fit_sentences(items: Sequence[Asked]) -> Any:
    """Coefficients of SENTENCE: the sentences that hold the answer against the others of the same question. From the
    whole sets: in a small store the right passage has few beside it to be told from.
    """
    rows = []
    for item in items:
        if item.scored and item.set in SETS:
            rows.append((item.set, item.sentences, item.holds))
    return conditional_logit.fit(rows, ridge=RIDGE, mass=MASS)


def quote(item: Asked, coefficients: Any) -> None:
    """The first quote by these coefficients, its features, and whether it holds the answer."""
    scores = item.sentences @ coefficients
    best = int(scores.argmax())
    shares = extracting._softmax(scores.tolist())
    chosen = item.scored[best]
    made = extracting._quote(item.passages[chosen.rank], chosen, shares[best])
    features = support_features(
        item.question,
        item.passages,
        [made],
        found=confidence.found(item.signals),
        signals=item.signals,
    )
    item.features, item.right = features, bool(item.holds[best])


def masses(items: Sequence[Asked], share: Mapping[str, float]) -> Any:
    """Weights under which every set has the same mass, and in it every kind of question its share."""
    groups = [(item.set, kind_of(vars(item))) for item in items]
    counts = Counter(groups)
    return np.array([share[group[1]] * MASS / counts[group] for group in groups])


def report(items: Sequence[Asked], chances: Any, there: Any) -> None:
    """The figures of each set. `chances`: of `answers`; `there`: of `found_by_reading`."""
    for name in dict.fromkeys(item.set for item in items):
        places = [i for i, item in enumerate(items) if item.set == name]
        mine, told = [items[i] for i in places], chances[places]
        kinds = np.array([kind_of(vars(item)) for item in mine])
        right = np.array([item.right for item in mine])
        for head, values in (("answers", told), ("found", there[places])):
            _areas(f"{name} {head}", values, kinds, right)
        _absences(name, mine, kinds)
        weight = masses(mine, JUDGED)
        shares = weight / weight.sum()
        weighted = list(
            zip(told.tolist(), right.tolist(), shares.tolist(), strict=True)
        )
        error, brier = calibration(weighted)
        first = np.mean(right[kinds == "answerable"])
        print(
            f"{name}: first quote right {first:.3f}, ECE {error:.3f}, Brier {brier:.3f}"
        )
        accuracy = [covered(weighted, share) for share in (0.3, 0.5)]
        print("  right of the surest 30 and 50 %:", *(f"{a:.2f}" for a in accuracy))
        for least in (RIGHT, ENOUGH):
            at, share = called(weighted, least)
            print(f"  {least} right from {at:.2f}: {share:.2f} of the right answers")
        for at in (confidence.ANSWERED_AT, confidence.LIKELY_AT):
            print(f"  from {at}: {_so_called(told, right, weight, at)}")


def _areas(title: str, told: Any, kinds: Any, right: Any) -> None:
    """AUROC of one head against each kind of absence."""
    present, near = told[kinds == "answerable"], told[kinds == "near_miss"]
    absent = told[kinds != "answerable"]
    areas = {
        "near misses": (present, near),
        "all absent": (present, absent),
        "near misses, of right answers": (told[right], near),
        "all absent, of right answers": (told[right], absent),
    }
    for against, (more, less) in areas.items():
        print(f"{title}, {against}: AUROC {auroc(list(more), list(less)):.3f}")


def _absences(name: str, items: Sequence[Asked], kinds: Any) -> None:
    """How many of each kind are told "not in your notes"."""
    so_called = [
        confidence.absent(item.told, item.signals, confidence.FLOOR) for item in items
    ]
    shares = np.array(so_called, float)
    told = [f"{kind} {shares[kinds == kind].mean():.3f}" for kind in sorted(set(kinds))]
    print(f"{name}: called absent:", *told)


def _so_called(told: Any, right: Any, weight: Any, least: float) -> str:
    """Of the answers with at least this chance: how many are right, and which share of the right ones that is."""
    called_so = told >= least
    good = (weight * right)[called_so].sum()
    accuracy = good / max(weight[called_so].sum(), 1e-9)
    return f"{accuracy:.2f} right, {good / (weight * right).sum():.2f} of the right answers"


def head(
    items: Sequence[Asked], names: Sequence[str], truths: Sequence[bool]
) -> dict[str, float]:
    """Coefficients by name of a logistic model."""
    x = matrix([{**item.signals, **item.features} for item in items], names)
    weight = masses(items, FITTED_ON)
    w, b = logistic(x, np.array(truths, float), weight, RIDGE)
    return {confidence.INTERCEPT: b, **dict(zip(names, map(float, w), strict=True))}


def heads(items: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """`answers` (is the first quote right?) and `found_by_reading` (does a passage that was read answer it?)."""
    return {
        "answers": head(items, ANSWER, [item.right for item in items]),
        "found_by_reading": head(items, THERE, [item.answerable for item in items]),
    }


def fit(items: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """All models on everything; before that the figures on whole articles left out."""
    names = sorted({item.group for item in items})
    random.Random(0).shuffle(names)
    fold = np.array([names.index(item.group) % FOLDS for item in items])
    chances, there = np.zeros(len(items)), np.zeros(len(items))
    parts = []
    for number in range(FOLDS):
        known = [item for item, f in zip(items, fold, strict=True) if f != number]
        gone = [item for item, f in zip(items, fold, strict=True) if f == number]
        parts.append((known, gone, np.flatnonzero(fold == number)))
    for known, gone, _ in parts:
        sentences = fit_sentences(known)
        for item in gone:
            quote(item, sentences)
    for known, gone, places in parts:
        fitted = heads(known)
        for item, place in zip(gone, places, strict=True):
            chances[place] = confidence.probability(item.features, fitted["answers"])
            by_reading = fitted["found_by_reading"]
            there[place] = confidence.probability(item.signals, by_reading)
            item.told = confidence.after_reading(
                confidence.found(item.signals),
                item.signals,
                confidence.FLOOR,
                by_reading,
            )
    report(items, chances, there)
    sentence = dict(zip(SENTENCE, fit_sentences(items), strict=True))
    fitted = {"extract_read": sentence, **heads(items)}
    return {name: rounded(one) for name, one in fitted.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("sets", "seen", "stores", "vectors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--small", type=Path, required=True, help="what small_stores.py wrote"
    )
    parser.add_argument("--most", type=int, default=600, help="questions of each set")
    parser.add_argument("--write", type=Path, help="write the coefficients there")
    options = parser.parse_args()
    seen = set(json.loads(options.seen.read_text("utf-8"))["notes_dev"])
    folders = [options.sets / name for name in SETS]
    folders += sorted(options.small.iterdir())
    items = [
        item
        for folder in folders
        for item in asked(folder, seen, options.most, options.stores, options.vectors)
        if item.scored
    ]
    entries = fit(items)
    print(json.dumps(entries, indent=1))
    if options.write:
        write_fitted(options.write, **entries)


if __name__ == "__main__":
    main()

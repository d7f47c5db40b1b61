"""What can be seen of one sentence as an answer to a question, as nine named numbers.

Pure Python over what `brain.text` has read; the only thing from outside is the sentence's cosine, when an embedder was
handed in. Leaves out the weights (`extract.py` holds them, `benchmarks/fit_extract.py` fits them). Serves the
extractive answerer and `supported`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import mul

from brain.text.matching import TermSet, likenesses, nearnesses
from brain.text.question import Question
from brain.text.sheet import Statement
from brain.types import Measures
from ingest.terms import stem

SPECIFIC_KINDS = (
    "number",
    "when",
    "who",
)  # kinds of answer that a sentence plainly holds or not
# what a command begins with, capitalised: "Name the …", "List …"
NO_NAMES = {"name", "list"}

_YEAR = re.compile(r"(?<!\d)(?:1[0-9]|20)\d\d(?!\d)")
_PLACE = re.compile(r"\b(?:in|at|near|from|to|on)\s+(?:the\s+)?[A-ZÀ-Þ]")
_CAUSE = re.compile(
    r"because|due to|since|therefore|in order to|so that|as a result|owing to|thus|caus|reason|led to|"
    r"\bfor\b|\bto\b"
)
_MANNER = re.compile(r"\bby\b|through|using|via|with|method|means")


def share(question: Question, worth: Measures) -> float:
    """The idf-weighted share of the question's words that is held, 0 to 1. `worth`: term -> `likeness`."""
    weights = map(question.weights.__getitem__, worth)
    held: float = sum(map(mul, weights, worth.values()))
    return held / question.total


def fits(question: Question, statement: Statement) -> float:
    """1 when the sentence holds something of the kind asked for that the question does not name itself, else 0."""
    text = statement.text
    held: object = None
    match question.kind:
        case "number":
            held = statement.numbers - question.numbers
        case "when":
            held = (
                _YEAR.search(text)
                or statement.months
                or statement.numbers - question.numbers
            )
        case "who":
            held = new_names(question, statement)
        case "where":
            held = _PLACE.search(text) and new_names(question, statement)
        case "why":
            held = _CAUSE.search(text)
        case "how":
            held = _MANNER.search(text)
    return float(bool(held))


def new_names(question: Question, statement: Statement) -> bool:
    """Whether a sentence has a capitalised word, after its first word, that the question does not hold."""
    known = question.written_words | (set(question.names) - NO_NAMES)
    new = [name for name in statement.names_inside if name not in known]
    return any(stem(name) not in question.weights for name in new)


def lacks_kind(question: Question, fit: float) -> float:
    """1 when a kind of answer is asked for that can be told, and the sentence, by its `fits`, holds none; else 0."""
    return float(question.kind in SPECIFIC_KINDS and not fit)


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence as an answer is looked for in it: the stems that stand above it, its `cosine` with the question, and
    whether it is a row of a table, of which what stands in the row above or below says nothing.
    """

    statement: Statement
    header: TermSet
    cosine: float
    is_row: bool = False


def sentence_features(
    question: Question, read: Sequence[Sequence[Seen]]
) -> list[list[Measures]]:
    """The features of each sentence of each passage, the best passage first."""
    everything = list(chain.from_iterable(read))
    stems = [one.statement.stem_set for one in everything]
    # Sentences under one heading share what stands above them
    different = list({*stems, *(one.header for one in everything)})
    found = likenesses(question.weights, different)
    worth = dict(zip(different, found, strict=True))
    nears = iter(
        nearnesses(question.pairs, [one.statement.stems for one in everything])
    )
    features = []
    for rank, seen in enumerate(read):
        held = [worth[one.statement.stem_set] for one in seen]
        features.append(_of_passage(question, rank, seen, held, worth, nears))
    return features


def _of_passage(
    question: Question,
    rank: int,
    seen: Sequence[Seen],
    held: Sequence[Measures],
    worth: Mapping[TermSet, Measures],
    nears: Iterator[float],
) -> list[Measures]:
    """The features of the sentences of one passage. `held`: what each holds, `worth`: what any stems hold."""
    nothing = dict.fromkeys(question.weights, 0.0)
    around = [nothing, *held, nothing]
    features: list[Measures] = []
    for place, one in enumerate(seen):
        before, here, after = around[place : place + 3]
        if one.is_row:
            before = after = nothing
        own = share(question, here)
        fit = fits(question, one.statement)
        missing = [term for term, likeness in here.items() if not likeness]
        features.append(
            {
                "coverage": own,
                "near": next(nears),
                "header": _fills(question, missing, worth[one.header]),
                "before": _fills(question, missing, before),
                "after": _fills(question, missing, after),
                "fits_covered": fit * own,
                "fits_not": lacks_kind(question, fit),
                "rank": 1.0 / (1 + rank),
                "cosine": one.cosine,
            }
        )
    return features


def _fills(question: Question, missing: Sequence[str], worth: Measures) -> float:
    """The share of the question that a text beside the sentence holds of what the sentence misses."""
    weights = map(question.weights.__getitem__, missing)
    held: float = sum(map(mul, weights, map(worth.__getitem__, missing)))
    return held / question.total

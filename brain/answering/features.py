"""What can be seen of one sentence as an answer to a question, as nine named numbers.

Pure Python over what `brain.text` has read; the only thing from outside is the sentence's cosine, when an embedder was
handed in. Leaves out the weights (`extract.py` holds them, `benchmarks/fit_extract.py` fits them). Serves the
extractive answerer and `supported`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
    weights = question.weights
    return sum(weights[term] * held for term, held in worth.items()) / question.total


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


def passage_features(
    question: Question,
    statements: Sequence[Statement],
    *,
    headers: Sequence[TermSet],
    rank: int,
    cosines: Sequence[float],
    rows: Sequence[bool] = (),
) -> Sequence[Measures]:
    """The features of each sentence of one passage.

    `headers`: the stems above each of them; `rank`: its place among the passages, from 0; `cosines`: of each sentence
    with the question; `rows`: which are rows of a table, of which what stands in the row above or below says nothing.
    """
    rows = rows or [False] * len(statements)
    different = list(dict.fromkeys(headers))
    known = zip(different, likenesses(question.weights, different), strict=True)
    in_headers = dict(known)
    in_sentences = likenesses(question.weights, [one.stem_set for one in statements])
    nothing = dict.fromkeys(question.weights, 0.0)
    around = [nothing, *in_sentences, nothing]
    nears = nearnesses(question.pairs, [one.stems for one in statements])
    features = []
    for place, statement in enumerate(statements):
        before, here, after = around[place : place + 3]
        if rows[place]:
            before = after = nothing
        own = share(question, here)
        fit = fits(question, statement)
        missing = [term for term, held in here.items() if not held]
        features.append(
            {
                "coverage": own,
                "near": nears[place],
                "header": _fills(question, missing, in_headers[headers[place]]),
                "before": _fills(question, missing, before),
                "after": _fills(question, missing, after),
                "fits_covered": fit * own,
                "fits_not": lacks_kind(question, fit),
                "rank": 1.0 / (1 + rank),
                "cosine": cosines[place],
            }
        )
    return features


def _fills(question: Question, missing: Sequence[str], worth: Measures) -> float:
    """The share of the question that a text beside the sentence holds of what the sentence misses."""
    return share(question, {term: worth[term] for term in missing})

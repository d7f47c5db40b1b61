"""The extractive answerer: which one to three sentences of the passages answer the question best, word for word.

A linear model over the features of `features.py`; its softmax over all candidate sentences says how sure the choice is,
and a second or third sentence is added only while the first leaves room for doubt. Leaves out writing: nothing is ever
rephrased. Serves `ask` without a model, and the sentence that `ask` shows before a model writes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from brain.answering.features import Unit, read_unit, sentence_features
from brain.answering.question import Asked, read_question
from brain.protocols import Embedder
from brain.types import Passage
from ingest.sentences import sentences
from ingest.terms import stem, tokens

Item = TypeVar("Item")

MAX_PASSAGES = 5  # passages looked into: the right one is among the first five for 97 of 100 questions of squad_dev
MAX_SENTENCES = 60  # of one passage, against a passage of thousands of tiny lines
_HEADING = re.compile(r"#{1,6}\s")  # a heading names what follows; quoted, it answers nothing
MAX_QUOTES = 3  # RETRIEVAL §6: the one to three best sentences
ENOUGH = 0.65  # probability at which no further sentence is quoted; fitted to 45 % of the paragraph's characters
LEAST = 0.08  # probability below which a further sentence is not worth the reading
COUNTED = {
    "L": "\n",
    "¶": "\n\n",
}  # what parts two lines, two paragraphs (`ingest.document.Section`)

# Fitted by benchmarks/fit_extract.py (conditional logit, L2 1.0) on the answerable questions of squad_dev and ans_dev.
COEFFICIENTS: Mapping[str, float] = {
    "coverage": 6.55,
    "near": 1.67,
    "header": 4.40,
    "before": 4.25,
    "after": 1.20,
    "fits_covered": 1.42,
    "fits_not": -1.09,
    "rank": 2.17,
    "cosine": 3.40,
}


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a passage: `text == passage.text[start:end]`. `probability`: among all sentences that were looked at.

    `locator` is the sentence's own: "L14" inside "L12-40", else the passage's. `rank` is the passage's place, from 0.
    """

    passage_id: str
    source: str
    locator: str
    start: int
    end: int
    text: str
    probability: float
    rank: int
    features: Mapping[str, float]


def extract(
    question: str,
    passages: Sequence[Passage],
    *,
    idf: Mapping[str, float] | None = None,
    embedder: Embedder | None = None,
    limit: int = MAX_QUOTES,
) -> list[Quote]:
    """The best sentences, best first; at least one when any passage holds a sentence, at most `limit`.

    `idf`: the weight of each content word over the store (retrieval knows it); without it, over these passages.
    """
    looked = passages[:MAX_PASSAGES]
    units = [[read_unit(s) for s in sentences(passage.text)[:MAX_SENTENCES]] for passage in looked]
    if not any(units):
        return []
    asked = read_question(question, idf if idf is not None else local_idf(units))
    cosines = _cosines(asked, units, embedder)
    scored: list[tuple[float, int, int, dict[str, float]]] = []
    for rank, (passage, inside) in enumerate(zip(looked, units, strict=True)):
        header = frozenset(stem(word) for word in tokens(passage.header))
        for place in range(len(inside)):
            features = sentence_features(
                asked, inside, place, header=header, rank=rank, cosine=cosines.get((rank, place))
            )
            scored.append((score(features), rank, place, features))
    scored = [
        item for item in scored if not _HEADING.match(units[item[1]][item[2]].sentence.text)
    ] or scored
    scored.sort(key=lambda item: (-item[0], item[1], item[2]))
    shares = _softmax([item[0] for item in scored])
    return [
        _quote(looked[rank], units[rank][place], rank, share, features)
        for share, (_, rank, place, features) in _choose(
            list(zip(shares, scored, strict=True)), limit
        )
    ]


def score(features: Mapping[str, float]) -> float:
    """The linear model; unitless, higher is better."""
    return sum(weight * features[name] for name, weight in COEFFICIENTS.items())


def local_idf(units: Sequence[Sequence[Unit]]) -> dict[str, float]:
    """How telling each stem is among these sentences: the stand-in when the store's own figures are not handed in."""
    pool = [unit.stem_set for inside in units for unit in inside]
    counts: dict[str, int] = {}
    for stems in pool:
        for item in stems:
            counts[item] = counts.get(item, 0) + 1
    return {item: math.log(1 + len(pool) / count) for item, count in counts.items()}


def line_locator(locator: str, text: str, start: int) -> str:
    """The line, or the paragraph, of an offset inside a text that begins at "L12-40" or "¶4-9"; any other locator as it is.

    >>> line_locator("L12-40", "one\\ntwo", 4)
    'L13'
    >>> line_locator("¶4-9", "one\\n\\ntwo", 5)
    '¶5'
    """
    mark, first = locator[:1], locator[1:].partition("-")[0]
    if mark not in COUNTED or not first.isdecimal():
        return locator
    head = len(text) - len(text.lstrip())  # a locator counts from the first word of its text
    return f"{mark}{int(first) + text.count(COUNTED[mark], min(head, start), start)}"


def _choose(ranked: list[tuple[float, Item]], limit: int) -> list[tuple[float, Item]]:
    """The first, and more while their joint probability is short of ENOUGH and each is worth LEAST."""
    chosen: list[tuple[float, Item]] = []
    total = 0.0
    for share, item in ranked[:limit]:
        if chosen and (total >= ENOUGH or share < LEAST):
            break
        chosen.append((share, item))
        total += share
    return chosen


def _cosines(
    asked: Asked, units: Sequence[Sequence[Unit]], embedder: Embedder | None
) -> dict[tuple[int, int], float]:
    """The cosine of question and sentence, by (passage, sentence); empty without an embedder."""
    if embedder is None:
        return {}
    places = [(rank, place) for rank, inside in enumerate(units) for place in range(len(inside))]
    texts = [units[rank][place].sentence.text for rank, place in places]
    values = embedder.embed_documents(texts) @ embedder.embed_query(asked.text)
    return {place: float(value) for place, value in zip(places, values, strict=True)}


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [math.exp(value - top) for value in scores]
    total = sum(powers)
    return [power / total for power in powers]


def _quote(
    passage: Passage, unit: Unit, rank: int, share: float, features: Mapping[str, float]
) -> Quote:
    sentence = unit.sentence
    locator = line_locator(passage.locator, passage.text, sentence.start)
    return Quote(
        passage.id,
        passage.source,
        locator,
        sentence.start,
        sentence.end,
        sentence.text,
        share,
        rank,
        dict(features),
    )

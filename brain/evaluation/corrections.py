"""Which corrections speak about this question: the same words and the same meaning, judged without any model server.

A correction stands first among the passages of `ask`, so a false alarm costs more than a miss: both thresholds must be
reached, and the questions must name the same numbers ("the rent in 2024" is not "the rent in 2025"). Leaves out where
the passage is found and how it is said. Serves `brain ask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.protocols import Embedder
from ingest.terms import stem
from ingest.words import content_words, numbers

if TYPE_CHECKING:
    from brain.reports import Judgment

# Measured with the built-in embedder: of 19 pairs of rephrased questions 15 reach both; of the 80 questions of
# sample_corpus none is taken for another; of 1,000 questions about 1,000 paragraphs of squad_dev, 8 % have a neighbour.
SIMILAR = 0.70  # cosine of two questions
SHARED = 0.50  # Dice overlap of their stemmed content words
MOST = 3  # corrections shown for one question


def similar(
    question: str, corrections: Sequence[Judgment], embedder: Embedder
) -> list[tuple[Judgment, float]]:
    """(correction, cosine), best first, at most MOST, of those whose question asks the same. Raises `Unavailable`."""
    named = numbers(question)
    words = _stems(question)
    near = []
    for one in corrections:
        alike = shared(words, _stems(one.question)) >= SHARED
        if alike and numbers(one.question) == named:
            near.append(one)
    if not near:
        return []
    asked, *others = embedder.embed_documents(
        [question, *(one.question for one in near)]
    )
    found = [
        (one, float(asked @ vector)) for one, vector in zip(near, others, strict=True)
    ]
    close = [pair for pair in found if pair[1] >= SIMILAR]
    return sorted(close, key=lambda pair: -pair[1])[:MOST]


def shared(first: frozenset[str], second: frozenset[str]) -> float:
    """Dice's overlap of two sets of words, 0 to 1."""
    total = len(first) + len(second)
    if not total:
        return 0.0
    return 2 * len(first & second) / total


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))

"""What a question asks for: its content words with weights, and the kind of answer that would fit.

Leaves out understanding: a dozen patterns of English question words (and their German, French and Spanish cousins where
they are one word) decide the kind; an unknown form is kind "what". Serves the extractive answerer and `supported`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ingest.terms import fold, stem
from ingest.words import content_words, names, numbers

KINDS = ("who", "when", "number", "where", "why", "how", "what")
_KIND_PATTERNS = (
    (
        "number",
        r"how (?:many|much|old|long|far|tall|big|large|often|high|deep|wide|fast|heavy|hot|warm|cold|big)\b|"
        r"(?:what|which) (?:\w+ ){0,2}(?:percent\w*|number|share|amount|price|cost|rate|age|population|size|score|"
        r"temperature|distance|speed|length|height|weight|total|area|ratio)\b|percentage|wie ?viele?|combien|cu[aá]nt[oa]s?",
    ),
    (
        "when",
        r"\bwhen\b|(?:what|which|in what|on what) (?:\w+ )?(?:year|date|day|month|century|decade|time|years)\b|"
        r"how long ago|\bwann\b|\bquand\b|\bcu[aá]ndo\b|since when",
    ),
    (
        "who",
        r"\bwho(?:se|m)?\b|(?:what|which) (?:person|man|woman|people|author|president|actor|actress|singer|king|"
        r"queen|player|scientist|company|team|organi[sz]ation|group|band|colleague|doctor)\b|\bwer\b|\bqui\b|\bqui[eé]n\b|name of the (?:person|man|woman)",
    ),
    (
        "where",
        r"\bwhere\b|(?:what|which) (?:\w+ )?(?:city|country|state|place|town|street|location|region|river|address|room)\b|"
        r"\bwo\b|\boù\b|\bd[oó]nde\b",
    ),
    (
        "why",
        r"\bwhy\b|what (?:reason|cause|led|caused|made)|for what (?:reason|purpose)|\bwarum\b|\bpourquoi\b",
    ),
    ("how", r"\bhow\b|in what (?:way|manner)|by what means|\bwie\b|\bcomment\b|\bc[oó]mo\b"),
)
_KIND = tuple((kind, re.compile(pattern)) for kind, pattern in _KIND_PATTERNS)


@dataclass(frozen=True)
class Asked:
    """A question, read. `weights`: stem -> idf weight of every content word; `order`: the stems as asked."""

    text: str
    kind: str
    order: tuple[str, ...]
    weights: Mapping[str, float]

    @cached_property
    def total(self) -> float:
        """The sum of all weights, never 0."""
        return sum(self.weights.values()) or 1.0

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers that the question itself names."""
        return frozenset(numbers(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """The capitalised words of the question, without its first word unless that is no question word."""
        return frozenset(names(self.text)) - {"name", "list"}


def kind_of(question: str) -> str:
    """One of KINDS."""
    plain = fold(question)
    return next((kind for kind, pattern in _KIND if pattern.search(plain)), "what")


def read_question(question: str, idf: Mapping[str, float] | None = None) -> Asked:
    """The question with a weight for each content word: `idf` where it knows the word, else 1."""
    known = idf or {}
    weights: dict[str, float] = {}
    order = []
    for word in content_words(question):
        key = stem(word)
        order.append(key)
        weights[key] = max(weights.get(key, 0.0), known.get(word, known.get(key, 1.0)))
    return Asked(question, kind_of(question), tuple(order), weights)

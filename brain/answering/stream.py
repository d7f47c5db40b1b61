"""Cuts what a model writes into whole sentences while it is still writing.

A sentence is handed on when the next one has begun, so that a citation after the full stop still belongs to it; a code
block is handed on whole. The pieces, joined, are the text. Leaves out judging them. Serves `answer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from brain.answering.citations import starts_with_citation
from ingest.sentences import sentences

FENCE = "```"
_BLOCK = re.compile(
    rf"{FENCE}.*?(?:{FENCE}|\Z)", re.DOTALL
)  # a code block, an open one to the end
_WORD = re.compile(
    r"[^\w\[【]*(?:[^\W\d][^\s]*\s|[\u3040-\u9fff\u0e00-\u0e7f]|\d\S*\s+\S)"
)
_SPACE = re.compile(r"\s|[。！？]")


def pieces(text: str) -> list[str]:
    """A complete text as sentences with the white space before each; nothing is lost or changed."""
    cuts = [0]
    blocks = [match.span() for match in _BLOCK.finditer(text)]
    for sentence in sentences(text):
        start, end, _ = sentence
        if not any(first < start < last for first, last in blocks):
            cut = _cut(text, cuts[-1], start, end)
            if cut > cuts[-1]:
                cuts.append(cut)
    bounds = [*cuts, len(text)]
    return [text[a:b] for a, b in pairwise(bounds) if a < b]


def _cut(text: str, before: int, start: int, end: int) -> int:
    """Where a sentence from `start` to `end` begins, with the white space before it; `before` is the cut before."""
    gap = text[before:start]
    marks = gap.strip()
    # Opening marks belong to what they open.
    if start and marks and not any(map(str.isalnum, marks)):
        start = before + len(gap) - len(gap.lstrip())
    # A citation belongs to the sentence before it.
    if start:
        start += starts_with_citation(text[start:end])
    return len(text[: max(start, before)].rstrip())


def _begun(rest: str) -> bool:
    """Whether the next sentence has its first whole word, so that nothing can still move to the one before."""
    body = rest[starts_with_citation(rest) :].lstrip()
    return bool(_WORD.match(body))


def by_sentence(chunks: Iterable[str]) -> Iterator[str]:
    """Sentences as they become complete; the last when the stream ends. An error of the stream comes after it."""
    held = ""
    try:
        for chunk in chunks:
            held += chunk
            if held.count(FENCE) % 2 or not _SPACE.search(chunk):
                continue
            *ready, rest = pieces(held) or [""]
            if _begun(rest):
                yield from ready
                held = rest
    except Exception:
        yield from pieces(held)
        raise
    yield from pieces(held)

"""Cuts what a model writes into whole sentences while it is still writing.

A sentence is handed on when the next one has begun, so that a citation after the full stop still belongs to it; a code
block is handed on whole. The pieces, joined, are the text. Leaves out judging them. Serves `answer`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from brain.answering.citations import starts_with_citation
from ingest.sentences import sentences

FENCE = "```"
_WORD = re.compile(r"[^\w\[【]*(?:[^\W\d][^\s]*\s|[\u3040-\u9fff\u0e00-\u0e7f]|\d\S*\s+\S)")


_SPACE = re.compile(r"\s|[。！？]")


def pieces(text: str) -> list[str]:
    """A complete text as sentences with the white space before each; nothing is lost or changed."""
    cuts = [0]
    fenced = _fences(text)
    for sentence in sentences(text):
        start = sentence.start
        if any(begin < start < end for begin, end in fenced):
            continue
        gap = text[cuts[-1] : start]
        if (
            start and gap.strip() and not any(c.isalnum() for c in gap)
        ):  # opening marks belong to what they open
            start = cuts[-1] + len(gap) - len(gap.lstrip())
        after = starts_with_citation(text[start : sentence.end])
        if after and start:
            start += after
        start = max(start, cuts[-1])
        blank = len(text[:start]) - len(text[:start].rstrip())
        if start - blank > cuts[-1]:
            cuts.append(start - blank)
    bounds = [*cuts, len(text)]
    return [text[a:b] for a, b in itertools.pairwise(bounds) if text[a:b]]


def _fences(text: str) -> list[tuple[int, int]]:
    """The spans of code blocks, an open one to the end."""
    spans, start = [], text.find(FENCE)
    while start >= 0:
        end = text.find(FENCE, start + len(FENCE))
        stop = len(text) if end < 0 else end + len(FENCE)
        spans.append((start, stop))
        start = text.find(FENCE, stop) if end >= 0 else -1
    return spans


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

"""The answer reader beside a search: whether it reads, within which time, and what is said where it cannot.

Leaves what it reads, and the order that follows, to `brain.retrieval.answers`. Serves `ask`, which always reads, and
`search --rerank`. Never raises for the model.
"""

from __future__ import annotations

from dataclasses import replace

from brain.app.resources import Resources
from brain.confidence import after_reading
from brain.types import Request, Retrieved

LEFT_OUT = (
    "the answer reader is left out ([models] reader); the order is the search's own"
)
READER = "reader"  # the value of [retrieval] reranker


def wanted(resources: Resources, request: Request) -> bool:
    """Whether a search is to be ordered by reading."""
    settings = resources.config.retrieval
    if settings.reranker != READER:
        return False
    if request.rerank is None:
        return settings.rerank == "on"
    return request.rerank


def widened(resources: Resources, request: Request) -> Request:
    """The request for as many passages as are looked at; as it is where nothing reads them."""
    from brain.retrieval.answers import CONSIDERED

    if resources.answer_reader is None:
        return request
    return replace(request, limit=max(request.limit, CONSIDERED))


def read(
    resources: Resources,
    request: Request,
    found: Retrieved,
    *,
    limit: int,
    whole: int | None = None,
) -> Retrieved:
    """What was found in the order that reading gives it, at most `limit` passages. `whole`: how many of them are read
    whole, None as a first look does; more of them have more time.
    """
    from brain.retrieval.answers import READ, read_answers

    reader = resources.answer_reader
    whole = whole or READ
    # What is listed by its day, or sorted by a property, has its order
    if reader is None or found.listed or request.sort or request.mode == "lexical":
        return replace(found, passages=found.passages[:limit])
    read = read_answers(
        found,
        request.question,
        reader,
        limit=limit,
        seconds=resources.config.retrieval.read_seconds * whole / READ,
        whole=whole,
    )
    said = _said_of(read)
    chance = after_reading(found.confidence.found, read.signals, resources.head.floor)
    read = replace(read, confidence=replace(read.confidence, found=chance))
    if not said:
        return read
    return replace(read, notices=(*read.notices, said))


def _said_of(read: Retrieved) -> str:
    """What a person should know of the reading: that it failed, or that the time was short."""
    for step in read.steps:
        if step.name != "read":
            continue
        if step.state == "failed":
            return f"not read: {step.reason}; the order is the search's own"
        if step.state == "ran" and step.judged < step.of:
            return f"{step.judged} of {step.of} passages were read in time; the others keep their places"
    return ""

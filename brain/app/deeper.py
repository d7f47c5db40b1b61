"""A second, wider look for a question whose first answer is weak: its parts, what the first passages name, and what
stands beside them.

Each round searches for a few texts, reads many more passages whole, and stops when a round brings nothing new to the
front. Uses what is on this machine alone. Leaves the order to `brain.retrieval`, and whether a second look is worth its
time to the router. Serves `ask --deep`, and a weak answer before it may leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from brain.app import reading
from brain.app.resources import Resources
from brain.app.search import chance_of, retrieved
from brain.app.times import in_time
from brain.governance.complexity import parts_of
from brain.types import Confidence, Passage, Request, Retrieved

if TYPE_CHECKING:
    from brain.app.answers import Evidence

ROUNDS = 3  # at most; most questions stand still after two
WHOLE = 24  # passages that are read whole, three times what a first look reads
FOLLOWED = 3  # passages whose answers are searched for in the next round
BEHIND_ITS_NEIGHBOUR = (
    2.0  # of the score: what stands beside a passage is worth less than the passage
)


def deeper(resources: Resources, known: Evidence) -> Evidence | None:
    """What a wider look finds; None where it brings no other passage to the front."""
    request = replace(known.request, question=known.query.text, mode="hybrid")
    pool: dict[str, Passage] = {}
    found = known.found
    front = _front(found, request)
    first_front = front
    texts = [request.question, *_parts(request.question)]
    for _round in range(ROUNDS):
        for text in texts:
            _take(pool, _looked(resources, replace(request, question=text)))
        _take(pool, _beside(resources, request, found.passages))
        found = _read(resources, request, known.found, pool.values())
        if _front(found, request) == front:
            break
        front = _front(found, request)
        texts = _named(request.question, found.passages[:FOLLOWED])
    if front == first_front:
        return None
    return replace(known, found=found)


def _parts(question: str) -> list[str]:
    """The parts of a question that asks several things."""
    parts = parts_of(question)
    return parts if len(parts) > 1 else []


def _looked(resources: Resources, request: Request) -> Iterable[Passage]:
    """What a search finds for a text, with other words where a model may find some."""
    wide = replace(reading.widened(resources, request), expand=_may_expand(resources))
    found, _told = in_time(resources, wide, partial(retrieved, resources))
    return found.passages


def _may_expand(resources: Resources) -> bool | None:
    """Whether a local model is asked for other words: where one writes here."""
    generator, _why, _missing = resources.generator()
    return True if generator is not None else None


def _take(pool: dict[str, Passage], passages: Iterable[Passage]) -> None:
    """Put passages into the pool; of two alike the one with the better score."""
    for passage in passages:
        held = pool.get(passage.id)
        if held is None or passage.score > held.score:
            pool[passage.id] = passage


def _beside(
    resources: Resources, request: Request, passages: Sequence[Passage]
) -> list[Passage]:
    """The chunks before and after the first passages, in their documents."""
    search = resources.store.search
    first = {passage.id: passage.score for passage in passages[:FOLLOWED]}
    beside = search.adjacent(first)
    found = search.passages(sorted(beside), scope=request.scope)
    return [
        replace(one, score=first[beside[one.id]] - BEHIND_ITS_NEIGHBOUR)
        for one in found
    ]


def _read(
    resources: Resources,
    request: Request,
    first: Retrieved,
    passages: Iterable[Passage],
) -> Retrieved:
    """All of these read together with the question, best first."""
    unread = [replace(one, span=None) for one in passages]
    unread.sort(key=lambda one: -one.score)
    chance = chance_of(resources, first)  # of the search alone
    pooled = replace(
        first,
        passages=tuple(unread),
        confidence=Confidence(found=chance),
        steps=(),
        notices=(),
    )
    return reading.read(resources, request, pooled, limit=request.limit, whole=WHOLE)


def _named(question: str, passages: Sequence[Passage]) -> list[str]:
    """The question with what the first passages answer: "who signs for Halden" leads on to what is said of Ines."""
    found = []
    for passage in passages:
        if passage.span is not None and passage.span.margin > 0:
            said = passage.text[passage.span.start : passage.span.end]
            found.append(f"{question} {said}")
    return found


def _front(found: Retrieved, request: Request) -> tuple[str, ...]:
    """The ids of the passages that an answer is made from."""
    return tuple(passage.id for passage in found.passages[: request.limit])

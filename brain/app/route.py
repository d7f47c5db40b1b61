"""Which model answers a question: the ways that the router may go, joined with this home.

The order of the walk is `brain.governance.router`. Leaves finding and answering to `brain.app.answers`, and what a
second local try looks for to `brain.app.deeper`. Serves `ask`.
"""

from __future__ import annotations

import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from brain.app.answers import Evidence, answered, evidence, here
from brain.app.deeper import deeper
from brain.app.outcomes import Made
from brain.app.resources import Resources
from brain.governance.complexity import Demands, constraints_of, parts_of
from brain.governance.router import Walk
from brain.types import Answer, Episode, Measures, Passage, Request, Span, Way

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.app.outside import Agree, Asker, Outside
    from brain.app.shadow import Compared

BETTER = "a second look found more:"
SECOND = "second try"  # `Answer.route`
LOCAL: Way = "local"
DEEP: Way = "deep"
TASK = "ask"
UNSETTLED = ("check", "likely")  # how sure an answer is that leaves something open
NEAR = 3  # passages that count as evidence where none was read


@dataclass(frozen=True, slots=True)
class Routed:
    """An answer, the signals of the retrieval behind it, how it was made, the round `before` that it follows up, and
    how it compares with what a cloud says, where one was asked.
    """

    answer: Answer
    signals: Measures
    made: Made
    before: Episode | None = None
    compared: Compared | None = None


def routed(
    resources: Resources, request: Request, say: Say, agree: Agree | None = None
) -> Routed:
    """The answer of whoever should answer."""
    began = time.monotonic()
    here = _Here(resources, request, say)
    policies: list[str] = []

    @cache
    def asker() -> Asker:
        """Who asks outside: the same one for a second opinion, so that a no holds for both."""
        from brain.app.outside import Asker, no_stays

        asks = agree and no_stays(agree)
        attended = agree is not None  # an agent, or a program, only gets the answer
        return Asker(resources, request, say, asks, attended, here.first.before)

    def outside(first: Answer) -> Outside | None:
        """The way outside, looked for only when an answer may have to leave."""
        if resources.store.policies.newest() is None:
            return None  # no policy was ever published, and as shipped the cloud is off
        from brain.app.outside import opened

        way = opened(asker(), first, demands(here.first, first).complexity)
        if way is not None:
            policies.append(way.digest)
        return way

    walk = Walk(here, request.route, outside)
    given = walk.go()
    known = here.first
    if given.route == SECOND:
        known = here.second
        say("notice", BETTER)
        here.held.release(say)
    said = tuple(map(str, walk.steps))
    took = int((time.monotonic() - began) * 1_000)
    complexity = demands(known, given).complexity
    made = Made(TASK, complexity, took, "".join(policies))
    given = replace(given, walk=said)
    if request.second_opinion:
        from brain.app.opinion import with_opinion

        given = with_opinion(asker(), given, complexity)
    compared = None
    if walk.stayed is not None or _shadows(resources):
        compared = _compared(asker(), walk.stayed, given, complexity)
    if compared is not None and compared.shadow:
        given = replace(given, notices=(*given.notices, compared.said))
    return Routed(given, known.found.signals, made, known.before, compared)


def _shadows(resources: Resources) -> bool:
    """Whether the published policy wants shadow runs at all; looked up without loading the gate."""
    newest = resources.store.policies.newest()
    if newest is None:
        return False
    with suppress(ValueError):  # damaged: the gate says so where something may leave
        flags = tomllib.loads(newest.text).get("flags", {})
        return bool(flags.get("shadow") and flags.get("cloud"))
    return False


def _compared(
    asker: Asker, stayed: Answer | None, given: Answer, complexity: str
) -> Compared | None:
    """The answer of this machine beside that of a cloud. `stayed`: where that of the cloud was given in its place."""
    from brain.app.shadow import of_both, shadow_run

    if stayed is not None:
        return of_both(stayed, given)
    return shadow_run(asker, given, complexity)


def tries(resources: Resources, request: Request) -> tuple[Answer, Answer]:
    """The first answer of this machine, and the better one of its two tries where that one is not sure. No way outside
    is looked for.
    """
    from brain.answering.asking import quiet

    here = _Here(resources, request, quiet)
    first = Walk(here, LOCAL).go()
    if first.sure not in UNSETTLED:
        return first, first
    return first, Walk(here, DEEP).go()


def demands(known: Evidence, given: Answer) -> Demands:
    """What a question asks for, by its words, by the passages that came near enough to be read whole, and by how well
    they answer it.
    """
    passages = known.found.passages
    read = [passage for passage in passages if passage.span is not None]
    near = read or passages[:NEAR]
    files = {passage.document_id for passage in near if _is_code(passage)}
    question = known.query.text
    return Demands(
        parts=len(parts_of(question)),
        documents=len({passage.document_id for passage in near}),
        evidence_tokens=sum(passage.tokens for passage in near),
        code_files=len(files),
        constraints=constraints_of(question),
        unsettled=int(given.sure in UNSETTLED),
    )


def _is_code(passage: Passage) -> bool:
    from brain.retrieval.answers import CODE
    from brain.retrieval.fusion import code_share

    return code_share(passage.text) >= CODE


class _Held:
    """Hears an answer that may not stand, and says it once it does."""

    def __init__(self) -> None:
        self._heard: list[tuple[str, str, Span | None]] = []

    def __call__(self, kind: str, text: str, answer: Span | None = None, /) -> None:
        self._heard.append((kind, text, answer))

    def release(self, say: Say) -> None:
        """Say all of it."""
        for kind, text, answer in self._heard:
            say(kind, text, answer)


class _Here:
    """What this machine can do for one question. `first`, `second`: what each try found; `held`: what the second one
    said.
    """

    first: Evidence
    second: Evidence

    def __init__(self, resources: Resources, request: Request, say: Say) -> None:
        self._resources = resources
        self._request = request
        self._say = say
        self.held = _Held()
        self._answer: Answer | None = None

    def local(self) -> Answer:
        if self._answer is None:
            self.first = evidence(self._resources, self._request, self._say)
            self._answer = here(self._resources, self.first, self._say)
        return self._answer

    def again(self, first: Answer) -> Answer | None:
        """Over more passages, by the largest model that is pulled. It is said only if it stands."""
        more = deeper(self._resources, self.first)
        larger = self._resources.larger_writer()
        if more is None and larger is None:
            return None
        self.second = more or self.first
        if larger is None:
            return here(self._resources, self.second, self.held)
        return answered(self._resources, self.second, larger, self.held)

"""From a question to what was found for it, and from there to an answer made on this machine.

Two steps, so that a second look, or another model, takes up where the first one stands. Leaves ranking to
`brain.app.search`, writing and checking answers to `brain.answering`, and which model answers to `brain.app.route`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from brain import confidence
from brain.app import labelling, reading
from brain.app.naming import nearest_first, told_of
from brain.app.resources import Resources, clean
from brain.app.search import MAX_QUESTION_CHARS, narrowed, retrieved
from brain.app.serving import AUTO
from brain.app.times import in_time
from brain.errors import BrainError, NotFound
from brain.labels import Label
from brain.protocols import Generator
from brain.types import Answer, Episode, Request, Retrieved, Scope, Texts

if TYPE_CHECKING:
    from brain.answering import Asking, Say
    from brain.text import Question

NAMED = "second_writer"  # setting: the model of the second families that was named to the person
TRUNCATED = "the server cut the prompt: part of the passages was not read"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found for a question. `request`: without what its words say of where to look; `query`: the question as
    it was searched for, with words of the one `before` where it follows up; `told`: of what was read out of its words.
    """

    whole: str
    request: Request
    question: Question
    query: Question
    before: Episode | None
    found: Retrieved
    told: Texts = ()

    @property
    def previous(self) -> str:
        """The question before, "" where it does not follow one."""
        return self.before.question if self.before is not None else ""


def evidence(
    resources: Resources, request: Request, say: Say, before: Episode | None = None
) -> Evidence:
    """The passages that a question is answered from, read and in their order. `before`: the round that it follows up,
    where that is known; another command may ask something in between.
    """
    from brain.app.corrections import with_corrections
    from brain.text import Question

    whole_question = request.question
    request, told = narrowed(resources, request)
    for notice in told:
        say("notice", notice)
    question = Question.of(request.question)
    if request.follow_up and before is None:
        before = _before(resources, clean(request.previous))
    query = question.after(before.question) if before is not None else question
    asked_for = replace(request, question=query.text, mode="hybrid")
    look = partial(retrieved, resources)
    found, timed = in_time(resources, reading.widened(resources, asked_for), look)
    found = reading.read(resources, asked_for, found, limit=request.limit)
    found = replace(found, notices=(*timed, *found.notices))
    for notice in found.notices:
        say("notice", notice)
    found = with_corrections(resources, request, found, say)
    found = _known_by_name(resources, query, found)
    return Evidence(
        whole_question, request, question, query, before, found, tuple(told)
    )


def here(resources: Resources, known: Evidence, say: Say) -> Answer:
    """The answer of this machine: by the model that serves, or quotes."""
    generator, why, missing = resources.generator()
    for notice in _second_choice(resources, generator, why):
        say("notice", notice)
    return answered(resources, known, generator, say, missing=missing)


def answered(
    resources: Resources,
    known: Evidence,
    generator: Generator | None,
    say: Say,
    *,
    missing: str = "",
    nonce: str = "",
) -> Answer:
    """The answer from what was found, by this model; by quotes where it is None. `missing`: what is not there; `nonce`:
    of the prompt, where the same question must give the same bytes.
    """
    from brain.answering import answer

    found = known.found
    asking = _asking(resources, known.request, found, generator, known.previous, say)
    asking = replace(asking, nonce=nonce)
    weighed = known.question.weighed(_idf(resources, known.question))
    asked = answer(weighed, found.passages, generator=generator, asking=asking)
    asked = _with_usage(asked, generator)
    if asked.state == "not_found":
        nearest = nearest_first(resources, known.query.text, asked.passages)
        asked = replace(asked, passages=nearest)
    degraded = filter(None, (found.degraded, missing, asked.degraded))
    return replace(
        asked,
        question=known.whole,
        embedder=found.embedder,
        degraded="; ".join(degraded),
        failed=asked.failed or bool(found.degraded or missing),
        withheld=found.withheld,
        steps=found.steps,
        notices=(*known.told, *found.notices, *asked.notices),
    )


def _known_by_name(
    resources: Resources, question: Question, found: Retrieved
) -> Retrieved:
    """Not called absent where notes hold all of the question once their names are counted in: then those alone."""
    floor = resources.head.floor
    if not confidence.absent(found.confidence.found, found.signals, floor):
        return found
    read = bool(found.signals.get("tells_absence"))
    told = told_of(resources, question.text, found.passages, was_read=read)
    if not told:
        return found
    passages = tuple(item for item in found.passages if item.document_id in told)
    at_floor = confidence.floor_of(found.signals, floor)
    sure = replace(found.confidence, found=at_floor)
    return replace(found, passages=passages, confidence=sure)


def _second_choice(
    resources: Resources, generator: Generator | None, why: str
) -> list[str]:
    """Once for each model: that one of a family answers which is only taken where the first ones are not there."""
    from brain.models.catalogue import is_second_choice

    if generator is None or resources.config.models.ask != AUTO:
        return []
    library = resources.store.library
    name = generator.name
    if not is_second_choice(name) or library.setting(NAMED) == name:
        return []
    with suppress(BrainError):  # a read-only home is told again
        library.keep_setting(NAMED, name)
    return [f"{why}; `brain models use ask NAME` chooses another"]


def _asking(
    resources: Resources,
    request: Request,
    found: Retrieved,
    generator: Generator | None,
    previous: str,
    say: Say,
) -> Asking:
    """What answering needs beside the passages: means to read, count and compare, and what is known of the search."""
    from brain.answering import Asking
    from ingest.tokens import count_tokens

    def read(passage_id: str, start: int, end: int) -> str:
        """The stored text of a passage from `start` to `end`, read again; "" when it is gone."""
        stored = resources.store.search.passages([passage_id], scope=Scope())
        if not stored:
            return ""
        return stored[0].text[start:end]

    head = resources.head
    return Asking(
        read=read,
        count=count_tokens,
        say=say,
        embedder=resources.comparer,
        found=found.confidence.found,
        speed=getattr(generator, "prompt_speed", None),
        previous=previous,
        anyway=request.anyway,
        signals=found.signals,
        listed=found.listed,
        floor=head.floor,
        threshold=head.threshold,
    )


def _with_usage(asked: Answer, generator: Generator | None) -> Answer:
    """What the server reported of its work: a prompt that it cut, or an answer that it did not finish, is said."""
    usage = getattr(generator, "usage", None)
    if usage is None or asked.provider == "builtin":
        return asked
    if usage.truncated:
        asked = replace(
            asked,
            degraded="context truncated by server",
            notices=(*asked.notices, TRUNCATED),
        )
    if not usage.complete and asked.state != "not_found":
        asked = replace(asked, state="incomplete")
    return asked


def _idf(resources: Resources, question: Question) -> dict[str, float]:
    """The weight of each content word of the question over the store, by its stem."""
    from brain.retrieval.candidates import idf
    from ingest.terms import stem

    search = resources.store.search
    frequencies = search.document_frequencies(tuple(dict.fromkeys(question.content)))
    count = search.count()
    return {
        stem(word): idf(frequency, count) for word, frequency in frequencies.items()
    }


def _before(resources: Resources, told: str) -> Episode:
    """The round before: the last that was kept, or the question that was `told`, which is as confidential as what it
    names. Raises `NotFound`.
    """
    if told:
        told = told[:MAX_QUESTION_CHARS]
        label = labelling.of_words(resources, told, str(Label.PUBLIC))
        return Episode("", "", "ask", told, "", label=labelling.told([told], label))
    last = resources.store.episodes.last("ask")
    if last is None:
        raise NotFound("there is no question before this one", "ask it without -c")
    return last

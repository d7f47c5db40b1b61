"""`ask`: an answer from the notes with checked citations, or a count over everything, kept as an episode.

Leaves ranking to `brain.app.search`, writing and checking answers to `brain.answering`, and what a person corrected
before to `brain.app.corrections`: this joins them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from brain import confidence
from brain.app import reading
from brain.app.last_answer import NUMBERS
from brain.app.naming import nearest_first, told_of
from brain.app.resources import Resources, clean
from brain.app.search import MAX_QUESTION_CHARS, narrowed, retrieved
from brain.app.serving import AUTO
from brain.app.sync import refresh
from brain.app.times import in_time, resolved
from brain.errors import BrainError, NotFound, UsageError
from brain.prompts import NOTHING_IN
from brain.protocols import Generator
from brain.types import Answer, Episode, Measures, Request, Retrieved, Scope

if TYPE_CHECKING:
    from brain.answering import Asking, Say
    from brain.text import Question

NAMED = "second_writer"  # setting: the model of the second families that was named to the person
TRUNCATED = "the server cut the prompt: part of the passages was not read"


def ask(resources: Resources, request: Request, say: Say) -> Answer:
    """An answer from the notes, with citations that were read again; the question and the answer become an episode."""
    question = clean(request.question)
    if not question.strip():
        raise UsageError(
            "the question is empty",
            'write it after the command: brain ask "what did we decide?"',
        )
    if len(question) > MAX_QUESTION_CHARS:
        say(
            "notice",
            f"the question was cut to its first {MAX_QUESTION_CHARS:,} characters",
        )
    scope = resolved(resources, request.scope)
    request = replace(request, question=question[:MAX_QUESTION_CHARS], scope=scope)
    for notice in refresh(resources) if request.look else ():
        say("notice", notice)
    if not resources.store.library.count():
        # Nothing was looked for, so that nothing happened that is worth remembering.
        return Answer(question, "not_found", NOTHING_IN, provider="builtin")
    # Counting is exact where ranking would only be likely, so it is tried first
    signals: Measures = {}
    asked = _whole_store(resources, request, say)
    if asked is None:
        asked, signals = _from_passages(resources, request, say)
    if not request.record:
        return asked
    return replace(asked, episode=_record(resources, asked, signals))


def _from_passages(
    resources: Resources, request: Request, say: Say
) -> tuple[Answer, Measures]:
    """(the answer, the signals of its retrieval)."""
    from brain.answering import answer
    from brain.app.corrections import with_corrections
    from brain.text import Question

    whole_question = request.question
    request, told = narrowed(resources, request)
    for notice in told:
        say("notice", notice)
    question = Question.of(request.question)
    previous = _previous(resources) if request.follow_up else ""
    query = question.after(previous) if previous else question
    asked_for = replace(request, question=query.text, mode="hybrid")
    look = partial(retrieved, resources)
    found, timed = in_time(resources, reading.widened(resources, asked_for), look)
    found = reading.read(resources, asked_for, found, limit=request.limit)
    found = replace(found, notices=(*timed, *found.notices))
    for notice in found.notices:
        say("notice", notice)
    found = with_corrections(resources, request, found, say)
    generator, why, missing = resources.generator()
    for notice in _second_choice(resources, generator, why):
        say("notice", notice)
    found = _known_by_name(resources, query, found)
    asking = _asking(resources, request, found, generator, previous, say)
    weighed = question.weighed(_idf(resources, question))
    asked = answer(weighed, found.passages, generator=generator, asking=asking)
    asked = _with_usage(asked, generator)
    if asked.state == "not_found":
        nearest = nearest_first(resources, query.text, asked.passages)
        asked = replace(asked, passages=nearest)
    degraded = filter(None, (found.degraded, missing, asked.degraded))
    whole = replace(
        asked,
        question=whole_question,
        embedder=found.embedder,
        degraded="; ".join(degraded),
        withheld=found.withheld,
        steps=found.steps,
        notices=(*told, *found.notices, *asked.notices),
    )
    return whole, found.signals


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


def _whole_store(resources: Resources, request: Request, say: Say) -> Answer | None:
    """Questions over everything ("how many notes mention …") are counted, not ranked."""
    from brain.answering import whole_store

    question = request.question
    scope = request.scope
    wanted = whole_store.recognise(question)
    if wanted is None:
        return None
    if wanted.type:
        scope = replace(scope, types=(*scope.types, wanted.type))
    ids, covered = resources.store.whole.mentioning(
        wanted.phrases, any_of=wanted.any_of, tag=wanted.tag, scope=scope
    )
    rows = resources.store.search.passages(ids, scope=scope)
    asked = whole_store.render(
        question, wanted, rows, covered=covered, total=resources.store.library.count()
    )
    say("sentence", asked.text)
    return asked


def _previous(resources: Resources) -> str:
    last = resources.store.episodes.last("ask")
    if last is None:
        raise NotFound("there is no question before this one", "ask it without -c")
    return last.question


def _record(resources: Resources, asked: Answer, signals: Measures) -> str | None:
    """Keep what was asked and answered; a broken-off answer is kept as a question without an answer."""
    from brain.store.episodes import Circumstances

    text = "" if asked.state == "incomplete" else asked.text
    cited = tuple(
        f"{citation.source}:{citation.locator}" for citation in asked.citations
    )
    episode = Episode(
        "",
        resources.seconds(),
        "ask",
        asked.question,
        text,
        cited,
        asked.state,
    )
    facts = Circumstances(
        confidence={
            **asdict(asked.confidence),
            "signals": dict(signals),
            NUMBERS: [citation.number for citation in asked.citations],
        },
        route=asked.route,
        model=asked.model,
    )
    try:
        return resources.store.episodes.record(episode, facts).id
    except BrainError:
        return None  # an answer that cannot be recorded (a full disk, a read-only home) is still an answer

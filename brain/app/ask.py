"""`ask`: an answer from the notes with checked citations, or a count over everything, kept as an episode.

Leaves ranking to `brain.app.search`, writing and checking answers to `brain.answering`, what a person corrected before
to `brain.app.corrections`, and which model answers to `brain.app.route`: this joins them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from brain.app.labelling import of_answer, told_label
from brain.app.last_answer import NUMBERS
from brain.app.opinion import NO_ANSWER, unasked
from brain.app.outcomes import Made, note
from brain.app.resources import Resources, clean
from brain.app.route import routed
from brain.app.search import MAX_QUESTION_CHARS, withheld
from brain.app.sync import refresh
from brain.app.times import resolved
from brain.app.unmet import sees_less, told_to
from brain.errors import BrainError, UsageError
from brain.labels import UNLABELLED
from brain.prompts import NOTHING_IN
from brain.store.labels import EVIDENCE
from brain.types import (
    Answer,
    Episode,
    Measures,
    Request,
)

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.app.outside import Agree
    from brain.app.shadow import Compared


COUNTED = "this was counted, which no model does better"


def ask(
    resources: Resources, request: Request, say: Say, agree: Agree | None = None
) -> Answer:
    """An answer from the notes, with citations that were read again; the question and the answer become an episode.

    `agree`: asks the person who waits whether something may leave; None where nobody does.
    """
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
    notices = refresh(resources) if request.look else []
    for notice in told_to(resources, scope, notices):
        say("notice", notice)
    if not resources.store.library.count():
        # Nothing was looked for, so that nothing happened that is worth remembering.
        nothing = Answer(question, "not_found", NOTHING_IN, provider="builtin")
        return unasked(request, nothing, NO_ANSWER)
    # Counting is exact where ranking would only be likely, so it is tried first
    signals: Measures = {}
    made: Made | None = None
    before: Episode | None = None
    compared: Compared | None = None
    asked = _whole_store(resources, request, say)
    if asked is not None:
        asked = unasked(request, asked, COUNTED)
    else:
        done = routed(resources, request, say, agree)
        asked, signals, made = done.answer, done.signals, done.made
        before, compared = done.before, done.compared
    if sees_less(request.scope):
        asked = replace(asked, withheld=withheld(resources, request))
    asked = replace(asked, label=of_answer(resources, asked, before))
    if request.record:
        asked = _remembered(resources, asked, signals, made, compared)
    return replace(asked, label=told_label(asked, scope.at_most))


def _remembered(
    resources: Resources,
    asked: Answer,
    signals: Measures,
    made: Made | None,
    compared: Compared | None,
) -> Answer:
    """The answer with its episode, and the outcome kept. `made`: None for a count, which no task is measured by."""
    episode = _record(resources, asked, signals)
    if episode and made is not None:
        with suppress(BrainError):  # as with the episode itself
            note(resources, asked, made, episode)
            if compared is not None:
                from brain.app.shadow import keep

                keep(resources, compared, made.task, episode)
    return replace(asked, episode=episode)


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
    # How much there is that may not be seen is confidential as well
    total = covered if sees_less(scope) else resources.store.library.count()
    asked = whole_store.render(question, wanted, rows, covered=covered, total=total)
    say("sentence", asked.text)
    return asked


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
        label=asked.label or UNLABELLED,
    )
    facts = Circumstances(
        confidence={
            **asdict(asked.confidence),
            "signals": dict(signals),
            EVIDENCE: sorted({passage.document_id for passage in asked.passages}),
            NUMBERS: [citation.number for citation in asked.citations],
        },
        route=asked.route,
        model=asked.model,
    )
    try:
        return resources.store.episodes.record(episode, facts).id
    except BrainError:
        return None  # an answer that cannot be recorded (a full disk, a read-only home) is still an answer

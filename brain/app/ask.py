"""Asking: `search`, `ask`, and the whole-store questions that SQL answers.

Leaves out ranking (`brain.retrieval`), writing answers (`brain.answering`) and probabilities (`brain.confidence`): this
joins them. Every function is handed the parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from brain.app.capture import refresh
from brain.app.parts import Parts
from brain.errors import BrainError, NotFound, UsageError
from brain.protocols import Generator
from brain.types import Answer, Confidence, Episode, Retrieved, Scope

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.retrieval import Mode

TRUNCATED = "the server cut the prompt: part of the passages was not read"
QUESTION_CHARS = 8_000  # FAULTS row 39: a longer question is cut, and said so


def search(
    parts: Parts,
    query: str,
    *,
    limit: int,
    mode: Mode,
    scope: Scope,
    look: bool,
    rerank: bool | None = None,
    expand: bool | None = None,
) -> Retrieved:
    """Ranked passages with the confidence that the notes hold an answer. `rerank`, `expand`: None as configured."""
    notices = tuple(refresh(parts)) if look else ()
    if len(query) > QUESTION_CHARS:
        notices += (f"the query was cut to its first {QUESTION_CHARS:,} characters",)
    found = _retrieve(
        parts,
        query[:QUESTION_CHARS],
        limit=limit,
        mode=mode,
        scope=scope,
        rerank=rerank,
        expand=expand,
    )
    notices += found.notices
    chance = found.confidence.found
    if chance is None:
        return replace(found, notices=notices)
    from brain.app.heads import head

    return replace(found, notices=notices, below_floor=chance < head(parts).floor)


def _retrieve(
    parts: Parts,
    query: str,
    *,
    limit: int,
    mode: Mode,
    scope: Scope,
    rerank: bool | None,
    expand: bool | None,
) -> Retrieved:
    """What the search finds, and where it is wanted what a local model makes of it."""
    from brain.app import assist

    settings = parts.config.retrieval
    wanted = assist.wishes(settings, rerank=rerank, expand=expand)
    if not wanted:
        return _ranked(parts, query, limit=limit, mode=mode, scope=scope)
    room = assist.pool(settings, wanted, limit)
    found = _ranked(parts, query, limit=room, mode=mode, scope=scope)
    return assist.assisted(
        parts,
        query,
        found,
        wanted,
        chance=chance_of(parts, found),
        limit=limit,
        mode=mode,
        again=lambda text, way: _ranked(parts, text, limit=room, mode=way, scope=scope),
    )


def _ranked(parts: Parts, query: str, *, limit: int, mode: Mode, scope: Scope) -> Retrieved:
    from brain.retrieval import retrieve

    searchable = parts.store.search
    if mode == "lexical":  # its own head, fitted to words alone, tells how sure
        found = retrieve(
            query,
            searchable=searchable,
            index=None,
            embedder=None,
            scope=scope,
            limit=limit,
            mode="lexical",
        )
        return replace(found, confidence=Confidence(found=chance_of(parts, found)))
    serving = parts.serving
    index = parts.index("knowledge", serving.fingerprint) if serving.embedder is not None else None
    found = retrieve(
        query,
        searchable=searchable,
        index=index,
        embedder=serving.embedder,
        scope=scope,
        limit=limit,
        mode=mode,
    )
    lag = parts.store.vectors.generations.lag(serving.fingerprint) if found.index == "chroma" else 0
    degraded = "; ".join(part for part in (serving.degraded, found.degraded) if part)
    fallback = getattr(index, "fallback", "")  # only what has a choice has one
    return replace(
        found,
        degraded=degraded,
        index_lag=lag,
        confidence=Confidence(found=chance_of(parts, found)),
        notices=(*found.notices, fallback) if fallback else found.notices,
    )


def chance_of(parts: Parts, retrieved: Retrieved) -> float:
    """The probability that the notes hold it, from retrieval alone, by the shipped head or the person's calibrated one."""
    from brain.app.heads import head

    return head(parts).found(retrieved.signals) if retrieved.passages else 0.0


def ask(
    parts: Parts,
    question: str,
    *,
    follow_up: bool,
    scope: Scope,
    limit: int,
    anyway: bool,
    record: bool,
    say: Say,
    rerank: bool | None = None,
    expand: bool | None = None,
) -> Answer:
    """An answer from the notes, with citations that were read again; the question and the answer become an episode."""
    if not question.strip():
        raise UsageError(
            "the question is empty", 'write it after the command: brain ask "what did we decide?"'
        )
    if len(question) > QUESTION_CHARS:
        say("notice", f"the question was cut to its first {QUESTION_CHARS:,} characters")
        question = question[:QUESTION_CHARS]
    for notice in refresh(parts):
        say("notice", notice)
    signals: Mapping[str, float] = {}
    asked = _whole_store(parts, question, scope, say)
    if asked is None:
        previous = _previous(parts) if follow_up else ""
        asked, signals = _from_passages(
            parts,
            question,
            previous,
            scope=scope,
            limit=limit,
            anyway=anyway,
            say=say,
            rerank=rerank,
            expand=expand,
        )
    return replace(asked, episode=_record(parts, asked, signals)) if record else asked


def _from_passages(
    parts: Parts,
    question: str,
    previous: str,
    *,
    scope: Scope,
    limit: int,
    anyway: bool,
    say: Say,
    rerank: bool | None,
    expand: bool | None,
) -> tuple[Answer, Mapping[str, float]]:
    """(the answer, the signals of its retrieval)."""
    from brain.answering import Asking, answer, widen
    from brain.app.heads import head
    from brain.app.judge import with_corrections
    from ingest.tokens import count_tokens

    query = widen(question, previous) if previous else question
    found = _retrieve(
        parts, query, limit=limit, mode="hybrid", scope=scope, rerank=rerank, expand=expand
    )
    for notice in found.notices:
        say("notice", notice)
    found = with_corrections(parts, question, found, scope, say)
    generator, _why, missing = parts.generator()
    asking = Asking(
        read=lambda passage_id, start, end: _read(parts, passage_id, start, end),
        count=count_tokens,
        say=say,
        idf=_idf(parts, question),
        embedder=parts.comparer,
        found=found.confidence.found,
        speed=getattr(generator, "prompt_speed", None),
        previous=previous,
        anyway=anyway,
        signals=found.signals,
        floor=head(parts).floor,
        threshold=head(parts).threshold,
    )
    asked = _with_usage(
        answer(question, found.passages, generator=generator, asking=asking), generator
    )
    degraded = "; ".join(part for part in (found.degraded, missing, asked.degraded) if part)
    said = (*found.notices, *asked.notices)
    whole = replace(
        asked,
        embedder=found.embedder,
        degraded=degraded,
        withheld=found.withheld,
        steps=found.steps,
    )
    return replace(whole, notices=said), found.signals


def _with_usage(asked: Answer, generator: Generator | None) -> Answer:
    """What the server reported of its work: a prompt that it cut, or an answer that it did not finish, is said."""
    usage = getattr(generator, "usage", None)
    if usage is None or asked.provider == "builtin":
        return asked
    if usage.truncated:
        asked = replace(
            asked, degraded="context truncated by server", notices=(*asked.notices, TRUNCATED)
        )
    if not usage.complete and asked.state != "not_found":
        asked = replace(asked, state="incomplete")
    return asked


def _idf(parts: Parts, question: str) -> dict[str, float]:
    """The weight of each content word of the question over the store, by its stem."""
    from ingest.terms import stem
    from ingest.words import content_words

    words = tuple(dict.fromkeys(content_words(question)))
    count, frequencies = parts.store.search.count(), parts.store.search.document_frequencies(words)
    return {
        stem(word): math.log(1 + (max(count - n, 0) + 0.5) / (n + 0.5))
        for word, n in frequencies.items()
    }


def _read(parts: Parts, passage_id: str, start: int, end: int) -> str:
    """The stored text of a passage from `start` to `end`, read again; "" when it is gone."""
    found = parts.store.search.passages([passage_id], scope=Scope())
    return found[0].text[start:end] if found else ""


def _whole_store(parts: Parts, question: str, scope: Scope, say: Say) -> Answer | None:
    """Questions over everything ("how many notes mention …") are counted, not ranked."""
    from brain.answering import whole_store

    wanted = whole_store.recognise(question)
    if wanted is None:
        return None
    ids, covered = parts.store.whole.mentioning(
        wanted.phrases, any_of=wanted.any_of, tag=wanted.tag, scope=scope
    )
    rows = parts.store.search.passages(ids, scope=scope)
    asked = whole_store.render(
        question, wanted, rows, covered=covered, total=parts.store.library.count()
    )
    say("sentence", asked.text)
    return asked


def _previous(parts: Parts) -> str:
    last = parts.episodes.last("ask")
    if last is None:
        raise NotFound("there is no question before this one", "ask it without -c")
    return last.question


def _record(parts: Parts, asked: Answer, signals: Mapping[str, float]) -> str | None:
    """Keep what was asked and answered; a broken-off answer is kept as a question without an answer."""
    from brain.store.episodes import Circumstances

    text = "" if asked.state == "incomplete" else asked.text
    cited = tuple(f"{citation.source}:{citation.locator}" for citation in asked.citations)
    episode = Episode(
        "",
        parts.moment().isoformat(timespec="seconds"),
        "ask",
        asked.question,
        text,
        cited,
        asked.state,
    )
    facts = Circumstances(
        confidence={**asdict(asked.confidence), "signals": dict(signals)},
        route=asked.route,
        model=asked.model,
    )
    try:
        return parts.episodes.record(episode, facts).id
    except BrainError:
        return None  # an answer that cannot be recorded (a full disk, a read-only home) is still an answer

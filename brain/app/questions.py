"""Asking: `search`, `ask`, `recall`, and the whole-store questions that SQL answers.

Leaves out ranking (`brain.retrieval`), writing answers (`brain.answering`) and probabilities (`brain.confidence`): this
joins them. Every function is handed the parts.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from brain.answering import Asking, Say, answer, whole_store
from brain.app.capture import refresh
from brain.app.parts import Parts
from brain.errors import BrainError, NotFound, UsageError
from brain.types import Answer, Confidence, Episode, Recalled, Remembered, Retrieved, Scope

QUESTION_CHARS = 8_000  # FAULTS row 39: a longer question is cut, and said so


def search(parts: Parts, query: str, *, limit: int, lexical: bool, scope: Scope) -> Retrieved:
    """Ranked passages with the confidence that the notes hold an answer."""
    notices = refresh(parts)
    found = _retrieve(parts, query[:QUESTION_CHARS], limit=limit, lexical=lexical, scope=scope)
    degraded = "; ".join(part for part in (found.degraded, *notices) if part)
    return replace(found, degraded=degraded) if degraded != found.degraded else found


def _retrieve(parts: Parts, query: str, *, limit: int, lexical: bool, scope: Scope) -> Retrieved:
    from brain.retrieval import retrieve

    searchable = parts.store.search
    if lexical:
        return retrieve(query, searchable=searchable, index=None, embedder=None, scope=scope, limit=limit, mode="lexical")
    serving = parts.serving
    index = parts.index("knowledge", serving.fingerprint) if serving.embedder is not None else None
    found = retrieve(query, searchable=searchable, index=index, embedder=serving.embedder, scope=scope, limit=limit)
    lag = parts.store.vectors.generations.lag(serving.fingerprint) if found.index == "chroma" else 0
    degraded = "; ".join(part for part in (serving.degraded, found.degraded) if part)
    return replace(found, degraded=degraded, index_lag=lag, confidence=Confidence(found=_found(found)))


def _found(retrieved: Retrieved) -> float | None:
    from brain import confidence

    return confidence.found(retrieved.signals) if retrieved.passages else 0.0


def ask(
    parts: Parts, question: str, *, follow_up: bool, scope: Scope, limit: int, anyway: bool, record: bool, say: Say
) -> Answer:
    """An answer from the notes, with citations that were read again; the question and the answer become an episode."""
    if not question.strip():
        raise UsageError("the question is empty", 'write it after the command: brain ask "what did we decide?"')
    if len(question) > QUESTION_CHARS:
        say("notice", f"the question was cut to its first {QUESTION_CHARS:,} characters")
        question = question[:QUESTION_CHARS]
    for notice in refresh(parts):
        say("notice", notice)
    asked = _whole_store(parts, question, scope, say) or _from_passages(
        parts, question, _previous(parts) if follow_up else "", scope=scope, limit=limit, anyway=anyway, say=say
    )
    return replace(asked, episode=_record(parts, asked)) if record else asked


def _from_passages(
    parts: Parts, question: str, previous: str, *, scope: Scope, limit: int, anyway: bool, say: Say
) -> Answer:
    from brain.answering import widen
    from ingest.tokens import count_tokens

    query = widen(question, previous) if previous else question
    found = _retrieve(parts, query, limit=limit, lexical=False, scope=scope)
    generator, _why, missing = parts.generator()
    asking = Asking(
        read=lambda passage_id, start, end: _read(parts, passage_id, start, end),
        count=count_tokens, say=say, idf=_idf(parts, question), embedder=parts.builtin,
        found=found.confidence.found, speed=getattr(generator, "prompt_speed", None), previous=previous, anyway=anyway,
    )  # fmt: skip
    asked = answer(question, found.passages, generator=generator, asking=asking)
    degraded = "; ".join(part for part in (found.degraded, missing, asked.degraded) if part)
    return replace(asked, embedder=found.embedder, degraded=degraded, withheld=found.withheld)


def _idf(parts: Parts, question: str) -> dict[str, float]:
    """The weight of each content word of the question over the store, by its stem."""
    from ingest.terms import stem
    from ingest.words import content_words

    words = tuple(dict.fromkeys(content_words(question)))
    count, frequencies = parts.store.search.count(), parts.store.search.document_frequencies(words)
    return {stem(word): math.log(1 + (max(count - n, 0) + 0.5) / (n + 0.5)) for word, n in frequencies.items()}


def _read(parts: Parts, passage_id: str, start: int, end: int) -> str:
    """The stored text of a passage from `start` to `end`, read again; "" when it is gone."""
    found = parts.store.search.passages([passage_id], scope=Scope())
    return found[0].text[start:end] if found else ""


def _whole_store(parts: Parts, question: str, scope: Scope, say: Say) -> Answer | None:
    """Questions over everything ("how many notes mention …") are counted, not ranked."""
    wanted = whole_store.recognise(question)
    if wanted is None:
        return None
    ids, covered = parts.store.whole.mentioning(wanted.phrases, any_of=wanted.any_of, tag=wanted.tag, scope=scope)
    rows = parts.store.search.passages(ids, scope=scope)
    asked = whole_store.render(question, wanted, rows, covered=covered, total=parts.store.library.count())
    say("sentence", asked.text)
    return asked


def _previous(parts: Parts) -> str:
    last = parts.episodes.last("ask")
    if last is None:
        raise NotFound("there is no question before this one", "ask it without -c")
    return last.question


def _record(parts: Parts, asked: Answer) -> str | None:
    """Keep what was asked and answered; a broken-off answer is kept as a question without an answer."""
    from brain.memory.episodes import Circumstances

    text = "" if asked.state == "incomplete" else asked.text
    cited = tuple(f"{citation.source}:{citation.locator}" for citation in asked.citations)
    episode = Episode("", parts.moment().isoformat(timespec="seconds"), "ask", asked.question, text, cited, asked.state)
    facts = Circumstances(confidence=asdict(asked.confidence), route=asked.route, model=asked.model)
    try:
        return parts.episodes.record(episode, facts).id
    except BrainError:
        return None  # an answer that cannot be recorded (a full disk, a read-only home) is still an answer


def recall(
    parts: Parts, query: str, *, since: str, until: str, kind: str, person: str, limit: int
) -> Recalled:
    """Episodes by words, meaning and time window; the window may stand in the words ("in May")."""
    from brain.index import embed_pending
    from brain.memory import ranking, when
    from brain.retrieval import retrieve

    now = parts.moment()
    since, until = since and when.since_of(since, now), until and when.until_of(until, now)
    if not query.strip():
        recent = parts.episodes.recent(limit, since=since, until=until, kind=kind, person=person)
        return Recalled(query, tuple(Remembered(episode) for episode in recent), since=since, until=until)
    window = None if since or until else when.window_of(query, now)
    words = query
    if window is not None:
        since, until = window.since, window.until
        words = query.replace(window.words, " ") if window.words else query
    serving = parts.serving
    if serving.embedder is not None:
        embed_pending(parts.store.vectors, serving.embedder, kind="episodes")
    found = retrieve(
        words, searchable=parts.episode_search(kind, person), scope=Scope(since=since, until=until), embedder=serving.embedder,
        index=parts.index("episodes", serving.fingerprint) if serving.embedder is not None else None,
        limit=max(limit, ranking.DEPTH), per_document=None, collapse_copies=False,
    )  # fmt: skip
    ids = [passage.id for passage in found.passages]
    ranked = ranking.rerank(
        found.passages, parts.episodes.many(ids), now=now, corrected=parts.episodes.superseded(ids), timed=bool(since or until)
    )
    remembered = tuple(_remembered(parts, episode, score) for episode, score in ranked[:limit])
    degraded = found.degraded or serving.degraded
    return Recalled(query, remembered, since=since, until=until, degraded=degraded, embedder=found.embedder)


def _remembered(parts: Parts, episode: Episode, score: float) -> Remembered:
    """An episode with the rounds before and after it in its session."""
    before, after = parts.episodes.neighbours(episode) if episode.session else ((), ())
    return Remembered(episode, score, before, after)

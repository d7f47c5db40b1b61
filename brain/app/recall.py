"""Memory's verbs: `remember`, an episode by hand, and `recall`, what happened, by words, meaning and time.

Leaves out storing (capture) and ranking (`brain.retrieval`, `brain.retrieval.recall_order`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from brain.app import capture
from brain.app.ask import chance_of
from brain.app.heads import head
from brain.app.parts import Parts
from brain.errors import UsageError
from brain.retrieval.retrieve import Mode
from brain.types import Confidence, Episode, Recalled, Remembered, Retrieved, Scope

# A window that stands in the words ("in May") holds when its best round is at least this share of the best of all times:
# else the time belongs to what happened, not to when it was said. On locomo_dev, the 100 questions with such words: nDCG@10
# .495 with the window always, .588 never, .616 so; flat from .5 to .7.
WINDOW_HOLDS = 0.5

Ranked = list[tuple[Episode, float]]


def remember(
    parts: Parts,
    text: str,
    *,
    at: str | None,
    session: str,
    people: Sequence[str],
    tags: Sequence[str],
) -> Episode:
    """One episode. Raises `UsageError` for an empty text or a time that cannot be read."""
    if not text.strip():
        raise UsageError(
            "there is nothing to remember",
            'write it after the command: brain remember "We chose …"',
        )
    moment = parts.moment() if at is None else _moment(at, parts.moment())
    episode = Episode(
        "",
        moment.isoformat(timespec="seconds"),
        "note",
        "",
        text.strip(),
        session=session,
        people=tuple(people),
        tags=tuple(tags),
    )
    return capture.remember(parts, [episode])[0]


def _moment(text: str, now: datetime) -> datetime:
    """The time that a person wrote; a day without an hour is its beginning. Raises `UsageError`."""
    from brain.retrieval import time_window

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(time_window.since_of(text, now))
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def recall(
    parts: Parts,
    query: str,
    *,
    since: str,
    until: str,
    kind: str,
    person: str,
    limit: int,
    mode: Mode,
) -> Recalled:
    """Episodes by words, meaning and time window; the window may stand in the words ("in May")."""
    from brain.retrieval import time_window

    now = parts.moment()
    since, until = (
        since and time_window.since_of(since, now),
        until and time_window.until_of(until, now),
    )
    if not query.strip():
        recent = parts.episodes.recent(limit, since=since, until=until, kind=kind, person=person)
        return Recalled(
            query, tuple(Remembered(episode) for episode in recent), since=since, until=until
        )
    window = None if since or until else time_window.window_of(query, now)
    if window is not None and window.words and not _says_more(query.replace(window.words, " ")):
        recent = parts.episodes.recent(
            limit, since=window.since, until=window.until, kind=kind, person=person
        )
        return Recalled(
            query,
            tuple(Remembered(one) for one in recent),
            bool(recent),
            since=window.since,
            until=window.until,
        )
    finder = _Finder(parts, kind, person, max(limit, _depth()), mode)
    found, ranked = finder.find(query, since, until)
    if window is not None:
        within, inside = finder.find(
            query.replace(window.words, " ") if window.words else query, window.since, window.until
        )
        if inside and (not ranked or inside[0][1] >= WINDOW_HOLDS * ranked[0][1]):
            known = {episode.id for episode, _score in inside}
            later = [
                (e, score) for e, score in ranked if e.id not in known and score > inside[0][1]
            ]
            found, ranked, since, until = within, inside + later, window.since, window.until
    chance = chance_of(parts, found) if mode == "hybrid" else None
    there = chance is None or chance >= head(parts).floor
    shown = ranked[:limit]
    return Recalled(
        query,
        tuple(_remembered(parts, episode, score) for episode, score in shown),
        found=there and bool(shown),
        since=since,
        until=until,
        degraded=found.degraded or parts.serving.degraded,
        embedder=found.embedder,
        confidence=Confidence(found=chance),
    )


def _says_more(words: str) -> bool:
    """Whether anything is asked for beside a time."""
    from ingest.terms import tokens
    from ingest.words import FRAME, STOP

    return any(word not in STOP and word not in FRAME for word in tokens(words))


def _depth() -> int:
    from brain.retrieval import recall_order

    return recall_order.DEPTH


class _Finder:
    """Retrieval over episodes of one kind and person, ranked as memory ranks."""

    def __init__(self, parts: Parts, kind: str, person: str, limit: int, mode: Mode) -> None:
        from brain.index import embed_pending

        self._parts, self._limit, self._mode = parts, limit, mode
        self._searchable = parts.store.search_episodes(kind=kind, person=person)
        if parts.serving.embedder is not None:
            embed_pending(
                parts.store.vectors,
                parts.serving.embedder,
                kind="episodes",
                sentences=parts.serving.embedder is not parts.builtin,
            )

    def find(self, words: str, since: str, until: str) -> tuple[Retrieved, Ranked]:
        """(what retrieval says, the episodes with their scores)."""
        from brain.retrieval import recall_order, retrieve

        parts, serving = self._parts, self._parts.serving
        found = retrieve(
            words,
            searchable=self._searchable,
            scope=Scope(since=since, until=until),
            embedder=serving.embedder,
            index=parts.index("episodes", serving.fingerprint)
            if serving.embedder is not None
            else None,
            limit=self._limit,
            per_document=None,
            collapse_copies=False,
            mode=self._mode,
        )
        ids = [passage.id for passage in found.passages]
        return found, recall_order.rerank(
            found.passages,
            parts.episodes.many(ids),
            now=parts.moment(),
            corrected=parts.episodes.superseded(ids),
            timed=bool(since or until),
        )


def _remembered(parts: Parts, episode: Episode, score: float) -> Remembered:
    """An episode with the rounds before and after it in its session."""
    before, after = parts.episodes.neighbours(episode) if episode.session else ((), ())
    return Remembered(episode, score, before, after)

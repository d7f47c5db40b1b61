"""`recall`: what happened, by words, meaning and time, with the rounds around it in the same conversation.

Decides which time window holds and when the notes hold nothing. Leaves ranking to `brain.retrieval`, the order of
episodes to `brain.retrieval.recall_order`, and reading times to `brain.retrieval.time_window`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.app.search import chance_of
from brain.app.times import resolved, says_more
from brain.types import (
    Confidence,
    Episode,
    Recalled,
    Remembered,
    Request,
    Retrieved,
    Scope,
    TimeNamed,
)

if TYPE_CHECKING:
    from brain.retrieval.time_window import Window

# A window that stands in the words ("in May") holds when its best round is at least this share of the best of all
# times: else the time belongs to what happened, not to when it was said. On locomo_dev, the 100 questions with such
# words: nDCG@10 .495 with the window always, .588 never, .616 so; flat from .5 to .7.
WINDOW_HOLDS = 0.5

Ranked = list[tuple[Episode, float]]


def recall(resources: Resources, request: Request, kind: str, person: str) -> Recalled:
    """Episodes by words, meaning and time window. `since` and `until` of the scope are read as a person writes them;
    without them the window may stand in the words ("in May").
    """
    from brain.retrieval import time_window
    from brain.text import operators

    now = resources.moment()
    query = request.question
    scope = resolved(resources, request.scope)
    since, until = scope.since, scope.until
    asked = operators.read(query)
    words = Scope(phrases=asked.phrases, without=asked.without)
    finder = _Finder(resources, request, kind, person, words)
    if not query.strip():
        return finder.newest(since, until)
    if finder.narrowed():
        query = asked.text
    window = None if since or until else time_window.window_of(query, now)
    if window is None:
        return finder.shown(*finder.find(query, since, until), since, until)
    rest = query.replace(window.words, " ") if window.words else query
    named = TimeNamed(window.words, window.since, window.until)
    if window.words and not says_more(rest):
        listed = finder.newest(window.since, window.until)
        return replace(listed, found=bool(listed.episodes), named=named)
    return replace(_in_or_out_of_window(finder, query, rest, window), named=named)


def _in_or_out_of_window(
    finder: _Finder, query: str, rest: str, window: Window
) -> Recalled:
    """What lies in the window, when it holds; then what is better outside. `rest`: the question without its time."""
    found, ranked = finder.find(query, "", "")
    within, inside = finder.find(rest, window.since, window.until)
    best = _best_score(inside)
    if not inside or best < WINDOW_HOLDS * _best_score(ranked):
        return replace(finder.shown(found, ranked, "", ""), set_aside=True)
    known = {episode.id for episode, _score in inside}
    for episode, score in ranked:
        if episode.id not in known and score > best:
            inside.append((episode, score))
    return finder.shown(within, inside, window.since, window.until)


def _best_score(ranked: Ranked) -> float:
    return ranked[0][1] if ranked else 0.0


@dataclass(slots=True)
class _Finder:
    """Retrieval over episodes of one kind and person, ranked as memory ranks."""

    resources: Resources
    request: Request
    kind: str
    person: str
    words: Scope
    ready: bool = False

    def narrowed(self) -> bool:
        """Whether words must or must not be there; those that stand nowhere next to each other do not count."""
        episodes = self.resources.store.search_episodes(
            kind=self.kind, person=self.person
        )
        if self.words.phrases and not episodes.allowed(self.words):
            self.words = replace(self.words, phrases=())
        return self.words != Scope()

    def newest(self, since: str, until: str) -> Recalled:
        """The newest episodes of a time, for a question that says nothing else."""
        recent = self.resources.store.episodes.recent(
            self.request.limit,
            since=since,
            until=until,
            kind=self.kind,
            person=self.person,
        )
        listed = tuple(Remembered(episode) for episode in recent)
        return Recalled(self.request.question, listed, since=since, until=until)

    def find(self, words: str, since: str, until: str) -> tuple[Retrieved, Ranked]:
        """(what retrieval says, the episodes with their scores)."""
        from brain.retrieval import recall_order, retrieve

        resources = self.resources
        self._embed_new_episodes()
        episodes = resources.store.search_episodes(kind=self.kind, person=self.person)
        request = replace(
            self.request,
            question=words,
            scope=replace(self.words, since=since, until=until),
            limit=max(self.request.limit, recall_order.DEPTH),
        )
        sources = resources.sources(episodes, "episodes")
        found = retrieve(request, sources, varied=False)
        ids = [passage.id for passage in found.passages]
        ranked = recall_order.rerank(
            found.passages,
            resources.store.episodes.many(ids),
            now=resources.moment(),
            corrected=resources.store.episodes.superseded(ids),
            timed=bool(since or until),
        )
        return found, ranked

    def shown(
        self, found: Retrieved, ranked: Ranked, since: str, until: str
    ) -> Recalled:
        """The best, and whether the notes hold it: by the probability where words and meaning were both looked at."""
        resources = self.resources
        request = self.request
        chance = chance_of(resources, found) if request.mode == "hybrid" else None
        there = chance is None or chance >= resources.head.floor
        best = ranked[: request.limit]
        return Recalled(
            request.question,
            tuple(self._with_rounds(episode, score) for episode, score in best),
            found=there and bool(best),
            since=since,
            until=until,
            degraded=found.degraded or resources.serving.degraded,
            embedder=found.embedder,
            confidence=Confidence(found=chance),
        )

    def _embed_new_episodes(self) -> None:
        """A question that was asked gets its vector now, when somebody looks for it, and not while it is answered."""
        from brain.index import embed_pending

        serving = self.resources.serving
        if self.ready or serving.embedder is None:
            return
        self.ready = True
        whole = serving.embedder is not self.resources.builtin
        vectors = self.resources.store.vectors
        embed_pending(vectors, serving.embedder, kind="episodes", sentences=whole)

    def _with_rounds(self, episode: Episode, score: float) -> Remembered:
        """An episode with the rounds before and after it in its session."""
        before, after = self.resources.store.episodes.neighbours(episode)
        return Remembered(episode, score, before, after)

"""`recall`: what happened, by words, meaning and time, with the rounds around it in the same conversation.

Decides which time window holds, which signs of a question count ("these words", -without, tag:flat) and when the notes
hold nothing. Leaves ranking to `brain.retrieval`, the order of
episodes to `brain.retrieval.recall_order`, and reading times to `brain.retrieval.time_window`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.app.search import chance_of, quoted
from brain.app.serving import Serving
from brain.app.times import named_in, resolved, says_more
from brain.app.unmet import check_person, sees_less
from brain.labels import effective
from brain.recalled import Recalled, Remembered, TimeNamed
from brain.store.sql import WALKED
from brain.text import operators
from brain.types import Confidence, Episode, Request, Retrieved, Scope, Texts

if TYPE_CHECKING:
    from brain.retrieval.time_window import Window

# A window that stands in the words ("in May") holds when its best round is at least this share of the best of all
# times: else the time belongs to what happened, not to when it was said. On locomo_dev, the 100 questions with such
# words: nDCG@10 .495 with the window always, .588 never, .616 so; flat from .5 to .7.
WINDOW_HOLDS = 0.5

# What is embedded before an answer by a model that reads sentences: what it has no time for waits for the next
# `recall` or `sync`.
NEW_EPISODES_SECONDS = 1.0
NEW_EPISODES_BATCH = 8  # between two looks at the clock

Ranked = list[tuple[Episode, float]]
Rounds = tuple[Episode, ...]


def recall(resources: Resources, request: Request, kind: str, person: str) -> Recalled:
    """Episodes by words, meaning and time window. `since` and `until` of the scope are read as a person writes them;
    without them the window may stand in the words ("in May"). Raises `NotFound` for a person that nobody met.
    """
    check_person(resources, person, request.scope)
    asked = operators.read(request.question)
    finder = _Finder(resources, request, kind, person)
    told = finder.narrow(asked)
    found = _found(resources, finder, asked.text, told)
    hidden = _withheld(resources, request)
    return replace(found, notices=tuple(told), withheld=hidden)


def _withheld(resources: Resources, request: Request) -> int:
    """How many of the first episodes would be others, were it not for the label that the request may see at most.

    Only this number leaves the second look, which goes by the plain words alone, as that of a search does. 0 where the
    request may see everything.
    """
    most = request.scope.at_most
    if most is None or not sees_less(request.scope):
        return 0
    everything = Scope(compartments=request.scope.compartments)
    finder = _Finder(resources, replace(request, scope=everything), "", "")
    words = operators.read(request.question).text
    every = finder.newest("", "")
    if words:
        every = finder.shown(*finder.find(words, "", ""), "", "")
    walked = bool(resources.store.library.setting(WALKED))
    hidden = 0
    for one in every.episodes:
        if effective(one.episode.label, walked=walked) > most:
            hidden += 1
    return hidden


def _found(
    resources: Resources, finder: _Finder, query: str, told: list[str]
) -> Recalled:
    """`query`: the question without the signs that say where to look. `told` grows by how its dates were read."""
    scope = resolved(resources, finder.request.scope)
    since = scope.since
    until = scope.until
    if not query:
        return finder.newest(since, until)
    window = None
    if not since and not until:
        window, readings = named_in(resources, query)
        told += readings
    if window is None:
        return finder.shown(*finder.find(query, since, until), since, until)
    rest = query
    if window.words:
        rest = query.replace(window.words, " ")
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
    if not ranked:
        return 0.0
    return ranked[0][1]


def _signs(key: str, values: Texts) -> Iterator[str]:
    """As they were written: type:pdf, -path:letters."""
    for value in values:
        wanted = value.removeprefix("-")
        minus = "" if wanted == value else "-"
        yield f"{minus}{key}:{wanted}"


@dataclass(slots=True)
class _Finder:
    """Retrieval over episodes of one kind and person, ranked as memory ranks."""

    resources: Resources
    request: Request
    kind: str
    person: str
    words: Scope = field(default_factory=Scope)
    serving: Serving | None = None

    def narrow(self, asked: operators.Asked) -> list[str]:
        """Look only at rounds with those words and tags; returns what to tell of it.

        Words in quotation marks that stand nowhere next to each other are looked for apart.
        """
        told = []
        self.words = Scope(
            phrases=asked.phrases,
            without=asked.without,
            tags=asked.tags,
            at_most=self.request.scope.at_most,
        )
        if asked.phrases and not self._allowed():
            apart = replace(self.words, phrases=())
            told.append(f"{quoted(asked.phrases)} stands nowhere: looked for apart")
            self.words = apart
        if asked.without:
            told.append(f"left out: what holds {quoted(asked.without)}")
        files = [*_signs("type", asked.types), *_signs("path", asked.paths)]
        if files:
            signs = " and ".join(files)
            told.append(f"{signs} passed over: what was asked and said is no file")
        return told

    def _allowed(self) -> set[str] | None:
        """Ids of the rounds with those words and tags; None for all."""
        store = self.resources.store
        episodes = store.search_episodes(kind=self.kind, person=self.person)
        if self.words == Scope():
            return None
        return episodes.allowed(self.words)

    def newest(self, since: str, until: str) -> Recalled:
        """The newest episodes of a time, for a question that says nothing else."""
        recent = self.resources.store.episodes.recent(
            self.request.limit,
            since=since,
            until=until,
            kind=self.kind,
            person=self.person,
            among=self._allowed(),
        )
        listed = tuple(Remembered(episode) for episode in recent)
        return Recalled(self.request.question, listed, since=since, until=until)

    def find(self, words: str, since: str, until: str) -> tuple[Retrieved, Ranked]:
        """(what retrieval says, the episodes with their scores)."""
        from brain.retrieval import recall_order, retrieve

        resources = self.resources
        if self.serving is None:
            self.serving = _with_new_episodes(resources)
        episodes = resources.store.search_episodes(kind=self.kind, person=self.person)
        request = replace(
            self.request,
            question=words,
            scope=replace(self.words, since=since, until=until),
            limit=max(self.request.limit, recall_order.DEPTH),
        )
        sources = resources.sources(episodes, "episodes", self.serving)
        found = retrieve(request, sources, varied=False)
        if found.no_dense and resources.step_back(found.no_dense):
            self.serving = _with_new_episodes(resources)
            sources = resources.sources(episodes, "episodes", self.serving)
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
            degraded=found.degraded or (self.serving or resources.serving).degraded,
            embedder=found.embedder,
            confidence=Confidence(found=chance),
        )

    def _with_rounds(self, episode: Episode, score: float) -> Remembered:
        """An episode with the rounds before and after it in its session."""
        before, after = self.resources.store.episodes.neighbours(episode)
        return Remembered(episode, score, self._seen(before), self._seen(after))

    def _seen(self, episodes: Rounds) -> Rounds:
        """Those of them that may be seen: a round beside one that may be can be more confidential."""
        most = self.request.scope.at_most
        if most is None or not episodes:
            return episodes
        search = self.resources.store.search_episodes()
        allowed = search.allowed(Scope(at_most=most))
        return tuple(
            episode for episode in episodes if allowed is None or episode.id in allowed
        )


def _with_new_episodes(resources: Resources) -> Serving:
    """What serves, once the questions that were asked have vectors: they get them when somebody looks for them, and not
    while they are answered. Word vectors serve this time where there are too many of them for another model.
    """
    from brain.index import embed_pending

    serving = resources.serving
    words = resources.comparer
    vectors = resources.store.vectors
    until = time.monotonic() + NEW_EPISODES_SECONDS
    if serving.embedder is not None and serving.embedder is not words:
        report = embed_pending(
            vectors,
            serving.embedder,
            kind="episodes",
            batch=NEW_EPISODES_BATCH,
            stop=lambda: time.monotonic() > until,
        )
        if not report.waiting or words is None:
            return serving
        why = ""
        if report.error:
            why = f"{report.error.message}; "
        degraded = f"{why}the built-in model searched" if why else ""
        serving = Serving(words, str(words.fingerprint), "the rest waits", degraded)
    if words is not None:
        embed_pending(vectors, words, kind="episodes")
    return serving

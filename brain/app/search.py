"""`search`: from a request to ranked passages, with the probability that the notes hold an answer.

Chooses what ranks (which embedder, which index, whether a local model helps) and computes the probability. Leaves
ranking to `brain.retrieval`, what a local model does to `brain.app.assist`. Serves `search`, `ask` and `recall`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from brain.app.resources import Resources, Serving
from brain.app.sync import refresh
from brain.app.times import in_time, resolved
from brain.prompts import NOTHING_IN
from brain.types import Confidence, Mode, Passage, Request, Retrieved

WORDS_ALONE = Serving(None, "", "asked for")
MAX_QUESTION_CHARS = (
    8_000  # a longer text is a document, and each of its words would be looked up
)


def search(resources: Resources, request: Request) -> Retrieved:
    """Ranked passages, and whether they lie below the floor under which the notes probably do not hold it."""
    notices = refresh(resources) if request.look else []
    question = request.question[:MAX_QUESTION_CHARS]
    if question != request.question:
        notices.append(
            f"the query was cut to its first {MAX_QUESTION_CHARS:,} characters"
        )
        request = replace(request, question=question)
    request, told = narrowed(resources, request)
    found, timed = in_time(resources, request, partial(retrieved, resources))
    notices += [*told, *timed, *found.notices]
    if not resources.store.library.count():
        notices.append(NOTHING_IN)
    chance = found.confidence.found or 0.0
    below = chance < resources.head.floor
    return replace(found, notices=tuple(notices), below_floor=below)


def narrowed(resources: Resources, request: Request) -> tuple[Request, list[str]]:
    """The request with the signs of its question as scope (`"these words"`, `-without`, `type:pdf`), and what to tell.

    Words in quotation marks that stand nowhere next to each other are looked for apart. Times become days.
    """
    from brain.text import operators

    request = replace(request, scope=resolved(resources, request.scope))
    asked = operators.read(request.question)
    if asked == operators.Asked(request.question.strip()):
        return request, []
    scope = asked.scope(request.scope)
    told = []
    if asked.phrases and not resources.store.search.allowed(scope):
        apart = replace(scope, phrases=request.scope.phrases)
        if resources.store.search.allowed(apart) != set():
            told.append(f"{_quoted(asked.phrases)} stands nowhere: looked for apart")
            scope = apart
    if asked.without:
        told.append(f"left out: what holds {_quoted(asked.without)}")
    text = asked.text or " ".join((*asked.paths, *asked.tags, *asked.types))
    return replace(request, question=text, scope=scope), told


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def retrieved(resources: Resources, request: Request) -> Retrieved:
    """What the search finds, and where it is wanted what a local model makes of it."""
    from brain.app import assist

    settings = resources.config.retrieval
    wanted = assist.wishes(settings, request)
    if not wanted:
        return in_order(resources, request, ranked(resources, request))
    wider = replace(request, limit=assist.pool(settings, wanted, request.limit))

    def again(text: str, mode: Mode) -> Retrieved:
        return ranked(resources, replace(wider, question=text, mode=mode))

    found = assist.assisted(resources, request, ranked(resources, wider), wanted, again)
    return in_order(resources, request, found)


def in_order(resources: Resources, request: Request, found: Retrieved) -> Retrieved:
    """The same passages by the property that the request names; those whose document has none come last."""
    if not request.sort:
        return found
    name = request.sort.removeprefix("-").strip()
    down = request.sort.startswith("-")
    ids = [passage.document_id for passage in found.passages]
    values = resources.store.library.by_property(ids, name)
    with_one = [one for one in found.passages if one.document_id in values]
    without = [one for one in found.passages if one.document_id not in values]

    def key(passage: Passage) -> tuple[float, str]:
        number, text = values[passage.document_id]
        # What is no number stands behind those that are, whichever way they go.
        apart = -math.inf if down else math.inf
        return (apart if number is None else number), text

    with_one.sort(key=key, reverse=down)
    return replace(found, passages=(*with_one, *without))


def ranked(resources: Resources, request: Request) -> Retrieved:
    """What retrieval alone finds. By words alone when that is asked for: no embedder is opened then."""
    from brain.retrieval import retrieve

    serving = WORDS_ALONE if request.mode == "lexical" else resources.serving
    sources = resources.sources(resources.store.search, "knowledge", serving)
    found = retrieve(request, sources)
    lag = 0
    if found.index == "chroma":
        lag = resources.store.vectors.snapshots.lag(serving.fingerprint)
    missing = filter(None, (serving.degraded, found.degraded))
    # Only an index that chooses between two says that it had to take the other one
    fallback = getattr(sources.index, "fallback", "")
    notices = (*found.notices, fallback) if fallback else found.notices
    return replace(
        found,
        confidence=Confidence(found=chance_of(resources, found)),
        degraded="; ".join(missing),
        index_lag=lag,
        notices=notices,
    )


def chance_of(resources: Resources, found: Retrieved) -> float:
    """The probability that the notes hold it, from retrieval alone; 0 where nothing was found."""
    return resources.head.found(found.signals) if found.passages else 0.0

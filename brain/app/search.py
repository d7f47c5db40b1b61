"""`search`: from a request to ranked passages, with the probability that the notes hold an answer.

Chooses what ranks (which embedder, which index, whether a local model helps) and computes the probability. Leaves
ranking to `brain.retrieval`, what a local model does to `brain.app.assist`. Serves `search`, `ask` and `recall`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from brain.app import reading
from brain.app.naming import named, nearest_first, told_of
from brain.app.resources import Resources
from brain.app.serving import Serving
from brain.app.sync import refresh
from brain.app.times import in_time, resolved
from brain.app.unmet import check, check_types, sees_less, told_to
from brain.confidence import absent
from brain.labels import effective
from brain.prompts import NOTHING_IN
from brain.store.sql import WALKED
from brain.types import Confidence, Mode, Passage, Request, Retrieved, Scope

WORDS_ALONE = Serving(None, "", "asked for")
# A longer text is a document, and each of its words would be looked up.
MAX_QUESTION_CHARS = 8_000


def search(resources: Resources, request: Request) -> Retrieved:
    """Ranked passages, and whether they lie below the floor under which the notes probably do not hold it."""
    notices = refresh(resources) if request.look else []
    notices = told_to(resources, request.scope, notices)
    question = request.question[:MAX_QUESTION_CHARS]
    if question != request.question:
        cut = f"the query was cut to its first {MAX_QUESTION_CHARS:,} characters"
        notices.append(cut)
        request = replace(request, question=question)
    as_asked = request
    request, told = narrowed(resources, request)
    look = partial(retrieved, resources)
    reads = reading.wanted(resources, request)
    asked_for = reading.widened(resources, request) if reads else request
    found, timed = in_time(resources, asked_for, look)
    if reads:
        found = reading.read(resources, request, found, limit=request.limit)
    notices += [*told, *timed, *found.notices]
    if not resources.store.library.count():
        notices.append(NOTHING_IN)
    chance = found.confidence.found or 0.0
    below = absent(chance, found.signals, resources.head.floor)
    if below:
        # A name that a person gave is in the notes, however little else of the question is.
        asked = request.question
        below = not named(resources, asked, found.passages)
        read = bool(found.signals.get("tells_absence"))
        below = below and not told_of(resources, asked, found.passages, was_read=read)
    if below:
        nearest = nearest_first(resources, request.question, found.passages)
        found = replace(found, passages=nearest)
    hidden = withheld(resources, as_asked)
    return replace(found, notices=tuple(notices), below_floor=below, withheld=hidden)


def withheld(resources: Resources, request: Request) -> int:
    """How many of the first passages would be others, were it not for the label that the request may see at most.

    Only this number leaves the second look, which goes by the plain words of the question alone: with a condition
    (`-word`, `path:`, a day) the number would tell what a hidden note holds, where it lies and when it was written.
    0 where the request may see everything.
    """
    from brain.text import operators

    most = request.scope.at_most
    if most is None or not sees_less(request.scope):
        return 0  # the first says it to the type checker
    words = operators.read(request.question).text
    if not words:
        return 0
    everything = Scope(compartments=request.scope.compartments)
    wider = replace(request, question=words, scope=everything)
    walked = bool(resources.store.library.setting(WALKED))
    hidden = 0
    for passage in ranked(resources, wider).passages:
        if effective(passage.label, walked=walked) > most:
            hidden += 1
    return hidden


def narrowed(resources: Resources, request: Request) -> tuple[Request, list[str]]:
    """The request with the signs of its question as scope (`"these words"`, `-without`, `type:pdf`), and what to tell.

    Words in quotation marks that stand nowhere next to each other are looked for apart. Times become days. Raises
    `NotFound` for a condition that no document meets.
    """
    from brain.text import operators

    given = resolved(resources, request.scope)
    request = replace(request, scope=given)
    asked = operators.read(request.question)
    scope = asked.scope(given)
    check_types(resources, request)
    check(resources, scope, request.sort)
    without_signs = operators.Asked(request.question.strip())
    if asked == without_signs:
        return request, []
    allowed = resources.store.search.allowed
    told = []
    if asked.phrases and not allowed(scope):
        apart = replace(scope, phrases=given.phrases)
        if allowed(apart) != set():
            phrases = quoted(asked.phrases)
            told.append(f"{phrases} stands nowhere: looked for apart")
            scope = apart
    if asked.without:
        words = quoted(asked.without)
        told.append(f"left out: what holds {words}")
    text = asked.text
    if not text:
        places = (*asked.paths, *asked.tags, *asked.types)
        text = " ".join(places)
    narrower = replace(request, question=text, scope=scope)
    return narrower, told


def quoted(words: Iterable[str]) -> str:
    """The words as they are told of."""
    return ", ".join(f"“{word}”" for word in words)


def retrieved(resources: Resources, request: Request) -> Retrieved:
    """What the search finds, and where it is wanted what a model makes of it."""
    from brain.app import assist

    settings = resources.config.retrieval
    wanted = assist.wishes(settings, request)
    if not wanted:
        found = ranked(resources, request)
        return in_order(resources, request, found)
    most = assist.pool(settings, wanted, request.limit)
    wider = replace(request, limit=most)

    def again(text: str, mode: Mode) -> Retrieved:
        other = replace(wider, question=text, mode=mode)
        return ranked(resources, other)

    first = ranked(resources, wider)
    found = assist.assisted(resources, request, first, wanted, again)
    return in_order(resources, request, found)


def in_order(resources: Resources, request: Request, found: Retrieved) -> Retrieved:
    """The same passages by the property that the request names; those whose document has none come last."""
    if not request.sort:
        return found
    name = request.sort.removeprefix("-").strip()
    down = request.sort.startswith("-")
    ids = [passage.document_id for passage in found.passages]
    values = resources.store.library.by_property(ids, name)
    with_one: list[Passage] = []
    without: list[Passage] = []
    for passage in found.passages:
        has_one = passage.document_id in values
        among = with_one if has_one else without
        among.append(passage)
    # What is no number stands behind those that are, whichever way they go.
    behind = -math.inf if down else math.inf

    def key(passage: Passage) -> tuple[float, str]:
        number, text = values[passage.document_id]
        if number is None:
            number = behind
        return number, text

    with_one.sort(key=key, reverse=down)
    return replace(found, passages=(*with_one, *without))


def ranked(resources: Resources, request: Request) -> Retrieved:
    """What retrieval alone finds. By words alone when that is asked for: no embedder is opened then."""
    from brain.retrieval import retrieve

    store = resources.store
    serving = WORDS_ALONE if request.mode == "lexical" else resources.serving
    sources = resources.sources(store.search, "knowledge", serving)
    found = retrieve(request, sources)
    if found.no_dense and resources.step_back(found.no_dense):
        return ranked(resources, request)
    lag = 0
    if found.index == "chroma":
        snapshots = store.vectors.snapshots
        lag = snapshots.lag(serving.fingerprint)
    missing = filter(None, (serving.degraded, found.degraded))
    notices = found.notices
    # Only an index that chooses between two says that it had to take the other one
    fallback = getattr(sources.index, "fallback", "")
    if fallback:
        notices = (*notices, fallback)
    chance = chance_of(resources, found)
    return replace(
        found,
        confidence=Confidence(found=chance),
        degraded="; ".join(missing),
        index_lag=lag,
        notices=notices,
    )


def chance_of(resources: Resources, found: Retrieved) -> float:
    """The probability that the notes hold it, from retrieval alone; 0 where nothing was found."""
    if not found.passages:
        return 0.0
    return resources.head.found(found.signals)

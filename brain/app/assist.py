"""What a local model does beside a search, where it is wanted: it finds other words, and judges the best passages.

Decides whether, with which model and within which time, and says what was wanted and did not happen. Leaves how to
`brain.retrieval.expand` and `rerank`, and the search itself to `brain.app.search`, which it serves. None of it raises
for a model that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources, best_writer
from brain.app.serving import AUTO, BUILTIN
from brain.config import Retrieval
from brain.errors import BrainError, Unavailable
from brain.types import Mode, ModelStep, Request, Retrieved

if TYPE_CHECKING:
    from brain.models.ollama import OllamaServer
    from brain.protocols import Generator

OFF = "off"
ON = "on"
OLLAMA = "ollama"  # the value of [retrieval] reranker that lets a model of Ollama judge
LEFT_OPEN = (AUTO, BUILTIN)  # names that say no model
INSTEAD = {
    "rerank": "the order is the search's own",
    "expand": "it was searched with your words alone",
}

Again = Callable[[str, Mode], Retrieved]
"""One more search: (text, mode) -> what it finds, in the same scope."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of this search: "off", "auto" or "on" for each of the two."""

    rerank: str = OFF
    expand: str = OFF

    def __bool__(self) -> bool:
        return (self.rerank, self.expand) != (OFF, OFF)


def wishes(settings: Retrieval, request: Request) -> Wishes:
    """What the request asks for, or else the configuration."""

    asked = {None: "", True: ON, False: OFF}
    rerank = asked[request.rerank] or settings.rerank
    if settings.reranker != OLLAMA:
        rerank = OFF  # the answer reader orders instead
    return Wishes(
        rerank=rerank,
        expand=asked[request.expand] or settings.expand,
    )


def pool(settings: Retrieval, wanted: Wishes, limit: int) -> int:
    """How many passages the search must give, so that there is something to choose from."""
    from brain.retrieval.expand import POOL

    if wanted.rerank != OFF:
        limit = max(limit, settings.rerank_passages)
    if wanted.expand != OFF:
        limit = max(limit, POOL)
    return limit


def assisted(
    resources: Resources,
    request: Request,
    found: Retrieved,
    wanted: Wishes,
    again: Again,
) -> Retrieved:
    """What the search found, joined by what other words found, then judged, and cut to the limit.

    `steps` tells of both. The probability that the notes hold it is the search's own: what a model does changes
    nothing in it.
    """
    steps = []
    notices = list(found.notices)
    for wish, work in ((wanted.expand, _expanded), (wanted.rerank, _reranked)):
        if wish == OFF:
            continue
        found, step = work(resources, request, found, wish, again)
        notice = _notice(step)
        if notice and wish == ON:
            notices.append(notice)
        # Nobody asked for it by name, so that it is no failure
        if wish == AUTO and step.state == "failed":
            step = replace(step, state="skipped")
        steps.append(step)
    best = found.passages[: request.limit]
    return replace(
        found,
        passages=best,
        steps=tuple(steps),
        notices=tuple(notices),
    )


def _notice(step: ModelStep) -> str:
    """What a person must hear of a step that they asked for."""
    done = "reranked" if step.name == "rerank" else "expanded"
    if step.state == "failed":
        return f"not {done}: {step.reason}; {INSTEAD[step.name]}"
    if step.state == "ran" and step.judged < step.of:
        return f"{done} in part: {step.reason}; the others keep their places"
    return ""


def _expanded(
    resources: Resources, request: Request, found: Retrieved, wish: str, again: Again
) -> tuple[Retrieved, ModelStep]:
    from brain.retrieval.expand import STRONG_FOUND, expand, fuse

    chance = found.confidence.found or 0.0
    if chance >= STRONG_FOUND:
        why = f"the first look is sure (found {chance:.2f})"
        return found, ModelStep("expand", "skipped", reason=why)
    try:
        writer = resources.given_generator or _writer(resources, wish)
    except BrainError as error:
        return found, ModelStep("expand", "failed", reason=error.message)
    queries, step = expand(request.question, generator=writer)
    rankings = []
    for one in queries:
        by_words = one.kind == "lex"
        if by_words or request.mode != "lexical":
            found_so = again(one.text, "lexical" if by_words else "dense")
            rankings.append((one.kind, found_so.passages))
    if rankings:
        found = replace(found, passages=fuse(found.passages, rankings))
    return found, step


def _reranked(
    resources: Resources, request: Request, found: Retrieved, wish: str, _again: Again
) -> tuple[Retrieved, ModelStep]:
    from brain.models.ollama_judge import OllamaJudge
    from brain.retrieval.rerank import rerank

    settings = resources.config.retrieval
    ollama = resources.config.ollama
    try:
        server, name = _model(resources, wish, settings.rerank_seconds)
        _load(resources, name)
    except BrainError as error:
        return found, ModelStep("rerank", "failed", reason=error.message)
    judge = OllamaJudge(
        server, name, num_ctx=ollama.num_ctx, keep_alive=ollama.keep_alive
    )
    passages, step = rerank(
        request.question,
        found.passages,
        judge=judge,
        count=settings.rerank_passages,
        seconds=settings.rerank_seconds,
        progress=resources.progress,
    )
    return replace(found, passages=passages), step


def _writer(resources: Resources, wish: str) -> Generator:
    """The model that finds other words. Raises `Refused` or `Unavailable`."""
    server, name = _model(resources, wish, resources.config.retrieval.expand_seconds)
    _load(resources, name)
    return resources.ollama_generator(server, name)


def _load(resources: Resources, name: str) -> None:
    """Have the model loaded before the clock of a short deadline starts: hanging up in the middle aborts the load, and
    the next try would begin at nothing. A model that is there answers at once. Raises `Refused` or `Unavailable`.
    """
    resources.progress(f"loading {name}", 0, 0)
    resources.ollama_generator(resources.ollama, name).load()


def _model(resources: Resources, wish: str, seconds: float) -> tuple[OllamaServer, str]:
    """The server, no call to which takes longer than `seconds`, and the model: the one that answers, unless another
    one was named. With "auto" only one that is loaded in video memory. Raises `Refused` or `Unavailable`.
    """
    server = resources.ollama_within(seconds)
    config = resources.config
    name = config.retrieval.model
    if name in LEFT_OPEN:
        name = config.models.ask
    if name in LEFT_OPEN:
        name, _why = best_writer(server)
    if wish == AUTO and not server.in_video_memory(name):
        raise Unavailable(
            f"{name} is not in video memory, and `auto` asks it only there",
            "set it to `on`",
        )
    return server, name

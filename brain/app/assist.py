"""What a local model does beside a search, where it is wanted: it finds other words, and judges the best passages.

Decides whether, with which model and within which time, and says aloud what was wanted and did not happen. Leaves out
how (`brain.retrieval.expand` and `rerank`) and everything that a search does by itself. Every function is handed the
resources; none raises for a model that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.app.resources import AUTO, BUILTIN, Resources
from brain.config import Retrieval
from brain.errors import BrainError, Unavailable
from brain.types import Mode, ModelStep, Request, Retrieved

if TYPE_CHECKING:
    from brain.models.ollama import OllamaServer
    from brain.protocols import Generator, Reranker

OFF, ON = "off", "on"
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

    def wish(asked: bool | None, configured: str) -> str:
        if asked is None:
            return configured
        return ON if asked else OFF

    return Wishes(wish(request.rerank, settings.rerank), wish(request.expand, settings.expand))


def pool(settings: Retrieval, wanted: Wishes, limit: int) -> int:
    """How many passages the search must give, so that there is something to choose from."""
    from brain.retrieval.expand import POOL

    judged = settings.rerank_passages if wanted.rerank != OFF else 0
    return max(limit, judged, POOL if wanted.expand != OFF else 0)


def assisted(
    resources: Resources, request: Request, found: Retrieved, wanted: Wishes, again: Again
) -> Retrieved:
    """What the search found, joined by what other words found, then judged, and cut to the limit; `steps` tells of both.

    The probability that the notes hold it is the search's own; it is not changed by what a model does.
    """
    steps = []
    if wanted.expand != OFF:
        found, step = _expanded(resources, request, found, wanted.expand, again)
        steps.append((step, wanted.expand))
    if wanted.rerank != OFF:
        found, step = _reranked(resources, request.question, found, wanted.rerank)
        steps.append((step, wanted.rerank))
    aloud = tuple(notice for step, wish in steps if wish == ON and (notice := _aloud(step)))
    told = tuple(
        replace(s, state="skipped") if s.state == "failed" and wish == AUTO else s
        for s, wish in steps
    )
    return replace(
        found,
        passages=found.passages[: request.limit],
        steps=told,
        notices=(*found.notices, *aloud),
    )


def _aloud(step: ModelStep) -> str:
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
        return found, ModelStep(
            "expand", "skipped", reason=f"the first look is sure (found {chance:.2f})"
        )
    try:
        generator = _writer(resources, wish)
    except BrainError as error:
        return found, ModelStep("expand", "failed", reason=error.message)
    queries, step = expand(request.question, generator=generator)
    if request.mode == "lexical":
        queries = [one for one in queries if one.kind == "lex"]
    rankings = [
        (one.kind, again(one.text, "lexical" if one.kind == "lex" else "dense").passages)
        for one in queries
    ]
    return replace(
        found, passages=fuse(found.passages, rankings) if rankings else found.passages
    ), step


def _reranked(
    resources: Resources, query: str, found: Retrieved, wish: str
) -> tuple[Retrieved, ModelStep]:
    from brain.retrieval.rerank import rerank

    settings = resources.config.retrieval
    try:
        judge = _judge(resources, wish)
    except BrainError as error:
        return found, ModelStep("rerank", "failed", reason=error.message)
    passages, step = rerank(
        query,
        found.passages,
        judge=judge,
        count=settings.rerank_passages,
        seconds=settings.rerank_seconds,
        progress=resources.progress,
    )
    return replace(found, passages=passages), step


def _writer(resources: Resources, wish: str) -> Generator:
    """The model that finds other words. Raises `Refused` or `Unavailable`."""
    from brain.models.ollama_generator import OllamaGenerator

    if resources.given_generator is not None:
        return resources.given_generator
    settings = resources.config.ollama
    server, name = _model(resources, wish, resources.config.retrieval.expand_seconds)
    return OllamaGenerator(server, name, num_ctx=settings.num_ctx, keep_alive=settings.keep_alive)


def _judge(resources: Resources, wish: str) -> Reranker:
    """The model that judges. Raises `Refused` or `Unavailable`."""
    from brain.models.ollama_judge import OllamaJudge

    settings = resources.config.ollama
    server, name = _model(resources, wish, resources.config.retrieval.rerank_seconds)
    return OllamaJudge(server, name, num_ctx=settings.num_ctx, keep_alive=settings.keep_alive)


def _model(resources: Resources, wish: str, seconds: float) -> tuple[OllamaServer, str]:
    """The server, no call to which takes longer than `seconds`, and the model: the one that answers, unless another
    one was named. With "auto" only one that is loaded in video memory.
    """
    from brain.models.catalogue import choose_models
    from brain.models.limits import Limits
    from brain.models.ollama import OllamaServer

    settings = resources.config.ollama
    limits = Limits.of(connect=min(settings.connect_seconds, seconds), idle=seconds, total=seconds)
    server = OllamaServer(settings.host, trusted_hosts=settings.trusted_hosts, limits=limits)
    named = [
        name
        for name in (resources.config.retrieval.model, resources.config.models.ask)
        if name not in (AUTO, BUILTIN)
    ]
    name = named[0] if named else None
    if name is None:
        choice = choose_models(server.tags())
        if choice.generator is None:
            raise Unavailable(choice.why[0], "see `brain models list`")
        name = choice.generator
    if wish == AUTO and not server.in_video_memory(name):
        raise Unavailable(
            f"{name} is not in video memory, and `auto` asks it only there", "set it to `on`"
        )
    return server, name

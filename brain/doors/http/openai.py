"""Programs that speak OpenAI's protocol, `/v1/…`: a question over the notes in place of a prompt for a model.

They see what the label allows that `brain serve` was told (`--at-most`), whoever asks. Leaves what is read of a request
to `openai_asked`, and what an answer says to `openai_said`. docs/API.md is its page.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse
from starlette.routing import Route

from brain.doors.http.api import EVENTS, body_of, looks
from brain.doors.http.openai_asked import (
    ANSWERS,
    EMBEDS,
    QUERY,
    Asked,
    conversation,
    to_embed,
)
from brain.doors.http.openai_said import Said
from brain.doors.http.work import (
    Endpoint,
    answered,
    as_error,
    careful,
    done,
    failed,
    shown,
    status_of,
)
from brain.doors.log import note_unexpected
from brain.errors import NotFound

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from brain.app import Brain
    from brain.app.models import Embedded
    from brain.app.pool import Pool
    from brain.doors.http.settings import Settings
    from brain.types import Answer

Shape = dict[str, Any]

OWNER = "brain"
TOKEN_CHARS = 4  # of a token, about: nothing is billed by it
BROKEN_OFF = "incomplete"
END = "data: [DONE]\n\n"
KINDS = {
    400: "invalid_request_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "insufficient_quota",
}


class OpenAi:
    """The endpoints over one pool."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    def routes(self) -> list[Route]:
        """Every path with its method."""
        return [
            Route("/v1/models", in_shape(self.models)),
            Route("/v1/models/{name}", in_shape(self.model)),
            Route("/v1/chat/completions", in_shape(self.chat), methods=["POST"]),
            Route("/v1/embeddings", in_shape(self.embeddings), methods=["POST"]),
        ]

    async def models(self, _http: HttpRequest) -> Response:
        """What may be named as a model."""
        listed = [_model(name) for name in (*ANSWERS, *EMBEDS)]
        return shown({"object": "list", "data": listed})

    async def model(self, http: HttpRequest) -> Response:
        """One of them."""
        name = http.path_params["name"]
        if name not in (*ANSWERS, *EMBEDS):
            raise NotFound(f"there is no model {name!r}", "see /v1/models")
        return shown(_model(name))

    async def chat(self, http: HttpRequest) -> Response:
        """A cited answer, whole or as it comes."""
        asked = conversation(await body_of(http))
        settings = self._settings
        request = asked.request(
            settings.at_most,
            read_only=settings.read_only,
            look=looks(self._pool, read_only=settings.read_only),
        )
        events = answered(self._pool, request)
        reply = Reply(asked, settings.address)
        first = await anext(events)
        if asked.stream:
            return StreamingResponse(reply.pieces(first, events), media_type=EVENTS)
        last = first
        reply.note(*last)
        async for last in events:
            reply.note(*last)
        return shown(reply.whole(last[1]))

    async def embeddings(self, http: HttpRequest) -> Response:
        """The vectors of texts, by the embedder that serves searching."""
        wanted = to_embed(await body_of(http))

        def work(brain: Brain) -> Embedded:
            return brain.models.embed(wanted.texts, query=wanted.model == QUERY)

        made = await done(self._pool, work)
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(row) if wanted.packed else row.tolist(),
            }
            for index, row in enumerate(made.vectors)
        ]
        return shown(
            {
                "object": "list",
                "model": wanted.model,
                "data": data,
                "usage": _usage(wanted.texts),
                "brain": {"embedder": made.embedder, "fingerprint": made.fingerprint},
            }
        )


class Reply:
    """One answer in the making, as chunks or whole."""

    def __init__(self, asked: Asked, pages: str) -> None:
        self._asked = asked
        self._said = Said(pages)
        self._facts = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": asked.model,
        }

    def note(self, kind: str, said: Any) -> None:
        """What is told beside an answer that is sent whole."""
        if kind == "notice":
            self._said.hear(kind, said)

    def whole(self, given: Answer) -> Shape:
        """The answer as one object."""
        self._said.end(given)
        message = {
            "role": "assistant",
            "content": self._said.text,
            "refusal": None,
            "annotations": self._said.annotations(given),
        }
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": _finish(given),
            "logprobs": None,
        }
        return {
            **self._facts,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(),
            "brain": self._said.beside(given),
        }

    async def pieces(
        self, first: tuple[str, Any], rest: AsyncIterator[tuple[str, Any]]
    ) -> AsyncIterator[str]:
        """The chunks of an answer as it comes. What goes wrong after the first is an error in the place of a chunk."""
        yield self._chunk({"role": "assistant", "content": ""})
        try:
            for piece in self._heard(*first):
                yield piece
            async for event in rest:
                for piece in self._heard(*event):
                    yield piece
        except Exception as error:
            note_unexpected(error)
            yield _event(_error(error))
        yield END

    def _heard(self, kind: str, said: Any) -> Iterable[str]:
        if kind != "answer":
            piece = self._said.hear(kind, said)
            if piece:
                yield self._chunk({"content": piece})
            return
        yield self._chunk({"content": self._said.end(said)})
        last = {"annotations": self._said.annotations(said)}
        yield self._chunk(last, _finish(said), brain=self._said.beside(said))
        if self._asked.with_usage:
            chunk = self._envelope([])
            yield _event(chunk | {"usage": self._usage()})

    def _chunk(self, delta: Shape, finish: str | None = None, **more: Any) -> str:
        choice = {
            "index": 0,
            "delta": delta,
            "finish_reason": finish,
            "logprobs": None,
        }
        return _event(self._envelope([choice]) | more)

    def _envelope(self, choices: list[Shape]) -> Shape:
        return {**self._facts, "object": "chat.completion.chunk", "choices": choices}

    def _usage(self) -> Shape:
        return _usage(self._asked.turns, self._said.text)


def in_shape(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its errors in OpenAI's shape with their status."""
    return careful(endpoint, lambda _http, error: failed(error, _error))


def _error(error: BaseException) -> Shape:
    known = as_error(error)
    kind = KINDS.get(status_of(known), "server_error")
    message = f"{known.message}: {known.hint}" if known.hint else known.message
    said = {"message": message, "type": kind, "param": None, "code": known.kind}
    return {"error": said}


def _event(said: Shape) -> str:
    return f"data: {json.dumps(said, ensure_ascii=True)}\n\n"


def _model(name: str) -> Shape:
    return {"id": name, "object": "model", "created": 0, "owned_by": OWNER}


def _finish(given: Answer) -> str:
    return "length" if given.state == BROKEN_OFF else "stop"


def _usage(asked: Iterable[str], said: str = "") -> Shape:
    """How much was asked and said, as programs add it up."""
    prompt = sum(len(text) // TOKEN_CHARS + 1 for text in asked)
    completion = len(said) // TOKEN_CHARS
    counts = {"prompt_tokens": prompt, "total_tokens": prompt + completion}
    return counts | {"completion_tokens": completion}


def _packed(row: Any) -> str:
    """float32, little-endian, as the official client unpacks it."""
    return base64.b64encode(row.astype("<f4").tobytes()).decode()

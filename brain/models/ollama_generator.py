"""A model in Ollama that writes: streamed, under a window that is always sent, and honest about how the answer ended.

The server is forbidden to cut the prompt or to slide its window, and its own count of the prompt is compared with ours,
since some versions cut silently all the same. Leaves out prompts, packing, and what the answer means or whether it is
JSON of the schema that was asked for. Serves `brain.answering` and `brain.retrieval.expand`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from brain.errors import Incomplete, Refused, Unavailable
from brain.models.locality import Json
from brain.models.ollama import OllamaServer
from brain.models.ollama_errors import Broken
from brain.models.windows import MESSAGE_TOKENS, floor, sendable
from brain.protocols import Messages

WINDOW = 8192  # tokens, when nobody set another
SEED = 20260101  # with temperature 0, so that the same question gets the same answer; any constant would do
# Of our estimate that the server must have read, else it cut the prompt: our lower estimate is seldom too high.
SEEN_SHARE = 0.8
SPEED_FROM = 64  # prompt tokens below which a speed says nothing
# Latest measurements kept; the slowest counts, since a cached prompt looks infinitely fast.
SPEEDS = 5
NANO = 1e-9  # seconds per unit of every duration of the API


@dataclass(frozen=True, slots=True)
class Usage:
    """How one answer came about, in tokens.

    `estimate`: our lower estimate of the prompt; `prompt_tokens`: the server's count, None where it did not say.
    `done_reason`: "stop", or "length" for an answer cut at its maximum.
    """

    estimate: int
    done_reason: str
    prompt_tokens: int | None = None

    @property
    def complete(self) -> bool:
        """False when the answer was cut."""
        return self.done_reason != "length"

    @property
    def truncated(self) -> bool:
        """True when the server read less of the prompt than we sent."""
        return (
            self.prompt_tokens is not None
            and self.prompt_tokens < SEEN_SHARE * self.estimate
        )


class ChatStream(Iterator[str]):
    """Pieces of one answer; `finish` gets the last line. `close()` hangs up, and the server stops writing."""

    def __init__(
        self,
        parts: Generator[Json, None, None],
        model: str,
        finish: Callable[[Json], None],
    ) -> None:
        self._parts = parts
        self._model = model
        self._finish = finish
        self._pieces = self._read()

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop early; what came stays with the caller."""
        self._pieces.close()

    def _read(self) -> Generator[str, None, None]:
        partial = ""
        try:
            for part in self._parts:
                piece = _content(part)
                partial += piece
                if piece:
                    yield piece
                if part.get("done") is True:
                    self._check_something(partial)
                    self._finish(part)
                    return
            raise Unavailable(
                f"{self._model} stopped before the end of its answer",
                "ask again, or try another model",
            )
        except (Refused, Incomplete):
            raise
        except Unavailable as error:
            if not partial.strip():
                raise
            raise Incomplete(error.message, error.hint, partial=partial) from None
        finally:
            self._parts.close()

    def _check_something(self, text: str) -> None:
        if not text.strip():
            raise Unavailable(
                f"{self._model} answered with nothing",
                "ask again, or try another: `brain models list`",
            )


class OllamaChat:
    """One model of one server that is asked through /api/chat, with at most `num_ctx` tokens."""

    def __init__(
        self,
        server: OllamaServer,
        model: str,
        *,
        num_ctx: int = WINDOW,
        keep_alive: str = "5m",
    ) -> None:
        self.name = model
        self._server = server
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive

    @property
    def window(self) -> int:
        """What is configured, or what the model was trained for if that is less. Asks the server. In tokens."""
        return self._server.prove(self.name).window_within(self._num_ctx)

    def _request(self, messages: Messages, max_tokens: int) -> Json:
        """A request in which every switch that could change an answer behind our back is set. Proves the model."""
        proof = self._server.prove(self.name)
        return {
            "model": proof.wire_name,
            "messages": sendable_messages(messages),
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": self._keep_alive,
            "options": {
                "num_ctx": proof.window_within(self._num_ctx),
                "num_predict": max_tokens,
                "temperature": 0,
                "seed": SEED,
            },
        }


class OllamaGenerator(OllamaChat):
    """`Generator` over one model. `usage` is that of the last finished answer, None before and while it comes."""

    provider = "ollama"
    usage: Usage | None = None

    @cached_property
    def _speeds(self) -> deque[float]:
        return deque(maxlen=SPEEDS)

    @property
    def prompt_speed(self) -> float | None:
        """The slowest of the last few measurements, in prompt tokens per second; None until one was made."""
        return min(self._speeds, default=None)

    def stream(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> ChatStream:
        """Pieces as they come. With `schema` the server is asked for JSON of it; the caller checks what comes.

        Raises `Refused`, `Unavailable` before the first piece, `Incomplete` after it.
        """
        self.usage = None
        body = self._request(messages, max_tokens)
        if schema is not None:
            body["format"] = dict(schema)
        estimate = least_tokens(body["messages"])
        parts = self._server.http(self._server.limits).lines(
            "/api/chat", body, model=self.name
        )
        return ChatStream(parts, self.name, lambda last: self._note(last, estimate))

    def _note(self, last: Json, estimate: int) -> None:
        """Keep what the last line tells of the answer, and how fast the prompt was read."""
        tokens = _count(last, "prompt_eval_count")
        duration = _count(last, "prompt_eval_duration")
        self.usage = Usage(estimate, str(last.get("done_reason") or ""), tokens)
        if duration and tokens and tokens >= SPEED_FROM:
            self._speeds.append(tokens / (duration * NANO))


def sendable_messages(messages: Messages) -> Messages:
    """The messages as UTF-8 can carry them."""
    return [
        {key: sendable(text) for key, text in message.items()} for message in messages
    ]


def least_tokens(messages: Messages) -> int:
    """How many tokens the server must count in them at least."""
    return sum(
        floor(message.get("content", "")) + MESSAGE_TOKENS for message in messages
    )


def _content(part: Json) -> str:
    """The text of one line; the model's reasoning (`message.thinking`) is no answer."""
    message = part.get("message")
    piece = message.get("content", "") if isinstance(message, Mapping) else ""
    if not isinstance(piece, str):
        raise Broken(
            "Ollama sent an answer that is no text", "ask again, or see `brain doctor`"
        )
    return piece


def _count(last: Json, key: str) -> int | None:
    value = last.get(key)
    return value if isinstance(value, int) and value > 0 else None

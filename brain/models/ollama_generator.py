"""A model in Ollama that writes: streamed, under a window that is always sent, and honest about how the answer ended.

The server is forbidden to cut the prompt or to slide its window, and its own count of the prompt is compared with ours,
since some versions cut silently all the same. Leaves out prompts, packing and what the answer means.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from brain.errors import Incomplete, Refused, Unavailable
from brain.models.ollama import OllamaServer, Proof
from brain.models.ollama_errors import Broken
from brain.models.windows import MESSAGE_TOKENS, floor

WINDOW = 8192  # tokens, when nobody set another
SEED = 20260101  # with temperature 0, so that the same question gets the same answer; any constant would do
SEEN_SHARE = (
    0.8  # of our estimate that the server must have read, else it cut the prompt: OLLAMA.md §4
)
SPEED_FROM = 64  # prompt tokens below which a speed says nothing
SPEEDS = (
    5  # latest measurements kept; the slowest counts, since a cached prompt looks infinitely fast
)
NANO = 1e-9  # seconds per unit of every duration of the API
REPAIR = "That was not the JSON asked for ({problem}). Answer again with nothing but one JSON object of the given schema."

SchemaState = Literal["none", "valid", "repaired", "invalid"]


@dataclass(frozen=True, slots=True)
class Usage:
    """How one answer came about. Counts in tokens, times in seconds; None where the server did not say.

    `done_reason`: "stop", or "length" when the answer was cut at its maximum (then `complete` is False). `truncated`:
    the server read less of the prompt than we sent. `schema`: whether the JSON asked for came; "invalid" = the raw text
    was kept.
    """

    model: str
    digest: str
    window: int
    estimate: int
    done_reason: str
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    load_seconds: float | None = None
    prompt_seconds: float | None = None
    reply_seconds: float | None = None
    total_seconds: float | None = None
    logprobs: tuple[tuple[str, float], ...] = ()
    schema: SchemaState = "none"

    @property
    def complete(self) -> bool:
        """False when the answer was cut."""
        return self.done_reason != "length"

    @property
    def truncated(self) -> bool:
        """True when the context was truncated by the server."""
        return self.prompt_tokens is not None and self.prompt_tokens < SEEN_SHARE * self.estimate


class ChatStream(Iterator[str]):
    """Pieces of one answer; `usage` is there after the last. `close()` hangs up, and the server stops writing."""

    def __init__(
        self, parts: Generator[dict[str, Any], None, None], model: str, finish: Callable[..., Usage]
    ) -> None:
        self.usage: Usage | None = None
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
        partial, logprobs = "", []
        try:
            for part in self._parts:
                piece = _content(part)
                logprobs += _logprobs(part)
                partial += piece
                if piece:
                    yield piece
                if part.get("done") is True:
                    self._check_something(partial)
                    self.usage = self._finish(part, tuple(logprobs))
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


class OllamaGenerator:
    """`Generator` over one model of one server.

    `usage` is that of the last finished answer, `prompt_speed` in tokens per second (None until measured).
    """

    provider = "ollama"

    def __init__(
        self,
        server: OllamaServer,
        model: str,
        *,
        num_ctx: int = WINDOW,
        keep_alive: str = "5m",
        logprobs: bool = False,
        repair: bool = True,
        estimate: Callable[[str], int] = floor,
    ) -> None:
        self.name = model
        self.usage: Usage | None = None
        self._server = server
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive
        self._logprobs = logprobs
        self._repair = repair
        self._estimate = estimate
        self._speeds: deque[float] = deque(maxlen=SPEEDS)

    @property
    def window(self) -> int:
        """What is configured, or what the model was trained for if that is less. Asks the server. In tokens."""
        return self._window_of(self._server.prove(self.name))

    @property
    def prompt_speed(self) -> float | None:
        """The slowest of the last few measurements, in prompt tokens per second."""
        return min(self._speeds, default=None)

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """Pieces as they come; with `schema`, one piece: the JSON text, repaired once, or the raw text as it was. A
        generator made with `repair=False` asks once and gives the pieces unchecked.

        Raises `Refused`, `Unavailable` before the first piece, `Incomplete` after it.
        """
        self.usage = None
        if schema is None or not self._repair:
            return self._chat(messages, max_tokens, schema)
        return self._structured(messages, max_tokens, schema)

    def _chat(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        schema: Mapping[str, Any] | None,
    ) -> ChatStream:
        proof = self._server.prove(self.name)
        clean = [
            {key: text.encode("utf-8", "replace").decode("utf-8") for key, text in m.items()}
            for m in messages
        ]
        estimate = sum(
            self._estimate(message.get("content", "")) + MESSAGE_TOKENS for message in clean
        )
        body = self._body(proof, clean, max_tokens, schema)

        def finish(last: Mapping[str, Any], logprobs: tuple[tuple[str, float], ...]) -> Usage:
            self.usage = _usage(last, proof, self._window_of(proof), estimate, logprobs)
            self._note_speed(self.usage)
            return self.usage

        parts = self._server.http(self._server.limits).lines("/api/chat", body, model=self.name)
        return ChatStream(parts, self.name, finish)

    def _body(
        self,
        proof: Proof,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        schema: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Every switch that could change an answer behind our back is set: OLLAMA.md §3 and §4."""
        body: dict[str, Any] = {
            "model": proof.wire_name,
            "messages": list(messages),
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": self._keep_alive,
            "options": {
                "num_ctx": self._window_of(proof),
                "num_predict": max_tokens,
                "temperature": 0,
                "seed": SEED,
            },
        }
        if schema is not None:
            body["format"] = dict(schema)
        if self._logprobs:
            body["logprobs"] = True
        return body

    def _structured(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, schema: Mapping[str, Any]
    ) -> Iterator[str]:
        raw = "".join(self._chat(messages, max_tokens, schema))
        text, state, problem = raw, "valid", schema_problem(raw, schema)
        if problem:
            said = {"role": "assistant", "content": raw}
            again = [*messages, said, {"role": "user", "content": REPAIR.format(problem=problem)}]
            first = self.usage
            text, state = self._repaired(again, max_tokens, schema) or raw, "repaired"
            if schema_problem(text, schema):
                text, state, self.usage = raw, "invalid", first
        if self.usage:
            self.usage = replace(self.usage, schema=state)  # type: ignore[arg-type]  # one of the four words
        yield text

    def _repaired(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, schema: Mapping[str, Any]
    ) -> str:
        """A second answer, or "" when none came: the first one is then kept, so nothing is lost by trying."""
        try:
            return "".join(self._chat(messages, max_tokens, schema))
        except Unavailable:
            return ""

    def _window_of(self, proof: Proof) -> int:
        return min(self._num_ctx, proof.window or self._num_ctx)

    def _note_speed(self, usage: Usage) -> None:
        if usage.prompt_tokens and usage.prompt_seconds and usage.prompt_tokens >= SPEED_FROM:
            self._speeds.append(usage.prompt_tokens / usage.prompt_seconds)


def schema_problem(text: str, schema: Mapping[str, Any]) -> str:
    """Why the text is no JSON of that schema, in one line, or ""."""
    import jsonschema  # type: ignore[import-untyped]  # it ships no types

    try:
        jsonschema.validate(json.loads(text), dict(schema))
    except (ValueError, RecursionError):
        return "no JSON"
    except jsonschema.ValidationError as error:
        return f"{'/'.join(map(str, error.absolute_path)) or 'whole'}: {error.message}"[:200]
    return ""


def _content(part: Mapping[str, Any]) -> str:
    """The text of one line; what the model thinks aloud (`message.thinking`) is no answer."""
    message = part.get("message")
    piece = message.get("content", "") if isinstance(message, Mapping) else ""
    if not isinstance(piece, str):
        raise Broken("Ollama sent an answer that is no text", "ask again, or see `brain doctor`")
    return piece


def _logprobs(part: Mapping[str, Any]) -> list[tuple[str, float]]:
    rows = [row for row in part.get("logprobs") or () if isinstance(row, Mapping)]
    return [
        (str(row.get("token")), float(row["logprob"]))
        for row in rows
        if isinstance(row.get("logprob"), float | int)
    ]


def _usage(
    last: Mapping[str, Any],
    proof: Proof,
    window: int,
    estimate: int,
    logprobs: tuple[tuple[str, float], ...],
) -> Usage:
    return Usage(
        model=proof.model,
        digest=proof.digest,
        window=window,
        estimate=estimate,
        done_reason=str(last.get("done_reason") or ""),
        prompt_tokens=_count(last, "prompt_eval_count"),
        reply_tokens=_count(last, "eval_count"),
        load_seconds=_seconds(last, "load_duration"),
        prompt_seconds=_seconds(last, "prompt_eval_duration"),
        reply_seconds=_seconds(last, "eval_duration"),
        total_seconds=_seconds(last, "total_duration"),
        logprobs=logprobs,
    )


def _count(last: Mapping[str, Any], key: str) -> int | None:
    value = last.get(key)
    return value if isinstance(value, int) and value > 0 else None


def _seconds(last: Mapping[str, Any], key: str) -> float | None:
    value = _count(last, key)
    return value * NANO if value is not None else None

"""A model in Ollama that writes: streamed, under a window that is always sent, and honest about how the answer ended.

The server is forbidden to cut the prompt or to slide its window, and its own count of the prompt is compared with ours,
since some versions cut silently all the same. Leaves out prompts, packing, and what the answer means or whether it is
JSON of the schema that was asked for. Serves `brain.answering` and `brain.retrieval.expand`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from brain.errors import Incomplete, Refused, Unavailable
from brain.models.locality import Json
from brain.models.ollama import WRITES, OllamaServer, Proof, kept
from brain.models.ollama_errors import Broken, typed_error
from brain.models.windows import MESSAGE_TOKENS, floor, sendable
from brain.protocols import Messages, Speed, SpeedBook

WINDOW = 8192  # tokens, when nobody set another
SEED = 20260101  # with temperature 0, so that the same question gets the same answer; any constant would do
# Of our estimate that the server must have read, else it cut the prompt: our lower estimate is seldom too high.
SEEN_SHARE = 0.8
SPEED_FROM = 64  # prompt tokens below which a speed says nothing
ANSWER_FROM = 8  # likewise of an answer
LOAD_SECONDS = 0.3  # of a load; a model that is there takes some hundredths
WORDS_AGAIN = 100  # read to measure a model that knows the rules already: two or three times SPEED_FROM in tokens
ONE_TOKEN = 1  # of an answer that nobody reads
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
    """One model of one server that is asked through /api/chat, with at most `num_ctx` tokens.

    `speeds` remembers how fast each model was measured to be; without one it is measured anew in each process.
    """

    def __init__(
        self,
        server: OllamaServer,
        model: str,
        *,
        num_ctx: int = WINDOW,
        keep_alive: str = "",
        speeds: SpeedBook | None = None,
    ) -> None:
        self.name = model
        self._server = server
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive
        self._speeds = speeds
        self._speed = Speed()

    @property
    def window(self) -> int:
        """What is configured, or what the model can take if that is less. Asks the server. In tokens."""
        return self._proof().window_within(self._num_ctx)

    def load(self) -> None:
        """Load the model as it will be asked, however long that takes. Raises `Refused`, `Unavailable`."""
        self._server.load(self.name, window=self.window, keep_alive=self._keep_alive)

    def _proof(self) -> Proof:
        return self._server.prove(self.name, can=WRITES)

    def _request(self, messages: Messages, max_tokens: int) -> Json:
        """A request in which every switch that could change an answer behind our back is set. Proves the model."""
        proof = self._proof()
        return {
            "model": proof.wire_name,
            "messages": sendable_messages(messages),
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            **kept(self._keep_alive),
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

    @property
    def prompt_speed(self) -> float | None:
        """Prompt tokens per second as measured here, now or by an earlier command; None until that was done."""
        if self._speed.prompt is None and self._speeds is not None:
            return self._speeds.of(self.name, self._proof().digest).prompt
        return self._speed.prompt

    def reading_speed(self, beginning: Messages) -> float | None:
        """`prompt_speed`; where it was never measured, the model reads this beginning of the prompt to come.

        Nothing is lost by that: the server keeps what it read, and the prompt goes on from there. If it knew that
        before, its time tells nothing, and some of the words are read once more in another order. Raises `Refused`,
        `Unavailable`.
        """
        known = self.prompt_speed
        if known is not None:
            return known
        # A user must say something: some templates render, or take, no prompt without.
        answer = self._read([*beginning, {"role": "user", "content": "?"}])
        fresh = 1.0
        if not _just_loaded(answer):
            words = " ".join(message["content"] for message in beginning).split()
            some = SystemRandom().sample(words, min(len(words), WORDS_AGAIN))
            again = [*beginning, {"role": "user", "content": " ".join(some)}]
            answer = self._read(again)
            fresh = _last_share(again)
        self._measure(answer, fresh)
        return self._speed.prompt

    def _read(self, messages: Messages) -> Json:
        """The answer of a model that reads a prompt and writes one token, which nobody wants."""
        body = self._request(messages, ONE_TOKEN) | {"stream": False}
        http = self._server.http(self._server.limits, self.name)
        status, answer = http.json("POST", "/api/chat", body)
        if status != 200:
            said = str(answer.get("error", ""))
            raise typed_error(status, said, self.name, self._server.address)
        return answer

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
        clean = body["messages"]
        estimate = least_tokens(clean)

        def note(last: Json) -> None:
            """Keep what the last line tells of the answer."""
            tokens = _count(last, "prompt_eval_count")
            self.usage = Usage(estimate, str(last.get("done_reason") or ""), tokens)
            # The rules at the head are the same for every question and lie in the server's cache.
            fresh = 1.0 if _just_loaded(last) else _last_share(clean)
            self._measure(last, fresh)

        http = self._server.http(self._server.limits, self.name)
        parts = http.lines("/api/chat", body, model=self.name)
        return ChatStream(parts, self.name, note)

    def _measure(self, last: Json, fresh: float) -> None:
        """Keep how fast the prompt was read and the answer written. `fresh`: the share of the prompt that was new."""
        read = (_count(last, "prompt_eval_count") or 0) * fresh
        prompt = _per_second(read, _count(last, "prompt_eval_duration"), SPEED_FROM)
        wrote = _count(last, "eval_count") or 0
        answer = _per_second(wrote, _count(last, "eval_duration"), ANSWER_FROM)
        self._speed = Speed(prompt or self._speed.prompt, answer or self._speed.answer)
        if self._speeds is not None and (prompt or answer):
            digest = self._proof().digest
            self._speeds.keep(self.name, digest, Speed(prompt, answer))


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
    match part:
        case {"message": {"content": str(piece)}}:
            return piece
        case {"message": {"content": _}}:
            raise Broken(
                "Ollama sent an answer that is no text",
                "ask again, or see `brain doctor`",
            )
    return ""


def _just_loaded(last: Json) -> bool:
    """Whether the model was loaded for this answer: then nothing of the prompt was in its cache."""
    return (_count(last, "load_duration") or 0) * NANO >= LOAD_SECONDS


def _last_share(messages: Messages) -> float:
    """The share of the prompt that its last message is."""
    return 1.0 - least_tokens(messages[:-1]) / max(1, least_tokens(messages))


def _per_second(tokens: float, nanoseconds: int | None, least: int) -> float | None:
    """A speed, None where too little was done to tell."""
    if not nanoseconds or tokens < least:
        return None
    return tokens / (nanoseconds * NANO)


def _count(last: Json, key: str) -> int | None:
    value = last.get(key)
    if isinstance(value, int) and value > 0:
        return value
    return None

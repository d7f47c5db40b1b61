"""The stand-in's chat, generate and embed: what is checked, what is cut, and in which order the lines come.

Works on the parsed request and gives objects; leaves out HTTP and what a model has to say.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from tests.stand_in_faults import (
    CANNOT_LOAD,
    PLAIN_CONTEXT,
    ApiError,
    Faults,
    too_long,
)
from tests.stand_in_models import (
    Model,
    count_tokens,
    cut,
    embed,
    embed_tokens,
    pieces,
)
from tests.stand_in_runners import Runner, Runners

DEFAULT_WINDOW = 4096  # tokens, on a machine with less than 23 GiB of video memory
MESSAGE_TOKENS = 4  # that a chat template puts around a message
WHOLE_OPTIONS = {"num_ctx", "num_predict", "num_keep", "seed", "top_k"}
NUMBER_OPTIONS = {"temperature", "top_p", "min_p", "repeat_penalty"}
THINK_WORDS = {"low", "medium", "high", "max"}
THOUGHT = "Let me look at what the passages say about this."
LOADING, LOADED = 1_200_000_000, 1_000_000  # nanoseconds
PER_TOKEN = 1_000_000  # nanoseconds, prompt and reply alike
DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
LEAST_WINDOW = 256  # tokens: a smaller window is padded to it
NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
UNLIKELY = 1e-6  # the probability of a token that is only there to fill the list of likely ones
THINK_ADVICE = '(must be "high", "medium", "low", "max", true, or false)'
GO_TYPES = {bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"}
METRICS = ("context", "total_duration")  # the first keys of the metrics
Message = Mapping[str, Any]


class Place(Protocol):
    """The part of the server that inference needs."""

    runners: Runners
    prompt_ns: int
    answer_ns: int
    answer: Callable[[Sequence[Message]], str]
    odds: Callable[[Sequence[Message]], Mapping[str, float] | None]
    structured: Callable[[Mapping[str, Any], str], Any]


class Inference:
    """One request to run a model; its constructor raises what the server would refuse."""

    def __init__(
        self,
        place: Place,
        path: str,
        body: Mapping[str, Any],
        model: Model,
        faults: Faults,
    ) -> None:
        self.place, self.path, self.body, self.model, self.faults = (
            place,
            path,
            body,
            model,
            faults,
        )
        self.embeds = path in ("/api/embed", "/api/embeddings")
        self.asked = str(body.get("model"))
        self.options = _options(body.get("options") or {})
        self.keep = _keep_alive(body.get("keep_alive"))
        self._check_ability()
        self.schema: Mapping[str, Any] | None = None
        self.think = self._thinking(body.get("think"))
        self.window = self._window()
        # Only a model that writes slides its window, and whether it may is chosen when it is loaded.
        self.shift = not self.embeds and body.get("shift") is not False

    @property
    def messages(self) -> list[Message]:
        """Chat messages, or those that a prompt amounts to."""
        if self.path == "/api/chat":
            return list(self.body.get("messages") or ())
        system = self.body.get("system")
        prompt = self.body.get("prompt")
        texts = (("system", system), ("user", prompt))
        return (
            [{"role": role, "content": text} for role, text in texts if text]
            if prompt
            else []
        )

    @property
    def streams(self) -> bool:
        """True unless the request says otherwise, or only loads the model."""
        return self.body.get("stream") is not False and bool(self.messages)

    def answers(
        self, wait: Callable[[float], None] = time.sleep
    ) -> Generator[dict[str, Any], None, None]:
        """The lines of the answer; one for embeddings. `wait` raises when the client is gone."""
        if not self.embeds and not self.messages and self.keep == 0:
            self.place.runners.unload(self.model)
            yield self._line("", done_reason="unload")
            return
        with self.place.runners.used(
            self.model,
            self.window,
            self.shift,
            self.keep,
            wait=wait,
            load=lambda: self._load(wait),
            works=self.embeds or bool(self.messages),
        ) as (runner, cold):
            yield from self._ran(runner, LOADING if cold else LOADED, wait)
        if "model_unloaded_between" in self.faults:
            self.place.runners.unload(self.model)

    def _ran(
        self, runner: Runner, loading: int, wait: Callable[[float], None]
    ) -> Iterator[dict[str, Any]]:
        """What the loaded model gives."""
        if self.embeds and "embedding" not in self.model.capabilities:
            raise ApiError(501, NO_EMBEDDINGS, late=True)
        self.schema = _schema(self.body.get("format"))
        wait(float(self.faults.get("slow_first_token", 0.0)))
        if self.embeds:
            yield self._embedded(loading)
        elif not self.messages:
            yield self._line("", done_reason="load")
        else:
            yield from self._written(runner, loading)

    def _load(self, wait: Callable[[float], None]) -> None:
        """Take as long as loading takes, and fail where it does."""
        wait(float(self.faults.get("slow_load", 0.0)))
        if "cannot_load" in self.faults:
            raise ApiError(500, CANNOT_LOAD)

    def _window(self) -> int:
        """Tokens: what is asked for, else the Modelfile's, padded, and never more than it was trained for."""
        asked = self.options.get("num_ctx") or self.model.num_ctx or DEFAULT_WINDOW
        padded = max(LEAST_WINDOW, int(asked))
        return min(padded, self.model.window or padded)

    def merged(self, lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """What the same answer is without streaming."""
        *_, last = kept = list(lines)
        if self.embeds or len(kept) == 1:
            return last
        rows = [row for line in kept for row in line.get("logprobs", ())]
        if rows:
            last = _with_logprobs(last, rows)
        if self.path == "/api/generate":
            return {**last, "response": "".join(line["response"] for line in kept)}
        message = {
            "role": "assistant",
            "content": "".join(line["message"]["content"] for line in kept),
        }
        thinking = "".join(line["message"].get("thinking", "") for line in kept)
        return {
            **last,
            "message": {**message, **({"thinking": thinking} if thinking else {})},
        }

    def _check_ability(self) -> None:
        if not self.embeds and not self.model.writes:
            raise ApiError(
                400, f'"{self.asked}" does not support {self.path.rpartition("/")[2]}'
            )
        if self.body.get("tools") and "tools" not in self.model.capabilities:
            raise ApiError(
                400,
                f"registry.ollama.ai/library/{self.model.name} does not support tools",
            )
        if not 0 <= int(self.body.get("top_logprobs") or 0) <= 20:
            raise ApiError(400, "top_logprobs must be between 0 and 20")

    def _thinking(self, asked: Any) -> bool:
        """A thinking model thinks unless it is told not to."""
        if (
            asked is not None
            and not isinstance(asked, bool)
            and asked not in THINK_WORDS
        ):
            raise ApiError(400, f'invalid think value: "{asked}" {THINK_ADVICE}')
        if asked and not self.model.thinks:
            raise ApiError(400, f'"{self.asked}" does not support thinking')
        return (
            self.model.thinks if asked is None else bool(asked)
        ) or "thinking_first" in self.faults

    def _written(self, runner: Runner, loading: int) -> Iterator[dict[str, Any]]:
        messages, read = self._fitted()
        fresh = max(1, read - runner.cached(_joined(messages)))
        talks = {"babble", "empty_content"} & set(self.faults)
        odds = {} if talks else self.place.odds(messages) or {}
        words = pieces(
            max(odds, key=odds.__getitem__) if odds else self._said(messages)
        )
        reason = "stop"
        most = min(
            int(self.options.get("num_predict") or -1) % (1 << 31),
            max(1, self.window - read),
        )
        if "done_length" in self.faults:
            most = min(most, max(1, len(words) // 2))
        if len(words) > most:
            words, reason = words[:most], "length"
        if self.think:
            yield from (self._line("", thinking=piece) for piece in pieces(THOUGHT))
        yield from (
            self._line(piece, odds=odds if n == 0 else {})
            for n, piece in enumerate(words)
        )
        if "no_done" not in self.faults:
            yield self._line(
                "",
                done_reason=reason,
                **self._metrics(loading, read, fresh, len(words)),
            )

    def _said(self, messages: Sequence[Message]) -> str:
        if "empty_content" in self.faults:
            return ""
        if "babble" in self.faults:
            return "Well, that depends on many things."
        text = self.place.answer(messages)
        if self.schema is None:
            return text
        if self.faults.spend("bad_json"):
            return '{"answer": '
        # A grammar lets white space in between, and models make use of it.
        return json.dumps(
            self.place.structured(self.schema, text), indent=1, ensure_ascii=False
        )

    def _metrics(
        self, loading: int, read: int, fresh: int, wrote: int
    ) -> dict[str, Any]:
        """`fresh`: tokens of the prompt that were not in the cache; the count is of all, only the duration falls."""
        if "metrics_absent" in self.faults:
            return {}
        context = (
            {"context": [1, 2, 3]}
            if self.path == "/api/generate" and not self.body.get("raw")
            else {}
        )
        reading = fresh * self.place.prompt_ns
        writing = wrote * self.place.answer_ns
        return {
            **context,
            "total_duration": loading + reading + writing,
            "load_duration": loading,
            "prompt_eval_count": read,
            "prompt_eval_duration": reading,
            "eval_count": wrote,
            "eval_duration": writing,
        }

    def _logprobs(self, text: str, odds: Mapping[str, float]) -> dict[str, Any]:
        """The log-probability of one token, and of those that could have stood there, if they were asked for."""
        if (
            not self.body.get("logprobs")
            or not text
            or {"version_old", "no_logprobs"} & set(self.faults)
        ):
            return {}
        likely = sorted((odds or {text: 0.8825}).items(), key=lambda pair: -pair[1])

        def row(token: str, chance: float) -> dict[str, Any]:
            return {
                "token": token,
                "logprob": math.log(chance),
                "bytes": list(token.encode()),
            }

        most = int(self.body.get("top_logprobs") or 0)
        # The server lists as many as were asked for, however unlikely.
        likely += [(f"▁{n}", UNLIKELY) for n in range(most - len(likely))]
        others = (
            {"top_logprobs": [row(*pair) for pair in likely[:most]]} if most else {}
        )
        return {"logprobs": [{**row(text, dict(likely)[text]), **others}]}

    def _line(
        self,
        text: str,
        *,
        thinking: str = "",
        done_reason: str = "",
        odds: Mapping[str, float] | None = None,
        **metrics: Any,
    ) -> dict[str, Any]:
        """One chunk, with the keys in the order of the server's struct; empty ones are left out."""
        remote = {}
        if self.faults.get("remote_host_present") == "reply":
            remote = {"remote_model": "x", "remote_host": "https://example.invalid:443"}
        thought = {"thinking": thinking} if thinking else {}
        if self.path == "/api/generate":
            said: dict[str, Any] = {"response": text, **thought}
        else:
            said = {"message": {"role": "assistant", "content": text, **thought}}
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        reason = {"done_reason": done_reason} if done_reason else {}
        head = {"model": self.asked, **remote, "created_at": created}
        return {
            **head,
            **said,
            "done": bool(done_reason),
            **reason,
            **self._logprobs(text, odds or {}),
            **metrics,
        }

    def _fitted(self) -> tuple[Sequence[Message], int]:
        """The messages that the model gets to read, and their tokens; cut as the server cuts, silently."""
        messages = self.messages
        real = int(self.faults.get("silent_truncate") or 0)
        if real and _tokens(messages) > real:
            return _tail(messages, real // 2 + 2), real // 2 + 2
        if _tokens(messages) > self.window and self.body.get("truncate") is False:
            raise ApiError(400, too_long(_tokens(messages), self.window), late=True)
        while _tokens(messages) > self.window:
            droppable = next(
                (m for m in messages[:-1] if m.get("role") != "system"), None
            )
            if droppable is None:
                break
            messages.remove(droppable)
        if _tokens(messages) <= self.window:
            return messages, _tokens(messages)
        if self.body.get("shift") is False:
            raise ApiError(400, PLAIN_CONTEXT, late=True)
        return _tail(messages, self.window // 2 + 2), self.window // 2 + 2

    def _embedded(self, loading: int) -> dict[str, Any]:
        if self.path == "/api/embeddings":
            prompt = str(self.body.get("prompt") or "")
            return {
                "embedding": [2 * x for x in embed(self.model, [prompt])[0]]
                if prompt
                else []
            }
        texts = self._inputs()
        if not texts or "embed_empty_input" in self.faults:
            return {"model": self.asked, "embeddings": []}
        counts = [embed_tokens(self.model, text) for text in texts]
        if max(counts) > self.window:
            if self.body.get("truncate") is False:
                raise ApiError(400, "the input length exceeds the context length")
            texts = [cut(self.model, text, self.window) for text in texts]
        rows = self._spoiled(embed(self.model, texts), texts)
        remote = (
            {"remote_host": "https://example.invalid"}
            if self.faults.get("remote_host_present") == "reply"
            else {}
        )
        times = {"total_duration": loading + PER_TOKEN, "load_duration": loading}
        return {
            "model": self.asked,
            **remote,
            "embeddings": rows,
            **times,
            "prompt_eval_count": sum(counts),
        }

    def _inputs(self) -> list[str]:
        given = self.body.get("input")
        texts = given if isinstance(given, list) else [given] if given else []
        if not all(isinstance(text, str) for text in texts):
            raise ApiError(400, "invalid input type")
        return texts

    def _spoiled(
        self, rows: list[list[float]], texts: Sequence[str]
    ) -> list[list[float]]:
        asked = self.body.get("dimensions")
        if isinstance(asked, int) and 0 < asked < self.model.dimensions:
            rows = [[x / _length(row[:asked]) for x in row[:asked]] for row in rows]
        if "embed_short_batch" in self.faults:
            return rows[:-1]
        if "embed_wrong_dim" in self.faults:
            return [row[: int(self.faults["embed_wrong_dim"])] for row in rows]
        word = self.faults.get("embed_nan")
        if word and any(word in text for text in texts):
            raise ApiError(400, "embedding contains NaN or Inf values")
        return [[float("nan")] * len(row) for row in rows] if word == "" else rows


def _with_logprobs(last: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    """The last line with the log-probabilities of all, in the place of the server's struct: before the metrics."""
    keys = list(last)
    at = next((n for n, key in enumerate(keys) if key in METRICS), len(keys))
    return {
        **{key: last[key] for key in keys[:at]},
        "logprobs": rows,
        **{key: last[key] for key in keys[at:]},
    }


def _length(row: Sequence[float]) -> float:
    return sum(x * x for x in row) ** 0.5 or 1.0


def _tokens(messages: Sequence[Message]) -> int:
    return sum(
        count_tokens(str(m.get("content") or "")) + MESSAGE_TOKENS for m in messages
    )


def _joined(messages: Sequence[Message]) -> str:
    """The prompt as the runner reads it."""
    return "\n".join(f"{m.get('role')}: {m.get('content') or ''}" for m in messages)


def _tail(messages: Sequence[Message], tokens: int) -> list[Message]:
    """The end of the whole prompt: what is left when the window slides."""
    words = " ".join(str(m.get("content") or "") for m in messages).split(" ")
    while len(words) > 1 and count_tokens(" ".join(words)) > tokens:
        words = words[len(words) // 10 + 1 :]
    return [{"role": "user", "content": " ".join(words)}]


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown names are ignored, null is skipped, a wrong type is the server's fault by its status."""
    options = {}
    for name, value in given.items():
        if value is None or name not in WHOLE_OPTIONS | NUMBER_OPTIONS:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = "integer" if name in WHOLE_OPTIONS else "number"
            raise ApiError(500, f'option "{name}" must be of type {kind}')
        options[name] = int(value) if name in WHOLE_OPTIONS else float(value)
    return options


def _schema(given: Any) -> Mapping[str, Any] | None:
    if given in (None, ""):
        return None
    if given == "json":
        return {"properties": {"answer": {"type": "string"}}}
    if not isinstance(given, dict):
        raise ApiError(
            500, f"invalid format: {given!r}; expected 'json' or a JSON schema"
        )
    return given


def _keep_alive(given: Any) -> float | None:
    """Seconds, None where the request says nothing; negative means for ever."""
    if given is None:
        return None
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    if isinstance(given, str):
        parts = DURATION.findall(given)
        if parts and "".join(number + unit for number, unit in parts) == given:
            return sum(float(number) * UNITS[unit] for number, unit in parts)
        raise ApiError(400, f'time: invalid duration "{given}"')
    raise ApiError(400, f"Unsupported type: '{GO_TYPES.get(type(given), 'nil')}'")

"""A model in Ollama that judges: one token, yes or no, and how likely each was.

Ollama has no endpoint for rerankers, so a model that writes is asked for one word, and the probabilities of its first
token (`logprobs`, Ollama 0.12.11 and later) are the judgment; an older server gives the bare word. The window is that
of the answers, since another one would load the model anew. Leaves out the prompt and what follows from the judgment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from brain.errors import Unavailable
from brain.models.ollama import OllamaServer
from brain.models.ollama_errors import Broken, Rejected, typed_error
from brain.models.ollama_generator import SEED, SEEN_SHARE, WINDOW
from brain.models.windows import MESSAGE_TOKENS, floor

TOP = 20  # likeliest first tokens that are asked for, the most that the API gives: "Yes", " yes", "YES" share the mass
LEAST_MASS = (
    0.1  # of "yes" and "no" together: a model that is about to say something else has not judged
)
ONE_TOKEN = 1
LEAST_SECONDS = 0.05  # of a deadline that is nearly over: a request cannot wait for no time at all
MARKS = (
    " \t\n\"'“”‘’«»*_.,:;!▁Ġ"  # around a word: quotes, emphasis, and how tokenizers write a space
)


class OllamaJudge:
    """`Reranker` over one model of one server. Nothing is sent before the model is proven to run on this machine."""

    def __init__(
        self, server: OllamaServer, model: str, *, num_ctx: int = WINDOW, keep_alive: str = "5m"
    ) -> None:
        self.name = model
        self._server = server
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive

    def yes(self, messages: Sequence[Mapping[str, str]], *, seconds: float) -> float | None:
        """P(yes) / (P(yes) + P(no)); 1.0 or 0.0 from a server without logprobs; None when it said neither, or the
        prompt was too long for it.

        Raises `Refused`, or `Unavailable` when it fails, cuts the prompt, or takes longer than `seconds`.
        """
        proof = self._server.prove(self.name)
        clean = [
            {key: text.encode("utf-8", "replace").decode("utf-8") for key, text in m.items()}
            for m in messages
        ]
        window = min(self._num_ctx, proof.window or self._num_ctx)
        left = max(seconds, LEAST_SECONDS)
        limits = replace(self._server.limits, first=left, idle=left, total=left)
        status, answer = self._server.http(limits).json(
            "POST", "/api/chat", self._body(proof.wire_name, clean, window)
        )
        if status != 200:
            error = typed_error(
                status, str(answer.get("error", "")), self.name, self._server.address
            )
            if isinstance(error, Rejected):
                return None
            raise error
        self._check(
            answer, sum(floor(message.get("content", "")) + MESSAGE_TOKENS for message in clean)
        )
        odds = dict(_first_tokens(answer))
        return probability(odds) if odds else _word(_said(answer))

    def _body(self, wire_name: str, messages: list[dict[str, str]], window: int) -> dict[str, Any]:
        """Every switch that could change a judgment behind our back is set: OLLAMA.md §3 and §4."""
        return {
            "model": wire_name,
            "messages": messages,
            "stream": False,
            "think": False,
            "truncate": False,
            "shift": False,
            "logprobs": True,
            "top_logprobs": TOP,
            "keep_alive": self._keep_alive,
            "options": {
                "num_ctx": window,
                "num_predict": ONE_TOKEN,
                "temperature": 0,
                "seed": SEED,
            },
        }

    def _check(self, answer: Mapping[str, Any], estimate: int) -> None:
        """A judgment counts when the server finished it and read the whole prompt."""
        if answer.get("done") is not True:
            raise Broken(
                f"{self.name} stopped before the end of its judgment",
                "ask again, or try another model",
            )
        read = answer.get("prompt_eval_count")
        if isinstance(read, int) and 0 < read < SEEN_SHARE * estimate:
            raise Unavailable(
                f"the server cut the prompt for {self.name}",
                "raise `num_ctx` of [ollama], or see `ollama ps`",
            )


def probability(odds: Mapping[str, float]) -> float | None:
    """P(yes) among yes and no, from the log-probabilities of the first tokens.

    A word that is not listed is at most as likely as the least of those that are; so much is taken for it, so that two
    passages that are both surely yes still differ. None when the two words together are unlikely.

    >>> round(probability({"Yes": -0.5, "No": -1.2, " yes": -3.0}), 3)
    0.685
    """
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in odds.items():
        word = _bare(token)
        if word in mass:
            mass[word] += math.exp(min(logprob, 0.0))
    if mass["yes"] + mass["no"] < LEAST_MASS:
        return None
    if len(odds) > 1:
        unseen = math.exp(min(odds.values()))
        mass = {word: share or unseen for word, share in mass.items()}
    return mass["yes"] / (mass["yes"] + mass["no"])


def _first_tokens(answer: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The tokens that the answer could have begun with, and their log-probabilities."""
    rows = answer.get("logprobs")
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    others = first.get("top_logprobs")
    for row in (first, *(others if isinstance(others, list) else ())):
        token, logprob = (
            (row.get("token"), row.get("logprob")) if isinstance(row, dict) else (None, None)
        )
        if isinstance(token, str) and isinstance(logprob, int | float) and not math.isnan(logprob):
            yield token, float(logprob)


def _said(answer: Mapping[str, Any]) -> str:
    message = answer.get("message")
    said = message.get("content") if isinstance(message, dict) else None
    return said if isinstance(said, str) else ""


def _word(said: str) -> float | None:
    """The judgment of a server that gives no probabilities."""
    first = next(iter(said.split()), "")
    return {"yes": 1.0, "no": 0.0}.get(_bare(first))


def _bare(token: str) -> str:
    return token.strip(MARKS).casefold()

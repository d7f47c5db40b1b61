"""A model in Ollama that judges: one token, yes or no, and how likely each was.

Ollama has no endpoint for rerankers, so a model that writes is asked for one word, and the probabilities of its first
token (`logprobs`, Ollama 0.12.11 and later) are the judgment; an older server gives the bare word. Leaves out the
prompt and what follows from the judgment. Serves `brain.retrieval.rerank`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from brain.errors import Unavailable
from brain.models.locality import Json
from brain.models.ollama_errors import Broken, Rejected, typed_error
from brain.models.ollama_generator import (
    SEEN_SHARE,
    OllamaChat,
    least_tokens,
)
from brain.protocols import Messages

# Likeliest first tokens that are asked for, the most that the API gives: "Yes", " yes", "YES" share the mass.
TOP = 20
# Of "yes" and "no" together: a model that is about to say something else has not judged.
LEAST_MASS = 0.1
ONE_TOKEN = 1
LEAST_SECONDS = (
    0.05  # of a deadline that is nearly over: a request cannot wait for no time at all
)
# Around a word: quotes, emphasis, and how tokenizers write a space.
MARKS = " \t\n\"'“”‘’«»*_.,:;!▁Ġ"


class OllamaJudge(OllamaChat):
    """`Reranker` over one model. Nothing is sent before the model is proven to run on this machine."""

    def yes(self, messages: Messages, *, seconds: float) -> float | None:
        """P(yes) / (P(yes) + P(no)); 1.0 or 0.0 from a server without logprobs; None when it said neither, or the
        prompt was too long for it.

        Raises `Refused`, or `Unavailable` when it fails, cuts the prompt, or takes longer than `seconds`.
        """
        body = self._request(messages, ONE_TOKEN)
        body |= {"stream": False, "logprobs": True, "top_logprobs": TOP}
        left = max(seconds, LEAST_SECONDS)
        limits = replace(
            self._server.limits,
            first=left,
            idle=left,
            total=left,
        )
        status, answer = self._server.http(limits).json("POST", "/api/chat", body)
        if status != 200:
            said = str(answer.get("error", ""))
            error = typed_error(status, said, self.name, self._server.address)
            if isinstance(error, Rejected):
                return None
            raise error
        self._check(answer, least_tokens(body["messages"]))
        odds = dict(_first_tokens(answer))
        if odds:
            return probability(odds)
        return _word(_said(answer))

    def _check(self, answer: Json, estimate: int) -> None:
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
    """P(yes) among yes and no, from the log-probabilities of the first tokens; None when both words are unlikely.

    >>> round(probability({"Yes": -0.5, "No": -1.2, " yes": -3.0}), 3)
    0.685
    """
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in odds.items():
        word = _bare(token)
        if word in mass:
            mass[word] += math.exp(min(logprob, 0.0))
    yes = mass["yes"]
    no = mass["no"]
    if yes + no < LEAST_MASS:
        return None
    if len(odds) > 1:
        # A word that is not listed is at most as likely as the least of those that are. So much is taken for it, so
        # that two passages that are both surely yes still differ.
        unseen = math.exp(min(odds.values()))
        yes = yes or unseen
        no = no or unseen
    return yes / (yes + no)


def _first_tokens(answer: Json) -> Iterator[tuple[str, float]]:
    """The tokens that the answer could have begun with, and their log-probabilities."""
    candidates: list[object] = []
    match answer:
        case {"logprobs": [{"top_logprobs": [*others]} as first, *_]}:
            candidates = [first, *others]
        case {"logprobs": [first, *_]}:
            candidates = [first]
    for row in candidates:
        match row:
            case {"token": str(token), "logprob": int(logprob) | float(logprob)}:
                if not math.isnan(logprob):
                    yield token, float(logprob)


def _said(answer: Json) -> str:
    match answer:
        case {"message": {"content": str(said)}}:
            return said
    return ""


def _word(said: str) -> float | None:
    """The judgment of a server that gives no probabilities."""
    words = said.split()
    if not words:
        return None
    return {"yes": 1.0, "no": 0.0}.get(_bare(words[0]))


def _bare(token: str) -> str:
    return token.strip(MARKS).casefold()

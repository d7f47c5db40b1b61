"""Ollama's error answers as brain's errors: one line of what happened, one of what to do.

Goes by the status code, never by the wording, which differs between versions and between endpoints. Leaves out faults
of the connection, which `ollama_wire` names. Apart from it, so that nothing here loads an HTTP library.
"""

from __future__ import annotations

import json
from typing import Any

from brain.errors import BrainError, Refused, Unavailable
from brain.models.locality import CLOUD_ADVICE, MODEL_ADVICE, Address

SHOWN = 200  # characters of a server's own words that a message repeats
NESTING = 3  # times that an error text may hold an error object again; one is seen in the wild
LOCAL_INSTEAD = "or use the built-in model: `brain models use ask builtin`"


class Busy(Unavailable):
    """The server has too much to do (429, 503): worth another try."""


class Rejected(Unavailable):
    """The server calls the request itself wrong (400, 413, 422), such as a text over the model's window."""


class NoEmbeddings(Unavailable):
    """The model writes and does not search by meaning (501, after a full load)."""


class Broken(Unavailable):
    """The server failed inside (500), or answered what cannot be used."""


def silent_server(address: Address) -> Unavailable:
    """Nobody takes the call."""
    return Unavailable(
        f"Ollama does not answer at {address.shown}",
        f"start it with `ollama serve`, {LOCAL_INSTEAD}",
    )


def not_pulled(model: str) -> Unavailable:
    """The daemon is there, the model is not."""
    return Unavailable(
        f"{model} is not on this machine",
        f"fetch it: `brain models pull {model}`, {LOCAL_INSTEAD}",
    )


def no_embeddings(model: str) -> NoEmbeddings:
    """A model that writes was asked for vectors."""
    return NoEmbeddings(
        f"{model} writes and does not search by meaning",
        "choose one that does: `brain models advise`",
    )


def unreadable(address: Address) -> Broken:
    """Something answers, in another language."""
    return Broken(
        f"what answers at {address.shown} does not speak like Ollama",
        "check the port: `brain doctor`",
    )


def typed_error(
    status: int | None, body: str, model: str, address: Address
) -> BrainError:
    """The error for an HTTP status with its body; `status` None for an `error` line inside a 200 answer.

    `model` is "" for questions about the server itself.
    """
    said = sentence(body)
    quoted = f": {said}" if said else ""
    if status == 404:
        if model:
            return not_pulled(model)
        return unreadable(address)
    if status in (401, 403) and said:
        return Refused(
            f"{model} would be answered by another machine{quoted}",
            f"{MODEL_ADVICE}; {CLOUD_ADVICE}",
        )
    if status == 501:
        return no_embeddings(model)
    if status in (429, 503):
        return Busy(
            f"Ollama at {address.shown} is busy",
            "ask again when its other work is done: `ollama ps`",
        )
    if status in (400, 413, 422):
        return Rejected(
            f"Ollama refused the request for {model or 'its state'}{quoted}",
            "ask for less at once, or see `brain doctor`",
        )
    if status is None or status >= 500:
        return Broken(
            f"Ollama failed while running {model or 'a request'}{quoted}",
            f"see the log of `ollama serve`, {LOCAL_INSTEAD}",
        )
    return unreadable(address)


def sentence(body: str) -> str:
    """What a server said, in one printable line: an error inside an error is unwrapped, a page of HTML is dropped."""
    said: Any = body
    for _ in range(NESTING):
        inner = _inside(said)
        if inner is None:
            break
        said = inner
    if not isinstance(said, str) or "<" in said[:SHOWN]:
        return ""
    printable = "".join(c if c.isprintable() else " " for c in said)
    line = " ".join(printable.split())
    if len(line) <= SHOWN:
        return line
    return line[: SHOWN - 1] + "…"


def _inside(said: Any) -> Any:
    """The `error` or `message` of an object, or of a text that holds one; None when there is nothing inside."""
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except (ValueError, RecursionError):
            return None
    if not isinstance(said, dict):
        return None
    return said.get("error") or said.get("message")

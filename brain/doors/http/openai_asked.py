"""What programs send that speak OpenAI's protocol: a conversation, or texts to embed, checked as far as it is read.

A field that is not read here is passed over, as such programs expect; one that is read and is of another type is an
error. Serves `openai`; leaves answering to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from brain.errors import NotFound, UsageError
from brain.labels import Label
from brain.types import Request, Scope, Texts, Way

Values = Mapping[str, Any]

# name of a model -> which way a question goes (`brain.types.Way`)
ANSWERS: dict[str, Way] = {"brain": "", "brain-local": "local", "brain-deep": "deep"}
DOCUMENT, QUERY = "brain-embed", "brain-embed-query"
EMBEDS = (DOCUMENT, QUERY)
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
PASSAGES = 8  # of one answer, as for `brain ask`
MAX_TEXTS = 2_048  # of one request, as OpenAI takes them
FORMATS = ("float", "base64")
NAMES = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    int: "a whole number",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for an answer. `turns`: what the person said, the question last."""

    model: str
    turns: Texts
    stream: bool
    with_usage: bool
    keep: bool

    def request(self, at_most: Label, *, read_only: bool, look: bool) -> Request:
        """The question as `Brain` takes it, read after the turn before it."""
        previous = self.turns[-2] if len(self.turns) > 1 else ""
        return Request(
            self.turns[-1],
            scope=Scope(at_most=at_most),
            limit=PASSAGES,
            record=self.keep and not read_only,
            follow_up=bool(previous),
            previous=previous,
            look=look,
            route=ANSWERS[self.model],
        )


@dataclass(frozen=True, slots=True)
class ToEmbed:
    """Texts whose vectors are wanted. `packed`: as base64."""

    model: str
    texts: Texts
    packed: bool


def conversation(values: Values) -> Asked:
    """A request for an answer. Raises `UsageError`, and `NotFound` for a model that is not there."""
    model = _model(values, ANSWERS)
    if of_kind(values, "n", int) not in (None, 1):
        raise UsageError("n must be 1", "one answer is given to a question")
    wanted = of_kind(values, "response_format", dict) or {}
    if wanted.get("type", "text") != "text":
        raise UsageError(
            "response_format must be text", "an answer is sentences and citations"
        )
    options = of_kind(values, "stream_options", dict) or {}
    return Asked(
        model,
        _turns(of_kind(values, "messages", list)),
        stream=bool(of_kind(values, "stream", bool)),
        with_usage=bool(of_kind(options, "include_usage", bool)),
        keep=bool(of_kind(values, "store", bool)),
    )


def to_embed(values: Values) -> ToEmbed:
    """A request for vectors. Raises as `conversation` does."""
    model = _model(values, EMBEDS)
    given = values.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise UsageError(
            f"input must be a text, or a list of 1 to {MAX_TEXTS:,}",
            'for instance: "input": ["black tea"]',
        )
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise UsageError(
            "input must hold texts with words in them",
            "lists of tokens are not read: send the text itself",
        )
    packing = of_kind(values, "encoding_format", str) or FORMATS[0]
    if packing not in FORMATS:
        raise UsageError(
            f"there is no encoding_format {packing!r}", "there are: float, base64"
        )
    return ToEmbed(model, tuple(texts), packed=packing == "base64")


def of_kind(values: Values, name: str, kind: type) -> Any:
    """A value of that type, None where it is null or missing. Raises `UsageError`."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f"{name} must be {NAMES[kind]}", "docs/API.md has examples")
    return value


def _model(values: Values, known: Sequence[str] | Mapping[str, Way]) -> str:
    listed = ", ".join(known)
    name = of_kind(values, "model", str)
    if not name:
        raise UsageError("model is missing", f"there are: {listed}")
    if name not in known:
        raise NotFound(f"there is no model {name!r} for this", f"there are: {listed}")
    return str(name)


def _turns(messages: list[Any] | None) -> Texts:
    """What the person said. What a program says to a model, and what was answered, is no question."""
    said = [text for role, text in map(_message, messages or []) if role == "user"]
    said = [text for text in said if text.strip()]
    if not said:
        raise UsageError(
            "messages hold no question",
            'for instance: "messages": [{"role": "user", "content": "when does the lease end?"}]',
        )
    return tuple(said)


def _message(message: Any) -> tuple[str, str]:
    """(who, what) of one message."""
    if not isinstance(message, dict):
        raise UsageError("each of messages must be an object", 'with "role", "content"')
    role = of_kind(message, "role", str)
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", f"there are: {', '.join(ROLES)}")
    content = message.get("content")
    if role != "user" or content is None:
        return role, ""
    if isinstance(content, str):
        return role, content
    if not isinstance(content, list):
        raise UsageError("content must be a text or a list of parts", "send a text")
    return role, "\n".join(map(_part, content))


def _part(part: Any) -> str:
    """The text of one part of a message."""
    if isinstance(part, dict) and part.get("type") == "text":
        text = of_kind(cast("Values", part), "text", str)
        if text is not None:
            return str(text)
    raise UsageError(
        "a part of the question is no text", "pictures and sound are not read here"
    )

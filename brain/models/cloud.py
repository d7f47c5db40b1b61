"""A text by a cloud model: the packages of Anthropic and OpenAI, each over the one wire that the gate holds.

An address of a third kind speaks OpenAI's format: a server of one's own, or a proxy. Nothing is asked to be kept
(`store: false`) and nothing tells who asks: no user, no metadata. The packages are told never to try again, to trace
nothing and to write no log, since their log would hold the prompt. The key never reaches them. Imported by the gate
alone, when something may leave; the packages take one to three seconds of processor to load. Leaves out whether
anything may leave.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx2

from brain.errors import BrainError
from brain.models.cloud_errors import (
    CloudFault,
    Usage,
    cut_short,
    declined,
    not_the_interface,
    of_status,
)
from brain.models.cloud_wire import Before, CloudWire
from brain.models.limits import Limits
from brain.models.makers import ANTHROPIC_KIND, OPENAI_KIND, Maker

ANTHROPIC_VERSION = "2023-06-01"  # of the interface, as its documentation fixes it
NOT_THE_KEY = "the key is put in where the bytes leave"
LIMITS = Limits(connect=10.0, first=120.0, idle=120.0, total=600.0, body=16 << 20)
OK = 200
REQUEST_FAULTS = range(400, 500)
SILENT = logging.CRITICAL + 1
MOST_TOKENS = 10**9  # that one request may be said to have used
REFUSALS = ("refusal", "content_filter")

Hear = Callable[[str], object]
"""Called with each piece of the text as it comes."""


@dataclass(frozen=True, slots=True)
class Call:
    """One text to be written. `max_tokens`: at most so many are written."""

    maker: Maker
    model: str
    system: str
    text: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came. `used`: None where the server does not count. `stopped`: why it ends, in the maker's word.

    `model`: the one that answered, as the maker says.
    """

    text: str
    used: Usage | None
    stopped: str
    model: str


@dataclass(slots=True)
class _Coming:
    """A reply while it comes. `read`: what a stream counted before its text."""

    model: str
    pieces: list[str] = field(default_factory=list)
    read: tuple[Any, ...] = ()
    used: Usage | None = None
    stopped: str = ""
    refused: bool = False
    ended: bool = False

    @property
    def text(self) -> str:
        return "".join(piece for piece in self.pieces if isinstance(piece, str))


def generate(
    call: Call,
    key: str,
    before: Before,
    *,
    hear: Hear | None = None,
    limits: Limits = LIMITS,
) -> Reply:
    """The model's text. With `hear` it is streamed.

    Raises a `CloudFault`, `LedElsewhere`, and whatever `before` raises.
    """
    coming = _Coming(call.model)
    speak = {ANTHROPIC_KIND: _anthropic, OPENAI_KIND: _openai}
    wire = CloudWire(
        call.maker.endpoint,
        _credentials(call.maker, key),
        call.maker.host,
        limits,
        before,
    )
    client = httpx2.Client(transport=wire, trust_env=False, follow_redirects=False)
    with client, _as_ours(call, coming):
        speak.get(call.maker.kind, _openai)(call, client, coming, hear)
    if not coming.ended:
        raise cut_short(call.maker.host, coming.text)
    if coming.refused or coming.stopped in REFUSALS:
        raise declined(call.maker.host, coming.model, coming.used, coming.text)
    named = isinstance(coming.model, str)
    model = coming.model if named else call.model
    return Reply(coming.text, coming.used, coming.stopped, model)


def _credentials(maker: Maker, key: str) -> dict[str, str]:
    if maker.kind == ANTHROPIC_KIND:
        return {"x-api-key": key, "anthropic-version": ANTHROPIC_VERSION}
    return {"authorization": f"Bearer {key}"} if key else {}


def _anthropic(
    call: Call, http: httpx2.Client, coming: _Coming, hear: Hear | None
) -> None:
    """The Messages interface."""
    client = _package("anthropic").Anthropic(
        api_key=NOT_THE_KEY,
        base_url=call.maker.base_url,
        http_client=http,
        max_retries=0,
        open_telemetry=False,
    )
    asked: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.max_tokens,
        "messages": [{"role": "user", "content": call.text}],
    }
    if call.system:
        asked["system"] = call.system
    if hear is None:
        _read_message(client.messages.create(**asked), coming)
        return
    with client.messages.create(**asked, stream=True) as events:
        for event in events:
            _read_event(event, coming, hear)


def _read_message(message: Any, coming: _Coming) -> None:
    for block in message.content:
        if block.type == "text":
            coming.pieces.append(block.text)
    coming.model = message.model
    coming.used = _counted(_tokens_read(message.usage), message.usage.output_tokens)
    coming.stopped = message.stop_reason or ""
    coming.ended = True


def _tokens_read(usage: Any) -> tuple[Any, ...]:
    """Those of a cache are counted apart by the maker, and billed as well."""
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    return usage.input_tokens, written, read


def _counted(read: tuple[Any, ...], written: Any) -> Usage | None:
    """None unless a server counts with whole numbers from 0 on: it could otherwise free money that was spent."""
    for count in (*read, written):
        if type(count) is not int or not 0 <= count <= MOST_TOKENS:
            return None
    return Usage(sum(read), written)


def _read_event(event: Any, coming: _Coming, hear: Hear) -> None:
    """One event of a stream."""
    if event.type == "message_start":
        coming.model = event.message.model
        coming.read = _tokens_read(event.message.usage)
    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
        coming.pieces.append(event.delta.text)
        hear(event.delta.text)
    elif event.type == "message_delta":
        coming.used = _counted(coming.read or (None,), event.usage.output_tokens)
        coming.stopped = event.delta.stop_reason or ""
    elif event.type == "message_stop":
        coming.ended = True


def _openai(
    call: Call, http: httpx2.Client, coming: _Coming, hear: Hear | None
) -> None:
    """The chat interface, which servers of other makers speak as well."""
    client = _package("openai").OpenAI(
        api_key=NOT_THE_KEY,
        base_url=call.maker.base_url,
        http_client=http,
        max_retries=0,
    )
    messages = [{"role": "user", "content": call.text}]
    if call.system:
        messages.insert(0, {"role": "system", "content": call.system})
    asked: dict[str, Any] = {
        "model": call.model,
        "messages": messages,
        "store": False,
        call.maker.limit_field: call.max_tokens,
    }
    if hear is None:
        _read_completion(client.chat.completions.create(**asked), coming)
        return
    asked["stream_options"] = {"include_usage": True}
    with client.chat.completions.create(**asked, stream=True) as chunks:
        for chunk in chunks:
            _read_chunk(chunk, coming, hear)


def _read_completion(completion: Any, coming: _Coming) -> None:
    choice = completion.choices[0]
    coming.pieces.append(choice.message.content or "")
    coming.refused = bool(choice.message.refusal)
    coming.model = completion.model
    coming.used = _used(completion.usage)
    coming.stopped = choice.finish_reason or ""
    coming.ended = True


def _used(usage: Any) -> Usage | None:
    """None where a server does not count."""
    if not usage:
        return None
    return _counted((usage.prompt_tokens,), usage.completion_tokens)


def _read_chunk(chunk: Any, coming: _Coming, hear: Hear) -> None:
    """One piece of a stream; the last one holds the count and no choice."""
    coming.model = chunk.model or coming.model
    if chunk.usage:
        coming.used = _used(chunk.usage)
    for choice in chunk.choices:
        if choice.delta.content:
            coming.pieces.append(choice.delta.content)
            hear(choice.delta.content)
        coming.refused = coming.refused or bool(choice.delta.refusal)
        if choice.finish_reason:
            coming.stopped = choice.finish_reason
            coming.ended = True


def _package(name: str) -> ModuleType:
    """A maker's package, which writes no log of its own: its log would hold the prompt."""
    try:
        package = importlib.import_module(name)
    except ImportError:
        raise BrainError(
            f"the package {name} is not installed",
            "install it: pip install 'sovereign-brain[cloud]'",
        ) from None
    for logger in (name, "httpx2", "httpcore2"):
        logging.getLogger(logger).setLevel(SILENT)
    return package


@contextmanager
def _as_ours(call: Call, coming: _Coming) -> Iterator[None]:
    """What the packages and the library below them can raise, as one line of cause and one of cure."""
    try:
        yield
    except OSError:
        # Of whoever hears the pieces, such as a closed pipe; the wire raises none.
        raise
    except Exception as error:
        raise _typed(error, call, coming) from None


def _typed(error: Exception, call: Call, coming: _Coming) -> BrainError:
    ours = _cause(error)
    if ours is not None:
        return _with_what_came(ours, coming)
    body = getattr(error, "body", None)
    told = isinstance(body, dict)
    status = getattr(error, "status_code", OK if told else 0)
    if coming.pieces or status == OK:
        return cut_short(call.maker.host, coming.text)
    if not status or (not told and status in REQUEST_FAULTS):
        return not_the_interface(call.maker.host)
    reply: Any = getattr(error, "response", None)
    return of_status(
        status,
        json.dumps(body) if told else "",
        maker=call.maker,
        model=call.model,
        wait=reply.headers.get("retry-after", ""),
    )


def _cause(error: BaseException | None) -> BrainError | None:
    """An error of ours that a package has put into one of its own."""
    while error is not None:
        if isinstance(error, BrainError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _with_what_came(error: BrainError, coming: _Coming) -> BrainError:
    if isinstance(error, CloudFault):
        error.partial = coming.text
    return error

"""A stand-in for the makers of cloud models: both wire formats, streamed and whole, on loopback, with faults.

    with StandInCloud(says="Paris.") as cloud:  # cloud.url, cloud.maker("anthropic"), cloud.requests, cloud.faults
        ...

It keeps every request as it came: path, headers, body. Formats are those that the makers' own packages of the pinned
versions read and write. Leaves out tools, pictures, caches, and every endpoint but the two that write a text.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from brain.models.makers import (
    ANTHROPIC,
    ANTHROPIC_KIND,
    COMPATIBLE_KIND,
    OPENAI,
    Maker,
    maker_of,
)

PAGE = "<!doctype html><html><body><h1>Sign in to the guest network</h1></body></html>"
MESSAGES = "/v1/messages"
CHAT = "/v1/chat/completions"
# What the makers say beside a status.
SAID = {
    400: ("invalid_request_error", "max_tokens: must be at least 1"),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "your credit balance is too low"),
    403: ("permission_error", "your key may not use this model"),
    404: ("not_found_error", "model: claude-1"),
    429: ("rate_limit_error", "too many requests"),
    500: ("api_error", "internal server error"),
    529: ("overloaded_error", "overloaded"),
}


@dataclass
class Faults:
    """What goes wrong. `status`: an error answer; `retry_after`: its header; `page`: HTML in place of JSON.

    `refuse`: the model declines. `cut_after`: pieces of a stream before the connection ends; `cut_whole`: an answer
    that is not streamed ends in the middle. `error_after`: pieces before an error inside the stream. `garbage`: no
    JSON in the stream. `stall_after`: pieces before silence of `stall` seconds. `redirect`: the address to send on
    to. `compressed`: says so of an answer. `uncounted`: no usage. `padding`: so many spaces behind an answer.
    `counts`: these fields of the usage are said to be so. `named`: what the model is said to be.
    """

    status: int = 0
    retry_after: str = ""
    page: bool = False
    refuse: bool = False
    cut_after: int | None = None
    cut_whole: bool = False
    error_after: int | None = None
    garbage: bool = False
    stall_after: int | None = None
    stall: float = 1.0
    redirect: str = ""
    compressed: bool = False
    uncounted: bool = False
    padding: int = 0
    named: Any = None
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request as it came; header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body read."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def prompt(self) -> str:
        """What the person's side says, without the system's part."""
        return str(self.json["messages"][-1]["content"])


Says = Callable[[str], str]
"""The answer for a prompt."""


@dataclass
class StandInCloud:
    """The server, in a `with`."""

    says: str | Says = "Black tea wants 96 °C."
    faults: Faults = field(default_factory=Faults)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> StandInCloud:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        """With its port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def maker(self, kind: str) -> Maker:
        """The maker of that kind, with this server in its place."""
        if kind == COMPATIBLE_KIND:
            return maker_of(f"{self.url}/v1")
        if kind == ANTHROPIC_KIND:
            return replace(ANTHROPIC, base_url=self.url)
        return replace(OPENAI, base_url=f"{self.url}/v1")

    def answer(self, prompt: str) -> str:
        return self.says(prompt) if callable(self.says) else self.says


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandInCloud

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_POST(self) -> None:
        cloud = self.server.stand_in
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        cloud.requests.append(request)
        self._answer(request, cloud)

    def _answer(self, request: Request, cloud: StandInCloud) -> None:
        faults = cloud.faults
        if faults.redirect:
            self._send(307, b"", "text/plain", {"Location": faults.redirect})
        elif faults.page:
            self._send(faults.status or 200, PAGE.encode(), "text/html")
        elif faults.status:
            self._error(request, faults)
        elif request.path not in (MESSAGES, CHAT):
            self._send(404, PAGE.encode(), "text/html")
        elif request.json.get("stream"):
            self._stream(_EVENTS[request.path](request, cloud), faults)
        else:
            answer = _WHOLE[request.path](request, cloud)
            self._whole(json.dumps(answer).encode(), faults)

    def _error(self, request: Request, faults: Faults) -> None:
        kind, message = SAID[faults.status]
        error: dict[str, Any] = {"error": {"type": kind, "message": message}}
        if request.path == MESSAGES:
            error["type"] = "error"
        more = {"Retry-After": faults.retry_after} if faults.retry_after else {}
        self._send(faults.status, json.dumps(error).encode(), "application/json", more)

    def _whole(self, body: bytes, faults: Faults) -> None:
        if faults.compressed:
            self._send(200, body, "application/json", {"Content-Encoding": "gzip"})
        elif faults.cut_whole:
            self._send(200, body[: len(body) // 2], length=len(body))
        else:
            with suppress(OSError):  # it may be hung up on
                self._send(200, body + b" " * faults.padding)

    def _stream(self, events: Iterator[tuple[str, Any]], faults: Faults) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        pieces = 0
        for name, data in events:
            if name == PIECE:
                pieces += 1
            if faults.cut_after is not None and pieces > faults.cut_after:
                return
            if faults.stall_after is not None and pieces > faults.stall_after:
                time.sleep(faults.stall)
            if faults.error_after is not None and pieces > faults.error_after:
                self._event(
                    "error",
                    {
                        "type": "error",
                        "error": {"type": "overloaded_error", "message": "Overloaded"},
                    },
                )
                return
            self._event(name, "{garbage" if faults.garbage else data)

    def _event(self, name: str, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        head = f"event: {name}\n" if self.path == MESSAGES else ""
        self.wfile.write(f"{head}data: {text}\n\n".encode())
        self.wfile.flush()

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        more: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


PIECE = "content_block_delta"  # a piece of the text, in either format


def tokens(text: str) -> int:
    """As many as are counted here: a quarter of its characters."""
    return max(1, len(text) // 4)


def pieces_of(text: str) -> list[str]:
    """Words, each with the space behind it."""
    return text.replace(" ", " \0").split("\0")


def _message(request: Request, cloud: StandInCloud, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": tokens(request.body.decode()), "output_tokens": 1}
    usage |= cloud.faults.counts
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": cloud.faults.named or request.json["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
        **more,
    }


def _whole_message(request: Request, cloud: StandInCloud) -> dict[str, Any]:
    text = cloud.answer(request.prompt)
    message = _message(request, cloud, stop_reason="end_turn")
    message["content"] = [{"type": "text", "text": text}]
    message["usage"]["output_tokens"] = tokens(text)
    message["usage"] |= cloud.faults.counts
    if cloud.faults.refuse:
        message["stop_reason"] = "refusal"
    return message


def _message_events(request: Request, cloud: StandInCloud) -> Iterator[tuple[str, Any]]:
    text = cloud.answer(request.prompt)
    yield (
        "message_start",
        {"type": "message_start", "message": _message(request, cloud)},
    )
    block = {"type": "text", "text": ""}
    yield (
        "content_block_start",
        {"type": "content_block_start", "index": 0, "content_block": block},
    )
    yield "ping", {"type": "ping"}
    for piece in pieces_of(text):
        delta = {"type": "text_delta", "text": piece}
        yield PIECE, {"type": PIECE, "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    reason = "refusal" if cloud.faults.refuse else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    usage = {"output_tokens": tokens(text)} | cloud.faults.counts
    yield "message_delta", {"type": "message_delta", "delta": delta, "usage": usage}
    yield "message_stop", {"type": "message_stop"}


def _chat(request: Request, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1_790_000_000,
        "model": request.json["model"],
        **more,
    }


def _counted(request: Request, text: str) -> dict[str, int]:
    read, written = tokens(request.body.decode()), tokens(text)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def _whole_chat(request: Request, cloud: StandInCloud) -> dict[str, Any]:
    text = cloud.answer(request.prompt)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if cloud.faults.refuse:
        message |= {"content": None, "refusal": "I cannot help with that."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    counted = _counted(request, text) | cloud.faults.counts
    usage = None if cloud.faults.uncounted else counted
    return _chat(request, "chat.completion", choices=[choice], usage=usage)


def _chat_events(request: Request, cloud: StandInCloud) -> Iterator[tuple[str, Any]]:
    kind = "chat.completion.chunk"
    text = cloud.answer(request.prompt)
    field_name = "refusal" if cloud.faults.refuse else "content"
    for piece in pieces_of(text):
        choice = {"index": 0, "delta": {field_name: piece}, "finish_reason": None}
        yield PIECE, _chat(request, kind, choices=[choice])
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield "chunk", _chat(request, kind, choices=[choice])
    if not cloud.faults.uncounted:
        counted = _counted(request, text) | cloud.faults.counts
        yield "chunk", _chat(request, kind, choices=[], usage=counted)
    yield "done", "[DONE]"


_WHOLE = {MESSAGES: _whole_message, CHAT: _whole_chat}
_EVENTS = {MESSAGES: _message_events, CHAT: _chat_events}

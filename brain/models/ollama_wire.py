"""The one socket to Ollama: a transport for httpx that reaches a single proven address and nothing else.

Everything that could carry a prompt astray is taken away here, below httpx and below the `ollama` package, so that
neither can undo it: proxies, redirects, credentials, name look-ups, compression. Every read has a deadline and every
answer a size; what breaks becomes a `BrainError` of two lines. One connection per request: a restarted server leaves no
dead ones behind, and threads share nothing. Imported on first use only (httpx takes 0.2 s).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from brain.errors import Refused, Unavailable
from brain.models.limits import Limits
from brain.models.locality import MODEL_ADVICE, REMOTE_KEY, Address, Json
from brain.models.ollama_errors import silent_server, typed_error, unreadable
from brain.tripwire import permitted

DROPPED_HEADERS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "accept-encoding",
    "connection",
)
# Paths whose replies must not come from another machine.
CHECKED_PATHS = ("/api/chat", "/api/generate", "/api/embed", "/api/pull")
SCAN_OVERLAP = (
    64  # bytes kept between two pieces, so that a key that is cut in two is still seen
)
REDIRECTS = range(300, 400)

Waiting = Callable[[], None]
"""Called once when the first byte of an answer lets wait for itself."""


def not_told() -> None:
    """Nobody is told that it takes long."""


@dataclass
class Wire(httpx.BaseTransport):
    """Hand it to `httpx.Client(transport=…)` or `ollama.Client(…, transport=…)`. Raises brain's errors, not httpx's."""

    address: Address
    limits: Limits
    waiting: Waiting = not_told

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send on a fresh connection; the body of the answer is read under the same deadlines."""
        backend = _OneAddress(self.address, self.limits, self.waiting)
        origin = httpcore.Origin(b"http", self.address.name.encode(), self.address.port)
        connection = httpcore.HTTPConnection(origin, network_backend=backend)
        with _as_ours(self.address):
            try:
                response = connection.handle_request(self._cleaned(request))
            except BaseException:
                connection.close()
                raise
        reply = httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(
                connection, response, self.address, request.url.path in CHECKED_PATHS
            ),
        )
        self._refuse(reply)
        return reply

    def _cleaned(self, request: httpx.Request) -> httpcore.Request:
        headers = [
            (k, v)
            for k, v in request.headers.raw
            if k.decode("ascii").lower() not in DROPPED_HEADERS
        ]
        deadlines = {
            "connect": self.limits.connect,
            "read": self.limits.first,
            "write": self.limits.idle,
        }
        return httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=b"http",
                host=self.address.name.encode(),
                port=self.address.port,
                target=request.url.raw_path,
            ),
            headers=[
                *headers,
                (b"accept-encoding", b"identity"),
                (b"connection", b"close"),
            ],
            content=request.stream,
            extensions={"timeout": deadlines},
        )

    def _refuse(self, reply: httpx.Response) -> None:
        cause = ""
        if reply.status_code in REDIRECTS:
            cause = "sends the request on to another address"
        elif reply.headers.get("content-encoding", "identity").lower() != "identity":
            cause = "answers in a compression that was not asked for"
        if cause:
            reply.close()
            raise Refused(
                f"Ollama at {self.address.shown} {cause}",
                "nothing was sent there; check what listens on it",
            )


@dataclass
class OllamaHttp:
    """Raw JSON over `Wire`: what the `ollama` package drops or cannot send."""

    address: Address
    limits: Limits
    waiting: Waiting = not_told

    def json(
        self, method: str, path: str, body: Json | None = None
    ) -> tuple[int, Json]:
        """Status and object of one exchange. An error answer that is no JSON comes as {"error": text}."""
        with self._reply(method, path, body) as reply:
            text = reply.read().decode("utf-8", "replace")
        answer = _object(text)
        if answer is not None:
            return reply.status_code, answer
        if reply.is_success:
            raise unreadable(self.address)
        return reply.status_code, {"error": text}

    def lines(
        self, path: str, body: Json, *, model: str
    ) -> Generator[Json, None, None]:
        """The objects of an NDJSON answer, one by one. Close the iterator to hang up.

        Raises `Refused` or `Unavailable` for an error status, an `error` line, garbage, or a line over the limit.
        """
        with self._reply("POST", path, body) as reply:
            if not reply.is_success:
                text = reply.read().decode("utf-8", "replace")
                raise typed_error(reply.status_code, text, model, self.address)
            for line in _split_lines(reply.iter_raw(), self.limits.line, self.address):
                yield self._parsed(line, model)

    @contextmanager
    def _reply(
        self, method: str, path: str, body: Json | None
    ) -> Iterator[httpx.Response]:
        """The answer as it begins to come, on a connection of its own."""
        client = httpx.Client(
            base_url=self.address.url,
            transport=Wire(self.address, self.limits, self.waiting),
            trust_env=False,
            follow_redirects=False,
            timeout=None,
        )
        with client, client.stream(method, path, json=body) as reply:
            yield reply

    def _parsed(self, line: bytes, model: str) -> Json:
        part = _object(line)
        if part is None:
            raise unreadable(self.address)
        if part.get("error"):
            raise typed_error(None, json.dumps(part), model, self.address)
        return part


def _object(text: str | bytes) -> Json | None:
    """The JSON object of a text, None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _split_lines(
    pieces: Iterator[bytes], limit: int, address: Address
) -> Iterator[bytes]:
    """Whole lines, however the pieces are cut; blank ones are skipped. A last line without an end is given as it is."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if max(map(len, (*whole, rest))) > limit:
            raise Unavailable(
                f"Ollama at {address.shown} sent a line over {limit:,} bytes",
                "check what listens there: `brain doctor`",
            )
        yield from filter(None, map(bytes.strip, whole))
    if rest.strip():
        yield rest.strip()


@dataclass
class _Body(httpx.SyncByteStream):
    """An answer's bytes: read under deadlines, scanned for another machine's name, hung up on at close."""

    connection: httpcore.HTTPConnection
    response: httpcore.Response
    address: Address
    check: bool

    def __iter__(self) -> Iterator[bytes]:
        tail = b""
        with _as_ours(self.address):
            for piece in self.response.iter_stream():
                if self.check:
                    tail = self._checked(tail + piece)
                yield piece

    def _checked(self, scanned: bytes) -> bytes:
        """The end of what was scanned, to be scanned again with the next piece."""
        if REMOTE_KEY.search(scanned):
            raise Refused(
                f"the reply of {self.address.shown} comes from another machine",
                MODEL_ADVICE,
            )
        return scanned[-SCAN_OVERLAP:]

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@dataclass
class _OneAddress(httpcore.NetworkBackend):
    """Connects to the proven address, whatever the caller names."""

    address: Address
    limits: Limits
    waiting: Waiting = not_told

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Try every literal in turn, within one deadline for all of them."""
        until = time.monotonic() + self.limits.connect
        inner = httpcore.SyncBackend()
        failure: Exception = httpcore.ConnectTimeout()
        for literal in self.address.hosts:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                with permitted(literal, self.address.port):
                    stream = inner.connect_tcp(literal, self.address.port, timeout=left)
                return _Guarded(stream, self.limits, self.waiting)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Guarded(httpcore.NetworkStream):
    """A socket on which the first byte, every further one and the whole have a deadline, and the bytes a maximum.

    When the first byte lets wait for itself, `waiting` is called once, and the waiting goes on.
    """

    def __init__(
        self, inner: httpcore.NetworkStream, limits: Limits, waiting: Waiting
    ) -> None:
        self._inner = inner
        self._limits = limits
        self._waiting = waiting
        self._until = time.monotonic() + limits.total
        self._came = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._patiently(max_bytes)
        self._came += len(data)
        if self._came > self._limits.body:
            raise Unavailable(
                f"Ollama sent more than {self._limits.body:,} bytes",
                "check what listens: `brain doctor`",
            )
        return data

    def _patiently(self, max_bytes: int) -> bytes:
        """The next bytes, after telling that they let wait for themselves."""
        if self._came:
            return self._inner.read(max_bytes, self._left(self._limits.idle))
        first = self._limits.first
        patience = self._limits.patience
        if patience < first:
            try:
                return self._inner.read(max_bytes, self._left(patience))
            except httpcore.ReadTimeout:
                self._waiting()
            first -= patience
        return self._inner.read(max_bytes, self._left(first))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(self._limits.idle))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _left(self, step: float) -> float | None:
        left = min(step, self._until - time.monotonic())
        if left <= 0:
            raise httpcore.ReadTimeout
        # A socket takes no infinity: None is what says that it may wait for ever.
        if left != float("inf"):
            return left
        return None


@contextmanager
def _as_ours(address: Address) -> Iterator[None]:
    """What the socket and the protocol can raise, as one line of cause and one of cure."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout):
        raise silent_server(address) from None
    except httpcore.TimeoutException:
        raise Unavailable(
            f"Ollama at {address.shown} did not answer in time",
            "see what it is doing with `ollama ps`, or use the built-in model: `brain models use ask builtin`",
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
        raise Unavailable(
            f"Ollama at {address.shown} broke the connection",
            "see the log of `ollama serve`, then ask again",
        ) from None

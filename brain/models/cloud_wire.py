"""The one socket to a cloud model: a transport for httpx2 that sends one request to one address and nothing else.

Below both makers' packages, so that neither can undo it: it sends to the address that was allowed whatever the
environment says, with its own few headers and no other (the packages tell the system and the version of Python), over
no proxy, through no redirect, once. Before the first byte leaves, `before` is called with exactly what would; it raises
what forbids it, and holds what allows it while the connection is made. Leaves out the formats (`cloud`) and the rules
(`brain.governance.gate`). Imported on first use only.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache

import httpx2

from brain.models.cloud_errors import (
    LedElsewhere,
    cut_short,
    not_the_interface,
    too_slow,
    unreachable,
)
from brain.models.limits import Limits

AGENT = "brain"
OK = 200
KINDS = ("application/json", "text/event-stream")  # of an answer that is one
REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to leave, byte for byte; the key, which is in a header, is not part of it."""

    url: str
    host: str
    port: int
    body: bytes


Before = Callable[[Sending], AbstractContextManager[None]]


@dataclass
class CloudWire(httpx2.BaseTransport):
    """Hand it to `httpx2.Client(transport=…)`. Raises brain's errors. `credentials`: the headers that carry the key."""

    url: str
    credentials: dict[str, str] = field(repr=False)
    maker: str
    limits: Limits
    before: Before

    def __post_init__(self) -> None:
        self._inner = httpx2.HTTPTransport(_trusted(), trust_env=False, retries=0)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it, once and as it was shown to `before`; the answer is read under deadlines."""
        sending = self._sending(request)
        cleaned = self._cleaned(sending)
        until = time.monotonic() + self.limits.total
        with self.before(sending):
            try:
                reply = self._inner.handle_request(cleaned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                raise unreachable(self.maker) from None
            except httpx2.TimeoutException:
                raise too_slow(self.maker) from None
            except httpx2.TransportError:
                raise cut_short(self.maker, "") from None
        self._refuse(reply)
        return httpx2.Response(
            reply.status_code,
            headers=reply.headers,
            stream=_Body(reply, self.maker, self.limits.body, until),
            extensions=reply.extensions,
        )

    def close(self) -> None:
        """Hang up."""
        self._inner.close()

    def _sending(self, request: httpx2.Request) -> Sending:
        url = str(request.url)
        if request.method != "POST" or url != self.url:
            raise LedElsewhere(
                f"a request to {request.url.host} was stopped: only {self.url} is allowed",
                "nothing was sent; look for BASE_URL variables in your environment",
            )
        parts = httpx2.URL(url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
        return Sending(url, parts.host, port, request.read())

    def _cleaned(self, sending: Sending) -> httpx2.Request:
        """A request of our own making: the body as it is, and no header that was not chosen here."""
        limits = self.limits
        timeout = httpx2.Timeout(
            connect=limits.connect,
            read=limits.idle,
            write=limits.idle,
            pool=limits.connect,
        )
        return httpx2.Request(
            "POST",
            sending.url,
            headers={
                "user-agent": AGENT,
                "accept": "*/*",
                "accept-encoding": "identity",
                "connection": "close",
                "content-type": "application/json",
                **self.credentials,
            },
            content=sending.body,
            extensions={"timeout": timeout.as_dict()},
        )

    def _refuse(self, reply: httpx2.Response) -> None:
        if reply.status_code in REDIRECTS:
            reply.close()
            raise LedElsewhere(
                f"{self.maker} sends the request on to another address",
                "nothing was sent there; check the address: `brain cloud status`",
            )
        packed = reply.headers.get("content-encoding", "identity").lower() != "identity"
        kind = reply.headers.get("content-type", "").partition(";")[0].lower()
        if packed or (reply.status_code == OK and kind not in KINDS):
            reply.close()
            raise not_the_interface(self.maker)


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates count, whatever the environment says. Read once, since that takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


@dataclass
class _Body(httpx2.SyncByteStream):
    """An answer's bytes, with a deadline for all of them and a maximum."""

    reply: httpx2.Response
    maker: str
    most: int
    until: float

    def __iter__(self) -> Iterator[bytes]:
        came = 0
        try:
            for piece in self.reply.iter_raw():
                came += len(piece)
                if came > self.most:
                    raise not_the_interface(self.maker)
                if time.monotonic() > self.until:
                    raise too_slow(self.maker)
                yield piece
        except httpx2.TimeoutException:
            raise too_slow(self.maker) from None
        except httpx2.TransportError:
            raise cut_short(self.maker, "") from None

    def close(self) -> None:
        self.reply.close()

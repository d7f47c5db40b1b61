"""What a request must be before anything of it is read: for this very address, from this very page, by its owner.

A page of somebody else can make a browser send requests to this machine, also under a name that it has pointed here
(DNS rebinding: CVE-2026-11624, -34742, -61568, -63118 of servers like this one). So the Host is one of an exact list
with its port, nothing comes from another origin, and every request but that of the printed address shows a cookie or a
token. Every response forbids the browser to load anything from elsewhere. Leaves who has cookie and token to `access`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response

from brain.doors import json_out
from brain.doors.http.access import COOKIE_SECONDS, Access
from brain.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORD = "word"  # in the query of the printed address
BODY_BYTES = 2**20
TOO_LONG = 413  # the status for more
METHODS = ("GET", "HEAD", "POST")
# What a browser tells of where a request comes from (W3C, Fetch Metadata); "none" is a typed address.
OURS = ("same-origin", "none")
OPEN = ("/health",)  # says only that the server lives
OPEN_FILES = (
    "/static/"  # what ships with the program, so that a refusal looks like a page
)
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Another page is told nothing; with "no-referrer" a form of our own would be sent as from nowhere
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


SEEN = (401, 403)  # refusals that a person meets in the browser
Refusing = Callable[[int, str, str], Response]
"""(status, path that was asked for, its query) -> what a person sees in its place"""


class TooLong(UsageError):
    """A body went on after its most."""


class Guard:
    """ASGI middleware. `hosts`: what a Host header may say, each with its port. `cookie`: the name of the cookie.
    `page`: a refusal for a person.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        hosts: Iterable[str],
        scheme: str = "http",
        *,
        cookie: str = "brain",
        page: Refusing | None = None,
    ) -> None:
        self._app = app
        self._page = page
        self._access = access
        self._cookie = cookie
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"{scheme}://{host}" for host in self._hosts)
        self._secure = scheme == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets
            return
        limited = _Limited(receive)
        answered = _Answered(send, limited)
        refused = self._refusal(scope)
        if refused is not None:
            await self._shown(scope, refused)(scope, receive, answered)
            return
        try:
            await self._app(scope, limited, answered)
        except TooLong:
            await _error(413, "the request is too long")(scope, receive, answered)

    def _refusal(self, scope: Scope) -> Response | None:
        """What is answered in place of the request; None where it may go on."""
        headers = Headers(scope=scope)
        if headers.getlist("host")[1:] or headers.get("host") not in self._hosts:
            return _error(421, "this server has another name")
        if scope["method"] not in METHODS:
            return _error(405, "only GET, HEAD and POST are answered here")
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return _error(403, "the request comes from another page")
        if headers.get("sec-fetch-site", "none") not in OURS:
            return _error(403, "the request comes from another page")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            return _error(413, "the request is too long")
        if scope["path"] in OPEN or scope["path"].startswith(OPEN_FILES):
            return None
        return self._stranger(scope, headers)

    def _shown(self, scope: Scope, refused: Response) -> Response:
        """The refusal as a page, where a person sees it."""
        if self._page is None or refused.status_code not in SEEN:
            return refused
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            return refused
        query = scope["query_string"].decode("latin-1")
        return self._page(refused.status_code, scope["path"], query)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """None for who shows the cookie or the token; the word of an address is exchanged for the cookie."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if self._access.has_token(given.strip(), scope["path"]):
                return None
            return _error(401, "that token does not open this")
        # The word first: an address that was opened opens nothing any more, also where the cookie is there
        word = _word(scope)
        cookie = self._access.exchanged(word) if word else None
        known = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        if cookie is None and self._access.has_cookie(known):
            return None
        if cookie is None:
            return _error(
                401,
                "open the address that `brain serve --address` prints, or send its token",
            )
        response = RedirectResponse(scope["path"], status_code=303)
        response.set_cookie(
            self._cookie,
            cookie,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )
        return response


class _Answered:
    """Sends what is answered, with the headers that every response has."""

    def __init__(self, send: Send, limited: _Limited) -> None:
        self._send = send
        self._limited = limited

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._limited.too_long:  # whatever a library made of it
                message["status"] = TOO_LONG
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Limited:
    """Receives the body of a request, and no more of it than may be."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._length = 0
        self.too_long = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._length += len(message.get("body", b""))
        if self._length > BODY_BYTES:
            self.too_long = True
            raise TooLong(
                "the request is too long", f"send at most {BODY_BYTES:,} bytes"
            )
        return message


def _word(scope: Scope) -> str:
    """The word of a printed address, "" where there is none."""
    if scope["method"] != "GET":
        return ""
    for pair in scope["query_string"].decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if name == WORD:
            return str(value)
    return ""


def _error(status: int, message: str) -> Response:
    shape = json_out.error("refused", message, 'see docs/API.md, "Who may ask"')
    return JSONResponse(shape, status)

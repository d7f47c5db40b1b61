"""From a request to a worker of the pool and back: results, errors as the JSON and the status that they have, and
answers as they come.

Leaves what is done to the caller. Serves every part of the HTTP door.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from brain.app.pool import RETRY_SECONDS, Busy, Pool
from brain.doors import json_out
from brain.doors.http.guard import TooLong
from brain.doors.log import note_unexpected
from brain.errors import (
    BrainError,
    Interrupted,
    NotFound,
    OverBudget,
    Refused,
    Unavailable,
    UsageError,
)

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest

    from brain.app import Brain
    from brain.types import Answer, Request, Span

Result = TypeVar("Result")
Endpoint = Callable[["HttpRequest"], Awaitable[Response]]
ErrorShape = Callable[[BrainError], Mapping[str, Any]]
Failing = Callable[["HttpRequest", Exception], Response]
Event = tuple[str, dict[str, Any]]
"""(its name, what it says): "notice", "quote", "sentence", at the end "answer" with the whole value, or "error"."""

STATUS: tuple[tuple[type[BrainError], int], ...] = (
    (TooLong, 413),
    (UsageError, 400),
    (Refused, 403),
    (NotFound, 404),
    (OverBudget, 429),
    (Busy, 503),
    (Unavailable, 503),
)
UNEXPECTED = BrainError(
    "an unexpected error stopped this request",
    "what was saved is kept; see `brain doctor`",
)


async def done(pool: Pool, work: Callable[[Brain], Result]) -> Result:
    """What the work returns. Raises what it raises, and `Busy`."""
    return await asyncio.wrap_future(pool.submit(work))


def status_of(error: BrainError) -> int:
    """The status of HTTP for an error; 500 for what is nobody's mistake out there."""
    return next((code for kind, code in STATUS if isinstance(error, kind)), 500)


def as_error(error: BaseException) -> BrainError:
    """Any exception as one that may be shown: an unexpected one tells nothing of itself."""
    return error if isinstance(error, BrainError) else UNEXPECTED


def shown(value: Mapping[str, Any], status: int = 200) -> Response:
    """One JSON object, as `--json` prints it."""
    text = json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")
    return Response(text, status, media_type="application/json")


def failed(error: BaseException, shape: ErrorShape | None = None) -> Response:
    """An error as JSON with its status. `shape`: as another protocol has it, in place of that of `--json`."""
    known = as_error(error)
    said = (shape or _error)(known)
    return with_retry(shown(said, status_of(known)), known)


def with_retry(response: Response, error: BrainError) -> Response:
    """The response; where more work waits than may, with the time after which to come again."""
    if isinstance(error, Busy):
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


def _error(known: BrainError) -> dict[str, Any]:
    return json_out.error(known.kind, known.message, known.hint)


def careful(
    endpoint: Endpoint,
    fail: Failing = lambda _http, error: failed(error),
) -> Endpoint:
    """The endpoint, its errors as responses; unforeseen ones leave their kind in the log."""

    async def answered_or_failed(http: HttpRequest) -> Response:
        try:
            return await endpoint(http)
        except Exception as error:
            note_unexpected(error)
            return fail(http, error)

    return answered_or_failed


async def answered(pool: Pool, request: Request) -> AsyncIterator[tuple[str, Any]]:
    """An answer as it comes: ("notice" | "quote" | "sentence", its text), then ("answer", the `Answer`).

    Raises `Busy` before the first, and what `Brain.ask` raises. Where the caller goes away the answer is broken off
    with the next thing that it says, and nothing is recorded.
    """
    loop = asyncio.get_running_loop()
    said: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
    gone = threading.Event()

    def say(kind: str, text: str, _answer: Span | None = None, /) -> None:
        if gone.is_set():
            raise Interrupted("the one who asked is gone")
        loop.call_soon_threadsafe(said.put_nowait, (kind, text))

    def work(brain: Brain) -> Answer:
        return brain.ask(request, say=say)

    future = asyncio.wrap_future(pool.submit(work))
    future.add_done_callback(lambda _done: said.put_nowait(None))
    try:
        while (item := await said.get()) is not None:
            yield item
        yield "answer", future.result()
    finally:
        gone.set()
        future.cancel()  # where no worker has taken it up, none does

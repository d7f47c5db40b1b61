"""Agents over HTTP: the same tools at one path of the server, each request by itself.

Who may ask is decided before it (the guard of the HTTP door). Serves `brain serve`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from brain.doors.agents.calls import broken, call, failed
from brain.doors.agents.server import Door
from brain.doors.agents.shapes import Reply
from brain.errors import BrainError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from brain.app.pool import Pool
    from brain.doors.agents.rights import Rights
    from brain.doors.agents.shapes import Values

PATH = "/mcp"
BODY_BYTES = 2**20


class Mounted:
    """An ASGI application over a pool. It starts with its first request, in the loop of that. `read_only`: no call
    takes in what changed in the added folders.
    """

    def __init__(self, pool: Pool, rights: Rights, *, read_only: bool = False) -> None:
        self._pool = pool
        self._read_only = read_only
        self._rights = rights
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[StreamableHTTPSessionManager] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of the protocol."""
        loop = asyncio.get_running_loop()
        ended = self._running is None or self._running.done()
        if self._loop is not loop or self._ready is None or ended:
            self._loop = loop
            self._ready = loop.create_future()
            self._running = loop.create_task(self._run(self._ready))
        manager = await asyncio.shield(self._ready)
        await manager.handle_request(scope, receive, send)

    async def answer(self, name: str, given: Values, by: str) -> Reply:
        """A call, by a worker of the pool."""
        work = partial(
            call,
            name=name,
            given=given,
            rights=self._rights,
            by=by,
            look=not self._read_only and not self._pool.watched(),
        )
        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        except BrainError as error:  # no more can wait, or the store cannot be opened
            return failed(error)
        except Exception as error:
            return broken(error)

    async def _run(self, ready: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        """Keep the library's own tasks alive for as long as the loop runs. What ends them is told to who waits for
        them, and the next request starts them again.
        """
        try:
            manager = self._manager()
            async with manager.run():
                ready.set_result(manager)
                await asyncio.Event().wait()
        except Exception as error:
            broken(error)
            if not ready.done():
                ready.set_exception(error)

    def _manager(self) -> StreamableHTTPSessionManager:
        door = Door(self.answer, self._rights)
        return StreamableHTTPSessionManager(
            door.server(lasting=True),
            json_response=True,
            stateless=True,
            # Host and Origin were looked at before
            security_settings=TransportSecuritySettings(
                enable_dns_rebinding_protection=False
            ),
            max_request_body_size=BODY_BYTES,
        )

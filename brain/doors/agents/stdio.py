"""Agents over standard streams: a small process that an agent's program starts and that ends with it.

It asks the server of the home where one runs; else it opens the store itself and scans exactly, so that no index
library is ever loaded. It ends when its input does, and when nothing was asked for long. Serves `brain mcp`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp.server.stdio import stdio_server

from brain.app.pool import Busy, Pool
from brain.doors.agents.calls import call, failed
from brain.doors.agents.rights import to_wire
from brain.doors.agents.server import Door
from brain.doors.agents.shapes import Reply
from brain.errors import BrainError

if TYPE_CHECKING:
    from brain.doors.agents.rights import Rights
    from brain.doors.agents.shapes import Values

IDLE_SECONDS = 4 * 3_600.0  # after which a process that nobody asks ends
LOOKS = 20  # at the clock, in that time

AskServer = Callable[[dict[str, Any]], dict[str, Any] | None]
"""What the server of the home answers to a call, None where none runs."""


class Stdio:
    """`open_pool` is called once, where no server answers. `idle` in seconds; `leave` ends the process behind it: a
    thread still waits for input that never comes, and would keep it.
    """

    def __init__(
        self,
        ask_server: AskServer,
        open_pool: Callable[[], Pool],
        rights: Rights,
        *,
        idle: float = IDLE_SECONDS,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._ask_server = ask_server
        self._open_pool = open_pool
        self._rights = rights
        self._idle = idle
        self._leave = leave
        self._pool: Pool | None = None
        self._last = time.monotonic()
        self._open = 0

    def run(self) -> None:
        """Answer until the input ends."""
        try:
            asyncio.run(self._serve())
        finally:
            self._close()

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.close()

    async def answer(self, name: str, given: Values, by: str) -> Reply:
        """A call, by the server of the home or by this process."""
        self._open += 1
        try:
            return await self._answered(name, given, by)
        except BrainError as error:
            return failed(error)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    async def _answered(self, name: str, given: Values, by: str) -> Reply:
        said = {
            "name": name,
            "given": dict(given),
            "rights": to_wire(self._rights),
            "by": by,
        }
        known = await asyncio.to_thread(self._ask_server, said)
        if known is not None:
            with suppress(TypeError):  # of another version
                return Reply(**{**known, "ids": tuple(known["ids"])})
        if self._pool is None:
            self._pool = self._open_pool()
        work = partial(call, name=name, given=given, rights=self._rights, by=by)
        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        except Busy as error:
            return failed(error)

    async def _serve(self) -> None:
        door = Door(self.answer, self._rights)
        await door.learn()
        server = door.server()
        async with stdio_server() as (read, write):
            options = server.create_initialization_options()
            idle = asyncio.create_task(self._end_when_idle())
            await server.run(read, write, options)
            idle.cancel()

    async def _end_when_idle(self) -> None:
        """End the process where nothing was asked for long and nothing is being answered."""
        while self._open or time.monotonic() - self._last < self._idle:
            await asyncio.sleep(self._idle / LOOKS)
        self._close()
        self._leave(0)

"""`/api/v1/health`: how the server is, to its owner; anybody may ask `/health` whether it lives.

Leaves looking to the server's upkeep. Serves monitors of the person's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.routing import Route

from brain.doors import json_out
from brain.doors.http.work import careful, shown

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from brain.health import Health

TROUBLED = 503  # so that a monitor that reads no JSON sees it too


def health_routes(look: Callable[[], Health] | None) -> list[Route]:
    """The path, where there is somebody who looks. `look` waits for a real search."""
    if look is None:
        return []

    async def health(_http: Request) -> Response:
        found = await asyncio.to_thread(look)
        status = 200 if found.ok else TROUBLED
        return shown(json_out.envelope(**asdict(found)), status)

    return [Route("/api/v1/health", careful(health))]

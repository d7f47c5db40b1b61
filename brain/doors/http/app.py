"""The HTTP application: every part's routes behind one guard; and running it until it is told to stop.

uvicorn listens; its signals end it in good order. Leaves each path to the module that has it. Serves `brain serve`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from brain.doors import json_out
from brain.doors.http import openapi
from brain.doors.http.access import Access
from brain.doors.http.api import Api
from brain.doors.http.guard import Guard
from brain.doors.http.health import health_routes
from brain.doors.http.openai import OpenAi
from brain.doors.http.pages import Pages, to_health, wants_page
from brain.doors.http.settings import EVERY, LOOPBACK, Settings
from brain.doors.http.work import failed, shown
from brain.errors import BrainError, NotFound, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from brain.app.pool import Pool
    from brain.health import Health

NOTHING: Mapping[str, ASGIApp] = MappingProxyType({})
STOP_SECONDS = 5  # for which answers that were begun may go on after a signal


def application(
    pool: Pool,
    settings: Settings,
    access: Access,
    look: Callable[[], Health] | None = None,
    mounted: Mapping[str, ASGIApp] = NOTHING,
) -> ASGIApp:
    """Everything that is answered over HTTP. `look`: how the server is; `mounted`: other doors, each by its path."""
    pages = Pages(pool, settings, look)

    async def unknown(request: Request, _error: Exception) -> Response:
        error = NotFound(f"there is nothing at {request.url.path}", "see docs/API.md")
        return pages.failed(error) if wants_page(request) else failed(error)

    routes = [
        Route("/health", health),
        *Api(pool, settings).routes(),
        *health_routes(look),
        openapi.route(settings),
        *pages.routes(),
        *OpenAi(pool, settings).routes(),
        *(Route(path, app) for path, app in mounted.items()),
    ]
    app = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})
    return Guard(
        app,
        access,
        settings.hosts,
        settings.scheme,
        cookie=settings.cookie,
        page=pages.refused,
    )


async def health(request: Request) -> Response:
    """That the server lives, and nothing else: anybody may ask. A browser is led to the page of its owner."""
    if wants_page(request):
        return await to_health(request)
    return shown(json_out.envelope(ok=True))


def check(settings: Settings) -> None:
    """Raise `UsageError` for an address that others reach, where there is no certificate."""
    if settings.host not in LOOPBACK and not settings.certificate:
        raise UsageError(
            f"{settings.host} is reached by other machines, which needs a certificate",
            "leave --host out, or give --certificate and --key",
        )
    if settings.host in EVERY:
        raise UsageError(
            f"{settings.host} is no name under which this machine is reached",
            "give --host the name or the address that others use",
        )


def listening(settings: Settings) -> socket.socket:
    """The socket of the port, so that a port that is taken is known at once. Raises `BrainError`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
        made.listen()  # so that nobody else gets it while the models are loaded
    except OSError as error:
        made.close()
        raise BrainError(
            f"{settings.address} cannot be used: {error.strerror}",
            "take another with --port",
        ) from None
    return made


def run(app: ASGIApp, settings: Settings, listens: socket.socket) -> None:
    """Answer until a signal ends it."""
    server(app, settings).run(sockets=[listens])


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """What answers, not yet begun."""
    config = uvicorn.Config(
        app,
        log_config=None,  # a request holds words of the person's
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        ws="none",
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.key or None,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)

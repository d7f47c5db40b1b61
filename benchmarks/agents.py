"""Twenty calls of an agent, one after the other, warm through the server: by `brain mcp`, and over HTTP.

Each call waits for the one before, as an agent's do: four times two searches and the texts of two of their passages; then
what happened, twice, how the store is, and a question, which the answer reader reads. The client is the protocol's own.
Leaves out how long the client's program thinks.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from benchmarks.measure import Figure, Spent, seconds
from benchmarks.prepared import Place
from benchmarks.serving import Server, served
from brain.app import Brain
from brain.config import Config

CHUNKS = 10_000
CALLS = 20
TARGET = 3.0  # seconds for all of them
TOPICS = ("the tea account", "a lease", "the garden", "an exception")
QUESTION = "what is said of the tea account?"
RUNS = 3

Way = Callable[[], AbstractAsyncContextManager[Client]]


def figures(place: Place) -> Iterator[Figure]:
    """Both ways over one store: the median of some runs, each with a client of its own."""
    home = place.home(CHUNKS)
    with Brain(Config(home=home)) as brain:
        brain.labels.walk([])
        chunks = brain.status().chunks
    with served(home, {}) as server:
        ways = {"`brain mcp`": _by_process(server), "HTTP": _by_http(server)}
        for name, way in ways.items():
            spent = _median(server, way)
            yield Figure(
                f"{CALLS} chained calls by {name}, {chunks:,} chunks",
                seconds(spent),
                "—",
                None,
                target=TARGET,
                judged=spent.cpu,
                unit=" s",
            )


def _median(server: Server, way: Way) -> Spent:
    """On the wall, and of the server's processor. The first run is left out: it warms files and models."""
    took = [asyncio.run(_chained(server, way())) for _ in range(RUNS + 1)][1:]
    wall = statistics.median(one.wall for one in took)
    return Spent(wall, statistics.median(one.cpu for one in took), 0)


async def _chained(
    server: Server, opened: AbstractAsyncContextManager[Client]
) -> Spent:
    async with opened as client:
        begin = time.perf_counter()
        before = server.processor()
        calls = 0
        for topic in TOPICS:
            for query in (topic, f"{topic} and its purpose"):
                found = await _called(client, "search", query=query)
                reference = found["passages"][0]["id"]
                await _called(client, "read", ref=reference)
                calls += 2
        for about in TOPICS[:2]:
            await _called(client, "recall", about=about)
        await _called(client, "status")
        await _called(client, "ask", question=QUESTION)
        assert calls + 4 == CALLS
        took = time.perf_counter() - begin
        return Spent(took, server.processor() - before, 0)


async def _called(client: Client, tool: str, **given: Any) -> Any:
    reply = await client.call_tool(tool, given)
    assert not reply.is_error, reply.content
    return reply.structured_content


def _by_process(server: Server) -> Way:
    words = ["-m", "brain", "mcp"]
    started = StdioServerParameters(
        command=sys.executable, args=words, env=dict(server.environ)
    )
    return lambda: Client(started)


def _by_http(server: Server) -> Way:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Client]:
        headers = {"authorization": f"Bearer {server.token}"}
        async with httpx2.AsyncClient(
            headers=headers, timeout=60, trust_env=False
        ) as http:
            address = f"http://127.0.0.1:{server.port}/mcp"
            transport = streamable_http_client(address, http_client=http)
            async with Client(transport) as client:
                yield client

    return opened

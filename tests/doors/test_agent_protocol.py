"""The protocol over both transports with its own client: many calls at once, a client that dies, garbage, floods."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import uvicorn
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from brain.app.pool import Busy, Pool
from brain.config import load
from brain.doors.agents.calls import answer_wire
from brain.doors.agents.mounted import PATH, Mounted
from brain.doors.agents.rights import Rights
from brain.doors.agents.shapes import Reply
from brain.doors.agents.stdio import Stdio
from brain.doors.cli import front
from brain.doors.cli.resident import Resident
from brain.doors.http.access import Access
from brain.doors.http.app import application, listening
from brain.doors.http.settings import Settings
from tests.doors.agents_support import launched, store
from tests.doors.http_support import TOKEN

AT_ONCE = 50
FIVE_MEGABYTES = 5 * 2**20
SECONDS = 60.0


@pytest.fixture
def notes(tmp_path: Path) -> None:
    with store(tmp_path / "notes"):
        pass


class Served:
    """The HTTP server in a thread, on a port that was free."""

    def __init__(self, pool: Pool) -> None:
        settings = Settings(0)
        listens = listening(settings)
        self.port = listens.getsockname()[1]
        settings = Settings(self.port)
        mounted = Mounted(pool, Rights(writes=True))
        app = application(pool, settings, Access(TOKEN), mounted={PATH: mounted})
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listens]}
        )
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        """A client that shows the token."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(
            headers=headers, timeout=SECONDS, trust_env=False
        ) as http:
            transport = streamable_http_client(self.address, http_client=http)
            async with Client(transport, **options) as client:
                yield client


@pytest.fixture
def served(notes: None) -> Iterator[Served]:
    with Pool(load, workers=2, waiting=AT_ONCE) as pool:
        server = Served(pool)
        yield server
        server.close()


def test_a_server_that_only_reads_takes_no_file_in_for_an_agent(
    notes: None, tmp_path: Path
) -> None:
    (tmp_path / "notes" / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")

    def said(mounted: Mounted) -> str:
        reply = run(mounted.answer("search", {"query": "dinghy"}, "a test"))
        assert not reply.failed
        return str(reply.text)

    with Pool(load, workers=1) as pool:
        assert "green" not in said(Mounted(pool, Rights(), read_only=True))
        assert pool.run(lambda brain: brain.status().documents) == 3
        assert "green" in said(Mounted(pool, Rights()))


def run(work: Any) -> Any:
    """The result of a coroutine, within the time of a test."""
    return asyncio.run(asyncio.wait_for(work, SECONDS))


async def looked_over(client: Client) -> None:
    """All that both transports have to do alike."""
    listed = await client.list_tools()
    names = [tool.name for tool in listed.tools]
    assert names == ["search", "read", "ask", "recall", "status", "remember"]
    for tool in listed.tools:
        assert tool.title
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name != "remember")
        assert tool.annotations.open_world_hint is False
        assert tool.input_schema["additionalProperties"] is False
    answer = await client.call_tool("ask", {"question": "how hot for black tea?"})
    assert not answer.is_error
    assert "96 °C" in answer.structured_content["citations"][0]["quote"]
    assert "96 °C" in answer.content[0].text
    wrong = await client.call_tool("search", {"query": "tea", "zip": 1})
    assert wrong.is_error
    assert wrong.content[0].text.startswith("search has no argument 'zip'")
    found = await client.call_tool("search", {"query": "black tea"})
    document = found.structured_content["passages"][0]["document"]
    templates = await client.list_resource_templates()
    assert templates.resource_templates[0].uri_template == "brain://doc/{id}"
    read = await client.read_resource(f"brain://doc/{document}")
    assert "96 °C" in read.contents[0].text
    for uri in ("brain://doc/lease.md", "file:///etc/passwd"):
        with pytest.raises(MCPError):
            await client.read_resource(uri)
    assert client.instructions is not None
    assert "It holds 3 documents" in client.instructions


async def many(client: Client) -> None:
    """So many calls at once: each has its answer."""

    async def one(number: int) -> Any:
        return await client.call_tool("search", {"query": f"black tea {number}"})

    replies = await asyncio.gather(*map(one, range(AT_ONCE)))
    assert [reply.is_error for reply in replies] == [False] * AT_ONCE


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_over_standard_streams(notes: None, mode: Any) -> None:
    """Both generations of the protocol."""

    async def work() -> None:
        async with Client(launched("--writes"), mode=mode) as client:
            await looked_over(client)
            if mode == "auto":
                await many(client)
                flood = {"query": "a" * FIVE_MEGABYTES}
                reply = await client.call_tool("search", flood)
                assert reply.content[0].text.startswith("query has 5,242,880 char")
                await client.call_tool("status", {})

    run(work())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_over_http(served: Served, mode: Any) -> None:
    async def work() -> None:
        async with served.client(mode=mode) as client:
            await looked_over(client)
            if mode == "auto":
                await many(client)
                with pytest.raises(MCPError):
                    await client.call_tool("search", {"query": "a" * FIVE_MEGABYTES})
                await client.call_tool("status", {})

    run(work())


class Troubled(Pool):
    """A pool that fails first."""

    troubles: list[Exception]

    def submit(self, work: Any) -> Any:
        """As the pool does, once the troubles are over."""
        if self.troubles:
            raise self.troubles.pop()
        return super().submit(work)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("trouble", [Busy("busy", "later"), LookupError("x")])
def test_a_first_request_that_fails_decides_nothing_for_the_next(
    notes: None, mode: Any, trouble: Exception
) -> None:
    async def told(served: Served) -> str | None:
        async with served.client(mode=mode) as client:
            return client.instructions

    with Troubled(load, workers=1) as pool:
        pool.troubles = [trouble]
        served = Served(pool)
        try:
            first = run(told(served))
            second = run(told(served))
            pool.run(lambda brain: brain.note("Green tea wants 80 °C.", title="New"))
            third = run(told(served))
        finally:
            served.close()
    assert not first
    assert second is not None
    assert "It holds 3 documents" in second
    assert third is not None
    assert "It holds 4 documents" in third


def test_a_start_that_fails_is_told_and_tried_again(notes: None) -> None:
    class Unsteady(Mounted):
        starts = 0

        def _manager(self) -> Any:
            self.starts += 1
            if self.starts == 1:
                raise LookupError("x")
            return super()._manager()

    async def work(pool: Pool) -> list[Any]:
        mounted = Unsteady(pool, Rights())
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "DELETE", "path": PATH, "headers": []}
        with pytest.raises(LookupError):
            await mounted(scope, receive, send)
        await mounted(scope, receive, send)
        return sent

    with Pool(load, workers=1) as pool:
        assert run(work(pool))[0]["type"] == "http.response.start"


def test_http_wants_the_token_and_this_address(served: Served) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    bearer = {"authorization": f"Bearer {TOKEN}"}
    cases: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({**bearer, "host": "rebound.example:80"}, 421),
        ({**bearer, "origin": "https://elsewhere.example"}, 403),
        ({**bearer, "origin": "null"}, 403),
    ]
    for headers, status in cases:
        found = httpx2.post(served.address, json=body, headers=headers, trust_env=False)
        assert found.status_code == status, headers


def test_garbage_over_http_is_refused_and_the_next_is_answered(served: Served) -> None:
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }
    deep = "[" * 100_000
    for body in (b"", b"\xff\xfe", b"{", b"[]", b'{"jsonrpc": 7}', deep.encode()):
        found = httpx2.post(
            served.address, content=body, headers=headers, trust_env=False
        )
        assert 400 <= found.status_code < 500, body[:20]

    async def work() -> None:
        async with served.client() as client:
            assert not (await client.call_tool("status", {})).is_error

    run(work())


# -- a process on standard streams ------------------------------------------------------------------------------------

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def called(number: int, name: str, **given: object) -> dict[str, object]:
    params = {"name": name, "arguments": given}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def process(*messages: object) -> subprocess.CompletedProcess[bytes]:
    """`brain mcp` with these lines, then the end of its input."""
    lines = [
        one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages
    ]
    return subprocess.run(
        [sys.executable, "-m", "brain", "mcp"],
        input=b"\n".join(lines) + b"\n",
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


def test_garbage_between_messages_stops_nothing_and_its_end_ends_it(
    notes: None,
) -> None:
    garbage = [b"", b"\xff\xfe\x00", b"{", b"[[[[", b'"text"', b"1e999", b"\x1b[2J"]
    ended = process(HELLO, READY, *garbage, called(2, "status"))
    assert ended.returncode == 0
    replies = [json.loads(line) for line in ended.stdout.splitlines()]
    known = {reply.get("id"): reply for reply in replies}
    assert known[1]["result"]["serverInfo"]["name"] == "brain"
    assert b"Traceback" not in ended.stderr


def test_its_process_loads_no_index_library(notes: None) -> None:
    code = (
        "import sys\n"
        "from brain.doors.cli import main\n"
        "try:\n    main(['mcp'])\n"
        "except SystemExit:\n    pass\n"
        "sys.stderr.write(str('chromadb' in sys.modules) + str('numpy' in sys.modules))"
    )
    question = called(2, "search", query="how hot for black tea?")
    lines = "\n".join(map(json.dumps, (HELLO, READY, question))) + "\n"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdin.write(lines)
        started.stdin.flush()
        answers = [json.loads(started.stdout.readline()) for _ in range(2)]
        started.stdin.close()
        assert "96 °C" in answers[1]["result"]["content"][0]["text"]
        assert started.stderr.read().endswith("FalseTrue")


def test_a_client_that_dies_leaves_no_process(notes: None) -> None:
    """It is killed while it waits; the end of the input is all that the process hears of it."""
    hello = json.dumps(HELLO).encode() + b"\n"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'brain', 'mcp'],\n"
        "    stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        f"child.stdin.write({hello!r})\n"
        "child.stdin.flush()\n"
        "child.stdout.readline()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout is not None
        server = int(client.stdout.readline())
        assert client.stdout.readline() == "ready\n"
        client.kill()
    end = time.monotonic() + SECONDS
    while Path(f"/proc/{server}").exists() and running(server):
        assert time.monotonic() < end
        time.sleep(0.1)


def running(process_id: int) -> bool:
    """Whether it is no process that only waits to be buried."""
    try:
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] != "Z"


def test_a_process_that_nobody_asks_ends(notes: None) -> None:
    """Its input stays open; nothing is being answered."""
    code = (
        "import os\n"
        "from brain.doors.agents.rights import Rights\n"
        "from brain.doors.agents.stdio import Stdio\n"
        "from brain.doors.cli.agents import open_pool\n"
        "leave = lambda _code: os._exit(7)\n"
        "Stdio(lambda _said: None, open_pool, Rights(), idle=0.2, leave=leave).run()\n"
    )
    read, write = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=read, timeout=SECONDS, check=False
        )
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 7


# -- with a server of the home ----------------------------------------------------------------------------------------


def test_it_asks_the_server_of_the_home_where_one_runs(notes: None) -> None:
    """The same reply, by a process whose models are loaded; the store is not opened here."""

    def never() -> Pool:
        raise AssertionError("the store was opened")

    door = Stdio(front.called, never, Rights())
    with Pool(load, workers=1) as pool, Resident(pool, called=answer_wire):
        reply = anyio.run(door.answer, "search", {"query": "black tea"}, "a test")
        assert isinstance(reply, Reply)
        assert "96 °C" in reply.text
        refused = anyio.run(door.answer, "remember", {"text": "a"}, "a test")
        assert refused.failed


def test_a_server_that_ends_is_followed_by_the_process_itself(notes: None) -> None:
    async def work() -> None:
        with Pool(load, workers=1) as pool:
            resident = Resident(pool, called=answer_wire)
            async with Client(launched()) as client:
                assert not (await client.call_tool("status", {})).is_error
                resident.close()
                alone = await client.call_tool("search", {"query": "black tea"})
                assert "96 °C" in alone.content[0].text

    run(work())

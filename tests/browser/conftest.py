"""A server over a store with something on every page, and a Chromium that opens it.

The server is a process of its own, as a person starts it; it listens on loopback and stops with the tests.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.browser.install import chromium

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "# <img src=x onerror='window.owned=1'>\n\n"
    "<script>window.owned = 1</script> The word of the day is zebra.\n"
)
LONG = "".join(
    f"Row {number} of a long list says nothing.\n" for number in range(1, 4_001)
)
PATIENCE_MS = 120_000  # a guard against a page that never comes: machines are shared
STARTED_SECONDS = 300
ACCOUNTS = (
    "from brain.app import Brain\nfrom brain.config import load\n"
    "from tests.doors.page_accounts import keep_accounts\n"
    "with Brain(load()) as brain:\n    keep_accounts(brain)\n"
)


@dataclass
class Served:
    """Where the server is reached, and the command that asks it for another address."""

    base: str
    new_address: Callable[[], str]


@dataclass
class Watched:
    """What went wrong on a page, and which addresses it asked for."""

    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    bytes: int = 0

    def watch(self, page: Page) -> None:
        page.on(
            "console",
            lambda said: (
                self.wrong.append(said.text)
                if said.type in ("error", "warning")
                else None
            ),
        )
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("requestfinished", self._measure)

    def _failed(self, request: Request) -> None:
        """Chromium itself breaks off what a page still loads when the next one is opened, and says so now and then of a
        stream that was read to its end. What is blocked or not answered has another name.
        """
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url} {request.failure}")

    def _measure(self, request: Request) -> None:
        sizes: Any = request.sizes()
        self.bytes += sizes["responseBodySize"]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("browser")
    notes = folder / "notes"
    shutil.copytree(ROOT / "sample_corpus", notes)
    (notes / "hostile.md").write_text(HOSTILE)
    (notes / "long.txt").write_text(LONG)
    environ = {
        "BRAIN_HOME": str(folder / "home"),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }
    run = [sys.executable, "-m", "brain"]
    subprocess.run(
        [*run, "add", notes], env=environ, cwd=ROOT, check=True, capture_output=True
    )
    subprocess.run([sys.executable, "-c", ACCOUNTS], env=environ, cwd=ROOT, check=True)
    port = _free_port()
    with subprocess.Popen(
        [*run, "serve", "--port", str(port)],
        env=environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        first = server.stdout.readline().strip()
        assert first.startswith(f"http://127.0.0.1:{port}/?word="), first
        _wait_for(port)

        def new_address() -> str:
            asked = subprocess.run(
                [*run, "serve", "--address"],
                env=environ,
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            )
            return asked.stdout.strip()

        yield Served(f"http://127.0.0.1:{port}", new_address)
        server.terminate()


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + STARTED_SECONDS
    while True:
        with closing(socket.socket()) as tried:
            if not tried.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < until, "the server does not listen"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=flags, timeout=PATIENCE_MS
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def cookies(served: Served, browser: Browser) -> list[Any]:
    """What a browser keeps after it opened the printed address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.new_address(), timeout=PATIENCE_MS)
    assert page.url == f"{served.base}/"
    kept: list[Any] = context.cookies()
    context.close()
    return kept


@pytest.fixture
def opened(
    served: Served, browser: Browser, cookies: list[Any]
) -> Iterator[Callable[..., Page]]:
    """`opened("/path", **settings of the browser)`: a page in a browser of its own that was let in."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str = "/", watched: Watched | None = None, **settings: Any
    ) -> Page:
        context = browser.new_context(base_url=served.base, **settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies(cookies)
        page = context.new_page()
        if watched is not None:
            watched.watch(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()

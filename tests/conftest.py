"""What every test stands on: a home of its own, no network beyond loopback, no marker of an agent, no key, no proxy."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

# Hundreds of processes are started here: each finds what Python has compiled before, also where a person's environment
# says to keep none of it. Without, most of the time of the tests is spent compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from brain import child, tripwire  # noqa: E402
from brain.app import Brain, file_facts, vectors  # noqa: E402
from brain.config import Config, Ingest, Models  # noqa: E402
from brain.store import connection  # noqa: E402
from tests.ready_children import ReadyChildren  # noqa: E402

tripwire.set_up()

AGENTS = (
    "CLAUDECODE",
    "CURSOR_AGENT",
    "CODEX_THREAD_ID",
    "GEMINI_CLI",
    "COPILOT_AGENT",
    "AI_AGENT",
    "AGENT",
)
# Files that take longest. They come first, so that no worker is left with one of them when the others have ended.
LONG = (
    "journeys/test_clean_room.py",
    "journeys/test_hostile.py",
    "keeping/test_erase.py",
    "journeys/test_ollama_end_to_end.py",
    "store/test_upgrade.py",
)
TICK_NS = 20_000_000  # twice the coarsest tick of Linux, by which it dates files
SHARED = Path(__file__).parents[2] / "shared"

settings.register_profile(
    "house", deadline=None, max_examples=60
)  # no timed test: these machines are shared
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; the order within a file stays."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.fixture(autouse=True)
def sovereign(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    empty_store: bytes,
    ready_children: ReadyChildren,
) -> None:
    """A home of the test's own and an environment without anything that could lead out."""
    for name in list(os.environ):
        upper = name.upper()
        if (
            upper in AGENTS
            or upper.startswith(("OLLAMA_", "BRAIN_"))
            or upper.endswith(("_PROXY", "_API_KEY"))
        ) and name != "BRAIN_OLLAMA_LIVE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BRAIN_MODELS_EMBED", "wordllama")
    monkeypatch.setenv("BRAIN_MODELS_ASK", "builtin")
    monkeypatch.setenv("BRAIN_MODELS_READER", "off")
    # What a test computes is computed when its command ends, by no process behind it, on however slow a machine.
    monkeypatch.setattr(vectors, "INLINE_SECONDS", 600.0)
    # A file that a test has just written is not read again by each of its next commands: no clock here is coarser.
    monkeypatch.setattr(file_facts, "RACY_NS", TICK_NS)
    monkeypatch.setattr(child, "_started", ready_children.start)
    if empty_store:
        monkeypatch.setattr(connection, "_new_file", ready_made(empty_store))


@pytest.fixture(scope="session")
def ready_children() -> Iterator[ReadyChildren]:
    """The limited children of all tests of this process are forked by processes that have their libraries loaded."""
    ready = ReadyChildren()
    yield ready
    ready.close()


@pytest.fixture(scope="session", autouse=True)
def behind() -> Iterator[None]:
    """A process that computes vectors behind a command outlives the command, but not the tests."""
    yield
    for process in vectors._started:
        process.kill()
        process.wait()
    vectors._started.clear()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store in which nothing is. The tests of the migrations say b"": then every store is made anew."""
    path = tmp_path_factory.mktemp("empty") / "brain.db"
    connection.connect(path).close()
    return path.read_bytes()


def ready_made(empty_store: bytes) -> Callable[[Path], None]:
    """Makes a store as a copy of the empty one, since its migrations take longer than most tests."""
    as_ever = connection._new_file

    def new_file(path: Path) -> None:
        if path.suffix != ".db" or path.is_symlink():
            as_ever(path)
            return
        # Under another name first: two threads may open a new home at once, and neither may see half of it.
        copy = path.with_name(f"{path.name}.{threading.get_ident()}")
        as_ever(copy)
        copy.write_bytes(empty_store)
        with suppress(FileExistsError):
            path.hardlink_to(copy)
        copy.unlink()

    return new_file


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration that uses the built-in models alone."""
    return Config(
        home=tmp_path / "home",
        models=Models(embed="wordllama", ask="builtin", reader="off"),
        ingest=Ingest(),
    )


@pytest.fixture
def brain(config: Config) -> Iterator[Brain]:
    """An empty `Brain`."""
    with Brain(config) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """`folder({"a.md": "text"})` writes files into a folder of notes and returns it."""

    def write(files: dict[str, str | bytes], name: str = "notes") -> Path:
        place = tmp_path / name
        for path, content in files.items():
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(
                content.encode() if isinstance(content, str) else content
            )
        place.mkdir(exist_ok=True)
        return place

    return write

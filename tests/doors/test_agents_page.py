"""Every example of docs/AGENTS.md, as a reader would use it: what it starts is an agent's door that answers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from brain.doors.agents import tools
from brain.doors.agents.install import PROGRAMS
from brain.doors.agents.mounted import PATH
from brain.doors.cli.app import command
from brain.doors.http.settings import Settings
from tests.doors.agents_support import store
from tests.end_to_end import brain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "AGENTS.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, text) for kind, text in BLOCK.findall(PAGE)]


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def started() -> list[list[str]]:
    """What the examples let a program start."""
    found = []
    for text in blocks("json"):
        entry = json.loads(text)["mcpServers"]["brain"]
        if "command" in entry:
            found.append([entry["command"], *entry["args"]])
    for text in blocks("sh"):
        for line in text.splitlines():
            if " -- " in line:
                found.append(shlex.split(line.partition(" -- ")[2]))
    return found


@pytest.fixture
def notes(tmp_path: Path) -> None:
    with store(tmp_path / "notes"):
        pass


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which `brain` is the one of this tree."""
    script = tmp_path / "bin" / "brain"
    script.parent.mkdir()
    ours = {name: os.environ[name] for name in os.environ if name.startswith("BRAIN_")}
    # A client hands only a few variables on
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\nos.environ.update({ours!r})\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from brain.doors.cli import main\nmain()\n"
    )
    script.chmod(0o700)
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path}


@pytest.mark.parametrize("words", started(), ids=" ".join)
def test_what_is_started_answers(
    words: list[str], notes: None, environ: dict[str, str]
) -> None:
    assert words[0] == "brain"
    server = StdioServerParameters(command="brain", args=words[1:], env=environ)

    async def work() -> None:
        async with Client(server) as client:
            given = {"question": "how hot for black tea?"}
            answer = await client.call_tool("ask", given)
            assert "96 °C" in answer.content[0].text

    asyncio.run(work())


def installs() -> list[str]:
    lines = "".join(blocks("sh")).splitlines()
    return [line for line in lines if line.startswith("brain agent ")]


@pytest.mark.parametrize("line", installs())
def test_what_is_installed_is_shown(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    ran = brain(*shlex.split(line)[1:])
    assert ran.code == 0
    assert "+# The person's notes" in ran.stdout


def test_the_address_is_the_one_that_serves() -> None:
    entries = [json.loads(text)["mcpServers"]["brain"] for text in blocks("json")]
    addresses = [one["url"] for one in entries if "url" in one]
    assert addresses == [f"{Settings().address}{PATH}"]


def test_the_python_example_prints_a_cited_answer(
    notes: None, environ: dict[str, str]
) -> None:
    (text,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "96 °C" in done.stdout
    assert "tea.md" in done.stdout


def test_the_commands_that_it_names_are_there() -> None:
    named = set(re.findall(r"\bbrain ([a-z]+)", "".join(blocks("sh"))))
    named |= set(re.findall(r"`brain ([a-z]+)", PAGE))
    assert named <= set(command().commands)
    assert len(installs()) == len(PROGRAMS)
    assert {"mcp", "serve", "inbox", "ledger", "label"} <= named


def test_the_table_names_every_tool_with_its_arguments() -> None:
    rows = re.findall(r"^\| `(\w+)`[^|]*\|([^|]*)\|", PAGE, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", said)) for name, said in rows}
    offered = tools.offered(writes=True, chatgpt=False)
    assert told == {tool.name: set(tool.arguments) for tool in offered}

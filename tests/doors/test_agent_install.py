"""Telling the program of an agent: only what is missing, shown first, written by a person's word alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from brain import __version__
from brain.config import load
from brain.doors.agents.install import PROGRAMS, SKILL, Change, Entry, Plan, plan
from brain.doors.cli.person import AGENTS
from brain.errors import BrainError, UsageError
from brain.store.skills import check
from ingest.readers.front_matter import read_nested, split
from tests.at_terminal import at_a_terminal
from tests.end_to_end import brain

STORE = Path("/home/ana/.local/share/brain")
ENTRY = Entry("/usr/bin/brain", ["mcp"], STORE)
COMMAND = "from brain.doors.cli import main\nmain()\n"


def written(found: Plan) -> dict[str, str]:
    """The files by their names, once all is written."""
    for change in found.changes:
        change.write()
    return {
        change.path.name: change.path.read_text("utf-8") for change in found.changes
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_there_is_not_changed_again(program: str, tmp_path: Path) -> None:
    first = plan(program, ENTRY, tmp_path)
    files = written(first)
    assert files["SKILL.md"] == SKILL.read_text("utf-8")
    assert plan(program, ENTRY, tmp_path).changes == ()
    other = Entry("/usr/bin/brain", ["mcp", "--writes"], STORE)
    (change,) = plan(program, other, tmp_path).changes
    assert any("--writes" in row for row in change.diff())
    for change in first.changes:
        assert stat.S_IMODE(change.path.stat().st_mode) == 0o600


def test_claude_code_keeps_its_own_settings(tmp_path: Path) -> None:
    own = tmp_path / ".claude.json"
    own.write_text('{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}')
    own.chmod(0o644)
    settings = tmp_path / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"permissions": {"deny": ["Read(//etc/**)"], "allow": []}}')
    files = written(plan("claude-code", ENTRY, tmp_path))
    said = json.loads(files[".claude.json"])
    assert said["theme"] == "dark"
    assert said["mcpServers"] == {
        "other": {"command": "x"},
        "brain": {"command": "/usr/bin/brain", "args": ["mcp"]},
    }
    denied = json.loads(files["settings.json"])["permissions"]["deny"]
    assert denied == [
        "Read(//etc/**)",
        f"Read(/{STORE}/**)",
        f"Edit(/{STORE}/**)",
    ]
    assert stat.S_IMODE(own.stat().st_mode) == 0o644


def test_codex_keeps_its_comments(tmp_path: Path) -> None:
    place = tmp_path / ".codex" / "config.toml"
    place.parent.mkdir()
    own = '# mine\nmodel = "o"  # a good one\n\n[mcp_servers.other]\ncommand = "x"\n'
    place.write_text(own)
    found = plan("codex", Entry("brain", ["mcp"], STORE, elsewhere=True), tmp_path)
    text = written(found)["config.toml"]
    assert '# mine\nmodel = "o"  # a good one\n' in text
    servers = tomllib.loads(text)["mcp_servers"]
    assert servers["other"] == {"command": "x"}
    assert servers["brain"]["env"] == {"BRAIN_HOME": str(STORE)}
    assert "no rule" in found.told


@pytest.mark.parametrize(
    ("program", "name", "text"),
    [
        ("claude-code", ".claude.json", "{ // mine\n}"),
        ("claude-code", ".claude.json", "[]"),
        ("claude-code", ".claude.json", '{"mcpServers": []}'),
        ("claude-code", ".claude/settings.json", '{"permissions": {"deny": 1}}'),
        ("cursor", ".cursor/mcp.json", "\ufeff{"),
        ("codex", ".codex/config.toml", "model = "),
        ("codex", ".codex/config.toml", "mcp_servers = 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(
    program: str, name: str, text: str, tmp_path: Path
) -> None:
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    with pytest.raises(BrainError, match="cannot be read as it is"):
        plan(program, ENTRY, tmp_path)
    assert place.read_text() == text


def test_a_file_that_changed_since_it_was_shown_is_not_written(tmp_path: Path) -> None:
    place = tmp_path / "a.json"
    change = Change(place, "", "{}\n")
    place.write_text("mine")
    with pytest.raises(BrainError, match="has changed since"):
        change.write()
    assert place.read_text() == "mine"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    (tmp_path / ".claude.json").symlink_to(real)
    written(plan("claude-code", ENTRY, tmp_path))
    assert (tmp_path / ".claude.json").is_symlink()
    assert "brain" in real.read_text()


def test_an_unknown_program_is_told_of_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan("emacs", ENTRY, tmp_path)
    assert caught.value.hint == "there are: claude-code, cursor, codex, vscode"


def test_the_skill_is_one() -> None:
    head, body = split(SKILL.read_text("utf-8"))
    facts = read_nested(head)
    check(str(facts["name"]), str(facts["description"]))
    for tool in ("ask", "search", "read", "recall", "status", "remember"):
        assert f"`{tool}`" in body


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a person."""
    folder = tmp_path / "ana"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_it_shows_the_change_and_writes_with_the_word(person: Path) -> None:
    words = ["agent", "install", "claude-code", "--writes"]
    code, said = at_a_terminal(COMMAND, [("to go on: ", "install")], *words)
    assert code == 0, said
    assert '+    "brain": {' in said
    entry = json.loads((person / ".claude.json").read_text())["mcpServers"]["brain"]
    assert entry["args"][-4:] == ["mcp", "--at-most", "internal", "--writes"]
    foreign = person / "project" / "brain"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").touch()
    (foreign / "__main__.py").write_text("print('not ours')")
    started = [entry["command"], *entry["args"][:3], "--version"]
    ran = subprocess.run(started, cwd=foreign.parent, capture_output=True, text=True)
    assert ran.stdout.strip().endswith(__version__), ran.stderr
    assert entry["env"] == {"BRAIN_HOME": str(load().home)}
    rules = json.loads((person / ".claude/settings.json").read_text())
    assert f"Read(/{load().home}/**)" in rules["permissions"]["deny"]


def test_any_other_word_writes_nothing(person: Path) -> None:
    words = ["agent", "install", "cursor"]
    code, said = at_a_terminal(COMMAND, [("to go on: ", "yes")], *words)
    assert code == 4, said
    assert list(person.iterdir()) == []


def test_an_agent_installs_nothing(
    person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AGENTS[0], "1")
    ran = brain("agent", "install", "codex")
    assert (ran.code, "only a person" in ran.stderr) == (4, True)
    assert list(person.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="its folder is named for Linux")
def test_a_dry_run_only_shows(person: Path) -> None:
    ran = brain("agent", "install", "vscode", "--dry-run")
    assert ran.code == 0
    assert os.fspath(person / ".config/Code/User/mcp.json") in ran.stdout
    assert list(person.iterdir()) == []

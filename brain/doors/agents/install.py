"""What has to stand in the files of an agent's program so that it knows this brain: planned, shown, then written.

A program's own settings stay as they are, but for the entries that are added. Leaves asking the person to the command
line. Sources: the documentation of each program, looked at in November 2026.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.errors import BrainError, UsageError

NAME = "brain"
SKILL = Path(__file__).with_name("SKILL.md")
FILE_MODE = 0o600
NO_RULE = "it has no rule that keeps it from reading a file: the folder {} is protected by your account alone"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is started: `command` with `args`; `store`: the home of this brain, `elsewhere` where it has to be named."""

    command: str
    args: Sequence[str]
    store: Path
    elsewhere: bool = False

    def as_json(self) -> dict[str, Any]:
        """As most programs read it."""
        said: dict[str, Any] = {"command": self.command, "args": list(self.args)}
        if self.elsewhere:
            said["env"] = {"BRAIN_HOME": str(self.store)}
        return said


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is, "" where there is none, and as it would be."""

    path: Path
    before: str
    after: str

    def diff(self) -> list[str]:
        """The lines that differ, with those around them."""
        return list(
            difflib.unified_diff(
                self.before.splitlines(),
                self.after.splitlines(),
                str(self.path),
                str(self.path),
                lineterm="",
            )
        )

    def write(self) -> None:
        """Put it in place, whole or not at all. Raises `BrainError` where it is not what was shown."""
        if _text(self.path) != self.before:
            raise BrainError(
                f"{self.path} has changed since it was shown", "run the command again"
            )
        place = self.path.resolve()  # a link to where a person keeps such files
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = place.stat().st_mode & 0o777 if place.exists() else FILE_MODE
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            draft.touch(mode)
            draft.write_text(self.after, "utf-8")
            draft.chmod(mode)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that would change, () where all is there; `told`: what a person should know beside."""

    changes: tuple[Change, ...]
    told: str = ""


def plan(program: str, entry: Entry, home: Path) -> Plan:
    """What is missing for that program, below the home folder of the person. Raises `UsageError`, `BrainError`."""
    if program not in PROGRAMS:
        listed = ", ".join(PROGRAMS)
        raise UsageError(f"{program} is not known here", f"there are: {listed}")
    found = PROGRAMS[program](entry, home)
    changes = tuple(one for one in found.changes if one.before != one.after)
    return Plan(changes, found.told)


def _claude_code(entry: Entry, home: Path) -> Plan:
    folder = home / ".claude"
    rules = [f"{tool}(/{entry.store}/**)" for tool in ("Read", "Edit")]
    return Plan(
        (
            _server(home / ".claude.json", "mcpServers", entry.as_json()),
            _deny(folder / "settings.json", rules),
            _skill(folder),
        )
    )


def _cursor(entry: Entry, home: Path) -> Plan:
    folder = home / ".cursor"
    rules = [f"{tool}({entry.store}/**)" for tool in ("Read", "Write")]
    return Plan(
        (
            _server(folder / "mcp.json", "mcpServers", entry.as_json()),
            _deny(folder / "cli-config.json", rules),
            _skill(folder),
        )
    )


def _codex(entry: Entry, home: Path) -> Plan:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    folder = home / ".codex"
    place = folder / "config.toml"
    before = _text(place)
    try:
        said = tomlkit.parse(before)
        servers = said.setdefault("mcp_servers", tomlkit.table(is_super_table=True))
        if NAME not in servers or servers[NAME].unwrap() != entry.as_json():
            servers[NAME] = tomlkit.item(entry.as_json())
    except (TOMLKitError, TypeError, AttributeError):
        raise _unread(place) from None
    change = Change(place, before, tomlkit.dumps(said))
    return Plan((change, _skill(folder)), NO_RULE.format(entry.store))


def _vscode(entry: Entry, home: Path) -> Plan:
    place = _vscode_folder(home) / "User" / "mcp.json"
    change = _server(place, "servers", {"type": "stdio", **entry.as_json()})
    return Plan((change, _skill(home / ".copilot")), NO_RULE.format(entry.store))


def _vscode_folder(home: Path) -> Path:
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Code"
    if sys.platform == "win32":
        return home / "AppData" / "Roaming" / "Code"
    return home / ".config" / "Code"


PROGRAMS: Mapping[str, Callable[[Entry, Path], Plan]] = {
    "claude-code": _claude_code,
    "cursor": _cursor,
    "codex": _codex,
    "vscode": _vscode,
}


def _server(place: Path, key: str, entry: dict[str, Any]) -> Change:
    """The server among those of a file."""
    before = _text(place)
    said = _json(place, before)
    servers = said.setdefault(key, {})
    if not isinstance(servers, dict):
        raise _unread(place)
    servers[NAME] = entry
    return Change(place, before, _dumped(said, before))


def _deny(place: Path, rules: Sequence[str]) -> Change:
    """The rules among those of a file that say what the program may not do."""
    before = _text(place)
    said = _json(place, before)
    permissions = said.setdefault("permissions", {})
    if not isinstance(permissions, dict):
        raise _unread(place)
    denied = permissions.setdefault("deny", [])
    if not isinstance(denied, list):
        raise _unread(place)
    denied += [rule for rule in rules if rule not in denied]
    return Change(place, before, _dumped(said, before))


def _skill(folder: Path) -> Change:
    """How the tools are used, as a skill of the program."""
    place = folder / "skills" / NAME / "SKILL.md"
    return Change(place, _text(place), SKILL.read_text("utf-8"))


def _text(place: Path) -> str:
    try:
        return place.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise _unread(place) from None


def _json(place: Path, text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise _unread(place) from None
    if not isinstance(said, dict):
        raise _unread(place)
    return said


def _dumped(said: Mapping[str, Any], before: str) -> str:
    """As it was where nothing was added, whatever its layout."""
    if before.strip() and json.loads(before) == said:
        return before
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def _unread(place: Path) -> BrainError:
    return BrainError(
        f"{place} cannot be read as it is",
        "add the server there by hand: docs/AGENTS.md shows how",
    )

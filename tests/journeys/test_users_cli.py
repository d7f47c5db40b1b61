"""What people complain of in other command lines: a slow start, escape codes in a note, sixty verbs in the help."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brain.doors import json_out
from brain.doors.cli import reference
from brain.doors.cli.app import EVERY_DAY, FIRST
from brain.types import Retrieved
from tests.doors.test_cli_contract import COMMANDS, answers
from tests.fake_brain import brain, passage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "JSON.md").read_text("utf-8")
SLOW = (
    "chromadb",
    "ollama",
    "sqlite_utils",
    "onnxruntime",
    "pypdf",
    "numpy",
    "rich",
    "wordllama",
    "httpx",
    "brain.app",
)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["search", "--help"],
        ["skill", "add", "--help"],
        ["nonsense"],
        ["add"],
    ],
)
def test_help_and_usage_errors_load_nothing_slow(words: list[str]) -> None:
    code = (
        f"import sys\nfrom brain.doors.cli import main\ntry:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted(name for name in {SLOW!r} if name in sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr.splitlines()[-1] == "[]"


def test_escape_codes_and_markup_of_a_note_are_shown_as_text() -> None:
    text = "price [red]100[/red] \x1b[31mEUR\x1b[0m \x1b]0;owned\x07 [link=http://evil]here[/link]"
    for terminal in (False, True):
        ran = brain(
            "search",
            "price",
            terminal=terminal,
            search=Retrieved((passage(text=text, title=text),), {}),
        )
        shown = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)
        assert "price [red]100[/red] EUR  [link=http://evil]here[/link]" in shown
        assert "owned" not in shown
        assert "\x1b]" not in ran.stdout


def test_the_first_panel_has_the_eight_of_every_day() -> None:
    (whole,) = [text for _panel, name, text in reference.helps() if name == "brain"]
    first, *rest = re.findall(
        r"^(\S[^\n]*):\n((?:  \S[^\n]*\n?)+)", whole.partition("Options:")[2], re.M
    )
    assert first[0] == EVERY_DAY
    assert tuple(row.split()[0] for row in first[1].splitlines()) == FIRST
    assert FIRST == (
        "add",
        "ask",
        "search",
        "recall",
        "remember",
        "sync",
        "status",
        "export",
    )
    assert len(rest) >= 4
    assert "..." not in whole.partition("Every day:")[2], "a help sentence is cut off"


def keys(value: object) -> set[str]:
    """Every field name in a shape, at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in keys(item)}
    return (
        {name for item in value for name in keys(item)}
        if isinstance(value, list)
        else set()
    )


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_the_page_on_json_names_every_field(words: list[str]) -> None:
    plain = [word for word in words if word not in ("--format", "md", "files")]
    ran = brain(*plain, "--json", **answers("2026-05-07"))
    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE))
    # The named numbers of `explain` and the fields of a file's own metadata are no contract.
    assert keys(json.loads(ran.stdout)) - named <= {"dense_weight", "2026-05-07"}
    assert keys(json_out.error("usage", "what", "next")) <= named

"""The two walks of docs/ARCHITECTURE.md are the ones that the code takes: every file and function is there, in this order.

A row of the page names what is done, then a file and a function in it. Rows in italics are taken only sometimes; the
others must be entered in the order of the page, by a command that runs under `sys.setprofile`.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.end_to_end import brain
from tests.house.test_house import ARROWS, BASE, VALUES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
PATH = re.compile(r"[\w/]+\.py")
Place = tuple[str, str]  # (file, function in it)


def rows(title: str, page: str = PAGE) -> list[tuple[str, list[Place]]]:
    """(step, its places) of the table below the heading that begins with `title`."""
    table = page.partition(f"## {title}")[2].partition("\n## ")[0]
    found = []
    for line in table.splitlines():
        if not line.startswith("| ") or line.startswith("| step"):
            continue
        _, step, where, _ = line.split("|")
        found.append((step.strip(), places(re.findall(r"`([^`]+)`", where))))
    return found


def places(words: Sequence[str]) -> list[Place]:
    """Files and the functions named after them.

    >>> places(["brain/a.py", "f", "g", "brain/b.py"])
    [('brain/a.py', 'f'), ('brain/a.py', 'g'), ('brain/b.py', '')]
    """
    made: list[Place] = []
    file = ""
    for word in words:
        if PATH.fullmatch(word):
            file = word
            made.append((file, ""))
        elif file:
            if made[-1] == (file, ""):
                made.pop()
            made.append((file, word))
    return made


def defined(file: Path) -> set[str]:
    """Every function and class of a file, methods as `Class.method`."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef)
            }
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
    return names


def entered(*words: str) -> dict[Place, int]:
    """Each function of ours that a command enters, by file and name, with the number of its first entry."""
    first: dict[Place, int] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{ROOT}/"):
            name = code.co_filename.removeprefix(f"{ROOT}/")
            first.setdefault((name, code.co_qualname), len(first))

    sys.setprofile(note)
    try:
        assert brain(*words).code == 0
    finally:
        sys.setprofile(None)
    return first


@pytest.mark.parametrize("title", ["Walk one", "Walk two"])
def test_every_place_of_a_walk_is_there(title: str) -> None:
    steps = rows(title)
    assert len(steps) >= 8
    for step, named in steps:
        assert named, f"{step} names no file"
        for file, function in named:
            assert (ROOT / file).is_file(), f"{step}: {file} is not there"
            assert not function or function in defined(ROOT / file), (
                f"{step}: {file} has no {function}"
            )


def test_the_walks_are_what_a_profiler_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "sample_corpus", tmp_path / "notes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAIN_MODELS_READER", "builtin")
    monkeypatch.setenv("BRAIN_RETRIEVAL_READ_SECONDS", "600")  # however busy
    question = "how hot should the water be for black tea?"
    assert (
        brain("add", "notes/home").code == brain("ask", question).code == 0
    )  # so that every module is loaded
    for title, first in (
        ("Walk one", entered("add", "notes")),
        ("Walk two", entered("ask", question)),
    ):
        last = -1
        for step, named in rows(title):
            if step.startswith("*"):
                continue
            reached = [first.get(place, -1) for place in named if place[1]]
            assert reached, f"{title}, {step}: no function is named"
            assert min(reached) > last, (
                f"{title}, {step}: {named} is entered earlier, or never: {reached}"
            )
            last = min(reached)


def test_the_page_names_the_arrows_of_the_house() -> None:
    table = PAGE.partition("## Who may import whom")[2].partition("\n## ")[0]
    told = {}
    for line in table.splitlines():
        if line.startswith("| `brain/"):
            _, room, allowed, _, _ = line.split("|")
            told[room.strip(" `").removesuffix(".py").replace("/", ".")] = set(
                re.findall(r"`([\w.]+)`", allowed)
            )
    common = BASE | VALUES
    held = {
        room: arrows - common
        for room, arrows in ARROWS.items()
        if room not in common and room in told
    }
    assert {
        room: arrows for room, arrows in told.items() if room != "brain.app"
    } == held
    assert set(told) >= {
        f"brain.{path.name}"
        for path in (ROOT / "brain").iterdir()
        if (path / "__init__.py").exists()
    }


def test_a_walk_that_is_not_taken_is_found() -> None:
    table = "## Walk\n\n| step | where |\n|---|---|\n| read | `brain/app/ask.py` `ask`, `brain/gone.py` |\n\n## Next\n"
    assert rows("Walk", table) == [
        ("read", [("brain/app/ask.py", "ask"), ("brain/gone.py", "")])
    ]
    assert "ask" in defined(ROOT / "brain" / "app" / "ask.py")
    assert "gone" not in defined(ROOT / "brain" / "app" / "ask.py")

"""docs/RELIABILITY.md names tests that exist, and names as slow those that are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.findall(
    r"(\*slow\* )?`(\w+/test_\w+\.py)::(test_\w+)`",
    (ROOT / "docs" / "RELIABILITY.md").read_text("utf-8"),
)


@cache
def functions(file: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file of tests by name; none where there is no such file."""
    path = ROOT / "tests" / file
    if not path.exists():
        return {}
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def marks(file: str, name: str) -> str | None:
    """The decorators of a test, as they are written; None when there is no such test."""
    node = functions(file).get(name)
    if node is None:
        return None
    return " ".join(ast.unparse(item) for item in node.decorator_list)


def test_it_names_many() -> None:
    assert len(NAMED) > 60


def wrong(slow: str, file: str, name: str) -> str:
    """What does not hold of one named test, "" when all does."""
    found = marks(file, name)
    if found is None:
        return f"{file}::{name} does not exist"
    marked = bool(re.search(r"(?:^| )pytest\.mark\.(?:fault|slow)\b", found))
    return (
        ""
        if marked == bool(slow)
        else f"{file}::{name} is {'not ' * (not marked)}marked slow"
    )


def test_every_promise_names_a_test_that_exists() -> None:
    assert [fault for one in sorted(set(NAMED)) if (fault := wrong(*one))] == []


def test_a_missing_test_and_a_missing_mark_are_noticed() -> None:
    assert wrong("", "house/test_house.py", "test_nowhere")
    assert wrong("*slow* ", "house/test_house.py", "test_arrows_go_one_way")

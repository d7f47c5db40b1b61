"""docs/RELIABILITY.md names tests that exist, and names as slow those that are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(
    r"(\*slow\* )?`(\w+/test_\w+\.py)::(test_\w+)`",
    (ROOT / "docs" / "RELIABILITY.md").read_text("utf-8"),
)


def marks(file: str, name: str) -> str | None:
    """The decorators of a test, as they are written; None when there is no such test."""
    path = ROOT / "tests" / file
    if not path.exists():
        return None
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return " ".join(ast.unparse(item) for item in node.decorator_list)
    return None


def test_it_names_many() -> None:
    assert len(NAMED) > 60


@pytest.mark.parametrize(("slow", "file", "name"), sorted(set(NAMED)))
def test_every_promise_names_a_test_that_exists(slow: str, file: str, name: str) -> None:
    found = marks(file, name)
    assert found is not None, f"{file}::{name} is named in docs/RELIABILITY.md and does not exist"
    assert bool(
        re.search(r"^pytest\.mark\.(fault|slow)\b| pytest\.mark\.(fault|slow)\b", found)
    ) == bool(slow)

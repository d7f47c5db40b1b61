"""docs/TUTORIAL.md, followed to the letter: its commands are run and their output is what the page shows.

The stand-in for Ollama takes the place of the real one, under the names that the tutorial pulls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import brain
from tests.pages import examples, follow, missing
from tests.stand_in_models import from_passages
from tests.stand_in_ollama import StandIn

PAGE = Path(__file__).parents[2] / "docs" / "TUTORIAL.md"
ANSWER = "Black tea wants water at 96 °C and four minutes [{number}]."


def about_tea(messages: Sequence[Mapping[str, Any]]) -> str:
    """What a model might write from the passage that holds the answer; for other questions the stand-in's own words."""
    prompt = str(messages[-1]["content"])
    found = re.search(r'n="(\d+)">(?:(?!</note).)*?96 °C', prompt, re.DOTALL)
    if found is None or "black tea" not in prompt:
        return from_passages(messages)
    return ANSWER.format(number=found[1])


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(models=["nomic-embed-text", "qwen3:4b"], answer=about_tea) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        monkeypatch.delenv("BRAIN_MODELS_ASK")
        yield server


def test_the_tutorial_works_as_written(ollama: StandIn, tmp_path: Path) -> None:
    assert follow(PAGE, tmp_path) >= 15
    assert not ollama.errors
    assert brain("status", "--json").json["waiting"] == 0


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one two\none … three\n```\n")
    with pytest.raises(AssertionError, match="but not: one … three"):
        follow(page, tmp_path)
    shown = next(examples(page.read_text())).shown
    assert missing(shown, "one and three") == ""

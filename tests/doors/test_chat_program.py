"""A chat program of others, over the server: `llm` by Simon Willison, whose models are addresses of OpenAI's shape.

It is no dependency: BRAIN_CHAT_PROGRAM names one that is installed (`make test-chat` installs it into a folder of its
own), and without it this is skipped; the official client is tried by test_openai.py in every run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doors.http_support import TOKEN, http_door
from tests.doors.live_server import live_server
from tests.doors.test_openai import walked

VARIABLE = "BRAIN_CHAT_PROGRAM"
PROGRAM = os.environ.get(VARIABLE, "")
MODEL = """
- model_id: brain
  model_name: brain
  api_base: {address}/v1
  api_key_name: brain
"""
Says = Callable[..., str]

pytestmark = pytest.mark.skipif(not PROGRAM, reason=f"{VARIABLE} names no program")


@pytest.fixture
def says(tmp_path: Path) -> Iterator[Says]:
    """What the program prints for its words."""
    settings = tmp_path / "llm"
    settings.mkdir()

    def run(*words: str, typed: str = "") -> str:
        done = subprocess.run(
            [PROGRAM, *words],
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LLM_USER_PATH": str(settings)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with http_door(tmp_path / "notes") as door:
        walked()
        with live_server(door.pool, door.access) as served:
            model = MODEL.format(address=served.address)
            (settings / "extra-openai-models.yaml").write_text(model)
            run("keys", "set", "brain", "--value", TOKEN)
            yield run


def test_it_prints_a_cited_answer_whole_and_as_it_comes(says: Says) -> None:
    question = "how hot should the water be for black tea?"
    streamed = says("-m", "brain", question)
    assert "96 °C" in streamed
    assert "[1]: http://127.0.0.1:" in streamed
    whole = says("-m", "brain", "--no-stream", "-s", "Answer as a pirate.", question)
    assert whole == streamed


def test_its_conversation_goes_on(says: Says) -> None:
    typed = "when does the lease end?\nand in which year is that?\nquit\n"
    printed = says("chat", "-m", "brain", typed=typed)
    assert printed.count("“The lease ends on 28 February 2029.”") == 2


def test_what_is_not_in_the_notes_is_told(says: Says) -> None:
    printed = says("-m", "brain", "which football team does Duarte support?")
    assert printed.strip() == "Not in your notes."

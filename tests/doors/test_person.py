"""By a person: a word at the controlling terminal, which no pipe and no agent can give."""

from __future__ import annotations

import subprocess
import sys

import pytest

from brain.doors.cli.person import AGENTS, only_a_person, typed_word
from brain.errors import Refused
from tests.at_terminal import at_a_terminal
from tests.conftest import AGENTS as CLEARED

ASKED = "Lower the label?"
PROMPT = "to go on: "
# Exit codes of the process below.
DONE = 0
REFUSED = 4
PROGRAM = f"""
import sys
from brain.doors.cli.person import typed_word
from brain.errors import Refused
try:
    typed_word("lower", {ASKED!r})
except Refused as refused:
    print(refused.message)
    sys.exit(refused.exit_code)
"""


def test_the_word_typed_at_the_terminal_is_taken() -> None:
    code, written = at_a_terminal(PROGRAM, [(PROMPT, "lower")])
    assert code == DONE
    assert ASKED in written


@pytest.mark.parametrize("typed", ["", "y", "LOWER", "lower it"])
def test_any_other_word_is_a_no(typed: str) -> None:
    code, written = at_a_terminal(PROGRAM, [(PROMPT, typed)])
    assert code == REFUSED
    assert "the word was not lower" in written


def test_what_was_typed_before_the_question_is_no_answer() -> None:
    code, _written = at_a_terminal(PROGRAM, [(PROMPT, "")], before="lower\n")
    assert code == REFUSED


def test_without_a_terminal_standard_input_does_not_count() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="lower\n",
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert run.returncode == REFUSED
    assert "no terminal" in run.stdout


@pytest.mark.parametrize("marker", AGENTS)
def test_under_an_agent_nobody_is_asked(
    marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_a_person()
    monkeypatch.setenv(marker, "1")
    with pytest.raises(Refused, match=marker):
        only_a_person()
    with pytest.raises(Refused, match=marker):
        typed_word("lower", ASKED)


def test_the_tests_run_without_any_of_the_markers() -> None:
    assert set(AGENTS) == set(CLEARED)

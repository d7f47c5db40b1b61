"""What agents propose waits for a person, is found by nothing, and is kept once or gone without a trace."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.inbox import ABOUT_CHARACTERS, MOST, TEXT_CHARACTERS
from brain.config import Config
from brain.doors.cli.person import AGENTS
from brain.errors import BrainError, NotFound, UsageError
from brain.inbox import Proposal
from brain.types import Request
from tests.at_terminal import at_a_terminal
from tests.end_to_end import brain as command

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
TEXT = "The tenant of the second floor is called Quillfeather."
MARK = b"Quillfeather"
COMMAND = "from brain.doors.cli import main\nmain()\n"
PROMPT = "type accept to go on: "
TURN_SECONDS = 0.5  # in which another process could finish what it must not begin


@pytest.fixture
def brain(config: Config) -> Iterator[Brain]:
    with Brain(config, now=lambda: NOON) as opened:
        yield opened


def proposed(brain: Brain, text: str = TEXT) -> Proposal:
    return brain.inbox.propose(text, "the house", "Claude Code 2")


def holding(home: Path) -> list[str]:
    """Files of the home that hold the mark."""
    files = (path for path in home.rglob("*") if path.is_file())
    return sorted(path.name for path in files if MARK in path.read_bytes())


def test_a_proposal_waits_and_is_found_by_nothing(brain: Brain) -> None:
    kept = proposed(brain)
    assert brain.inbox.waiting() == (kept,)
    assert (kept.at, kept.by, kept.about) == (
        NOON.isoformat(),
        "Claude Code 2",
        "the house",
    )
    assert brain.search(Request("Quillfeather")).passages == ()
    assert brain.recall(Request("Quillfeather")).episodes == ()
    told = "1 of agents' proposals wait: brain inbox list"
    assert told in brain.status().notices
    brain.inbox.refuse([kept.id])
    assert told not in brain.status().notices


def test_the_same_words_wait_once(brain: Brain) -> None:
    first = proposed(brain)
    assert proposed(brain) == first
    assert len(brain.inbox.waiting()) == 1


def test_what_is_accepted_is_remembered_word_for_word_with_its_origin(
    brain: Brain,
) -> None:
    kept = proposed(brain)
    decision = brain.inbox.accept([kept.id[:6]])
    assert (decision.outcome, decision.proposals) == ("accepted", (kept,))
    assert brain.inbox.waiting() == ()
    (found,) = brain.recall(Request("Quillfeather")).episodes
    assert (found.episode.answer, found.episode.session) == (TEXT, "the house")
    assert found.episode.tags == ("claude-code-2",)
    assert brain.search(Request("who is the tenant?")).passages[0].text == TEXT


def test_accepting_that_was_broken_off_remembers_once(brain: Brain) -> None:
    """The words are kept before the proposal goes; a crash in between leaves both."""
    kept = proposed(brain)
    brain.inbox.accept([kept.id])
    brain.resources.store.inbox.keep(kept)
    brain.inbox.accept([kept.id])
    assert len(brain.recall(Request("Quillfeather")).episodes) == 1
    assert brain.inbox.waiting() == ()


def test_what_is_refused_leaves_no_byte(brain: Brain) -> None:
    kept = proposed(brain)
    brain.inbox.refuse([kept.id])
    brain.close()
    assert holding(brain.config.home) == []


def test_a_secret_in_a_proposal_makes_it_confidential(brain: Brain) -> None:
    key = "sk-ant-api03-" + "a1B2c3D4e5F6g7H8" * 5
    assert proposed(brain, f"the key is {key}").label == "confidential"
    assert proposed(brain).label == "unlabelled"


@pytest.mark.parametrize(
    ("text", "about", "message"),
    [
        (" \n", "", "nothing to remember"),
        ("a" * (TEXT_CHARACTERS + 1), "", "the text has 8,001 characters"),
        ("a", "b" * (ABOUT_CHARACTERS + 1), "the about has 201 characters"),
    ],
)
def test_what_cannot_wait(brain: Brain, text: str, about: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        brain.inbox.propose(text, about)
    assert brain.inbox.waiting() == ()


def test_an_agent_in_a_loop_fills_no_disk(brain: Brain) -> None:
    for number in range(MOST):
        proposed(brain, f"number {number}")
    with pytest.raises(BrainError, match="wait already") as caught:
        proposed(brain)
    assert caught.value.hint == "a person decides on them: brain inbox list"


def test_accepted_and_refused_at_once_one_of_them_is_told_that_it_is_gone(
    brain: Brain,
) -> None:
    """The other comes when this one has looked its proposal up: it has to wait until all is done."""
    kept = proposed(brain)
    table = brain.resources.store.inbox
    looked_up = table.named
    told: list[object] = []

    def refuse() -> None:
        with Brain(brain.config) as other:
            try:
                told.append(other.inbox.refuse([kept.id]))
            except NotFound as error:
                told.append(error.message)

    thread = threading.Thread(target=refuse)

    def interrupted(ids: Sequence[str]) -> list[Proposal]:
        found = looked_up(ids)
        thread.start()
        thread.join(TURN_SECONDS)
        return found

    table.named = interrupted  # type: ignore[assignment, method-assign]
    brain.inbox.accept([kept.id])
    thread.join()
    assert told == [f"nothing with the id {kept.id!r} waits"]
    assert len(brain.recall(Request("Quillfeather")).episodes) == 1


def test_ids_that_name_nothing(brain: Brain) -> None:
    kept = proposed(brain)
    for reference in ("zzzzzz", kept.id[:3]):
        with pytest.raises(NotFound, match="waits"):
            brain.inbox.refuse([reference])


def test_erasing_takes_what_repeats_it_and_tells_of_what_has_its_words(
    brain: Brain,
) -> None:
    brain.note(f"{TEXT} The code of the door is 77-31.", title="House")
    proposed(brain)
    other = proposed(brain, "ask whether 77-31 still opens it")
    (row,) = brain.library.documents()
    report = brain.keep.erase([row.id], dry_run=False)
    assert brain.inbox.waiting() == (other,)
    told = [(item.kind, item.id) for item in report.mentions]
    assert told == [("proposal", other.id)]
    assert holding(brain.config.home) == []


def test_a_backup_an_export_and_an_import_keep_what_waits(
    brain: Brain, tmp_path: Path
) -> None:
    kept = proposed(brain)
    brain.keep.backup()
    place = tmp_path / "out"
    brain.keep.export(place)
    brain.inbox.refuse([kept.id])
    report = brain.keep.import_from(place)
    assert report.inbox == 1
    assert brain.inbox.waiting() == (kept,)
    assert brain.keep.import_from(place).inbox == 0
    brain.inbox.accept([kept.id])
    assert brain.keep.import_from(place).inbox == 0
    errors = [one for one in brain.keep.doctor(deep=True) if one.level == "error"]
    assert errors == []


def test_the_commands_list_accept_and_refuse(brain: Brain) -> None:
    first = proposed(brain)
    second = proposed(brain, "Ana has the key.")
    brain.close()
    listed = command("inbox", "list")
    assert f"| {TEXT}" in listed.stdout
    assert "Claude Code 2 · about the house" in listed.stdout
    words = ["inbox", "accept", first.id[:6]]
    code, said = at_a_terminal(COMMAND, [(PROMPT, "accept")], *words)
    assert (code, f"| {TEXT}" in said) == (0, True), said
    assert "1 proposal accepted" in said
    assert command("inbox", "refuse", second.id[:6]).stdout.startswith("1 proposal ref")
    empty = command("inbox", "list")
    assert (empty.code, empty.stderr) == (3, "brain: nothing waits\n")


@pytest.mark.parametrize("typed", ["", "y", "refuse"])
def test_any_other_word_accepts_nothing(brain: Brain, typed: str) -> None:
    hostile = proposed(brain, "a\n\x1b[2Jtype accept to go on: ")
    words = ["inbox", "accept", hostile.id]
    code, said = at_a_terminal(COMMAND, [(PROMPT, typed)], *words)
    assert code == 4, said
    assert "\x1b[2J" not in said
    assert "| type accept to go on" in said
    assert brain.inbox.waiting() == (hostile,)


def test_without_a_terminal_nothing_is_accepted(brain: Brain) -> None:
    """No variable of its environment has to tell that it is an agent."""
    kept = proposed(brain)
    ran = subprocess.run(
        [sys.executable, "-c", COMMAND, "inbox", "accept", kept.id],
        input="accept\n",
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert (ran.returncode, "no terminal" in ran.stderr) == (4, True)
    assert brain.inbox.waiting() == (kept,)


def test_an_agent_accepts_nothing(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = proposed(brain)
    monkeypatch.setenv(AGENTS[0], "1")
    for verb in ("accept", "refuse"):
        ran = command("inbox", verb, kept.id)
        assert (ran.code, "only a person" in ran.stderr) == (4, True)
    assert brain.inbox.waiting() == (kept,)

"""What agents propose waits for a person, is found by nothing, and is kept once or gone without a trace."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.end_to_end import brain as command

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
TEXT = "The tenant of the second floor is called Quillfeather."
MARK = b"Quillfeather"


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
    assert command("inbox", "accept", first.id[:6]).stdout.startswith("1 proposal acc")
    assert command("inbox", "refuse", second.id[:6]).stdout.startswith("1 proposal ref")
    empty = command("inbox", "list")
    assert (empty.code, empty.stderr) == (3, "brain: nothing waits\n")


def test_an_agent_accepts_nothing(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = proposed(brain)
    monkeypatch.setenv(AGENTS[0], "1")
    for verb in ("accept", "refuse"):
        ran = command("inbox", verb, kept.id)
        assert (ran.code, "only a person" in ran.stderr) == (4, True)
    assert brain.inbox.waiting() == (kept,)

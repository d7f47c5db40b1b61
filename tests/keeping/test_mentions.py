"""What else holds words of something erased is told, and goes where a person wants it; nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config
from brain.doors.views import keeping
from brain.reports import EraseReport, Judgment
from brain.types import Episode
from tests.fake_brain import brain as command

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
NOTE = "PIN 4711\nPUK 77-31\n"  # no line of twelve characters
MARKS = ("4711", "77-31")


@pytest.fixture
def brain(config: Config) -> Iterator[Brain]:
    """A short secret, and four places that repeat a part of it; one round that has nothing to do with it."""
    with Brain(config, now=lambda: NOON) as opened:
        opened.note(NOTE, title="Card")
        opened.note("Black tea wants water just off the boil.", title="Tea")
        opened.remember("Ana says the code of the card is 4711.")
        rounds = [
            Episode("", "", "ask", "is 4711 still the code?", ""),
            Episode("", "", "ask", "how hot is the water?", "Just off the boil."),
        ]
        asked = opened.resources.store.episodes.record_many(rounds)
        judged = (
            ("j1", "is 4711 still the code?", asked[0].id, "it is 77-31 that changed"),
            ("j2", "how hot is the water?", asked[1].id, ""),
        )
        for name, question, episode, why in judged:
            said = Judgment(
                name, NOON.isoformat(), question, "wrong", why=why, episode=episode
            )
            opened.resources.judgments.keep(said)
        yield opened


def card(brain: Brain) -> str:
    return next(row.id for row in brain.library.documents() if row.title == "Card")


def holding(home: Path) -> list[str]:
    """Files of the home that hold a mark."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and any(m.encode() in path.read_bytes() for m in MARKS):
            found.append(path.name)
    return found


def told(report: EraseReport) -> list[tuple[str, str]]:
    return sorted((item.kind, item.title) for item in report.mentions)


def test_questions_feedback_and_remembered_sentences_are_told_and_stay_unless_asked_for(
    brain: Brain,
) -> None:
    brain.library.describe("/srv/cards", "cards, the one with 4711 too")
    plan = brain.keep.erase([card(brain)], dry_run=True)
    assert told(plan) == [
        ("description", "/srv/cards"),
        ("feedback", "is 4711 still the code?"),
        ("question", "is 4711 still the code?"),
        ("remembered", "Remembered"),
    ]
    assert all("4711" in " ".join(item.words) for item in plan.mentions)
    done = brain.keep.erase([card(brain)], dry_run=False)
    assert told(done) == told(plan)
    assert "brain.db" in holding(brain.config.home)
    # what was told of can be named one by one, afterwards too
    names = [item.source for item in done.mentions if item.kind != "description"]
    brain.keep.erase(names, dry_run=False)
    brain.library.undescribe("/srv/cards")
    brain.close()
    assert [row.title for row in brain.library.documents()] == ["Tea"]
    assert [j.id for j in brain.resources.judgments.all()] == ["j2"]
    assert brain.resources.store.episodes.count() == 2  # tea: the note, the question


def test_with_mentions_they_go_and_what_has_nothing_to_do_with_it_stays(
    brain: Brain,
) -> None:
    made = brain.keep.backup().path
    plan = brain.keep.erase([card(brain)], dry_run=True, mentions=True)
    assert told(plan) == []
    done = brain.keep.erase([card(brain)], dry_run=False, mentions=True)
    assert (told(done), done.left, done.pending) == ([], (), "")
    assert [item.path for item in done.backups] == [made]
    assert [row.title for row in brain.library.documents()] == ["Tea"]
    assert [j.id for j in brain.resources.judgments.all()] == ["j2"]
    assert brain.keep.rewrite_backups().rewritten == (made,)
    brain.close()
    assert holding(brain.config.home) == []


def test_a_short_line_is_looked_for_in_files_of_the_home_where_it_stands_by_itself(
    brain: Brain,
) -> None:
    home = brain.config.home
    (home / "draft.md").write_text("the card: PIN 4711.\n")
    (home / "other.md").write_text("order SPIN 47110\n")
    (home / "bytes.bin").write_bytes(b"\0\0PIN 4711\0")
    done = brain.keep.erase([card(brain)], dry_run=False, mentions=True)
    assert done.left == (str(home / "draft.md"),)


def test_a_backup_that_is_let_go_in_the_meantime_is_no_error(brain: Brain) -> None:
    """A name without a file behind it is what a deleted one looks like between listing and opening."""
    folder = brain.config.home / "backups"
    folder.mkdir()
    (folder / "brain-20260501T120000Z.db").symlink_to(folder / "gone")
    done = brain.keep.erase([card(brain)], dry_run=False)
    assert (done.done, done.backups, done.pending) == (True, (), "")
    assert brain.keep.rewrite_backups().failed == ()


def test_a_backup_that_appears_later_with_something_erased_is_found(
    brain: Brain, tmp_path: Path
) -> None:
    made = Path(brain.keep.backup().path)
    elsewhere = tmp_path / made.name
    made.rename(elsewhere)
    brain.keep.erase([card(brain)], dry_run=False)
    elsewhere.rename(made)
    found = {c.id: c for c in brain.keep.doctor(deep=True)}["D18"]
    assert (found.level, f"{made} holds what was erased" in found.message) == (
        "warning",
        True,
    )
    assert brain.keep.rewrite_backups().rewritten == (str(made),)
    assert {c.id: c.level for c in brain.keep.doctor(deep=True)}["D18"] == "ok"


def test_the_plan_reads_as_a_list_with_the_command_that_lets_it_go(
    brain: Brain,
) -> None:
    plan = brain.keep.erase([card(brain)], dry_run=True)
    shown = "\n".join(str(line) for line in keeping.erased(plan))
    assert "would stay and hold some of its words" in shown
    assert "is 4711 still the code?" in shown
    assert "add --mentions" in shown


def test_what_was_erased_is_counted_and_what_stays_is_not_listed_twice(
    brain: Brain,
) -> None:
    brain.keep.backup()
    report = brain.keep.erase([card(brain)], dry_run=False)
    assert report.backups
    shown = "\n".join(str(line) for line in keeping.erased(report))
    assert "erased for good" in shown
    assert "is 4711 still the code?" not in shown
    assert report.backups[0].path not in shown
    assert "`brain backup --rewrite`" in shown
    assert "to erase what stays and holds some of its words as well: brain forget" in (
        shown
    )


def test_mentions_without_erase_is_a_misuse() -> None:
    assert command("forget", "x", "--mentions").code == 2

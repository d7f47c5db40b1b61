"""Notes of the database: written anew, one for each day, and none twice unasked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config
from brain.errors import NotFound, UsageError
from brain.types import Request


def test_a_note_is_written_anew_and_keeps_its_id_tags_and_date(brain: Brain) -> None:
    brain.note("The key is under the mat.", tags=["house"])
    before = brain.library.documents()[0]
    report = brain.library.edit(before.id, "The key is with Ana.")
    assert (report.updated, report.added) == (1, 0)
    (after,) = brain.library.documents()
    assert (after.id, after.tags, after.date) == (before.id, ("house",), before.date)
    assert after.title == "The key is with Ana."
    assert brain.library.document(after.id).text.strip() == "The key is with Ana."
    assert "Ana" in brain.search(Request("where is the key")).passages[0].text
    rounds = brain.resources.store.episodes.of_source(after.source)
    assert [one.answer for one in rounds] == [
        "The key is under the mat.",
        "The key is with Ana.",
    ]
    assert rounds[1].supersedes == rounds[0].id


def test_a_title_that_was_given_stays(brain: Brain) -> None:
    brain.note("900 a month", title="Rent")
    row = brain.library.documents()[0]
    brain.library.edit(row.id, "950 a month")
    assert brain.library.document(row.id).row.title == "Rent"


def test_only_notes_are_edited(brain: Brain, folder: Callable[..., Path]) -> None:
    brain.remember("We chose SQLite")
    row = brain.library.documents()[0]
    with pytest.raises(UsageError, match="is no note"):
        brain.library.edit(row.id, "We chose something else")
    (note_id,) = brain.note("a note").documents
    with pytest.raises(UsageError, match="empty"):
        brain.library.edit(note_id, " ")


def test_the_note_of_a_day_grows_and_the_next_day_has_its_own(config: Config) -> None:
    clock = [datetime(2026, 5, 4, 12).astimezone()]
    with Brain(config, now=lambda: clock[0]) as brain:
        with pytest.raises(NotFound, match="nothing was noted today"):
            brain.library.of_today()
        assert brain.library.today("Ana called.", tags=["phone"]).added == 1
        assert brain.library.today("The lease is signed.").updated == 1
        assert brain.library.of_today().text.strip().split("\n\n") == [
            "Ana called.",
            "The lease is signed.",
        ]
        (row,) = brain.library.documents()
        assert (row.title, row.tags) == ("2026-05-04", ("phone",))
        clock[0] += timedelta(days=1)
        assert brain.library.today("Another day.").added == 1
        assert len(brain.library.documents()) == 2
        assert len(brain.library.episodes(kind="note")) == 3


def test_with_a_folder_of_notes_the_day_is_a_file(
    config: Config, tmp_path: Path
) -> None:
    place = tmp_path / "inbox"
    ingest = replace(config.ingest, notes_dir=str(place))
    now = datetime(2026, 5, 4, 12).astimezone()
    with Brain(replace(config, ingest=ingest), now=lambda: now) as brain:
        brain.library.today("Ana called.")
        brain.library.today("The lease is signed.")
        text = (place / "2026-05-04.md").read_text()
        assert text == "# 2026-05-04\n\nAna called.\n\nThe lease is signed.\n"
        assert brain.library.of_today().text == text
        assert len(brain.library.documents()) == 1


def test_the_same_note_is_not_kept_twice_unasked(brain: Brain) -> None:
    first = brain.note("Call Ana about the lease")
    second = brain.note("Call Ana about the lease")
    assert (second.added, second.unchanged) == (0, 1)
    assert second.documents == first.documents
    assert "--yes adds it again" in second.notices[0]
    assert brain.note("Call Ana about the lease", again=True).added == 1
    assert len(brain.library.documents()) == 2

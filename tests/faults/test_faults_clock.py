"""Fault F11 of docs/FAULTS.md: clocks that jump back, stand at the ends of time, or change with summer."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from brain.app import Brain
from brain.config import Config
from brain.types import Request
from tests.end_to_end import Folder, checked, home
from tests.fault_victims import write_notes

MOMENTS = {
    "the epoch": datetime(1970, 1, 1, tzinfo=UTC),
    "32 bits": datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    "the last day": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "summer time begins": datetime(
        2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Lisbon")
    ),
    "the hour that comes twice": datetime(
        2026, 10, 25, 1, 30, fold=1, tzinfo=ZoneInfo("Europe/Lisbon")
    ),
    "far east": datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=14))),
}


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


@pytest.mark.parametrize("name", list(MOMENTS))
def test_f11_a_whole_day_at_an_odd_moment(
    config: Config, tmp_path: Path, name: str
) -> None:
    place = write_notes(tmp_path / "notes", range(3))
    with Brain(config, now=at(MOMENTS[name])) as brain:
        assert brain.add([place]).added == 3
        brain.note("Call Ana about the lease")
        brain.remember("We chose SQLite because one file is enough")
        assert brain.ask(Request("what is the word of page w1x?", limit=8)).citations
        assert brain.recall(Request("SQLite")).episodes
        brain.recall(Request("what did I write yesterday?"))
        assert brain.library.forget(["00001.md"], dry_run=False).done
        assert brain.library.undo("last").source.endswith("00001.md")
        assert brain.sync().unchanged + brain.sync().updated >= 0
        assert brain.status().documents == 5
        assert brain.keep.export(tmp_path / "out").written
    checked(home())


def test_f11_the_order_is_that_of_the_deeds_when_the_clock_goes_back(
    config: Config, folder: Folder
) -> None:
    place = folder({"a.md": "alpha text", "b.md": "beta text"})
    today = datetime(2026, 5, 2, 9, tzinfo=UTC)
    with Brain(config, now=at(today)) as brain:
        brain.add([place])
        brain.library.forget(["a.md"], dry_run=False)
    with Brain(config, now=at(today - timedelta(days=1))) as brain:
        brain.library.forget(["b.md"], dry_run=False)
        assert Path(brain.library.undo("last").source).name == "b.md", (
            "the last deed, not the latest time"
        )
        (place / "a.md").write_text("alpha text again")
        brain.add([place / "a.md"])
        assert {Path(row.source).name for row in brain.library.documents()} == {
            "a.md",
            "b.md",
        }
    checked(home())


def test_f11_a_step_back_during_a_run_loses_nothing(
    config: Config, tmp_path: Path
) -> None:
    """NTP turns the clock back while notes go in: every question gets a later time from the clock, until it jumps."""
    place = write_notes(tmp_path / "notes", range(250))
    ticks = iter(range(10_000))

    def jumping() -> datetime:
        tick = next(ticks)
        return datetime(2026, 5, 2, tzinfo=UTC) + timedelta(
            seconds=tick if tick < 100 else tick - 90_000
        )

    with Brain(config, now=jumping) as brain:
        assert brain.add([place]).added == 250
        (place / "00007.md").write_text("# Note 7\n\nedited after the jump\n")
        assert brain.sync().updated >= 1
        assert "edited" in brain.library.document("00007.md").text
    assert checked(home()).vectors == 250


@pytest.mark.parametrize("seconds", [0, 1, 2**31, 2**33, -(10**9)])
def test_f11_files_of_any_age_are_taken_in_once(
    config: Config, folder: Folder, seconds: int
) -> None:
    place = folder({"a.md": "alpha text"})
    os.utime(place / "a.md", (seconds, seconds))
    with Brain(config) as brain:
        assert brain.add([place]).added == 1
        again = brain.add([place])
        assert (again.added, again.updated, again.unchanged) == (0, 0, 1)
        date = brain.library.documents()[0].date
        assert date is not None
        assert date[:4] == str(datetime.now().astimezone().year), (
            "a file's own time never dates a note"
        )

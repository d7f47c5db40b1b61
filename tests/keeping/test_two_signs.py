"""No wrong clock deletes anything: what goes by age goes by two signs, the clock and the days of use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config
from brain.errors import BrainError
from brain.store.trash import DAYS_SEEN, KEPT

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
FUTURE = "brain-20990101T000000Z.db"


@contextmanager
def on_day(config: Config, day: float) -> Iterator[Brain]:
    """The store so many days after it was made."""
    with Brain(config, now=lambda: NOON + timedelta(days=day)) as brain:
        yield brain


@pytest.fixture
def forgotten(config: Config) -> Config:
    """A store with one note, forgotten on its first day."""
    with on_day(config, 0) as brain:
        brain.note("The ledger lies behind the third brick.", title="Ledger")
        brain.library.forget([brain.library.documents()[0].id], dry_run=False)
    return config


def waiting(config: Config, day: float) -> int:
    with on_day(config, day) as brain:
        return len(brain.library.forgotten())


def test_a_clock_40_days_ahead_for_one_sync_destroys_nothing(forgotten: Config) -> None:
    for day in (40, 1):
        with on_day(forgotten, day) as brain:
            brain.sync()
    with on_day(forgotten, 2) as brain:
        assert brain.library.undo().title == "Ledger"


@pytest.mark.parametrize("far", [31, 400, 36_500])
def test_however_far_ahead_and_however_often_on_one_day(
    forgotten: Config, far: int
) -> None:
    for hour in range(8):
        with on_day(forgotten, far + hour / 24 / 3) as brain:
            brain.sync()
    assert waiting(forgotten, 2) >= 1


def test_what_waited_30_days_of_use_goes(forgotten: Config) -> None:
    for day in range(1, 30, 4):
        with on_day(forgotten, day) as brain:
            brain.sync()
    assert waiting(forgotten, 29) >= 1
    with on_day(forgotten, KEPT.days + 1) as brain:
        brain.sync()
    assert waiting(forgotten, KEPT.days + 1) == 0


def test_after_a_long_absence_it_takes_some_days_of_use(forgotten: Config) -> None:
    for day in range(DAYS_SEEN):
        assert waiting(forgotten, 90) >= 1
        with on_day(forgotten, 90 + day) as brain:
            brain.sync()
    assert waiting(forgotten, 100) == 0


@pytest.mark.parametrize("at", ["", "yesterday", "0000", "2026-13-45T00:00:00"])
def test_a_damaged_date_is_no_reason_to_destroy(forgotten: Config, at: str) -> None:
    with on_day(forgotten, 1) as brain:
        with brain.resources.store.write():
            brain.resources.store.connection.conn.execute(
                "UPDATE forgotten SET at=?", (at,)
            )
        for day in range(40, 50):
            brain.resources.store.trash.expire(now=NOON + timedelta(days=day))
        count = "SELECT count(*) FROM forgotten"
        left = brain.resources.store.connection.conn.execute(count).fetchone()
    assert left[0] >= 1


# -- backups ------------------------------------------------------------------------------------------------------------------


def backup(config: Config, day: float, keep: str = "1d") -> tuple[list[str], str]:
    """(what lies there after one more backup, what was said)."""
    with on_day(config, day) as brain:
        report = brain.keep.backup(keep=keep)
    there = sorted(path.name for path in (config.home / "backups").iterdir())
    return there, " ".join(report.notices)


def test_one_dated_in_the_future_takes_no_other_ones_place(config: Config) -> None:
    with on_day(config, 0) as brain:
        brain.note("a note")
        made = Path(brain.keep.backup().path)
    made.rename(made.with_name(FUTURE))
    for day in range(1, 4):
        there, said = backup(config, day)
        assert there == [f"brain-202605{7 + day:02}T120000Z.db", FUTURE]
        assert FUTURE in said
    with on_day(config, 4) as brain:
        found = {check.id: check.message for check in brain.keep.doctor()}
        assert "dated in the future" in found["D16"]


def test_a_clock_ahead_for_one_backup_removes_none(config: Config) -> None:
    with on_day(config, 0) as brain:
        brain.note("a note")
    first, _said = backup(config, 0)
    there, said = backup(config, 40)
    assert set(first) < set(there)
    assert "no backup was removed" in said
    there, _said = backup(config, 1)
    assert there == ["brain-20260508T120000Z.db", "brain-20260616T120000Z.db"]


def test_a_clock_behind_removes_neither_the_new_one_nor_others(config: Config) -> None:
    with on_day(config, 0) as brain:
        brain.note("a note")
    first, _said = backup(config, 0)
    there, _said = backup(config, -20_000)
    assert set(first) < set(there)
    assert len(there) == 2


def test_a_folder_that_is_not_there_is_not_made(config: Config, tmp_path: Path) -> None:
    """It may be where a disk is mounted: the backup would lie on this one."""
    place = tmp_path / "mnt" / "disk"
    with on_day(config, 0) as brain:
        with pytest.raises(BrainError, match="not there") as caught:
            brain.keep.backup(place)
        assert "mkdir -p" in caught.value.hint
        assert not place.exists()
        place.mkdir(parents=True)
        made = Path(brain.keep.backup(place).path)
        assert brain.keep.backup(place).notices == ()
        for path in place.iterdir():
            path.unlink()
        (said,) = brain.keep.backup(place).notices
        assert "mounted" in said
        assert made.parent == place

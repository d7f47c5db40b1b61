"""Workers over one store: each with a `Brain` of its own, one set of models, and a queue that is not endless."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest

from brain.app import Brain
from brain.app.pool import Busy, Pool
from brain.config import Config, Models, load
from brain.errors import UsageError
from brain.types import Request, Scope
from tests.end_to_end import brain, home


def thread_of(_brain: Brain) -> str:
    return threading.current_thread().name


def test_every_worker_has_a_brain_of_its_own_and_all_have_the_same_models() -> None:
    brain("add", "--note", "the dinghy is green")
    both = threading.Barrier(2)

    def work(opened: Brain) -> tuple[int, int]:
        opened.search(Request("dinghy", scope=Scope()))
        both.wait(60)  # until the other worker is here as well
        return id(opened), id(opened.resources.builtin)

    with Pool(load, workers=2) as pool:
        first, second = pool.submit(work), pool.submit(work)
        assert first.result()[0] != second.result()[0]
        assert first.result()[1] == second.result()[1]


def test_what_the_work_raises_reaches_who_asked_and_the_worker_goes_on() -> None:
    def fails(_brain: Brain) -> None:
        raise UsageError("that is no question", "ask one")

    with Pool(load, workers=1) as pool:
        with pytest.raises(UsageError, match="no question"):
            pool.run(fails)
        assert pool.run(thread_of) == "brain-0"


def test_past_its_limit_work_is_turned_away_at_once_and_later_taken_again() -> None:
    go_on = threading.Event()

    def waits(_brain: Brain) -> str:
        assert go_on.wait(60)
        return "done"

    with Pool(load, workers=1, waiting=2) as pool:
        taken: list[Future[str]] = [pool.submit(waits) for _ in range(3)]
        with pytest.raises(Busy, match="3 requests"):
            pool.submit(waits)
        go_on.set()
        assert [one.result() for one in taken] == ["done"] * 3
        assert pool.run(thread_of) == "brain-0"


def test_closing_finishes_what_was_begun_and_begins_nothing_more() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def waits(_brain: Brain) -> str:
        begun.set()
        assert go_on.wait(60)
        return "done"

    pool = Pool(load, workers=1)
    first, second = pool.submit(waits), pool.submit(waits)
    assert begun.wait(60)
    closing = threading.Thread(target=pool.close)
    closing.start()
    while not second.cancelled():
        pass
    go_on.set()
    closing.join()
    assert first.result() == "done"


def test_a_store_that_was_put_into_its_place_is_opened_anew() -> None:
    def titles(opened: Brain) -> int:
        return len(opened.search(Request("dinghy", scope=Scope())).passages)

    brain("add", "--note", "the dinghy is green")
    assert brain("backup").code == 0
    backup = next((home() / "backups").glob("*.db"))
    brain("add", "--note", "the dinghy has two oars")
    with Pool(load, workers=1) as pool:
        before = pool.run(titles)
        for beside in home().glob("brain.db-*"):
            beside.unlink()
        backup.replace(home() / "brain.db")
        assert (before, pool.run(titles)) == (2, 1)


def test_a_changed_configuration_counts_from_the_next_piece_of_work(
    config: Config,
) -> None:
    now = config

    def reader(opened: Brain) -> bool:
        return opened.resources.answer_reader is None

    with Pool(lambda: now, workers=1) as pool:
        models = pool.loaded
        assert pool.run(reader)
        assert pool.loaded is models
        now = replace(config, models=Models(reader="builtin"))
        assert not pool.run(reader)
        assert pool.loaded is not models

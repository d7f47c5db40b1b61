"""The budget: no limit is ever passed, by however many at once, and what a crash leaves open counts as spent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from brain.errors import Refused
from brain.governance.budget import Budget, Caller, Full, Limits, Reservation, Spend
from brain.governance.prices import Price, price_of, tokens_at_most
from brain.store import Store

ROOT = Path(__file__).parents[2]
CENT = 10_000  # micro-dollars
LIMITS = Limits(request=25 * CENT, day=100 * CENT, month=150 * CENT, tokens_hour=9_000)
ZONE = timezone(timedelta(hours=2))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 22, 15, tzinfo=ZONE)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "brain.db")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(store: Store, clock: Clock) -> Budget:
    return Budget(store, LIMITS, clock)


def reserved(budget: Budget, usd_micro: int, tokens: int = 0) -> Reservation:
    found = budget.reserve(usd_micro, tokens, Caller("ask", "anthropic", "opus"))
    assert isinstance(found, Reservation)
    return found


def test_what_is_settled_counts_as_what_it_came_to(budget: Budget) -> None:
    first = reserved(budget, 20 * CENT, 500)
    assert budget.spend() == Spend(20 * CENT, 20 * CENT, 500)
    assert budget.settle(first, 3 * CENT, 60)
    assert budget.spend() == Spend(3 * CENT, 3 * CENT, 60)
    assert not budget.settle(first, 0, 0)
    assert budget.spend() == Spend(3 * CENT, 3 * CENT, 60)


def test_a_request_over_its_own_limit_never_frees(budget: Budget) -> None:
    assert budget.reserve(25 * CENT + 1, 0) == Full("request", "")
    assert isinstance(budget.reserve(25 * CENT, 0), Reservation)


def test_a_day_frees_at_midnight_of_this_zone(budget: Budget, clock: Clock) -> None:
    for _ in range(4):
        reserved(budget, 25 * CENT)
    assert budget.reserve(1, 0) == Full("day", "2026-11-29T00:00+02:00")
    clock.now += timedelta(hours=2)
    assert isinstance(budget.reserve(1, 0), Reservation)


@pytest.mark.parametrize(
    ("day", "frees"),
    [
        (datetime(2026, 1, 29, 8, tzinfo=ZONE), "2026-02-01T00:00+02:00"),
        (datetime(2026, 12, 1, 8, tzinfo=ZONE), "2027-01-01T00:00+02:00"),
    ],
)
def test_a_month_frees_on_its_first_day(
    day: datetime, frees: str, budget: Budget, clock: Clock
) -> None:
    for hours in (0, 24):
        clock.now = day + timedelta(hours=hours)
        for _ in range(3):
            reserved(budget, 25 * CENT)
    assert budget.reserve(CENT, 0) == Full("month", frees)


def test_an_hour_frees_when_enough_of_it_is_older(budget: Budget, clock: Clock) -> None:
    for tokens in (4_000, 3_000, 2_000):
        reserved(budget, 1, tokens)
        clock.now += timedelta(minutes=10)
    assert budget.reserve(1, 5_000) == Full("hour", "2026-11-28T23:25+02:00")
    assert budget.reserve(1, 9_001) == Full("hour", "")
    clock.now += timedelta(minutes=41)
    assert isinstance(budget.reserve(1, 7_000), Reservation)


def test_a_clock_that_is_set_back_frees_nothing(budget: Budget, clock: Clock) -> None:
    for _ in range(4):
        reserved(budget, 25 * CENT, 1_000)
    clock.now -= timedelta(days=1)
    assert budget.spend() == Spend(100 * CENT, 100 * CENT, 4_000)
    assert budget.reserve(1, 0) == Full("day", "2026-11-28T00:00+02:00")


def test_less_than_nothing_is_not_reserved(budget: Budget) -> None:
    with pytest.raises(ValueError, match="not less than nothing"):
        budget.reserve(-1, 0)
    assert budget.spend() == Spend(0, 0, 0)


SPEND = """
import random, sys, threading, time
from datetime import UTC, datetime
from pathlib import Path
from brain.governance.budget import Budget, Full, Limits
from brain.store import Store
path, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
limits = Limits(250_000, 1_000_000, 10_000_000, 10**9)
def caller(number):
    chance = random.Random(seed * 100 + number)
    store = Store.open(path)
    budget = Budget(store, limits, lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))
    end = time.monotonic() + seconds
    for turn in range(10**6):
        cost = chance.randrange(1, 40_000)
        held = budget.reserve(cost, 10)
        taken = budget.spend().usd_today
        if taken > limits.day:
            print("overspent", taken)
        if not isinstance(held, Full) and chance.random() < 0.9:
            budget.settle(held, chance.randrange(cost // 4 + 1), 5)
        if turn >= 3 and time.monotonic() > end:
            break
    store.close()
threads = [threading.Thread(target=caller, args=(number,)) for number in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def spent_at_once(place: Path, seconds: float) -> tuple[str, int]:
    """What 64 callers in four processes say, and what is taken of the day when they have ended."""
    Store.open(place / "brain.db").close()
    command = [sys.executable, "-c", SPEND, str(place / "brain.db"), str(seconds)]
    children = [
        subprocess.Popen([*command, str(seed)], cwd=ROOT, stdout=subprocess.PIPE)
        for seed in range(4)
    ]
    said = [child.communicate()[0].decode() for child in children]
    assert [child.returncode for child in children] == [0] * 4
    store = Store.open(place / "brain.db")
    taken = store.reservations.sums("2026-11-28", 0).day
    assert len(store.reservations.rows()) >= 40
    store.close()
    return "".join(said), taken


def test_64_callers_at_once_never_overspend(tmp_path: Path) -> None:
    said, taken = spent_at_once(tmp_path, 0.0)
    assert said == ""
    assert 0 < taken <= 1_000_000


@pytest.mark.slow
def test_64_callers_for_a_minute_never_overspend(tmp_path: Path) -> None:
    said, taken = spent_at_once(tmp_path, 60.0)
    assert said == ""
    assert 960_000 < taken <= 1_000_000  # and the day is spent nearly to its end


DIE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from brain.governance.budget import Budget, Limits
from brain.governance.ledger import Ledger
from brain.store import Store
home = Path(sys.argv[1])
store = Store.open(home / "brain.db")
budget = Budget(store, Limits(9**9, 9**9, 9**9, 9**9), lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))
held = budget.reserve(70_000, 900)
Ledger(store, home).append("intent", reserved_micro=held.usd_micro)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_intent_and_settle_keeps_it_reserved(tmp_path: Path) -> None:
    from brain.governance.ledger import Ledger, Verified

    run = subprocess.run(
        [sys.executable, "-c", DIE, str(tmp_path)], cwd=ROOT, check=False
    )
    assert run.returncode == -9
    store = Store.open(tmp_path / "brain.db")
    assert store.reservations.sums("2026-11-28", 0).day == 70_000
    assert Ledger(store, tmp_path).verify() == Verified(1, ())
    store.close()


def test_a_price_is_the_dearest_that_is_listed() -> None:
    listed = price_of("anthropic", "claude-sonnet-4-5", {})
    assert listed == Price(input=7_500_000, output=22_500_000)


def test_a_stated_price_stands_before_the_listed_one_and_a_free_one_is_stated() -> None:
    stated = {"anthropic/claude-sonnet-4-5": Price(1, 2), "mine/qwen": Price(0, 0)}
    assert price_of("anthropic", "claude-sonnet-4-5", stated) == Price(1, 2)
    assert price_of("mine", "qwen", stated).cost(10**6, 10**6) == 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [("anthropic", "clod"), ("openai", "claude-sonnet-4-5"), ("mine", "qwen")],
)
def test_a_model_without_a_price_is_refused(provider: str, model: str) -> None:
    with pytest.raises(Refused, match="is not known") as caught:
        price_of(provider, model, {})
    assert f'"{provider}/{model}"' in caught.value.hint


def test_costs_and_tokens_are_rounded_up() -> None:
    assert Price(1, 0).cost(1, 0) == 1
    assert Price(3_000_000, 15_000_000).cost(7, 3) == 66
    assert [tokens_at_most(size) for size in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_prices_are_never_fetched() -> None:
    """The library can renew its prices over the network, in a thread of its own, when it is told to."""
    sources = [path.read_text("utf-8") for path in (ROOT / "brain").rglob("*.py")]
    assert any("genai_prices" in source for source in sources)
    assert not [
        source
        for source in sources
        if "UpdatePrices" in source or "update_prices" in source
    ]
    code = "import genai_prices.data, sys, threading; sys.exit(threading.active_count() - 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

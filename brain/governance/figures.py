"""What was spent by day, task or model, and what the answers of this machine would have cost at a maker's price.

Reads the reservations and the outcomes; leaves both to the store. Serves `brain spend`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from brain.errors import BrainError
from brain.governance.budget import Limits, Spend
from brain.governance.in_force import InForce
from brain.governance.prices import MICRO, Price, price_of
from brain.store import Store
from brain.store.spending import OutcomeRow

By = Literal["day", "task", "model"]
LOCAL = "local"
MAKER = "anthropic"  # at whose price local answers are told
MILLISECONDS_OF_AN_HOUR = 3_600_000
WATTS_OF_A_KILOWATT = 1_000
LONGEST_DAYS = 40 * 365  # a machine that takes longer never pays for itself


@dataclass(frozen=True, slots=True)
class SpentRow:
    """`name`: a day, a task or a model; `open`: of how many requests it is not known what they came to."""

    name: str
    usd_micro: int
    requests: int
    tokens: int
    open: int


@dataclass(frozen=True, slots=True)
class Spending:
    """`limits`, `spend`: as the budget has them. `local_answers` would have cost `local_usd_micro` with `priced_as`.
    `paid_for`: what is told of the machine's own price, "" where a person gave none.
    """

    by: By
    rows: tuple[SpentRow, ...]
    spend: Spend
    limits: Limits
    cloud: bool
    local_answers: int
    local_usd_micro: int
    priced_as: str
    paid_for: str


def spending(
    store: Store, policy: InForce, spend: Spend, *, by: By, today: date
) -> Spending:
    """All of it, the rows in their order: days as they come, tasks and models by what they cost."""
    outcomes = [row for row in store.outcomes.rows() if row.provider == LOCAL]
    model, price = _makers_price(policy)
    worth = sum(price.cost(row.tokens_in, row.tokens_out) for row in outcomes)
    return Spending(
        by=by,
        rows=tuple(_rows(store, by)),
        spend=spend,
        limits=policy.limits,
        cloud=policy.cloud,
        local_answers=len(outcomes),
        local_usd_micro=worth,
        priced_as=model,
        paid_for=_paid_for(policy, outcomes, today),
    )


def _rows(store: Store, by: By) -> Sequence[SpentRow]:
    sums: dict[str, list[int]] = {}
    for row in store.reservations.rows():
        name = row[by]
        if by == "model":
            name = f"{row['provider']}/{row['model']}"
        taken = sums.setdefault(name, [0, 0, 0, 0])
        for place, amount in enumerate(
            (row["usd_micro"], 1, row["tokens"], row["open"])
        ):
            taken[place] += amount
    rows = [SpentRow(name, *taken) for name, taken in sums.items()]
    if by == "day":
        return sorted(rows, key=lambda row: row.name)
    return sorted(rows, key=lambda row: (-row.usd_micro, row.name))


def _makers_price(policy: InForce) -> tuple[str, Price]:
    """The model that a question would go to, and its price; nothing where the policy names none."""
    for route in policy.published.contents.routes:
        if route.provider != MAKER:
            continue
        try:
            return route.model, price_of(MAKER, route.model, policy.prices)
        except BrainError:
            continue
    return "", Price(0, 0)


def _paid_for(policy: InForce, outcomes: Sequence[OutcomeRow], today: date) -> str:
    """When what was not spent reaches what the machine cost, its power taken off: the month in which it did, else the
    one in which it will at the pace so far. "" where no price is given, or nothing was answered since it was bought.
    """
    contents = policy.published.contents
    price = float(contents.machine.get("usd", 0)) * MICRO
    rows = outcomes
    if contents.bought is not None:
        rows = [row for row in rows if row.day >= contents.bought.isoformat()]
    if not price or not rows:
        return ""
    _model, asked = _makers_price(policy)
    saved = 0.0
    for row in rows:
        saved += _saved_micro(row, contents.machine, asked)
        if saved >= price:
            return f"the machine had paid for itself in {row.day[:7]}"
    first = date.fromisoformat(rows[0].day)
    days = max(1, (today - first).days + 1)
    needed = math.ceil(price / saved * days) if saved > 0 else LONGEST_DAYS + 1
    if needed > LONGEST_DAYS:
        return "at this pace the machine never pays for itself"
    month = f"{first + timedelta(days=needed):%Y-%m}"
    return f"at this pace the machine has paid for itself in {month}"


def _saved_micro(
    row: OutcomeRow, machine: Mapping[str, Decimal], price: Price
) -> float:
    """What a cloud would have cost for one answer, without the power that this machine took for it."""
    hours = row.milliseconds / MILLISECONDS_OF_AN_HOUR
    watts = float(machine.get("watts", 0))
    usd_per_kwh = float(machine.get("usd_per_kwh", 0))
    power = hours * watts / WATTS_OF_A_KILOWATT * usd_per_kwh
    return price.cost(row.tokens_in, row.tokens_out) - power * MICRO

"""What a model costs: from the data that the library genai-prices brings, or as a person states it in the policy.

Nothing is fetched: the updater of that library is never started. A model without a price is refused, never free. Money
is whole micro-dollars, rounded up. Leaves the limits to the budget. Serves the budget, the router and `brain spend`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from brain.errors import Refused

MICRO = 1_000_000  # micro-dollars in a dollar; tokens that a listed price is for
BYTES_PER_TOKEN = 2  # at least: what a request may be cut into at most
STATED = "{} = {{ input = 3, output = 15 }}"  # dollars for a million tokens
NOT_PRICED = f"state it under [prices] of policy.toml, for a million tokens: {STATED}"


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars for a million tokens, that is: a millionth of a micro-dollar for each."""

    input: int
    output: int

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """Micro-dollars, rounded up.

        >>> Price(3_000_000, 15_000_000).cost(1_000, 100)
        4500
        """
        return -(-(tokens_in * self.input + tokens_out * self.output) // MICRO)


def tokens_at_most(body_bytes: int) -> int:
    """The upper bound of what a body is cut into.

    >>> tokens_at_most(5)
    3
    """
    return -(-body_bytes // BYTES_PER_TOKEN)


def price_of(provider: str, model: str, stated: Mapping[str, Price]) -> Price:
    """The price of a model: as stated under `provider/model`, else as listed. Raises `Refused` for an unknown one."""
    name = f"{provider}/{model}"
    if name in stated:
        return stated[name]
    listed = _listed(provider, model)
    if listed is None:
        raise Refused(
            f"the price of {name} is not known", NOT_PRICED.format(f'"{name}"')
        )
    return listed


def _listed(provider: str, model: str) -> Price | None:
    """The dearest of what is listed: the price of a long request, and of one whose beginning the maker keeps."""
    from genai_prices.data import providers

    for maker in providers:
        if maker.id != provider:
            continue
        found = maker.find_model(model.lower())
        if found is None or found.deprecated:
            return None
        prices = _present(found)
        reading = max(_micro(prices.input_mtok), _micro(prices.cache_write_mtok))
        writing = _micro(prices.output_mtok)
        return Price(reading, writing) if reading and writing else None
    return None


def _present(model: Any) -> Any:
    return model.get_prices(datetime.now(UTC))


def _micro(listed: Any) -> int:
    """A listed price in micro-dollars: the highest of its steps; 0 where there is none."""
    if listed is None:
        return 0
    steps = [listed]
    if hasattr(listed, "base"):
        steps = [listed.base, *(tier.price for tier in listed.tiers)]
    return int(max(steps) * MICRO)

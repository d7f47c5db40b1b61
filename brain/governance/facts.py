"""What a rule may ask about: the request, how sure the local answer is, what was spent, what research
did, the hour.

A decision is a function of these values and the policy alone, so that it can be made again later from the ledger, where
they stand as one text. Leaves out where they come from. Serves the policy, the router and the gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from brain.governance.prices import MICRO

THOUSAND = 1_000  # probabilities are kept in whole thousandths
MONEY = "usd_"  # names of micro-dollars begin so; a rule reads dollars


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is asked for. `label`: the highest of all that would be sent. `usd_estimate`: micro-dollars at most.

    `forced`: the person asked for the cloud or for a second opinion. `approved`: exactly these bytes were. `attended`:
    a person who can be asked waits for it; agents, programs, watching, batches and research run alone.
    `untrusted_context`: words from the web are among it.
    """

    task: str = "reason"
    label: str = "confidential"
    complexity: str = "medium"
    stakes: str = "normal"
    client: str = ""
    provider: str = ""
    model: str = ""
    usd_estimate: int = 0
    tokens_estimate: int = 0
    forced: bool = False
    approved: bool = False
    attended: bool = False
    untrusted_context: bool = False


@dataclass(frozen=True, slots=True)
class ConfidenceFacts:
    """How sure the local answer is. `grade`: "answered", "likely", "check", or "" without one. `enough`: it is at least
    what the route asks for. `known`: the probabilities were measured.
    """

    found: float = 0.0
    supported: float = 0.0
    known: bool = False
    grade: str = ""
    enough: bool = False


@dataclass(frozen=True, slots=True)
class SpendFacts:
    """What is taken already: micro-dollars of today and this month, tokens of the last hour."""

    usd_today: int = 0
    usd_month: int = 0
    tokens_hour: int = 0


@dataclass(frozen=True, slots=True)
class ResearchFacts:
    """What looking things up in the web by itself has done. `cycles_today`, `pages_today`: rounds that were begun, and
    pages that were fetched; `pages`: of these in this round; `depth`: of the question that is asked about, 1 for one
    that follows up the person's own; `usd_today`: micro-dollars that all of it took.
    """

    cycles_today: int = 0
    pages_today: int = 0
    pages: int = 0
    depth: int = 0
    usd_today: int = 0


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """The hour of the day and the day of the week (1 is Monday), of this machine's zone."""

    hour: int = 12
    weekday: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """All of them. `halted`: why everything that leads out is stopped, "" when it is not; no rule can ask for it."""

    request: RequestFacts = RequestFacts()
    confidence: ConfidenceFacts = ConfidenceFacts()
    spend: SpendFacts = SpendFacts()
    clock: ClockFacts = ClockFacts()
    halted: str = ""
    research: ResearchFacts = ResearchFacts()

    def as_text(self) -> str:
        """As the ledger keeps it: JSON of whole numbers and texts, without what is as it is by default."""
        kept: dict[str, Any] = {}
        for section, kind in SECTIONS.items():
            given = _kept(getattr(self, section), kind())
            if given:
                kept[section] = given
        if self.halted:
            kept["halted"] = self.halted
        return json.dumps(kept, sort_keys=True, ensure_ascii=False)

    def told(self) -> Iterator[tuple[str, str]]:
        """(name, value) of each that is not as it is by default, money in dollars."""
        for section, kind in SECTIONS.items():
            values = getattr(self, section)
            for name in _kept(values, kind()):
                yield f"{section}.{name}", str(as_rules_read(values, name))
        if self.halted:
            yield "halted", self.halted

    @classmethod
    def of_text(cls, text: str) -> Facts:
        """What `as_text` wrote. Raises `ValueError`."""
        return facts_of(json.loads(text), thousandths=True)


SECTIONS: dict[str, type[Any]] = {
    "request": RequestFacts,
    "confidence": ConfidenceFacts,
    "spend": SpendFacts,
    "research": ResearchFacts,
    "clock": ClockFacts,
}


def facts_of(given: Mapping[str, Any], *, thousandths: bool = False) -> Facts:
    """Facts from tables by their names: money in micro-dollars, probabilities as they are, or in `thousandths`.

    Raises `ValueError` for a name or a kind of value that there is not.
    """
    sections: dict[str, Any] = {}
    for section, values in given.items():
        if section == "halted":
            sections[section] = str(values)
            continue
        kind = SECTIONS.get(section)
        if kind is None or not isinstance(values, Mapping):
            raise ValueError(f"no facts are called {section}")
        sections[section] = _section(section, kind, values, thousandths)
    return Facts(**sections)


def _section(
    section: str, kind: type[Any], values: Mapping[str, Any], thousandths: bool
) -> Any:
    defaults = asdict(kind())
    made = {}
    for name, value in values.items():
        if name not in defaults:
            raise ValueError(f"no fact is called {section}.{name}")
        wanted = type(defaults[name])
        fits = isinstance(value, wanted)
        if wanted in (int, float):
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits:
            raise ValueError(f"{section}.{name} is of another kind than {value!r}")
        if wanted is float and thousandths:
            value /= THOUSAND
        made[name] = wanted(value)
    return kind(**made)


def _kept(section: Any, default: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in fields(section):
        value = getattr(section, field.name)
        if value == getattr(default, field.name):
            continue
        if isinstance(value, float):
            value = round(value * THOUSAND)
        kept[field.name] = value
    return kept


def as_rules_read(section: object, name: str) -> object:
    """A fact as a rule compares it: dollars, numbers that are exact, texts and booleans as they are."""
    value = getattr(section, name)
    if isinstance(value, bool | str):
        return value
    if name.startswith(MONEY):
        return Decimal(value) / MICRO
    return Decimal(str(value))


def clock_facts(now: datetime) -> ClockFacts:
    """The hour and the day of a moment."""
    return ClockFacts(now.hour, now.isoweekday())

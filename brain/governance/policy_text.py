"""`policy.toml` as values: limits, switches, hosts, prices, rules, routes; each mistake with its line.

Leaves reading conditions to `conditions` and deciding to `policy`. Serves `policy`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from brain.errors import BrainError
from brain.governance.conditions import TASKS, WORDS
from brain.governance.prices import MICRO, Price
from brain.labels import Label
from brain.types import Texts

Outcome = Literal["allow", "wait", "ask", "deny", "halt"]
OUTCOMES: tuple[Outcome, ...] = ("allow", "wait", "ask", "deny", "halt")
ACTIONS = """
    local.generate cloud.generate cloud.shadow web.fetch web.search research.cycle research.followup
    memory.write skill.promote label.lower policy.publish
""".split()
FAMILIES = tuple(sorted({f"{name.partition('.')[0]}.*" for name in ACTIONS}))
BY_A_PERSON = ("policy.publish",)  # no rule decides it, so that nobody is locked out
SWITCHES = ("cloud", "web", "research")  # off where a policy does not say
NEEDS = ("answered", "likely")
ANY = "*"
LOCAL = "local"
LIMITS = """
    cloud_usd_per_request cloud_usd_per_day cloud_usd_per_month cloud_tokens_per_hour
""".split()
# Of `supported`: an answer that is likely, and a route wants no more, stays from here on.
CLOUD_BELOW = "cloud_below"
CLOUD_FOUND = "cloud_found"
CHANCES = (CLOUD_BELOW, CLOUD_FOUND)  # limits that are probabilities
SHADOW = "shadow"  # a switch: public questions may go out to compare the answers
SHADOWS = "shadow_per_day"  # a limit: of these
KINDS = ("anthropic", "openai")  # wires that are spoken
TABLES: Mapping[str, type] = {
    "limits": dict,
    "flags": dict,
    "hosts": dict,
    "prices": dict,
    "rule": list,
    "route": list,
    "other_maker": dict,
    "machine": dict,
}
BOUGHT = "bought"  # a day; what was answered before was not answered by this machine
MACHINE = ("usd", BOUGHT, "watts", "usd_per_kwh")
LARGEST = 10**9  # number: its micro-dollars, times tokens, still fit the database
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LINE = re.compile(r"\(at line (\d+)")


class PolicyError(BrainError):
    """A policy that cannot be used. `line`: where in its text, 0 where it is not one line."""

    kind = "policy"

    def __init__(self, message: str, line: int = 0) -> None:
        where = f"line {line} of policy.toml: " if line else "policy.toml: "
        hint = "mend it and run `brain policy check`; until then nothing leaves"
        super().__init__(f"{where}{message}", hint)
        self.line = line


@dataclass(frozen=True, slots=True)
class Rule:
    """When `when` holds for one of the actions, the outcome applies; `because` is what a person is told."""

    id: str
    actions: Texts
    when: str
    then: Outcome
    because: str
    line: int


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Which model serves these tasks at these complexities. Without words in one of them: any."""

    tasks: Texts
    complexities: Texts
    when: str
    provider: str
    model: str
    needs: str
    line: int


@dataclass(frozen=True, slots=True)
class Host:
    """Where requests of a provider go. `kind`: the wire; `label`: the highest label that may go there."""

    kind: str
    address: str
    label: Label


@dataclass(frozen=True, slots=True)
class Contents:
    """A policy as it stands. `limits` and `machine` in dollars and tokens, `prices` in micro-dollars; `bought`: the day
    from which on the machine serves.
    """

    limits: Mapping[str, Decimal]
    flags: Mapping[str, bool]
    hosts: Mapping[str, Host]
    prices: Mapping[str, Price]
    rules: tuple[Rule, ...]
    routes: tuple[RouteRule, ...]
    other_maker: Mapping[str, tuple[str, str]]
    machine: Mapping[str, Decimal]
    bought: date | None = None


class Lines:
    """Where things stand in the text."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of_item(self, table: str, number: int) -> int:
        """The line of the `[[table]]` of that number, counted from 0; 0 where it is not written so."""
        header = re.compile(rf"\s*\[\[\s*{table}\s*\]\]")
        found = [n for n, line in enumerate(self._lines, 1) if header.match(line)]
        return found[number] if number < len(found) else 0

    def of_key(self, table: str, key: str) -> int:
        """The line of a key of a `[table]`, or of the table itself."""
        inside = 0
        for number, line in enumerate(self._lines, 1):
            bare = line.strip()
            if bare.startswith("["):
                inside = number if bare.startswith((f"[{table}]", f"[{table}.")) else 0
            elif inside and re.match(rf'"?{re.escape(key)}"?\s*[=.]', bare):
                return number
        return 0


def read(text: str) -> Contents:
    """What the text says. Raises `PolicyError`."""
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        said = str(error)
        at = LINE.search(said)
        raise PolicyError(f"this is no TOML: {said}", int(at[1]) if at else 0) from None
    for name, value in values.items():
        if name not in TABLES or not isinstance(value, TABLES[name]):
            known = ", ".join(TABLES)
            raise PolicyError(f"there is no [{name}]; its parts are {known}")
    return _Reading(values, Lines(text)).contents()


class _Reading:
    """One reading: the values and where they stand."""

    def __init__(self, values: Mapping[str, Any], lines: Lines) -> None:
        self._values = values
        self._lines = lines

    def contents(self) -> Contents:
        limits = dict(self._numbers("limits"))
        for name in LIMITS:
            if name not in limits:
                raise PolicyError(f"[limits] lacks {name}")
        for name in CHANCES:
            if limits.get(name, 0) > 1:
                line = self._lines.of_key("limits", name)
                raise PolicyError(f"limits.{name} is a chance, from 0 to 1", line)
        return Contents(
            limits,
            dict(self._flags()),
            dict(self._hosts()),
            dict(self._prices()),
            tuple(self._rules()),
            tuple(self._routes()),
            dict(self._others()),
            dict(self._machine()),
            self._bought(),
        )

    def _items(self, table: str) -> Iterator[tuple[str, Any, int]]:
        for name, value in self._values.get(table, {}).items():
            yield name, value, self._lines.of_key(table, name)

    def _numbers(self, table: str) -> Iterator[tuple[str, Decimal]]:
        for name, value, line in self._items(table):
            yield name, _number(f"{table}.{name}", value, line)

    def _machine(self) -> Iterator[tuple[str, Decimal]]:
        for name, value, line in self._items("machine"):
            if name not in MACHINE:
                known = ", ".join(MACHINE)
                raise PolicyError(f"[machine] has no {name}; it has {known}", line)
            if name != BOUGHT:
                yield name, _number(f"machine.{name}", value, line)

    def _bought(self) -> date | None:
        day = self._values.get("machine", {}).get(BOUGHT)
        if day is None:
            return None
        line = self._lines.of_key("machine", BOUGHT)
        with suppress(ValueError):
            return date.fromisoformat(str(day))
        raise PolicyError("machine.bought must be a day, as 2026-03-01 is", line)

    def _flags(self) -> Iterator[tuple[str, bool]]:
        yield from dict.fromkeys(SWITCHES, False).items()
        for name, value, line in self._items("flags"):
            if not isinstance(value, bool):
                raise PolicyError(f"flags.{name} must be true or false", line)
            yield name, value

    def _hosts(self) -> Iterator[tuple[str, Host]]:
        for name, value, line in self._items("hosts"):
            _must_have(f"hosts.{name}", value, ("kind", "address", "label"), line)
            kind = _one_of(f"hosts.{name}.kind", value["kind"], KINDS, line)
            address = value["address"]
            secure = isinstance(address, str) and address.startswith(
                ("https://", "http://")
            )
            if not secure:
                raise PolicyError(
                    f"hosts.{name}.address must begin with https:// or http://", line
                )
            try:
                label = Label.of(str(value["label"]))
            except ValueError as error:
                raise PolicyError(f"hosts.{name}: {error}", line) from None
            yield name, Host(kind, address, label)

    def _prices(self) -> Iterator[tuple[str, Price]]:
        for name, value, line in self._items("prices"):
            _must_have(f"prices.{name}", value, ("input", "output"), line)
            reading = _number(f"prices.{name}.input", value["input"], line)
            writing = _number(f"prices.{name}.output", value["output"], line)
            _provider_and_model(name, line)
            yield name, Price(int(reading * MICRO), int(writing * MICRO))

    def _others(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for name, value, line in self._items("other_maker"):
            yield name, _provider_and_model(value, line)

    def _tables(self, table: str) -> Iterator[tuple[Mapping[str, Any], int]]:
        for number, value in enumerate(self._values.get(table, [])):
            line = self._lines.of_item(table, number)
            if not isinstance(value, dict):
                raise PolicyError(f"[[{table}]] must be a table", line)
            yield value, line

    def _rules(self) -> Iterator[Rule]:
        seen: set[str] = set()
        for value, line in self._tables("rule"):
            _must_have(
                "a rule", value, ("id", "action", "then", "because"), line, "when"
            )
            name = value["id"]
            if not isinstance(name, str) or not ID.fullmatch(name):
                raise PolicyError(f"{name!r} is no id, as day-is-spent is", line)
            if name in seen:
                raise PolicyError(f"two rules have the id {name}", line)
            seen.add(name)
            actions = _texts(f"action of {name}", value["action"], line)
            for action in actions:
                _one_of(f"action of {name}", action, (*ACTIONS, *FAMILIES), line)
                if action in BY_A_PERSON:
                    said = (
                        f"a person is always asked about {action}; no rule decides it"
                    )
                    raise PolicyError(said, line)
            then = _one_of(f"then of {name}", value["then"], OUTCOMES, line)
            because = _text(f"because of {name}", value["because"], line)
            when = _text(f"when of {name}", value.get("when", "true"), line)
            yield Rule(name, actions, when, cast(Outcome, then), because, line)

    def _routes(self) -> Iterator[RouteRule]:
        line = 0
        tasks: Texts = ()
        narrowed = True
        for value, line in self._tables("route"):
            _must_have(
                "a route", value, ("task", "model"), line, "complexity when needs"
            )
            tasks = _texts("task", value["task"], line)
            for task in tasks:
                _one_of("task of a route", task, (*TASKS, ANY), line)
            complexities = _texts("complexity", value.get("complexity", []), line)
            for complexity in complexities:
                words = WORDS["request.complexity"]
                _one_of("complexity of a route", complexity, words, line)
            when = _text("when of a route", value.get("when", "true"), line)
            needs = _one_of("needs", value.get("needs", "likely"), NEEDS, line)
            provider, model = LOCAL, ""
            if value["model"] != LOCAL:
                provider, model = _provider_and_model(value["model"], line)
            narrowed = bool(complexities) or "when" in value
            yield RouteRule(tasks, complexities, when, provider, model, needs, line)
        if tasks != (ANY,) or narrowed:
            raise PolicyError(
                'the last [[route]] must be task = "*", and fit everything', line
            )


def _must_have(
    what: str, value: Any, names: Texts, line: int, others: str = ""
) -> None:
    if not isinstance(value, dict):
        raise PolicyError(f"{what} must be a table with {', '.join(names)}", line)
    for name in names:
        if name not in value:
            raise PolicyError(f"{what} lacks {name}", line)
    for name in value:
        if name not in (*names, *others.split()):
            raise PolicyError(f"{what} has no {name}", line)


def _number(what: str, value: Any, line: int) -> Decimal:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not number or not Decimal(value).is_finite() or not 0 <= value <= LARGEST:
        raise PolicyError(f"{what} must be a number from 0 to {LARGEST:,}", line)
    return Decimal(value)


def _one_of(what: str, value: Any, words: Iterator[str] | Any, line: int) -> str:
    if value not in words:
        raise PolicyError(
            f"{what} is {value!r}; it must be one of {', '.join(words)}", line
        )
    return str(value)


def _text(what: str, value: Any, line: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f"{what} must be a text", line)
    return value.strip()


def _texts(what: str, value: Any, line: int) -> Texts:
    listed = value if isinstance(value, list) else [value]
    for item in listed:
        _text(what, item, line)
    return tuple(listed)


def _provider_and_model(value: Any, line: int) -> tuple[str, str]:
    provider, _, model = str(value).partition("/")
    if not provider or not model:
        raise PolicyError(f"{value!r} is no model, as openai/gpt-6.1-sol is", line)
    return provider, model

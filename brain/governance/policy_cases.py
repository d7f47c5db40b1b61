"""A policy held against cases: those of `policy.test.toml`, and the decisions that were made before.

Leaves publishing to `in_force`. Serves `brain policy test`, `diff` and `explain`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brain.governance.facts import MONEY, Facts, facts_of
from brain.governance.ledger import Entry, Fact
from brain.governance.policy import Decision, Policy
from brain.governance.policy_text import ACTIONS, OUTCOMES, PolicyError
from brain.governance.prices import MICRO

CASE = ("name", "action", "facts", "outcome", "rule", "flags")


@dataclass(frozen=True, slots=True)
class Case:
    """What must become of an action. `rule`: one that must match, "" for any; `flags`: switches set for it."""

    name: str
    action: str
    facts: Facts
    outcome: str
    rule: str
    flags: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Tried:
    """A case, tried. `said`: what came instead, "" where it holds; `rules`: those that matched."""

    name: str
    said: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A past decision that the policy would make otherwise. `row`: of the ledger; `rule`: that decides now."""

    row: int
    at: str
    action: str
    before: str
    after: str
    rule: str


def cases(text: str) -> list[Case]:
    """The cases of a file. Raises `PolicyError`."""
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"policy.test.toml is no TOML: {error}") from None
    listed = values.get("case", [])
    if set(values) - {"case"} or not isinstance(listed, list):
        raise PolicyError("policy.test.toml holds [[case]] alone")
    return [_case(number, item) for number, item in enumerate(listed, 1)]


def _case(number: int, item: Any) -> Case:
    said = f"case {number} of policy.test.toml"
    if not isinstance(item, dict):
        raise PolicyError(f"{said} is no table")
    name = item.get("name", said)
    strange = sorted(set(item) - set(CASE))
    if strange:
        raise PolicyError(f"{name}: a case has no {strange[0]}")
    if item.get("action") not in ACTIONS or item.get("outcome") not in OUTCOMES:
        raise PolicyError(f"{name}: a case names one action and one outcome")
    try:
        facts = facts_of(_plain(item.get("facts", {})))
    except ValueError as error:
        raise PolicyError(f"{name}: {error}") from None
    rule = item.get("rule", "")
    flags = item.get("flags", {})
    return Case(name, item["action"], facts, item["outcome"], rule, flags)


def _plain(tables: Mapping[str, Any]) -> dict[str, Any]:
    """A person writes dollars; facts are micro-dollars."""
    plain: dict[str, Any] = {}
    for section, values in tables.items():
        if not isinstance(values, dict):
            plain[section] = values
            continue
        made = plain[section] = {}
        for name, value in values.items():
            if name.startswith(MONEY):
                value = int(value * MICRO)
            elif isinstance(value, Decimal):
                value = float(value)
            made[name] = value
    return plain


def tried(policy: Policy, listed: Iterable[Case]) -> Iterator[Tried]:
    """Each case held against the policy."""
    for case in listed:
        decision = policy.with_flags(case.flags).decide(case.action, case.facts)
        rules = tuple(hit.rule for hit in decision.hits)
        said = ""
        if decision.outcome != case.outcome:
            said = f"{decision.outcome} by {rules[0]}, and not {case.outcome}"
        elif case.rule and case.rule not in rules:
            said = f"{case.rule} does not match, but {', '.join(rules)}"
        yield Tried(case.name, said, rules)


def recorded(action: str, facts: Facts, decision: Decision) -> dict[str, Fact]:
    """What the ledger keeps of a decision, so that it can be explained and made again."""
    return {
        "action": action,
        "decision": decision.outcome,
        "policy": decision.policy_digest,
        "rules": tuple(hit.rule for hit in decision.hits),
        "because": decision.because,
        "facts": facts.as_text(),
    }


def decisions(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Facts]]:
    """The rows that hold a decision, with the facts that it was made of."""
    for entry in entries:
        text = entry.facts.get("facts")
        if entry.facts.get("action") in ACTIONS and isinstance(text, str):
            try:
                yield entry, Facts.of_text(text)
            except ValueError:
                continue


def changed(policy: Policy, entries: Iterable[Entry]) -> tuple[int, list[Changed]]:
    """(how many decisions were made again, those that come out otherwise)."""
    count = 0
    found = []
    for entry, facts in decisions(entries):
        count += 1
        action = entry.facts["action"]
        before = str(entry.facts.get("decision"))
        after = policy.decide(action, facts)
        if after.outcome != before:
            rule = after.hits[0].rule
            change = Changed(entry.id, entry.at, action, before, after.outcome, rule)
            found.append(change)
    return count, found

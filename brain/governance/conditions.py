"""The conditions of rules: expressions of the library rule-engine, read with the names and kinds of the facts.

A misspelt name, a comparison of two kinds and a word that a fact never has are found when a condition is read, not when
it is used. Leaves the facts to `facts` and the rules to `policy`. Loads the library on first use (half a second).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from brain.governance.facts import SECTIONS, Facts, as_rules_read
from brain.types import Texts

TASKS = """
    embedding ask summarise classify extract tag code write reason plan research
""".split()
WORDS: Mapping[str, Texts] = {
    "request.label": ("public", "internal", "confidential"),
    "request.complexity": ("low", "medium", "high"),
    "request.stakes": ("normal", "high"),
    "request.task": tuple(TASKS),
    "confidence.grade": ("", "answered", "likely", "check"),
}
# `request.label == "public"`, `request.label in ["public", "internal"]`, and the same with != and `not in`
COMPARED = re.compile(
    r"\b(?P<fact>\w+\.\w+)\s*(?:==|!=|in|not\s+in)\s*(?P<words>\[[^\]]*\]|\"[^\"]*\"|'[^']*')"
)
QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")

Numbers = Mapping[str, Decimal]
Switches = Mapping[str, bool]
Condition = Callable[["Known"], bool]


class ConditionError(ValueError):
    """A condition that cannot be read; its text says why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a condition is held against: the facts, and the numbers and switches of the policy itself."""

    request: object
    confidence: object
    spend: object
    research: object
    clock: object
    limits: Numbers
    flags: Switches


def known(facts: Facts, limits: Numbers, flags: Switches) -> Known:
    """All of it in one value."""
    return Known(
        facts.request,
        facts.confidence,
        facts.spend,
        facts.research,
        facts.clock,
        limits,
        flags,
    )


class Reader:
    """Reads conditions of one policy, whose limits and flags have these names."""

    def __init__(self, limits: Numbers, flags: Switches) -> None:
        from rule_engine import Context, DataType, resolve_attribute

        kinds = {bool: DataType.BOOLEAN, str: DataType.STRING}
        types: dict[str, Any] = {}
        for section, kind in SECTIONS.items():
            attributes = {}
            for field in fields(kind):
                value = getattr(kind(), field.name)
                attributes[field.name] = kinds.get(type(value), DataType.FLOAT)
            types[section] = DataType.OBJECT(section, attributes, as_rules_read)
        numbers = dict.fromkeys(limits, DataType.FLOAT)
        switches = dict.fromkeys(flags, DataType.BOOLEAN)
        types["limits"] = DataType.OBJECT("limits", numbers, _item)
        types["flags"] = DataType.OBJECT("flags", switches, _item)
        self._boolean = DataType.BOOLEAN
        self._context = Context(type_resolver=types, resolver=resolve_attribute)

    def condition(self, text: str) -> Condition:
        """The condition as a function. Raises `ConditionError`."""
        from rule_engine import Rule
        from rule_engine.errors import EngineError

        for fact, word in wrong_words(text):
            choices = ", ".join(filter(None, WORDS[fact]))
            raise ConditionError(f'{fact} is never "{word}"; it is one of {choices}')
        try:
            rule = Rule(text, context=self._context)
        except EngineError as error:
            raise ConditionError(error.message) from None
        if rule.statement.expression.result_type != self._boolean:
            raise ConditionError("it is neither true nor false")

        def holds(of: Known) -> bool:
            return bool(rule.matches(of))

        return holds


def wrong_words(text: str) -> list[tuple[str, str]]:
    """(fact, word) of each word that a fact is compared with and never is.

    >>> wrong_words('request.label in ["public", "secret"]')
    [('request.label', 'secret')]
    """
    found = []
    for match in COMPARED.finditer(text):
        fact = match["fact"]
        for double, single in QUOTED.findall(match["words"]):
            word = double or single
            if fact in WORDS and word not in WORDS[fact]:
                found.append((fact, word))
    return found


def _item(values: Mapping[str, object], name: str) -> object:
    return values[name]

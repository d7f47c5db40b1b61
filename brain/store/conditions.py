"""Conditions on properties, as a person writes them, and the order by one, as SQL over documents `d`.

`status=done`, `rating>=4`, `due<2026-04`, `author~quist`, or a name alone: names and words in any case, numbers by
their value, everything else as text (which orders dates). Leaves out which values there are (properties.py). Serves
every scope.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from brain.errors import UsageError
from ingest.stated import number_in
from ingest.terms import fold

_CONDITION = re.compile(
    r"\s*([^\s=<>!~][^=<>!~]*?)\s*(?:(>=|<=|!=|=|<|>|~)\s*(.*?))?\s*"
)
HOW = "for instance: status=done, rating>=4, due<2026-04, author~quist, isbn"


class Condition(NamedTuple):
    """`name` in lower case; `sign` "" asks whether there is any value."""

    name: str
    sign: str
    value: str


def condition(text: str) -> Condition:
    """A condition as a person writes it. Raises `UsageError`.

    >>> condition("Rating >= 4")
    Condition(name='rating', sign='>=', value='4')
    """
    match = _CONDITION.fullmatch(text)
    if not match or (match[2] and not match[3]):
        raise UsageError(f"{text!r} is no condition on a property", HOW)
    return Condition(match[1].lower(), match[2] or "", (match[3] or "").strip("\"'"))


def clause(text: str) -> tuple[str, list[object]]:
    """The condition as SQL over documents `d`, and its values."""
    asked = condition(text)
    found = "SELECT 1 FROM properties p WHERE p.document_id = d.id AND p.name = ?"
    number = number_in(asked.value)
    if not asked.sign:
        return f"EXISTS ({found})", [asked.name]
    if asked.sign == "~":
        return (
            f"EXISTS ({found} AND instr(p.folded, ?) > 0)",
            [asked.name, fold(asked.value)],
        )
    sign = "=" if asked.sign == "!=" else asked.sign
    denied = "NOT " if asked.sign == "!=" else ""
    if number is not None:
        return f"{denied}EXISTS ({found} AND p.number {sign} ?)", [asked.name, number]
    # as much of a date as was given: 2026-05 holds every day of May
    left = "p.folded"
    if re.fullmatch(r"\d{4}-\d\d(?:-\d\d)?", asked.value):
        left = f"substr(p.folded, 1, {len(asked.value)})"
    return (
        f"{denied}EXISTS ({found} AND {left} {sign} ?)",
        [asked.name, fold(asked.value)],
    )


def order(sort: str) -> tuple[str, list[object]]:
    """The order of documents `d` by a property, as SQL; behind a minus the largest first; those without it last."""
    name = sort.removeprefix("-").strip().lower()
    down = "DESC" if sort.startswith("-") else "ASC"
    of = "FROM properties p WHERE p.document_id = d.id AND p.name = ?"
    number = f"(SELECT min(p.number) {of})"
    text = f"(SELECT min(p.folded) {of})"
    sql = f"{text} IS NULL, {number} IS NULL, {number} {down}, {text} {down}"
    return sql, [name] * sql.count("?")

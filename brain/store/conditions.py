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
    r"\s*([^\s=<>!~][^=<>!~]*?)\s*(?:(>=|<=|!=|=|<|>|~)\s*(?![=<>!~])(.*?))?\s*"
)
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d)?")
HOW = "for instance: status=done, rating>=4, due<2026-04, author~quist, isbn"

# What every document has, whatever it states of itself, and the column that holds it.
OF_EVERY_DOCUMENT = {
    "date": "d.dated_at",
    "title": "lower(d.title)",
    "path": "d.source",
}


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
    if not match:
        raise UsageError(f"{text!r} is no condition on a property", HOW)
    name, sign, value = match.groups(default="")
    if sign and not value:
        raise UsageError(f"{text!r} is no condition on a property", HOW)
    value = value.strip("\"'")
    return Condition(name.lower(), sign, value)


def clause(text: str) -> tuple[str, list[object]]:
    """The condition as SQL over documents `d`, and its values."""
    name, sign, value = condition(text)
    found = "SELECT 1 FROM properties p WHERE p.document_id = d.id AND p.name = ?"
    folded = fold(value)
    if not sign:
        return f"EXISTS ({found})", [name]
    if sign == "~":
        sql = f"EXISTS ({found} AND instr(p.folded, ?) > 0)"
        return sql, [name, folded]
    denied = ""
    if sign == "!=":
        denied = "NOT "
        sign = "="
    number = number_in(value)
    if number is not None:
        sql = f"{denied}EXISTS ({found} AND p.number {sign} ?)"
        return sql, [name, number]
    # as much of a date as was given: 2026-05 holds every day of May
    left = "p.folded"
    if _DATE.fullmatch(value):
        left = f"substr(p.folded, 1, {len(value)})"
    sql = f"{denied}EXISTS ({found} AND {left} {sign} ?)"
    return sql, [name, folded]


def order(sort: str) -> tuple[str, list[object]]:
    """The order of documents `d` by a property, as SQL; behind a minus the largest first; those without it last."""
    name = sort.removeprefix("-").strip().lower()
    down = "DESC" if sort.startswith("-") else "ASC"
    if name in OF_EVERY_DOCUMENT:
        column = OF_EVERY_DOCUMENT[name]
        return f"{column} IS NULL, {column} {down}", []
    of = "FROM properties p WHERE p.document_id = d.id AND p.name = ?"
    number = f"(SELECT min(p.number) {of})"
    text = f"(SELECT min(p.folded) {of})"
    order = (
        f"{text} IS NULL",
        f"{number} IS NULL",
        f"{number} {down}",
        f"{text} {down}",
    )
    return ", ".join(order), [name] * len(order)

"""Values that no cell of the database should hold, for tests of whatever reads rows: verbs, and upgrades."""

from __future__ import annotations

NO_UTF_8 = "no utf-8"
# What a flipped bit, a bad sector or another program may leave in a cell.
BAD: dict[str, object] = {
    "null": None,
    "empty": "",
    "number": 7,
    "negative": -1,
    "large": 2**63 - 1,
    "real": 1.5,
    "infinite": float("inf"),
    "bytes": b"\xff\xfe\x00",
    NO_UTF_8: "CAST(X'41ff42' AS TEXT)",
    "nul": "a\x00b",
    "half a list": '["a", ',
    "null in JSON": "null",
    "a number in JSON": "5",
    "a list in JSON": "[[1], {}, null]",
    "a mapping in JSON": '{"a": 1, "b": null}',
    "a mapping of odd things": '{"a": [1], "b": {"c": 2}}',
    "a date": "2026-13-45T99:99:99",
    "half of a pair in a list": '["\\ud83d"]',
    "half of a pair in a mapping": '{"a": "\\ud83d"}',
    "deep": "[" * 100_000,
    "long": "x" * 5_000,
}


def assigned(bad: object) -> tuple[str, list[object]]:
    """The value as it stands in an UPDATE: an expression of SQL, and what is bound to it."""
    if str(bad).startswith("CAST("):
        return str(bad), []
    return "?", [bad]

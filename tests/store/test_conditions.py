"""A condition on a property is read as it was meant, and what is none is refused with an example."""

from __future__ import annotations

import pytest

from brain.errors import UsageError
from brain.store.conditions import Condition, condition


@pytest.mark.parametrize(
    "text", ["rating>>4", "status==done", "a=<3", "x~~y", "=done", "rating>=", "", "<>"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no condition") as refused:
        condition(text)
    assert "rating>=4" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("rating>=4", Condition("rating", ">=", "4")),
        ("Due date < 2026-04", Condition("due date", "<", "2026-04")),
        ("status!=done", Condition("status", "!=", "done")),
        ("note='>3 litres'", Condition("note", "=", ">3 litres")),
        ("url=https://x.org/?a=b", Condition("url", "=", "https://x.org/?a=b")),
        ("isbn", Condition("isbn", "", "")),
    ],
)
def test_a_condition_is_read_as_written(text: str, read: Condition) -> None:
    assert condition(text) == read

"""Token counts: the shipped table is the right one, marks are ordinary text, nothing is quadratic."""

from __future__ import annotations

import pytest

from ingest import tokens
from ingest.errors import UnreadableFile
from ingest.tokens import TABLE, count_tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("hello world", 2),  # 15339, 1917 in cl100k_base
        (
            "tiktoken is great!",
            6,
        ),  # OpenAI cookbook, "How to count tokens with tiktoken"
        ("antidisestablishmentarianism", 6),  # the same
        ("2 + 2 = 4", 7),  # the same
        ("お誕生日おめでとう", 9),  # the same
    ],
)
def test_counts_are_those_that_tiktoken_publishes(text: str, expected: int) -> None:
    assert count_tokens(text) == expected


def test_special_marks_are_ordinary_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


def test_long_runs_and_lone_surrogates_are_counted() -> None:
    assert count_tokens("a" * 300_000) == 37_500  # eight letters a token
    assert count_tokens("漢" * 100_000) >= 100_000
    assert count_tokens("x\udc80y") > 0


def test_a_damaged_table_is_said(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    damaged = tmp_path / "table"
    damaged.write_bytes(TABLE.read_bytes()[:-1])
    monkeypatch.setattr(tokens, "TABLE", damaged)
    with pytest.raises(UnreadableFile, match="damaged"):
        tokens.encoding.__wrapped__()

"""Figures, months and names that stand in one answer and not in the other."""

from __future__ import annotations

import pytest

from brain.answering.difference import differences

RENT = "Ines Duarte pays 1,250.00 € since 2026-03-02 [1]."


@pytest.mark.parametrize(
    ("other", "first", "second"),
    [
        ("Since 2 March 2026 Ines Duarte pays 1250 € [3].", (), ()),
        ("Ines Duarte pays 1,350 € since 2026-03-02.", ("1,250.00",), ("1,350",)),
        ("Ines Duarte pays 1250 € since 2 April 2026.", ("March",), ("April",)),
        ("Ana Moreira pays 1250 € since 2 March 2026.", ("Ines", "Duarte"), ("Ana", "Moreira")),
        ("Paid since 2 March 2026 by Ines Duarte: 1250 €.", (), ()),
    ],
)  # fmt: skip
def test_what_stands_in_one_answer_alone(
    other: str, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    found = differences(RENT, other, ["the rent is paid in March"])
    assert (found.first, found.second) == (first, second)


def test_a_word_that_begins_a_sentence_is_a_name_where_no_note_writes_it_small() -> (
    None
):
    assert differences("It holds.", "Rooms hold.", ["two rooms"]).second == ()
    assert differences("It holds.", "Rooms hold.", []).second == ("Rooms",)


def test_a_figure_of_several_words_is_told_by_its_value() -> None:
    assert differences("1.5 million", "two million").second == ("2000000",)

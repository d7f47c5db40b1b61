"""Numbers, names, months and content words, as questions and passages are compared."""

import pytest

from ingest.words import content_words, months, names, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rent: 1,250.00 € since 2026-03-02, two rooms", {"1250", "2026", "3", "2"}),
        ("1.5 million people, or 1,500,000", {"1500000"}),
        ("1.234,56 and 12%", {"1234.56", "12"}),
        ("the 3rd of the 1960s, 24–10", {"3", "1960", "24", "10"}),
        ("$3.5 at 5pm", {"3.5", "5"}),
        ("one never knows", set()),
    ],
)
def test_numbers(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


def test_months_by_name_and_by_iso_date() -> None:
    assert months("On 3 May 2026, see 2026-11-04; it may rain") == {5, 11}


def test_names_are_capitalised_words_that_are_no_function_words() -> None:
    assert names("The lease names Ana O'Neil of NASA in May") == [
        "ana",
        "o'neil",
        "nasa",
    ]


def test_content_words_keep_something_even_of_function_words() -> None:
    assert content_words("Who is the landlord?") == ["landlord"]
    assert content_words("who is it?") == ["who", "is", "it"]

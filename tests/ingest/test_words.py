"""Numbers, names, months and content words, as questions and passages are compared."""

import pytest

from ingest.entities import in_letters
from ingest.terms import _accent, fold, tokens, written
from ingest.words import content_words, months, names, numbers, numbers_of_each


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Haft&shy;pflicht", ["haftpflicht"]),
        ("mi&zwnj;ravad&#8204;x", ["miravadx"]),
        ("Haft&#xAD;pflicht&#8203;satz", ["haftpflichtsatz"]),
        ("Haus&nbsp;rat", ["haus", "rat"]),
        ("1&nbsp;200", ["1", "200", "1200"]),
        ("Caf&eacute; &Eacute;cole", ["cafe", "ecole"]),
        ("a&nbsp;&nbsp;b", ["a", "b"]),
        ("how to write &shy; and &nbsp;", ["how", "to", "write", "shy", "and", "nbsp"]),
        ("R&D; x=1&copy=2 &none;x", ["r", "d", "x", "1", "copy", "2", "none", "x"]),
    ],
)
def test_letters_that_are_written_by_name_are_letters(
    text: str, words: list[str]
) -> None:
    assert tokens(text) == words


def test_what_names_no_letter_stays() -> None:
    assert in_letters("R&D; &notit; &#99999999; &amp;") == "R&D; &notit; &#99999999; &"


def test_parts_of_a_name_are_words_once_in_a_text() -> None:
    text = "SkyScan fell. Call getUserName, SkyScan and getUserName again."
    assert written(text) == (
        "SkyScan Sky Scan fell. Call getUserName get User Name, SkyScan and getUserName again."
    )
    assert tokens("SkyScan") == ["skyscan", "sky", "scan"]


def test_accents_are_found_wherever_they_stand_in_the_basic_plane() -> None:
    accents = [chr(place) for place in range(0x300, 0x10000) if _accent(chr(place))]
    for accent in accents:
        assert fold("é" + accent) == "e", f"U+{ord(accent):04X}"


@pytest.mark.parametrize(
    "text",
    [
        "nothing of the kind",
        "two hundred tiles",
        "rooms: 2",
        "since 2026-03-02",
        "a dozen",
        "½ litre",
        "٣ cups",
    ],
)
def test_numbers_of_many_texts_are_those_of_each(text: str) -> None:
    texts = [text, "none", text.upper()]
    said = [tokens(one) for one in texts]
    assert numbers_of_each(texts, said) == [numbers(one) for one in texts]

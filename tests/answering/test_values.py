"""What a short answer is, and whether two say the same, differ, or cannot be compared."""

from __future__ import annotations

import pytest

from brain.answering.values import different, same, states, states_another, value

SAME = [
    ("1,970 €", "1970 euros"),
    ("28 February 2029", "2029-02-28"),
    ("on 28 Feb", "28 February 2029"),
    ("28.02.2029", "February 2029"),
    ("04/2026", "12 April 2026"),
    ("Ana", "Ana Brito"),
    ("9:30", "at 9:30"),
    ("two months", "2 months"),
    ("behind the kitchen door", "the kitchen door behind"),
]
DIFFERENT = [
    ("1,970 €", "1,850 euros"),
    ("96 °C", "90 degrees C"),
    ("14 May", "21 May"),
    ("28 February 2029", "31 December 2028"),
    ("1998", "in 2001"),
    ("Priya Nair", "Tomas Berg"),
    ("40", "55"),
]
NOT_COMPARABLE = [
    ("3/4/2026", "4 March 2026"),  # read both ways
    ("1,970 €", "14 days"),
    ("1,970 €", "28 February 2029"),
    ("13 of 23", "17"),
    ("1 March 2026 to 28 February 2029", "5 May 2027"),
    ("March to May 2026", "June 2026"),
    ("14 May", "2026"),
    ("in the cellar", "behind the door"),
    ("Ana", "in the cellar"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_value_however_it_is_written(one: str, other: str) -> None:
    assert same(value(one), value(other))
    assert same(value(other), value(one))
    assert not different(value(one), value(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_values_that_cannot_both_be_right(one: str, other: str) -> None:
    assert different(value(one), value(other))
    assert different(value(other), value(one))
    assert not same(value(one), value(other))


@pytest.mark.parametrize(("one", "other"), NOT_COMPARABLE)
def test_nothing_is_said_of_values_of_two_kinds_or_of_several(
    one: str, other: str
) -> None:
    assert not same(value(one), value(other))
    assert not different(value(one), value(other))


@pytest.mark.parametrize(
    ("sentence", "answer", "says"),
    [
        ("The lease ends on 1 March 2026.", "28 February 2029", "another"),
        ("The lease ends on 28 February 2029.", "28 February 2029", "it"),
        ("The lease of 2026 has an end.", "28 February 2029", "another"),
        ("The lease has an end.", "28 February 2029", "nothing"),
        ("It costs 1,850 euros.", "1,970 €", "another"),
        ("It costs 1,970 euros, not 1,850.", "1,970 €", "it"),
        ("It takes 14 days.", "1,970 €", "nothing"),
        ("The manager is Tomas Berg.", "Priya Nair", "another"),
        ("The manager is Priya.", "Priya", "it"),
        ("The manager is away.", "Priya", "nothing"),
    ],
)
def test_what_a_sentence_states(sentence: str, answer: str, says: str) -> None:
    read = value(answer)
    assert states(sentence, read) == (says == "it")
    assert states_another(sentence, read, "what is it?") == (says == "another")


def test_what_the_question_states_is_no_value_of_the_answer() -> None:
    read = value("1,970 €")
    sentence = "Of the boiler of 1,850 euros the note says nothing."
    assert states_another(sentence, read, "what does it cost?")
    assert not states_another(sentence, read, "does it cost 1,850 euros?")

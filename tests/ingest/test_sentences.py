"""Sentences: exact spans in many languages, abbreviations, decimals, lists, tables, code."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sentences import MAX_CHARS, sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Wu paid 3.50 in Jan. He left.", ["Dr. Wu paid 3.50 in Jan.", "He left."]),
        (
            "J. R. Smith came. He lives in the U.S. The end.",
            ["J. R. Smith came.", "He lives in the U.S.", "The end."],
        ),
        (
            '"Is it?" she asked. "Yes." Then no.',
            ['"Is it?" she asked.', '"Yes."', "Then no."],
        ),
        (
            "See e.g. this, i.e. v1.2 of it. Next.",
            ["See e.g. this, i.e. v1.2 of it.", "Next."],
        ),
        ("Am 3. Mai kam er. Dann ging er.", ["Am 3. Mai kam er.", "Dann ging er."]),
        ("これは本です。次は？はい！", ["これは本です。", "次は？", "はい！"]),
        ("क्या है? यह है। वह था।", ["क्या है?", "यह है।", "वह था।"]),
        ("Τι είναι; Αυτό είναι.", ["Τι είναι;", "Αυτό είναι."]),
        ("هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        (
            "A fact.[note 1] Another.[12] Third",
            ["A fact.[note 1]", "Another.[12]", "Third"],
        ),
        (
            "- Milk\n- Eggs and\n  bread\n1. First. Second.",
            ["- Milk", "- Eggs and\n  bread", "1. First.", "Second."],
        ),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("# Lease\nThe rent is due.", ["# Lease", "The rent is due."]),
        (
            "```\nx = 1.0\nif x:\n    go()\n```\nDone.",
            ["x = 1.0", "if x:", "go()", "Done."],
        ),
        ("Ana: Hi! How are you?\nBen: fine", ["Ana: Hi!", "How are you?", "Ben: fine"]),
        (
            "bolt_98,brass,294,for the hatch of the boat\nbolt_99,brass,297,for the hatch of the boat",
            [
                "bolt_98,brass,294,for the hatch of the boat",
                "bolt_99,brass,297,for the hatch of the boat",
            ],
        ),
        (
            "nut seven\tzinc\tfor the frame by the shed\nnut eight\tzinc\tfor the frame by the shed",
            [
                "nut seven\tzinc\tfor the frame by the shed",
                "nut eight\tzinc\tfor the frame by the shed",
            ],
        ),
        ("", []),
        ("---\n***\n", []),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_a_hard_wrapped_paragraph_is_joined_and_stays_verbatim() -> None:
    text = "This is a hard wrapped paragraph that goes on\nover lines with Names like Bob and a lot of\nwords. It ends."
    first, second = sentences(text)
    assert first.text == text[: text.index(" It")]
    assert second.text == "It ends."


def test_a_text_without_full_stops_is_cut_below_the_limit() -> None:
    found = sentences("ภาษาไทย " * 400)
    assert len(found) > 1
    assert all(len(sentence.text) <= MAX_CHARS for sentence in found)


@given(st.text(alphabet="abz AZé.!?。 \n\t-|#`1,;:()\"'[]日本ไทय।", max_size=300))
def test_every_letter_lies_in_exactly_one_verbatim_span(text: str) -> None:
    found = sentences(text)
    assert all(text[s.start : s.end] == s.text == s.text.strip() for s in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    covered = {i for s in found for i in range(s.start, s.end)}
    assert all(i in covered for i, character in enumerate(text) if character.isalnum())

"""Which other documents say what the first quote says, and which differ; and what a written sentence says otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.answering.agreement import agreement, read_otherwise
from brain.answering.extract import extract
from brain.text import Question
from brain.types import AnswerSpan, Elsewhere, Passage

QUESTION = Question("what does the new boiler cost?")


def read(name: str, text: str, answer: str, **more: object) -> Passage:
    """A passage of a document of that name, in which the answer reader found these words."""
    start = text.index(answer)
    span = AnswerSpan(start, start + len(answer), 6.0, 5.0)
    made = Passage(
        name, name, f"{name}.md", "L3", "", (), text, None, 0, len(text), 9, span=span
    )
    return replace(made, **more)  # type: ignore[arg-type]


ORDER = read(
    "order",
    "Signed.\nThe new boiler costs 1,970 €.",
    "1,970 €",
    date="2026-03-01",
)


def others(*passages: Passage) -> tuple[list[Elsewhere], list[Elsewhere]]:
    """What is said of these beside ORDER."""
    everything = (ORDER, *passages)
    quotes = extract(QUESTION, everything)
    quotes = [quote for quote in quotes if quote.rank == 0]
    also, differs = agreement(QUESTION, everything, quotes)
    return list(also), list(differs)


def test_a_document_that_says_the_same_is_named_with_its_line() -> None:
    also, differs = others(read("mail", "A new boiler costs 1970 euros.", "1970 euros"))
    assert differs == []
    (one,) = also
    assert (one.source, one.locator) == ("mail.md", "L3")
    assert one.text[slice(*one.span)] == "1970 euros"
    assert (one.date, one.newer) == (None, None)


@pytest.mark.parametrize(
    ("date", "newer"),
    [
        ("2026-01-12", False),
        ("2026-05-02T09:00:00+00:00", True),
        ("2026-03-01", None),
        ("2026-03", None),
        (None, None),
    ],
)
def test_one_that_says_another_value_is_named_and_which_is_newer(
    date: str | None, newer: bool | None
) -> None:
    text = "Called Jan.\nThe new boiler costs 1,850 €."
    also, differs = others(read("quote", text, "1,850 €", date=date))
    assert also == []
    (one,) = differs
    assert (one.source, one.locator) == ("quote.md", "L4")
    assert one.text == "The new boiler costs 1,850 €."
    assert one.text[slice(*one.span)] == "1,850 €"
    assert one.newer == newer


@pytest.mark.parametrize(
    "passage",
    [
        read("same", "The new boiler costs 1,850 €.", "1,850 €", document_id="order"),
        read("days", "The new boiler comes in 14 days.", "14 days"),
        read("hall", "The hall costs 1,850 €.", "1,850 €"),
        read(
            "doubted",
            "The new boiler costs 1,850 €.",
            "1,850 €",
            span=AnswerSpan(21, 28, 0.5, 5.0),
        ),
        read(
            "off",
            "The new boiler costs 1,850 €.",
            "1,850 €",
            span=AnswerSpan(21, 28, 6.0, 0.0),
        ),
        read("unread", "The new boiler costs 1,850 €.", "1,850 €", span=None),
    ],
    ids=lambda passage: passage.id,
)
def test_nothing_is_said_of_what_may_be_of_another_thing(passage: Passage) -> None:
    assert others(passage) == ([], [])


def test_a_document_that_says_both_is_named_once() -> None:
    text = "The new boiler costs"
    one = read("mail", f"{text} 1,970 €.", "1,970 €")
    other = read("mail2", f"{text} 1,850 €.", "1,850 €", document_id="mail")
    also, differs = others(one, other)
    assert [item.source for item in also] == ["mail.md"]
    assert differs == []


def test_without_a_marked_answer_nothing_is_compared() -> None:
    mail = read("mail", "The new boiler costs 1,970 €.", "1,970 €")
    everything = (replace(ORDER, span=None), mail)
    first = extract(QUESTION, everything[:1])
    assert agreement(QUESTION, everything, first) == ((), ())


@pytest.mark.parametrize(
    ("sentence", "said", "marked"),
    [
        ("The new boiler costs 1,850 euros.", "", True),
        ("The new boiler costs 1,970 euros.", "", False),
        ("The new boiler costs 80 euros more.", "It costs 1,970 euros.", False),
        ("The new boiler costs a lot.", "", False),
        ("The hall is 1,850 euros.", "", False),
    ],
)
def test_a_sentence_with_another_value_than_its_source_says_so(
    sentence: str, said: str, marked: bool
) -> None:
    reason = read_otherwise(QUESTION, sentence, ORDER, said)
    wanted = "read with the question, the source answers “1,970 €”" if marked else ""
    assert reason == wanted
    assert read_otherwise(QUESTION, sentence, replace(ORDER, span=None), said) == ""

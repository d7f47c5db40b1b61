"""Versions of one document collapse; the members of a series made from one template never do."""

from dataclasses import replace

import pytest

from brain.answering import extract
from brain.retrieval.variety import collapse, named_first
from brain.text.question import Question
from brain.text.sheet import sheet
from brain.types import Passage

RENT = "The rent of the flat in Mill Lane is 900 euros, payable on the third of each month to the owner of the house"
COFFEE = "our kitchen has a kettle and two cups and a table with a lamp under the window that looks over the yard and the river behind it where boats lie"


def passage(
    source: str, text: str, *, title: str = "", date: str | None = None
) -> Passage:
    return Passage(
        source, source, source, "L1", title, (), text, date, 0, len(text), 30
    )


def kept(question: str, *passages: Passage) -> list[str]:
    words = {one.id: sheet(one.text).said for one in passages}
    asked = frozenset(Question(question).stems)
    return [one.source for one in collapse(passages, words, asked)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("notes/lease.md", "notes/lease (1).md"),
        ("notes/lease.md", "old/notes/lease.md"),
        ("lease.md", "archive/lease.md"),
        ("lease v1.docx", "lease v2.docx"),
        ("lease-draft.md", "lease-final.md"),
        ("lease.md", "Copy of lease.md"),
        ("lease.md", "lease-2025.md"),
        ("lease.md", "lease.bak"),
    ],
)
def test_one_path_but_for_a_mark_is_one_document_whatever_changed(
    first: str, second: str
) -> None:
    new = passage(second, RENT.replace("900", "950"))
    found = kept("how high is the rent", passage(first, RENT), new)
    assert found == [first]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bill01.eml", "bill02.eml"),
        ("2024 itinerary.md", "2025 itinerary.md"),
        ("minutes-march.md", "minutes-april.md"),
        ("minutes/2026-03-02.md", "minutes/2026-03-09.md"),
        ("2024/budget.md", "2025/budget.md"),
        ("lease-2024.md", "lease-2025.md"),
        ("statement Jan.pdf", "statement Feb.pdf"),
        ("acme/minutes.md", "globex/minutes.md"),
        ("norway.md", "sweden.md"),
    ],
)
@pytest.mark.parametrize("question", ["how high is the rent", "flat", "the house"])
def test_two_of_a_series_are_no_versions(
    first: str, second: str, question: str
) -> None:
    one, other = passage(first, RENT), passage(second, RENT.replace("900", "950"))
    assert kept(question, one, other) == [first, second]


def test_not_even_the_same_words_make_two_of_a_series_versions() -> None:
    one, other = passage("bill01.eml", RENT), passage("bill02.eml", RENT)
    assert kept("rent", one, other) == ["bill01.eml", "bill02.eml"]
    titled = [
        passage("a.eml", RENT, title="Your bill for March 2026"),
        passage("b.eml", RENT, title="Your bill for April 2026"),
    ]
    assert kept("rent", *titled) == ["a.eml", "b.eml"]


def test_messages_of_one_mailbox_are_no_versions_by_their_path() -> None:
    one = passage("mail.mbox", RENT, title="Your bill")
    other = passage("mail.mbox", RENT.replace("900", "950"), title="Your bill")
    other = replace(other, id="m2", document_id="m2")
    assert kept("rent", one, other) == ["mail.mbox", "mail.mbox"]


@pytest.mark.parametrize(
    ("question", "changed", "versions"),
    [
        ("what is in the kitchen", ("lamp", "light"), True),
        ("where is the lamp", ("lamp", "light"), False),
        ("what is in the kitchen", ("two", "three"), False),
        ("what is in the kitchen", ("a lamp", "a lamp of Ana"), False),
        ("what is in the kitchen", ("the yard", "the yard in May"), False),
    ],
)
def test_of_other_names_only_words_that_were_not_asked_may_differ(
    question: str, changed: tuple[str, str], versions: bool
) -> None:
    one = passage("kitchen.md", COFFEE)
    other = passage("flat.md", COFFEE.replace(*changed))
    assert (len(kept(question, one, other)) == 1) is versions


def test_the_same_figures_in_other_places_say_something_else() -> None:
    one = passage("a.md", f"{COFFEE}; Ana pays 40 and Ben pays 50 of it")
    other = passage("b.md", f"{COFFEE}; Ana pays 50 and Ben pays 40 of it")
    assert len(kept("kitchen", one, other)) == 2


def test_a_text_that_names_what_it_replaces_stands_for_it() -> None:
    text = f"{COFFEE}. {RENT}."
    old = passage("Kitchen 2019.md", text, date="2019-01-01")
    changed = f"{text.replace('900', '950')} Replaces Kitchen 2019."
    new = passage("flat.md", changed, date="2025-01-01")
    assert kept("kettle", old, new) == ["flat.md"]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("where does the summer trip of 2025 go", "2025 itinerary.md"),
        ("where did the trip of 2026 go", "2026 itinerary.md"),
        ("where does the trip go", "2024 itinerary.md"),
    ],
)
def test_of_a_series_the_one_that_the_question_names_comes_first(
    question: str, first: str
) -> None:
    trips = [
        passage(f"{year} itinerary.md", f"{RENT} {place}", title="Summer trip")
        for year, place in ((2024, "Bergen"), (2025, "Stavanger"), (2026, "Tromso"))
    ]
    words = {one.id: sheet(one.text).said for one in trips}
    found = named_first(trips, words, question)
    assert found[0].source == first
    assert {one.source for one in found} == {one.source for one in trips}


def test_the_month_that_chose_a_statement_need_not_stand_in_its_sentence() -> None:
    statements = [
        passage(
            f"statement-2026-0{number}.txt",
            f"Bank statement for {month} 2026. This is the statement of your account for {month} 2026. "
            f"The closing balance was {900 + number * 111} EUR and the fees of {number} EUR were charged.",
        )
        for number, month in (
            (3, "March"),
            (4, "April"),
            (2, "February"),
            (1, "January"),
        )
    ]
    found = extract(Question("what was the closing balance in March"), statements)
    assert [quote.source for quote in found] == ["statement-2026-03.txt"]
    assert found[0].text.startswith("The closing balance was 1233 EUR")


def test_of_a_series_only_the_one_that_the_question_names_is_quoted() -> None:
    minutes = [
        passage(f"{month} 2026.md", f"{COFFEE}. The next chair is {name}.")
        for month, name in (("June", "Femi"), ("March", "Carla"), ("May", "Elif"))
    ]
    found = extract(Question("who is the next chair in the minutes of March"), minutes)
    assert [quote.text for quote in found] == ["The next chair is Carla."]
    every = extract(Question("who is the next chair in the minutes"), minutes)
    assert len(every) > 1

"""Questions over everything are recognised, counted and answered with their coverage; others are not."""

import pytest

from brain.answering.whole_store import WholeStoreQuestion, recognise, render
from brain.types import Passage


def count(*phrases: str, tag: str = "", any_of: bool = False) -> WholeStoreQuestion:
    return WholeStoreQuestion("count", phrases, tag, any_of)


def listed(*phrases: str, tag: str = "", any_of: bool = False) -> WholeStoreQuestion:
    return WholeStoreQuestion("list", phrases, tag, any_of)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many notes mention the landlord?", count("landlord")),
        ("how many of my documents are about solar panels", count("solar panels")),
        ("In how many notes is Ana mentioned?", count("Ana")),
        ("How many notes do I have?", count()),
        ("How many notes are tagged #trip?", count(tag="trip")),
        ("List all notes about the kitchen renovation.", listed("kitchen renovation")),
        ("list all my notes tagged with recipes", listed(tag="recipes")),
        ('Show me all files that contain "rent control"', listed("rent control")),
        ("Which notes mention Ana and the lease?", listed("Ana", "lease")),
        (
            "What documents mention attention or memory?",
            listed("attention", "memory", any_of=True),
        ),
    ],
)
def test_user_19_questions_over_the_whole_store(
    question: str, expected: WholeStoreQuestion
) -> None:
    assert recognise(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "How many people came to the meeting?",
        "What notes did Ana take when she was sick?",
        "List the ingredients of the cake",
        "What documents do I need for the visa?",
        "How many pages does the contract have?",
        "Which meeting is the newest?",
        "How many meetings do I have?",
        "the last mail from Ana",
        "What do my notes say about Ana?",
        "How many notes mention why the landlord refused before we signed?",
    ],
)
def test_ordinary_questions_are_left_alone(question: str) -> None:
    assert recognise(question) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which note is the newest?", WholeStoreQuestion("list", most=1)),
        ("what is my last note", WholeStoreQuestion("list", most=1)),
        ("What are my latest documents?", WholeStoreQuestion("list", most=5)),
        (
            "show me the most recent e-mails",
            WholeStoreQuestion("list", type="mail", most=5),
        ),
        (
            "what was the first mail",
            WholeStoreQuestion("list", type="mail", most=1, oldest=True),
        ),
        ("How many emails do I have?", WholeStoreQuestion("count", type="mail")),
        ("how many PDFs are there", WholeStoreQuestion("count", type="pdf")),
    ],
)
def test_the_newest_and_a_kind_of_files_are_asked_of_everything(
    question: str, expected: WholeStoreQuestion
) -> None:
    assert recognise(question) == expected


def test_the_newest_is_the_first_of_the_rows_and_the_oldest_the_last() -> None:
    rows = [row(3), row(2), row(1)]
    newest = render("q", WholeStoreQuestion("list", most=1), rows, covered=3, total=3)
    oldest = WholeStoreQuestion("list", most=2, oldest=True)
    assert newest.text.startswith(
        "The newest of 3 documents (covered 3 of 3 documents):"
    )
    assert [one.source for one in newest.citations] == [row(3).source]
    last = render("q", oldest, rows, covered=3, total=3)
    assert [one.source for one in last.citations] == [row(1).source, row(2).source]
    pdfs = WholeStoreQuestion("list", type="pdf", most=1)
    none = render("q", pdfs, [], covered=0, total=3)
    assert none.state == "not_found"
    assert none.text == "0 PDFs in all (covered 0 of 3 documents)."


def row(n: int) -> Passage:
    text = f"Intro line.\nThe landlord called on day {n}."
    return Passage(
        f"p{n}",
        f"d{n}",
        f"notes/{n}.md",
        "L5-6",
        f"Note {n}",
        (),
        text,
        None,
        0,
        len(text),
        9,
    )


def test_user_19_the_answer_is_a_count_with_coverage_and_quotes() -> None:
    given = render("q", count("landlord"), [row(1), row(2)], covered=41, total=41)
    assert given.text == "2 documents mention “landlord” (covered 41 of 41 documents)."
    assert given.state == "supported"
    assert (given.citations[0].quote, given.citations[0].locator) == (
        "The landlord called on day 1.",
        "L6",
    )


def test_a_list_names_the_sources_and_what_is_beyond_the_page() -> None:
    given = render(
        "q", listed("landlord"), [row(n) for n in range(60)], covered=80, total=80
    )
    assert "60 documents mention" in given.text
    assert "- Note 3 (notes/3.md) [4]" in given.text
    assert given.text.endswith("… and 10 more")


def test_nothing_that_matches_is_not_found() -> None:
    given = render("q", count("yeti"), [], covered=41, total=41)
    assert (given.state, given.text) == (
        "not_found",
        "0 documents mention “yeti” (covered 41 of 41 documents).",
    )
    assert render("q", count(), [row(1)], covered=1, total=1).state == "supported"

"""The extractive answerer: verbatim quotes with their own line, the right sentence first, more only when in doubt."""

import numpy as np
import pytest

from brain.answering.extract import extract
from brain.protocols import Vectors
from brain.text import Question
from brain.text.places import line_locator
from brain.types import Fingerprint, Passage

LEASE = (
    "# Lease\nThe landlord is Ana Lopez. The flat has four rooms.\n"
    "The rent is 950 euros per month.\nIt is due on the 3rd.\nWe signed in March 2026."
)


def passage(
    text: str, *, locator: str = "L12-16", title: str = "Lease", name: str = "p1"
) -> Passage:
    return Passage(
        name, "d1", "notes/lease.md", locator, title, (), text, None, 0, len(text), 40
    )


class OneWordEmbedder:
    """Cosine 1 for texts that hold the word, else 0."""

    name = "one-word"
    fingerprint = Fingerprint("one-word", "0", 2, "none", "none")

    def __init__(self, word: str) -> None:
        self.word = word

    def embed_documents(self, texts: list[str]) -> Vectors:  # type: ignore[override]
        return np.array(
            [[1.0, 0.0] if self.word in text else [0.0, 1.0] for text in texts],
            np.float32,
        )

    def embed_query(self, text: str) -> Vectors:
        return np.array([1.0, 0.0], np.float32)


@pytest.mark.parametrize(
    ("question", "expected", "line"),
    [
        ("How much is the rent per month?", "The rent is 950 euros per month.", "L14"),
        ("Who is the landlord?", "The landlord is Ana Lopez.", "L13"),
        ("When did we sign the lease?", "We signed in March 2026.", "L16"),
        ("How many rooms does the flat have?", "The flat has four rooms.", "L13"),
    ],
)
def test_the_best_sentence_comes_first_with_its_own_line(
    question: str, expected: str, line: str
) -> None:
    quote = extract(Question(question), [passage(LEASE)])[0]
    assert (quote.text, quote.locator) == (expected, line)
    assert LEASE[quote.start : quote.end] == quote.text


def test_a_page_stays_a_page() -> None:
    assert (
        extract(Question("rent?"), [passage(LEASE, locator="p. 3")])[0].locator
        == "p. 3"
    )
    assert line_locator("L12-40", "one\ntwo\nthree", 8) == "L14"


def test_never_more_than_the_limit_and_one_when_sure() -> None:
    many = passage("\n".join(f"The cat number {n} sat on the mat." for n in range(30)))
    assert len(extract(Question("Where did the cat sit?"), [many])) <= 3
    assert len(extract(Question("Where did the cat sit?"), [many], limit=1)) == 1
    sure = passage(
        "The moon is far.\nZanzibar exports cloves worth 40 million.\nRain fell."
    )
    assert len(extract(Question("What does Zanzibar export?"), [sure])) == 1


def test_empty_passages_give_no_quote() -> None:
    assert extract(Question("rent?"), []) == []
    assert extract(Question("rent?"), [passage("---\n\n***")]) == []


def test_the_second_passage_can_win() -> None:
    other = passage(
        "We flew to Lisbon. The hotel in Lisbon cost 120 euros.",
        title="Trip",
        name="p2",
    )
    quote = extract(
        Question("How much did the hotel in Lisbon cost?"), [passage(LEASE), other]
    )[0]
    assert (quote.passage_id, quote.rank) == ("p2", 1)


def test_an_embedder_breaks_a_tie() -> None:
    text = "Alpha is here now. Omega is here now."
    assert (
        extract(Question("What?"), [passage(text)], embedder=OneWordEmbedder("Omega"))[
            0
        ].text
        == "Omega is here now."
    )


def test_idf_of_the_store_decides_which_word_counts() -> None:
    text = "The report covers sales. The budget covers zirconium."
    rare = extract(
        Question("report zirconium", {"report": 0.1, "zirconium": 8.0}),
        [passage(text, title="")],
    )[0]
    assert rare.text == "The budget covers zirconium."


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many notes?", "number"),
        ("What year was it?", "when"),
        ("Who came?", "who"),
        ("Where is it?", "where"),
        ("Why?", "why"),
        ("How does it work?", "how"),
        ("What is it?", "what"),
        ("Wann kommt er?", "when"),
    ],
)
def test_the_kind_of_answer(question: str, kind: str) -> None:
    assert Question(question).kind == kind


def test_question_words_carry_no_weight() -> None:
    assert set(Question("What is the rent of the flat?").weights) == {"rent", "flat"}

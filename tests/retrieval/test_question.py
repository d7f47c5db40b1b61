"""Questions become FTS5 expressions that never fail and find what a person means by them."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brain.text.question import MAX_WORDS, Question, expression
from ingest.terms import fold, index_terms, pieces, stem, tokens
from migrations.m0001_first import TOKENIZER

TEXTS = {
    1: "We moved the parser from C++ to Rust; C# stays.",
    2: "Call foo_bar before parseHTTPReply, since v2026.4.10.",
    3: "A naïve plan for the café in Müllerstraße.",
    4: "東京都は日本の首都です。",
    5: "ภาษาไทยไม่มีช่องว่าง",
    6: "नई दिल्ली भारत की राजधानी है।",
    7: "Η Αθήνα είναι πρωτεύουσα.",
    8: "The tag #garden and +25 degrees.",
    9: "Мы подписали договоры аренды в марте.",
    10: "وقع المالك على عقود الإيجار في مارس",
    11: "Οι ιδιοκτήτες υπέγραψαν τα συμβόλαια.",
    12: "मालिक ने किताबों की सूची भेजी।",
}


@pytest.fixture(scope="module")
def table() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:")
    conn.execute(f'CREATE VIRTUAL TABLE t USING fts5(terms, tokenize="{TOKENIZER}")')
    conn.executemany(
        "INSERT INTO t(rowid, terms) VALUES (?, ?)",
        [(n, index_terms(text)) for n, text in TEXTS.items()],
    )
    return conn


def found(conn: sqlite3.Connection, question: str) -> list[int]:
    asked = expression(Question(question))
    return (
        [
            row[0]
            for row in conn.execute(
                "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank", (asked,)
            )
        ]
        if asked
        else []
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("C++", 1),
        ("what about c#?", 1),
        ("foo_bar", 2),
        ("parseHTTPReply", 2),
        ("which reply is parsed", 2),
        ("v2026.4.10", 2),
        ("naive", 3),
        ("naïve", 3),
        ("CAFE", 3),
        ("mullerstrasse", 3),
        ("首都", 4),
        ("東京", 4),
        ("ภาษาไทย", 5),
        ("राजधानी", 6),
        ("αθηνα", 7),
        ("garden", 8),
        ("25 degrees", 8),
        ("moving parsers", 1),
        ("договор об аренде", 9),
        ("الإيجار والعقود", 10),
        ("συμβόλαιο", 11),
        ("किताब", 12),
    ],
)
def test_a_text_is_found_by_what_a_person_would_type(
    table: sqlite3.Connection, question: str, text: int
) -> None:
    assert found(table, question)[:1] == [text]


def test_a_title_is_found_by_its_written_form_and_its_stem_is_asked_too() -> None:
    asked = expression(Question("договоры аренды"))
    assert asked == '"договор" OR "аренд" OR "договоры" OR "аренды"'
    assert expression(Question("leases of a flat")) == '"leases" OR "flat"'


def test_a_very_long_word_of_another_script_is_left_alone() -> None:
    assert tokens("книгами" * 100) == ["книгами" * 100]


def test_c_plus_plus_does_not_find_c_sharp() -> None:
    assert tokens("C++") != tokens("C#") != tokens("C")


@given(st.text(max_size=300))
@example('" OR NEAR(* ^ AND NOT ( ) {x}: - + "')
@example("topic : a")
@example("\x00a\x00")
@example("\ud800 lone")
@example("a\u0301" * 40)
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_builder_or_fts5_fail(
    table: sqlite3.Connection, text: str
) -> None:
    query = Question(text)
    assert len(query.words) <= MAX_WORDS
    assert all(row in TEXTS for row in found(table, text))


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_pieces_are_tokens_with_ends_between(text: str) -> None:
    assert [
        piece
        for piece in pieces(text)
        if piece[0].isalnum() or len(piece) > 1 or fold(piece) in tokens(text)
    ] == tokens(text)


def test_function_words_are_left_out_unless_nothing_else_is_there() -> None:
    assert Question("When did the ship sail?").words == ("ship", "sail")
    assert Question("Who am I?").words == ("who", "am", "i")
    assert expression(Question("?!")) == ""


def test_a_repeated_word_weighs_twice() -> None:
    assert expression(Question("flow over flow")) == '"flow" OR "flow"'


def test_common_words_are_dropped_only_while_a_rarer_one_is_left() -> None:
    query = Question("system latency")
    assert expression(query, ["latency"]) == '"latency"'
    assert expression(query, []) == '"system" OR "latency"'


@pytest.mark.parametrize(
    ("question", "months", "years", "days"),
    [
        ("What happened on 27 March 2022?", {3}, {2022}, {27}),
        ("What may Ana do?", set(), set(), set()),
        ("What did Ana do in May?", {5}, set(), set()),
        ("Since 2019?", set(), {2019}, set()),
    ],
)
def test_dates_of_a_question(
    question: str, months: set[int], years: set[int], days: set[int]
) -> None:
    moment = Question(question).moment
    assert (moment.months, moment.years, moment.days) == (months, years, days)


@given(st.text(alphabet="abcdeilmnostuyz", min_size=1, max_size=14))
@example("eed")
@settings(max_examples=500, deadline=None)
def test_our_stem_is_the_stem_of_fts5(stems: sqlite3.Connection, word: str) -> None:
    stems.execute("DELETE FROM one")
    stems.execute("INSERT INTO one VALUES (?)", (word,))
    assert [stem(word)] == [row[0] for row in stems.execute("SELECT term FROM seen")]


@pytest.fixture(scope="module")
def stems() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:")
    conn.execute(f'CREATE VIRTUAL TABLE one USING fts5(x, tokenize="{TOKENIZER}")')
    conn.execute("CREATE VIRTUAL TABLE seen USING fts5vocab(one, 'row')")
    return conn

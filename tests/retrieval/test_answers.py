"""The order that reading gives passages, their spans, and what is said where the reader cannot read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from brain.errors import Unavailable
from brain.retrieval.answers import (
    BEHIND,
    NAMES,
    READ,
    READ_ANYWAY,
    READING,
    SHORTLISTED,
    read_answers,
    signals,
    weights,
)
from brain.types import AnswerSpan, Passage, Place, Retrieved

QUESTION = "when does the lease end?"
ANSWER = "28 February 2029"


def passage(number: int, text: str, score: float) -> Passage:
    place = Place("L1", 0, len(text))
    made = Passage(
        f"c{number}", f"d{number}", f"{number}.md", "L1", "", (), text, None, 0, 9, 3
    )
    return replace(made, score=score, matched=place)


def found(*texts: str) -> Retrieved:
    """Passages of these texts, each a little worse than the one before."""
    passages = [
        passage(number, text, 10.0 - number / 10) for number, text in enumerate(texts)
    ]
    return Retrieved(tuple(passages), {})


class Reader:
    """Finds ANSWER where it stands; everything else is of no relevance. `read_texts`: what it was handed."""

    name = "fake reader"

    def __init__(self, *, most: int = 1000) -> None:
        self.read_texts: list[str] = []
        self._most = most

    def read(
        self, question: str, passages: Sequence[str], *, seconds: float | None = None
    ) -> list[AnswerSpan | None]:
        assert question == QUESTION
        spans: list[AnswerSpan | None] = []
        for text in passages:
            self.read_texts.append(text)
            start = text.find(ANSWER)
            span = AnswerSpan(start, start + len(ANSWER), 6.0, 5.0)
            if start < 0:
                span = AnswerSpan(0, 3, -6.0, -8.0)
            spans.append(span if len(self.read_texts) <= self._most else None)
        return spans


class Broken:
    name = "broken"

    def read(self, *_given: object, **_more: object) -> list[AnswerSpan | None]:
        raise Unavailable("the file is damaged", "install it again")


def sources(result: Retrieved) -> list[str]:
    return [one.source for one in result.passages]


def test_what_lies_far_behind_is_not_read_but_three_are_read_whole_anyway() -> None:
    far = 3.0 * BEHIND
    texts = ("one", "two", ANSWER, "four", "five", *map(str, range(SHORTLISTED)))
    passages = found(*texts).passages
    spread = [
        replace(one, score=10.0 if place == 0 else 10.0 - far - place)
        for place, one in enumerate(passages)
    ]
    reader = Reader()
    read = read_answers(
        Retrieved(tuple(spread), {}), QUESTION, reader, limit=10, seconds=60.0
    )
    # One sentence of each of the first eight, then the first three whole
    assert len(reader.read_texts) == READ + READ_ANYWAY
    assert sum(one.span is not None for one in read.passages) == READ_ANYWAY
    assert len(read.passages) == 10


def test_what_lies_near_is_read_whole() -> None:
    reader = Reader()
    read_answers(found(*"abcdefghij"), QUESTION, reader, limit=10, seconds=60.0)
    assert len(reader.read_texts) == 10 + READ


def test_a_passage_that_answers_comes_first_with_its_span() -> None:
    given = found("The rent is due.", "The roof leaks.", f"The lease ends on {ANSWER}.")
    read = read_answers(given, QUESTION, Reader(), limit=10, seconds=9)
    assert sources(read) == ["2.md", "0.md", "1.md"]
    first = read.passages[0]
    assert first.span is not None
    assert first.text[first.span.start : first.span.end] == ANSWER
    assert set(NAMES) <= read.signals.keys()
    assert read.signals["read"] == 1.0
    assert [step.state for step in read.steps] == ["ran"]


def test_one_sentence_brings_a_passage_from_far_behind_among_those_read_whole() -> None:
    texts = ["The rent is due."] * (SHORTLISTED - 1) + [f"It ends on {ANSWER}."]
    reader = Reader()
    read = read_answers(found(*texts), QUESTION, reader, limit=5, seconds=9)
    assert sources(read)[0] == f"{SHORTLISTED - 1}.md"
    assert len(read.passages) == 5
    assert len(reader.read_texts) == SHORTLISTED + READ


def test_passages_that_were_put_first_for_another_reason_lose_nothing_by_their_score() -> (
    None
):
    given = found("The rent is due.", "The roof leaks.", "The sun is out.")
    first, *others = given.passages
    given = replace(given, passages=(replace(first, score=-50.0), *others))
    read = read_answers(given, QUESTION, Reader(), limit=10, seconds=9)
    assert sources(read) == ["0.md", "1.md", "2.md"]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("wann endet der Mietvertrag der Wohnung eigentlich genau?", "It ends soon."),
        (
            QUESTION,
            "Es war so schön im Garten, und wir haben am Abend noch lange an dem Tisch gesessen und in die Sterne geschaut.",
        ),
    ],
)
def test_what_is_in_another_language_is_not_read(question: str, text: str) -> None:
    class Never(Reader):
        def read(self, *_given: object, **_more: object) -> list[AnswerSpan | None]:
            raise AssertionError("it must not be read")

    read = read_answers(found(text), question, Never(), limit=10, seconds=9)
    assert sources(read) == ["0.md"]
    assert read.passages[0].span is None
    assert "read" not in read.signals
    assert [step.state for step in read.steps] == ["skipped"]


def test_a_reader_that_fails_leaves_the_order_and_says_why() -> None:
    given = found("The rent is due.", "The roof leaks.")
    read = read_answers(given, QUESTION, Broken(), limit=1, seconds=9)
    assert sources(read) == ["0.md"]
    assert [(step.state, step.reason) for step in read.steps] == [
        ("failed", "the file is damaged")
    ]


def test_when_the_time_is_up_the_rest_keeps_its_place() -> None:
    given = found("The rent is due.", "The roof leaks.", f"It ends on {ANSWER}.")
    read = read_answers(given, QUESTION, Reader(most=3), limit=10, seconds=9)
    assert [one.span for one in read.passages] == [None] * 3
    assert read.steps[0].judged == 0
    assert not read.signals["tells_absence"], "nothing was read that could tell"


def read_as(*pairs: tuple[float, float]) -> list[Passage]:
    """Passages that were read with these margins and relevances."""
    read = []
    for one, (margin, relevance) in zip(
        found(*[ANSWER] * len(pairs)).passages, pairs, strict=True
    ):
        read.append(replace(one, span=AnswerSpan(0, len(one.text), margin, relevance)))
    return read


def test_a_span_far_from_the_question_and_a_passage_without_one_are_no_answer() -> None:
    apart = signals(read_as((8.0, -9.0), (-7.0, 6.0)))
    together = signals(read_as((1.0, 2.0), (-7.0, -9.0)))
    assert apart["margin_anywhere"] > together["margin_anywhere"]
    assert apart["margin_and_relevance"] < -3 < 0 < together["margin_and_relevance"]
    (one,) = found(ANSWER).passages
    assert signals([one]) == {}, "it was not read"


@drawn(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_best_by_both_is_about_the_lower_of_the_two(
    margin: float, relevance: float
) -> None:
    told = signals(read_as((margin, relevance)))["margin_and_relevance"]
    lower = min(margin, relevance) / 2
    assert lower - math.log(2) - 1e-6 <= told <= lower + 1e-6


CODE = "def f(x): return {'a': [x(), (x)], \"b\": (1, 2)}"


@pytest.mark.parametrize(
    ("question", "text", "spoken", "tells"),
    [
        ("when does the lease end?", "The rent is due.", 0.0, 1.0),
        ("when does the lease end", "The rent is due.", 0.0, 1.0),
        ("end of the lease", "The rent is due.", 0.0, 0.0),
        ("The lease ends in March.", "The rent is due.", 0.0, 0.0),
        ("when does the lease end?", CODE, 0.0, 0.0),
        ("when does the lease end?", "The rent is due.", 1.0, 0.0),
    ],
)
def test_no_answer_counts_for_questions_over_prose_only(
    question: str, text: str, spoken: float, tells: float
) -> None:
    class Silent:
        name = "silent"

        def read(
            self, _question: str, texts: Sequence[str], **_more: object
        ) -> list[AnswerSpan | None]:
            return [AnswerSpan(0, 1, -9.0, -9.0)] * len(texts)

    given = replace(found(text), signals={"spoken": spoken})
    read = read_answers(given, question, Silent(), limit=10, seconds=9)
    assert read.signals["tells_absence"] == tells


def test_what_is_read_of_code_weighs_less_in_the_order() -> None:
    lifted = {}
    for name, texts in {
        "code": (CODE, f"{CODE} {ANSWER}", CODE),
        "prose": ("The rent is due.", f"It ends on {ANSWER}.", "The roof leaks."),
    }.items():
        given = found(*texts)
        read = read_answers(given, QUESTION, Reader(), limit=10, seconds=9)
        assert all(one.span for one in read.passages)
        (one,) = (one for one in read.passages if one.source == "1.md")
        lifted[name] = one.score - given.passages[1].score
    assert 0 < lifted["code"] < lifted["prose"] / 2


def test_where_one_passage_could_not_be_read_nothing_is_called_absent() -> None:
    german = "Die Miete ist am fünften Tag des Monats zu zahlen, und der Vermieter muss sie nicht mahnen."
    for texts, tells in (
        (("The rent is due.",), 1.0),
        (("The rent is due.", german), 0.0),
    ):
        read = read_answers(found(*texts), QUESTION, Reader(), limit=10, seconds=9)
        assert read.signals["tells_absence"] == tells


def test_reading_counts_more_where_the_search_knows_little() -> None:
    usual = weights({})
    lost, sure = weights({"nearest": 0.0}), weights({"nearest": 6.0})
    assert usual["sentence_margin"] == READING["weights"]["sentence_margin"][0]
    for name in ("sentence_relevance", "relevance", "margin"):
        assert lost[name] > usual[name] > sure[name]
    assert all(value > 0 for value in lost.values())

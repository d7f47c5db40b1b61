"""Time expressions: what is surely a time becomes a window of days, what is not restricts nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import UsageError
from brain.retrieval.slashed_dates import readings
from brain.retrieval.time_window import since_of, until_of, window_of

NOW = datetime(2026, 5, 20, 10, tzinfo=timezone(timedelta(hours=2)))  # a Wednesday


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("what did we decide about pricing in May", "2026-05-01", "2026-05-31"),
        ("in december", "2025-12-01", "2025-12-31"),
        ("two weeks ago", "2026-05-03", "2026-05-09"),
        ("a couple of weeks ago", "2026-05-03", "2026-05-09"),
        ("3 days ago", "2026-05-17", "2026-05-17"),
        ("3 months ago", "2026-02-01", "2026-02-28"),
        ("what happened last friday", "2026-05-15", "2026-05-15"),
        ("on Friday", "2026-05-15", "2026-05-15"),
        ("yesterday", "2026-05-19", "2026-05-19"),
        ("the day before yesterday", "2026-05-18", "2026-05-18"),
        ("last week", "2026-05-11", "2026-05-17"),
        ("this week", "2026-05-18", "2026-05-24"),
        ("last month", "2026-04-01", "2026-04-30"),
        ("the last month", "2026-04-20", "2026-05-20"),
        ("the last three weeks", "2026-04-29", "2026-05-20"),
        ("last May", "2025-05-01", "2025-05-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("what did I do on March 6th", "2026-03-06", "2026-03-06"),
        ("on the 3rd of March", "2026-03-03", "2026-03-03"),
        ("on the third of March 2025", "2025-03-03", "2025-03-03"),
        ("on March the 6th", "2026-03-06", "2026-03-06"),
        ("on Sunday, the 1st of March", "2026-03-01", "2026-03-01"),
        ("what happened between 2 and 4 March 2026", "2026-03-02", "2026-03-04"),
        ("from the 2nd to the 4th of March", "2026-03-02", "2026-03-04"),
        ("1-7 March 2026", "2026-03-01", "2026-03-07"),
        ("from March 2 to 4", "2026-03-02", "2026-03-04"),
        ("was habe ich am 6. März gemacht", "2026-03-06", "2026-03-06"),
        ("le 6 mars 2026", "2026-03-06", "2026-03-06"),
        ("el 6 de marzo de 2026", "2026-03-06", "2026-03-06"),
        ("im März 2026", "2026-03-01", "2026-03-31"),
        ("in the first week of March 2026", "2026-03-01", "2026-03-07"),
        ("the second week of March", "2026-03-08", "2026-03-14"),
        ("the last week of February 2024", "2024-02-23", "2024-02-29"),
        ("at the end of March", "2026-03-22", "2026-03-31"),
        ("since the beginning of March", "2026-03-01", ""),
        ("2026-W10", "2026-03-02", "2026-03-08"),
        ("in week 10", "2026-03-02", "2026-03-08"),
        ("week 51", "2025-12-15", "2025-12-21"),
        ("in the first quarter of 2026", "2026-01-01", "2026-03-31"),
        ("Q4 2025", "2025-10-01", "2025-12-31"),
        ("last March", "2026-03-01", "2026-03-31"),
        ("in 2024 we met", "2024-01-01", "2024-12-31"),
        ("what did Ana say on 12 March?", "2026-03-12", "2026-03-12"),
        ("March 3, 2025", "2025-03-03", "2025-03-03"),
        ("on 07.05.2026", "2026-05-07", "2026-05-07"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("since last friday", "2026-05-15", ""),
        ("notes after 3 May", "2026-05-04", ""),
        ("before March 2026", "", "2026-02-28"),
        ("until last year", "", "2025-12-31"),
        ("between March and May", "2026-03-01", "2026-05-31"),
        ("between November and February", "2025-11-01", "2026-02-28"),
        ("from 2025-03 to June 2025", "2025-03-01", "2025-06-30"),
        ("what did I do on the 6th", "2026-05-06", "2026-05-06"),
        ("on the 20th, with Bo", "2026-05-20", "2026-05-20"),
        ("what was said on the 25th about tea", "2026-04-25", "2026-04-25"),
        ("on the 31st", "2026-03-31", "2026-03-31"),
        ("since the 3rd", "2026-05-03", ""),
        ("between the 2nd and the 4th", "2026-05-02", "2026-05-04"),
        ("from the 28th to the 4th", "2026-04-28", "2026-05-04"),
        ("on 6/3/2026", "2026-03-06", "2026-03-06"),
        ("notes of 13/3/2026", "2026-03-13", "2026-03-13"),
        ("on 3/13/2026", "2026-03-13", "2026-03-13"),
        ("from 3/4/2026 to 3/13/2026", "2026-03-04", "2026-03-13"),
        ("before 06-03-2026", "", "2026-03-05"),
        ("in the first three days of March", "2026-03-01", "2026-03-03"),
        ("the last two weeks of February 2024", "2024-02-16", "2024-02-29"),
        ("the first couple of weeks in April", "2026-04-01", "2026-04-14"),
        ("the first 90 days of April", "2026-04-01", "2026-04-30"),
        ("since the first week in March", "2026-03-01", ""),
        ("in March and April", "2026-03-01", "2026-04-30"),
        ("what happened in March and April?", "2026-03-01", "2026-04-30"),
        ("in December and January", "2025-12-01", "2026-01-31"),
        ("in January, February and March 2025", "2025-01-01", "2025-03-31"),
        ("in Nov. and Dec. 2024", "2024-11-01", "2024-12-31"),
        ("in 2024 and 2025", "2024-01-01", "2025-12-31"),
        ("March and April 2025", "2025-03-01", "2025-04-30"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("in Q1-2026", "2026-01-01", "2026-03-31"),
        ("since 2025 Q4", "2025-10-01", ""),
        ("2025Q4", "2025-10-01", "2025-12-31"),
        ("last three weeks", "2026-04-29", "2026-05-20"),
        ("in the last 3 weeks", "2026-04-29", "2026-05-20"),
    ],
)
def test_windows(question: str, since: str, until: str) -> None:
    found = window_of(question, NOW)
    assert found is not None
    assert (found.since, found.until) == (since, until)
    assert found.words in question


@pytest.mark.parametrize(
    "question",
    [
        "may I see the notes",
        "you may 5 people",
        "May 5 people come?",
        "what may happen in a second",
        "this may be wrong",
        "the second point",
        "we march on",
        "before the launch",
        "in 2000 words",
        "on the 5th floor",
        "on the 2nd of the two lists",
        "since the 3rd version",
        "on the 32nd",
        "31/02/2026",
        "13/13/2026",
        "1/2/3/2026",
        "the last two weeks of the project",
        "the first three days of the trip",
        "2026-Q5",
        "in 2031",
        "mail from May",
        "the last year of the lease",
        "what did we decide about pricing",
        "sun tzu",
        "wait a minute",
        "",
        "\x00",
        "recall 9999-99-99",
        "version 2026-05-07-rc1",
        "the week before the trip",
        "3 days of rain",
        "in may_flower",
        "the first week of the trip",
        "week 99",
        "the end of the lease",
        "week 10 of the programme",
    ],
)
def test_what_is_no_time_restricts_nothing(question: str) -> None:
    assert window_of(question, NOW) is None


def test_a_date_with_slashes_is_day_first_unless_a_sign_says_otherwise() -> None:
    def read(text: str, *, month_first: bool = False) -> tuple[str, list[str]]:
        window = window_of(text, NOW, month_first=month_first)
        assert window is not None
        return window.since, readings(text, month_first=month_first)

    assert read("on 6/3/2026") == ("2026-03-06", ["6/3/2026 is read as 6 March 2026"])
    american = ("2026-04-03", ["4/3/2026 is read as 3 April 2026"])
    assert read("on 4/3/2026", month_first=True) == american
    assert read("on 4/3/2026, not on 4/13/2026") == american
    british = ("2026-03-04", ["4/3/2026 is read as 4 March 2026"])
    assert read("on 4/3/2026, not on 13/4/2026", month_first=True) == british
    for unambiguous in ("on 13/3/2026", "on 3/13/2026"):
        assert read(unambiguous) == ("2026-03-13", [])
    assert read("on 5/5/2026") == ("2026-05-05", [])
    assert since_of("4/3/2026", NOW, month_first=True) == "2026-04-03"
    assert until_of("4/3/2026", NOW) == "2026-03-04"


def test_the_words_that_said_it_are_named() -> None:
    found = window_of("what did we decide in May about pricing", NOW)
    assert found is not None
    assert found.words == "in May"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-05", "2026-05-01", "2026-05-31"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-05-07", "2026-05-07", "2026-05-07"),
        ("last friday", "2026-05-15", "2026-05-15"),
        ("2 weeks ago", "2026-05-06", "2026-05-06"),
        ("last week", "2026-05-11", "2026-05-17"),
        ("in May", "2026-05-01", "2026-05-31"),
        ("first week of March", "2026-03-01", "2026-03-07"),
        ("Q1 2026", "2026-01-01", "2026-03-31"),
        ("mai 2025", "2025-05-01", "2025-05-31"),
        ("9999", "9999-01-01", "9999-12-31"),
        ("the 6th", "2026-05-06", "2026-05-06"),
        ("6/3/2026", "2026-03-06", "2026-03-06"),
        ("first three days of March", "2026-03-01", "2026-03-03"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("last three weeks", "2026-04-29", "2026-05-20"),
    ],
)
def test_options_take_the_edges_of_what_is_said(
    text: str, first: str, last: str
) -> None:
    assert (since_of(text, NOW), until_of(text, NOW)) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "  ", "9999-99-99", "soonish", "\x00", "0000-01-01", "0000 q1"]
)
def test_an_option_that_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as error:
        since_of(text, NOW)
    assert "2026-05-07" in error.value.hint


@pytest.mark.parametrize("year", [1, 2, 1970, 2038, 9998, 9999])
@pytest.mark.parametrize(
    "words",
    [
        "two weeks ago",
        "last year",
        "in December",
        "the last 3 months",
        "last May",
        "before March",
        "after 3 May",
    ],
)
def test_f11_any_clock_gives_a_sane_window_or_none(year: int, words: str) -> None:
    for now in (
        datetime(year, 1, 1, tzinfo=NOW.tzinfo),
        datetime(year, 12, 31, 23, 59, tzinfo=NOW.tzinfo),
    ):
        window = window_of(words, now)
        if window is not None:
            assert window.since <= now.date().isoformat()
            assert not window.since or not window.until or window.since <= window.until


def test_until_the_end_of_time() -> None:
    assert window_of("after 9999-12-31", datetime(9999, 12, 31)) == (
        "9999-12-31",
        "9999-12-31",
        "9999-12-31",
    )
    assert window_of("before 0001-01-01", datetime(1, 1, 1)) == (
        "0001-01-01",
        "0001-01-01",
        "0001-01-01",
    )


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "[",
        " ",
        "\n",
        "1 ",
        "may ",
        "in ",
        "last ",
        "between may and ",
        "2026-",
        "in the last ",
    ],
)
def test_long_texts_are_read_to_a_limit(piece: str) -> None:
    window_of(piece * (100_000 // len(piece)), NOW)


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    window_of(text, NOW)


@given(
    st.lists(
        st.sampled_from(
            "in on since last first this may march 5 7th of 2026 week weeks days ago two friday between and from to the 2025-06 "
            "May 6/3/2026 Q1 2026-Q1".split()
        ),
        max_size=8,
    )
)
def test_no_words_of_time_raise(words: list[str]) -> None:
    window = window_of(" ".join(words), NOW)
    assert window is None or not window.until or window.since <= window.until

"""How hard a question is, counted from facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.governance.complexity import (
    COMPLEXITIES,
    STEPS,
    Complexity,
    Demands,
    constraints_of,
    parts_of,
    steps_of,
)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("When does the lease end?", 1),
        ("What did we promise Halden, and when is it due?", 2),
        ("Who signs? What does it cost; and how do we cancel it?", 3),
        ("salt and pepper", 1),
        ("Compare the offers of Nordlicht and Halden", 1),
        ("", 1),
    ],
)
def test_parts_are_the_questions_in_it(question: str, parts: int) -> None:
    assert len(parts_of(question)) == parts


def test_no_word_of_a_question_is_lost_but_what_joins_its_parts() -> None:
    question = "What did we promise Halden, and when is it due?"
    assert " ".join(parts_of(question)).split() == question.replace(", and", "").split()


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("a letter", 0),
        ("a letter of at most 200 words, without the price", 3),
        ("between 2020 and 2024", 3),
        ("it must fit on 2 pages", 2),
    ],
)
def test_constraints_are_bounds_and_figures(question: str, count: int) -> None:
    assert constraints_of(question) == count


@pytest.mark.parametrize(
    ("demands", "complexity"),
    [
        (Demands(), "low"),
        (Demands(parts=2), "low"),
        (Demands(parts=2, documents=2), "medium"),
        (Demands(parts=3, documents=4), "high"),
        (Demands(unsettled=1), "medium"),
        (Demands(code_files=3, evidence_tokens=5_000), "high"),
    ],
)
def test_steps_add_up(demands: Demands, complexity: Complexity) -> None:
    assert demands.complexity == complexity


@given(st.sampled_from(sorted(STEPS)), st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_of_a_fact_is_never_less_complex(fact: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert steps_of(fact, less) <= steps_of(fact, more)
    before, after = Demands(**{fact: less}), Demands(**{fact: more})
    order = COMPLEXITIES.index
    assert order(before.complexity) <= order(after.complexity)

"""Both heads, the rules around them, the grade, and the refit toward the shipped coefficients."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain import confidence
from brain.answering.extract import extract
from brain.answering.support import NAMES as SUPPORT_NAMES
from brain.answering.support import opposite, support_features
from brain.retrieval import signals as signalling
from brain.retrieval.candidates import Candidates
from brain.retrieval.signals import NAMES, other_speaker, signals, spoken
from brain.text import Question, sheet
from brain.types import Passage

LEASE = "The landlord Ana Lopez promised to repair the boiler in May. The rent is 950 euros per month."
TRIP = "We flew to Lisbon in October. The hotel cost 120 euros."


def passage(name: str, text: str, score: float = 0.0) -> Passage:
    return Passage(
        name,
        name,
        f"{name}.md",
        "L1",
        name.title(),
        (),
        text,
        None,
        0,
        len(text),
        30,
        score=score,
    )


def measured(
    question: str, idf: dict[str, float], passages: list[Passage], cosine: float = 0.5
) -> dict[str, float]:
    ids = [p.id for p in passages]
    candidates = Candidates(
        Question(question),
        idf,
        count=0,
        lexical=[(key, 6.0 - i) for i, key in enumerate(ids)],
        dense=[(key, cosine - i / 10) for i, key in enumerate(ids)],
        passages=passages,
        features=[{"cosine": cosine - i / 10} for i in range(len(ids))],
    )
    return signals(candidates, passages)


PRESENT = measured(
    "What did the landlord promise to repair?",
    {"landlord": 5.0, "promis": 4.0, "repair": 4.5},
    [passage("lease", LEASE, 4.0), passage("trip", TRIP)],
    0.8,
)
ABSENT = measured(
    "Who won the Zanzibar regatta in 1987?",
    {"won": 5.0, "zanzibar": 7.0, "regatta": 7.0, "1987": 7.0},
    [passage("lease", LEASE, 0.1), passage("trip", TRIP)],
    0.1,
)


def test_a_question_that_the_notes_hold_scores_above_one_that_they_do_not() -> None:
    assert confidence.found(PRESENT) > confidence.THRESHOLD
    assert confidence.found(ABSENT) < confidence.FLOOR


def test_without_vectors_other_coefficients_serve() -> None:
    present, absent = {**PRESENT, "has_dense": 0.0}, {**ABSENT, "has_dense": 0.0}
    assert confidence.found(present) > confidence.found(absent)
    assert confidence.found(present) != confidence.found(PRESENT)


READ = {"read": 1.0, "tells_absence": 1.0}
NO_ANSWER = READ | {
    "margin_anywhere": -9.0,
    "margin_and_relevance": -9.0,
    "relevance_anywhere": -3.0,
}
AN_ANSWER = READ | {
    "margin_anywhere": 6.0,
    "margin_and_relevance": 2.0,
    "relevance_anywhere": 4.0,
}


def told(chance: float, signals: dict[str, float]) -> tuple[float, bool]:
    """(`found` after reading, whether it is called absent)."""
    after = confidence.after_reading(chance, signals, confidence.FLOOR)
    assert after is not None
    return after, confidence.absent(after, signals, confidence.FLOOR)


def test_where_the_reader_can_tell_it_decides() -> None:
    sure, absent = told(0.7, NO_ANSWER)
    assert absent, "a near miss: the words are there"
    assert sure < confidence.READ_FLOOR
    sure, absent = told(0.05, AN_ANSWER)
    assert not absent, "other words, the same fact"
    assert sure > confidence.THRESHOLD
    assert told(0.02, NO_ANSWER)[0] <= 0.02


def test_a_passage_near_to_the_question_is_shown_rather_than_denied() -> None:
    near = {**NO_ANSWER, "relevance_anywhere": 5.0}
    sure, absent = told(0.7, near)
    assert not absent
    assert sure < confidence.READ_FLOOR


def test_where_the_reader_cannot_tell_the_search_decides() -> None:
    for read in (NO_ANSWER, AN_ANSWER):
        untold = {**read, "tells_absence": 0.0}
        assert told(0.7, untold) == (0.7, False)
    assert told(0.02, {**NO_ANSWER, "tells_absence": 0.0}) == (0.02, True)
    assert told(0.02, {**AN_ANSWER, "tells_absence": 0.0}) == (0.02, False)
    assert told(0.02, {}) == (0.02, True)
    assert confidence.after_reading(None, NO_ANSWER, confidence.FLOOR) is None


def test_never_absent_when_every_rare_term_stands_in_one_chunk() -> None:
    assert ABSENT["rare_together"] == 0.0
    assert confidence.found({**ABSENT, "rare_together": 1.0}) == confidence.FLOOR


def test_never_absent_when_half_of_a_foreign_question_stands_in_one_chunk() -> None:
    half = {**ABSENT, "foreign": 1.0, "coverage_best": 0.5}
    assert confidence.found(half) >= confidence.FLOOR


def test_the_coefficients_read_signals_that_exist() -> None:
    held = {confidence.INTERCEPT, *NAMES}
    assert set(confidence.FOUND) <= held
    assert set(confidence.FOUND_BY_WORDS) <= held - {
        "fused_top_cosine",
        "sentence_cosine",
        "has_dense",
    }
    assert set(confidence.SUPPORTED) == {confidence.INTERCEPT, *SUPPORT_NAMES}
    assert 0 < confidence.FLOOR < confidence.THRESHOLD < 1


@given(st.floats(0, 1))
def test_near_misses_bound_the_probability_and_keep_the_order(chance: float) -> None:
    told = confidence.among_near_misses(chance)
    assert 0 <= told <= 0.76
    assert told <= confidence.among_near_misses(min(1.0, chance + 0.01))


@given(st.floats(-6, 6))
def test_the_log_odds_before_the_near_misses_come_back(z: float) -> None:
    chance = 1 / (1 + math.exp(-z))
    assert confidence.topic_log_odds(
        confidence.among_near_misses(chance)
    ) == pytest.approx(z, abs=1e-3)
    assert confidence.topic_log_odds(None) == 0.0


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(-1e6, 1e6), max_size=8))
def test_found_is_a_probability_whatever_the_signals(held: dict[str, float]) -> None:
    assert 0.0 <= confidence.found(held) <= 1.0


def test_signals_are_all_there_and_finite_with_nothing_at_hand() -> None:
    empty = signals(Candidates(Question(""), {}, 0), [])
    assert set(empty) == set(NAMES)
    assert all(math.isfinite(value) for value in empty.values())


def test_signals_say_what_is_covered_and_what_is_missing() -> None:
    assert PRESENT["coverage_best"] == pytest.approx(1.0)
    assert PRESENT["rare_together"] == 1.0
    assert ABSENT["gap"] * signalling.EVIDENCE == pytest.approx(7.0)
    misspelt = measured(
        "landlrod?", {"landlrod": 8.0}, [passage("lease", LEASE), passage("trip", TRIP)]
    )
    assert misspelt["coverage_best"] == pytest.approx(signalling.MISSPELT)


def test_evidence_weighs_the_same_in_a_small_store() -> None:
    def held(idf: float, count: int) -> dict[str, float]:
        found = [passage("lease", LEASE)]
        candidates = Candidates(
            Question("boiler"), {"boiler": idf}, count, passages=found, features=[{}]
        )
        return signals(candidates, found)

    small, large = held(math.log(2 * 5 + 2), 5), held(math.log(2 * 1000 + 2), 1000)
    assert small["matched"] == pytest.approx(large["matched"])


def test_who_said_it() -> None:
    turn = passage("t", "Melanie: I painted a sunrise last year.")
    other = passage("u", "Caroline: That sounds lovely!")
    assert (
        other_speaker(Question("When did Caroline paint a sunrise?"), [turn, other])
        == 1.0
    )
    assert (
        other_speaker(Question("When did Melanie paint a sunrise?"), [turn, other])
        == 0.0
    )
    assert (
        other_speaker(Question("When was the sunrise painted?"), [turn, other]) == 0.0
    )
    assert spoken([turn]) == 1.0
    assert spoken([passage("lease", LEASE)]) == 0.0


def test_kinds_of_question() -> None:
    assert Question("Πότε άρχισε η κατασκευή;").foreign
    assert not Question("When did the building begin?").foreign


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"claims": 4, "uncited": 0, "unverified": 0, "found": 0.9}, "strong"),
        ({"claims": 4, "uncited": 1, "unverified": 0, "found": None}, "strong"),
        ({"claims": 4, "uncited": 2, "unverified": 0, "found": 0.9}, "weak"),
        ({"claims": 4, "uncited": 0, "unverified": 1, "found": 0.9}, "weak"),
        ({"claims": 4, "uncited": 0, "unverified": 0, "found": 0.0}, "weak"),
        ({"claims": 0, "uncited": 0, "unverified": 0, "found": 0.9}, "weak"),
    ],
)
def test_the_grade_is_made_of_facts(given: dict[str, float], expected: str) -> None:
    assert confidence.grade(**given) == expected  # type: ignore[arg-type]


def test_a_refit_without_feedback_changes_nothing() -> None:
    assert confidence.refit([], confidence.FOUND) == pytest.approx(
        dict(confidence.FOUND)
    )


def test_feedback_moves_the_probability_toward_it_and_little_by_little() -> None:
    before = confidence.probability(PRESENT, confidence.FOUND)
    one = confidence.probability(
        PRESENT, confidence.refit([(PRESENT, False)], confidence.FOUND)
    )
    many = confidence.probability(
        PRESENT, confidence.refit([(PRESENT, False)] * 30, confidence.FOUND)
    )
    assert many < one < before
    assert many < 0.5


def test_a_refit_solves_its_own_equation() -> None:
    rows = [(PRESENT, True), (ABSENT, False), (PRESENT, False)]
    told = confidence.refit(rows, confidence.FOUND)
    for name in told:
        slope = (told[name] - confidence.FOUND[name]) / confidence.PRIOR_VARIANCE
        for features, right in rows:
            value = 1.0 if name == confidence.INTERCEPT else features.get(name, 0.0)
            slope += (confidence.probability(features, told) - right) * value
        assert slope == pytest.approx(0.0, abs=1e-5)


def support(question: str, text: str) -> dict[str, float]:
    passages = [passage("lease", text)]
    asked = Question(question)
    return support_features(
        asked, passages, extract(asked, passages), found=0.6, signals=PRESENT
    )


def test_supported_sees_a_turned_question() -> None:
    straight = support(
        "Which wall of the flat is the warmest?",
        "The warmest wall of the flat faces south.",
    )
    turned = support(
        "Which wall of the flat is the coldest?",
        "The hottest wall of the flat faces south, the cold one north.",
    )
    assert set(straight) == set(SUPPORT_NAMES)
    assert confidence.supported(straight) > confidence.supported(
        {**straight, "opposite": 1.0}
    )
    assert 0 <= confidence.supported(turned) <= 1


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("Who was the first to leave?", "Ben was the last to leave.", 1.0),
        (
            "Who was the first to leave?",
            "Ben was the first and the last to leave.",
            0.0,
        ),
        ("Who left?", "Ben was the last to leave.", 0.0),
    ],
)
def test_opposites(question: str, sentence: str, expected: float) -> None:
    assert opposite(Question(question), sheet(sentence).statements[0]) == expected

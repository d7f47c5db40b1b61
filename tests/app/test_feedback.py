"""What a person says of an answer: kept once, turned into judgments, corrections and a calibrated confidence."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brain import confidence
from brain.app import Brain
from brain.app.corrections import corrections_for, with_corrections
from brain.config import Config
from brain.errors import NotFound, UsageError
from brain.evaluation import calibrate
from brain.evaluation.calibrate import (
    AS_SHIPPED,
    Head,
    bounded,
    calibrated,
    dumped,
    loaded,
    needed,
)
from brain.evaluation.corrections import similar
from brain.models.builtin import BuiltinEmbedder
from brain.reports import Judgment
from brain.store.episodes import Circumstances
from brain.store.trash import DAYS_SEEN
from brain.types import Confidence, Episode, Request, Retrieved, Scope

LEASE = """# Lease

The old contract said that the rent is 1,200 euros a month.

Since 2026 the rent is 1,450 euros a month, paid on the fifth.

The deposit is two rents and comes back sixty days after the keys.
"""
NOTES = {
    "home/lease.md": LEASE,
    "home/tea.md": "# Tea\n\nBlack tea wants water at 96 degrees.\n",
    "kiln.md": "Kiln four fires the tiles at 1,040 degrees.\n",
}


@pytest.fixture
def filled(brain: Brain, folder: Callable[..., Path]) -> Brain:
    brain.add([folder(NOTES)])
    return brain


def quiet(_kind: str, _text: str) -> None:
    """Says nothing."""


def asked(
    brain: Brain,
    question: str,
    *,
    state: str = "supported",
    signals: Mapping[str, float] | None = None,
    cited: tuple[str, ...] = (),
) -> str:
    """An answered question, as `ask` records it."""
    facts = Circumstances(
        confidence={
            "found": 0.9,
            "signals": dict(signals or {"has_dense": 1.0, "coverage_1": 0.5}),
        }
    )
    return brain.resources.store.episodes.record(
        Episode("", "", "ask", question, "an answer", cited, state), facts
    ).id


# -- what is kept -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "state", "source", "absent", "answerable"),
    [
        ("good", "supported", False, False, True),
        ("good", "not_found", False, False, False),
        ("good", "supported", False, True, False),
        ("wrong", "supported", True, False, True),
        ("wrong", "not_found", False, False, True),
        ("wrong", "supported", False, False, None),
        ("wrong", "supported", False, True, False),
        ("missing", "not_found", False, False, True),
        ("missing", "supported", True, False, True),
    ],
)
def test_what_a_verdict_says_of_the_notes(
    filled: Brain,
    verdict: str,
    state: str,
    source: bool,
    absent: bool,
    answerable: bool | None,
) -> None:
    episode = asked(filled, "what is the rent?", state=state)
    kept = filled.judge.feedback(
        verdict, source="lease.md:5" if source else "", absent=absent
    )
    assert (kept.verdict, kept.answerable, kept.episode) == (
        verdict,
        answerable,
        episode,
    )
    assert kept.signals == {"has_dense": 1.0, "coverage_1": 0.5}
    assert filled.resources.store.episodes.circumstances(episode).outcome == verdict
    assert filled.resources.judgments.all() == [kept]


def test_a_source_is_the_line_and_its_words(filled: Brain) -> None:
    asked(filled, "what is the rent?")
    kept = filled.judge.feedback(
        "wrong", source="home/lease.md:5", why="that was the old contract"
    )
    row = next(
        row for row in filled.library.documents() if row.source.endswith("lease.md")
    )
    assert (kept.document_id, kept.documents, kept.source, kept.locator) == (
        row.id,
        (row.id,),
        row.source,
        "L5-5",
    )
    assert (
        kept.quote == "Since 2026 the rent is 1,450 euros a month, paid on the fifth."
    )
    assert kept.why == "that was the old contract"


def test_a_good_answer_is_a_judgment_of_what_it_cites(filled: Brain) -> None:
    row = next(
        row for row in filled.library.documents() if row.source.endswith("tea.md")
    )
    asked(
        filled,
        "how hot?",
        cited=(f"{row.source}:L3", "/gone.md:L1", f"{row.source}:p. 3"),
    )
    kept = filled.judge.feedback("good")
    assert (kept.documents, kept.document_id) == ((row.id,), "")


def test_a_real_ask_keeps_the_signals_that_calibrate_needs(filled: Brain) -> None:
    filled.ask(Request("how hot for black tea", limit=8))
    kept = filled.judge.feedback("good")
    assert kept.signals["has_dense"] == 1.0
    assert kept.documents == (
        next(
            row.id
            for row in filled.library.documents()
            if row.source.endswith("tea.md")
        ),
    )


def test_judging_again_replaces_what_was_said(filled: Brain) -> None:
    asked(filled, "what is the rent?")
    first = filled.judge.feedback("good")
    second = filled.judge.feedback("missing", source="lease.md:5")
    assert second.id == first.id
    assert filled.resources.judgments.all() == [second]


def test_another_answer_is_judged_by_its_id(filled: Brain) -> None:
    older, _last = asked(filled, "first?"), asked(filled, "second?")
    assert filled.judge.feedback("good", episode=older[:8]).question == "first?"
    note = filled.remember("Ana agreed")
    with pytest.raises(UsageError, match="no question"):
        filled.judge.feedback("good", episode=note.id)


def test_what_cannot_be_judged_is_said_in_two_lines(
    filled: Brain, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="no answer to judge"):
        filled.judge.feedback("good")
    asked(filled, "what is the rent?")
    for words, options in (
        (("fine",), {}),
        (("missing",), {"absent": True}),
        (("wrong",), {"absent": True, "source": "lease.md:5"}),
    ):
        with pytest.raises(UsageError):
            filled.judge.feedback(*words, **options)  # type: ignore[arg-type]
    (tmp_path / "new.md").write_text("x")
    with pytest.raises(NotFound) as caught:
        filled.judge.feedback("missing", source=f"{tmp_path}/new.md:1")
    assert caught.value.hint == f"take it in first: brain add {tmp_path}/new.md"
    for missing in ("lease.md:999", "nowhere.md:1"):
        with pytest.raises(NotFound):
            filled.judge.feedback("wrong", source=missing)
    assert filled.resources.judgments.all() == []
    assert (
        filled.resources.store.episodes.circumstances(
            filled.resources.store.episodes.last("ask").id
        ).outcome
        is None
    )  # type: ignore[union-attr]


# -- forgetting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["episode", "document"])
def test_a_judgment_goes_where_its_words_go(
    config: Config, folder: Callable[..., Path], what: str
) -> None:
    now = [datetime.fromisoformat("2026-05-07T10:00:00+02:00")]
    with Brain(config, now=lambda: now[0]) as brain:
        brain.add([folder(NOTES)])
        episode = asked(brain, "what is the rent?")
        brain.judge.feedback("wrong", source="lease.md:5")
        brain.library.forget(
            [episode if what == "episode" else "lease.md"], dry_run=False
        )
        assert brain.resources.judgments.all() == []
        assert corrections_for(brain.resources, "what is the rent?") == []
        brain.library.undo()
        assert len(brain.resources.judgments.all()) == 1
        brain.library.forget(
            [episode if what == "episode" else "lease.md"], dry_run=False
        )
        now[0] += timedelta(days=31)
        for _ in range(DAYS_SEEN + 1):  # what goes by age wants some days of use too
            now[0] += timedelta(days=1)
            brain.sync()
        left = brain.resources.store.connection.conn.execute(
            "SELECT count(*) FROM judgments"
        ).fetchone()[0]
        assert left == 0


# -- corrections --------------------------------------------------------------------------------------------------------


def test_a_correction_comes_first_for_a_similar_question_and_says_so(
    filled: Brain,
) -> None:
    asked(filled, "what rent do we pay for the flat?")
    filled.judge.feedback("wrong", source="lease.md:5", why="old contract")
    heard: list[tuple[str, str]] = []
    found = filled.search(Request("which rent do we pay for the flat", look=False))
    found = replace(
        found,
        passages=tuple(reversed(found.passages)),
        confidence=Confidence(found=0.01),
    )
    first = with_corrections(
        filled.resources,
        Request("which rent do we pay for the flat"),
        found,
        lambda *said: heard.append(said),
    )
    assert "1,450" in first.passages[0].text
    assert len({passage.id for passage in first.passages}) == len(first.passages)
    assert first.confidence.found == confidence.THRESHOLD
    ((kind, text),) = heard
    assert kind == "notice"
    assert "old contract" in text
    assert "lease.md:5 comes first" in text
    assert "1,450 euros" in text


def test_ask_says_the_correction_and_answers_though_it_was_not_found(
    filled: Brain,
) -> None:
    asked(filled, "what rent do we pay for the flat?", state="not_found")
    filled.judge.feedback("missing", source="lease.md:5")
    heard: list[tuple[str, str]] = []
    answer = filled.ask(
        Request("which rent do we pay for the flat?", limit=8),
        say=lambda *said: heard.append(said),
    )
    assert any(
        kind == "notice" and "you corrected this on" in text for kind, text in heard
    )
    assert "1,450" in answer.passages[0].text
    assert answer.state != "not_found"


@pytest.mark.parametrize(
    "question",
    [
        "when do we get the deposit back",
        "how hot for black tea",
        "what rent did we pay for the flat in 2019?",
    ],
)
def test_another_question_is_not_corrected(filled: Brain, question: str) -> None:
    asked(filled, "what rent do we pay for the flat?")
    filled.judge.feedback("wrong", source="lease.md:5")
    found = filled.search(Request(question, look=False))
    assert with_corrections(filled.resources, Request(question), found, quiet) is found


def test_a_good_verdict_corrects_nothing(filled: Brain) -> None:
    asked(filled, "what rent do we pay?")
    filled.judge.feedback("good", source="lease.md:5")
    assert corrections_for(filled.resources, "what rent do we pay?") == []


def test_a_correction_respects_the_scope_and_follows_its_line(
    filled: Brain, folder: Callable[..., Path]
) -> None:
    asked(filled, "what rent do we pay?")
    filled.judge.feedback("wrong", source="lease.md:5")
    assert (
        corrections_for(
            filled.resources, "what rent do we pay?", scope=Scope(tags=("none",))
        )
        == []
    )
    filler = "".join(
        f"\n## Part {n}\n\n{'Words about the house and its garden. ' * 40}\n"
        for n in range(4)
    )
    place = folder({**NOTES, "home/lease.md": f"# Lease\n{filler}\n{LEASE}"})
    filled.add([place])
    (moved,) = corrections_for(filled.resources, "what rent do we pay?")
    assert "Since 2026 the rent is 1,450" in moved.passage.text
    filled.add(
        [
            folder(
                {
                    **NOTES,
                    "home/lease.md": "# Lease\n\nNothing is left.\n\nIndeed nothing.\n",
                }
            )
        ]
    )
    found = corrections_for(filled.resources, "what rent do we pay?")
    assert all("Nothing is left" in one.passage.text for one in found), (
        "at most the place that it had"
    )


def test_a_whole_document_is_corrected_to_its_best_passage(
    filled: Brain, folder: Callable[..., Path]
) -> None:
    long = "".join(
        f"\n## Part {n}\n\n{'Words about the house and its garden. ' * 40}\n"
        for n in range(4)
    )
    filled.add(
        [
            folder(
                {
                    **NOTES,
                    "home/long.md": f"# Long\n{long}\n## Water\n\nThe water meter stands behind the blue door.\n",
                }
            )
        ]
    )
    asked(filled, "where is the water meter?")
    kept = filled.judge.feedback("missing", source="long.md")
    assert (kept.locator, kept.quote) == ("", "")
    (one,) = corrections_for(filled.resources, "where is the water meter")
    assert "behind the blue door" in one.passage.text


REPHRASED = [
    ("what did we promise the landlord?", "what was promised to the landlord"),
    ("how hot for black tea", "how hot should water be for black tea?"),
    (
        "When do we get the deposit back after moving out?",
        "when is the deposit returned after we move out",
    ),
    ("What pressure for the rear tyre?", "rear tyre pressure"),
    ("What does a night in Furnas cost?", "price per night in Furnas"),
    ("How long should sencha steep?", "sencha steeping time"),
]


def said(question: str, **more: str) -> Judgment:
    return Judgment("j", "2026-05-07", question, "wrong", document_id="d", **more)


@pytest.mark.parametrize(("first", "second"), REPHRASED)
def test_rephrased_questions_are_the_same(first: str, second: str) -> None:
    assert [
        one.question for one, _ in similar(second, [said(first)], BuiltinEmbedder())
    ] == [first]


def test_different_questions_are_not_the_same() -> None:
    embedder = BuiltinEmbedder()
    for first, _ in REPHRASED:
        others = [said(question) for question, _ in REPHRASED if question != first]
        assert similar(first, others, embedder) == []
    assert (
        similar(
            "what was the rent in 2024?", [said("what was the rent in 2025?")], embedder
        )
        == []
    )
    assert similar("", [said("")], embedder) == []


# -- calibration --------------------------------------------------------------------------------------------------------

PRIOR = {"intercept": -1.0, "coverage_1": 2.0}

HEADS = {
    "found": PRIOR,
    "found_by_words": PRIOR,
}  # of two names, so that a table can be worked out


def rows(
    number: int, *, flip: bool = False, dense: float = 1.0
) -> list[tuple[Mapping[str, float], bool]]:
    """Answered where coverage is above one half, or the other way round."""
    choose = random.Random(7)
    found = []
    for _ in range(number):
        share = choose.random()
        found.append(({"has_dense": dense, "coverage_1": share}, (share > 0.5) != flip))
    return found


def test_few_answers_change_nothing_and_say_how_many_are_needed() -> None:
    head, report = calibrated(rows(9, flip=True), HEADS)
    assert (head.coefficients, head.floor, head.threshold) == (
        {},
        confidence.FLOOR,
        confidence.THRESHOLD,
    )
    assert (report["found"]["kept"], report["found"]["reason"]) == (
        False,
        "9 of at least 10 judged answers",
    )
    assert calibrated([], HEADS)[0].coefficients == {}


def test_feedback_that_contradicts_moves_the_head_and_only_that_one() -> None:
    contrary = rows(60, flip=True)
    head, report = calibrated(contrary, HEADS)
    assert set(head.coefficients) == {"found"}
    assert head.coefficients["found"] == confidence.refit(contrary, PRIOR)
    assert report["found"]["brier"]["now"] < report["found"]["brier"]["shipped"]
    assert report["found"]["changed"]["coverage_1"]["now"] < PRIOR["coverage_1"]
    signals = {"has_dense": 1.0, "coverage_1": 0.9}
    assert head.found(signals) < confidence.found(signals, PRIOR)
    by_words = {"has_dense": 0.0, "coverage_1": 0.9}
    assert head.found(by_words) == AS_SHIPPED.found(by_words)
    assert set(calibrated(rows(60, flip=True, dense=0.0), HEADS)[0].coefficients) == {
        "found_by_words"
    }


def test_feedback_without_a_pattern_is_not_followed() -> None:
    choose = random.Random(3)
    noise = [
        ({"has_dense": 1.0, "coverage_1": 0.5, "x": choose.random()}, at % 4 != 0)
        for at in range(10)
    ]
    even = [
        ({"has_dense": 1.0, "coverage_1": 0.5}, bool(at // 5 % 2)) for at in range(20)
    ]
    head, report = calibrated(even, HEADS)
    assert (report["found"]["kept"], head.coefficients) == (False, {})
    assert report["found"]["reason"] == "the shipped coefficients predict it as well"
    assert calibrated(noise, HEADS)[1]["found"]["rows"] == 10


def test_the_bound_is_the_one_of_the_plan() -> None:
    """22 labels with no error, 38 with one, for a risk of .10 at 90 %."""
    assert needed(0.10) == 22
    assert bounded(0, 22, 0.10)
    assert not bounded(0, 21, 0.10)
    assert bounded(1, 38, 0.10)
    assert not bounded(1, 37, 0.10)


def test_the_threshold_moves_when_the_risk_is_proven_and_not_before() -> None:
    sure = [(0.9, True)] * 21
    assert calibrate.threshold(sure) == confidence.THRESHOLD
    assert calibrate.threshold([*sure, (0.9, True)]) == 0.9
    assert calibrate.threshold([(0.9, True)] * 22 + [(0.4, True)] * 20) == 0.4
    assert calibrate.threshold([(0.9, True)] * 30 + [(0.4, False)] * 20) == 0.9
    assert calibrate.threshold([(0.9, False)] * 30) == confidence.THRESHOLD


def test_the_floor_is_lowered_for_denied_questions_and_never_raised() -> None:
    assert calibrate.floor([(0.9, True)] * 50 + [(0.8, False)] * 50) == confidence.FLOOR
    low = confidence.FLOOR / 2
    assert calibrate.floor([(low, True)] * 5 + [(0.9, True)] * 5) == round(low, 4)
    assert calibrate.floor([(low, True)] + [(0.9, True)] * 99) == confidence.FLOOR, (
        "one of a hundred is allowed"
    )


def test_a_head_holds_only_beside_the_coefficients_it_was_fitted_from() -> None:
    head = Head({"found": {"intercept": 1.5}}, 0.04, 0.6, calibrate.version())
    assert loaded(dumped(head)) == head
    assert loaded(None) == AS_SHIPPED
    assert loaded(dumped(head), HEADS) == AS_SHIPPED


def test_calibrate_keeps_the_head_that_search_then_uses_and_reset_takes_it_back(
    filled: Brain,
) -> None:
    question = "what is the rent?"
    first = filled.search(Request(question, look=False))
    before = first.confidence.found
    assert before is not None
    held = before < 0.5  # the feedback contradicts, whatever is shipped
    for _ in range(30):
        asked(filled, question, signals=first.signals)
        filled.judge.feedback("good" if held else "wrong", absent=not held)
    report = filled.judge.calibrate()
    assert (report["calibrated"], report["rows"], report["answerable"]) == (
        True,
        30,
        30 * held,
    )
    after = filled.search(Request(question, look=False)).confidence.found
    assert after == pytest.approx(filled.resources.head.found(first.signals))
    assert after is not None
    assert (after > before) == held
    assert filled.judge.calibrate(reset=True) == {
        "reset": True,
        "was_calibrated": True,
    }
    assert filled.search(Request(question, look=False)).confidence.found == before
    assert filled.judge.calibrate(reset=True)["was_calibrated"] is False


def test_calibrate_without_feedback_is_no_error(brain: Brain) -> None:
    report = brain.judge.calibrate()
    assert (report["calibrated"], report["rows"], report["threshold"]["needs"]) == (
        False,
        0,
        22,
    )
    assert math.isclose(brain.resources.head.threshold, confidence.THRESHOLD)


def test_nothing_is_touched_without_corrections(filled: Brain) -> None:
    found = Retrieved((), {})
    assert (
        with_corrections(filled.resources, Request("anything"), found, quiet) is found
    )

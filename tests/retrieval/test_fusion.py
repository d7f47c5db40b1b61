"""The arithmetic of ranking, against tables worked by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fitted_file import write_fitted
from brain.fitted import FILE, FITTED
from brain.retrieval import closeness, fusion
from brain.retrieval.candidates import but
from brain.retrieval.fusion import FIRST_LOOK, HYBRID, LOOK_SCALE, WEIGHTS, WORDS_ONLY
from brain.retrieval.overlap import Overlap
from brain.retrieval.variety import collapse, spread
from brain.text import Question, sheet
from brain.text.sheet import Sheet, sheets, stems_of, stems_of_each
from brain.text.versions import alike, alikes
from brain.types import Passage
from ingest.terms import pieces

A, B, C = (
    np.array([1.0, 0.0], np.float32),
    np.array([0.6, 0.8], np.float32),
    np.array([0.0, 1.0], np.float32),
)
VECTORS = {"a": A, "b": B, "c": C}


def passage(
    key: str, text: str, *, document: str = "", date: str | None = None, title: str = ""
) -> Passage:
    document = document or f"doc-{key}"
    return Passage(
        key,
        document,
        f"{document}.md",
        "L1",
        title,
        (),
        text,
        date,
        0,
        len(text),
        len(text) // 4,
    )


def seen_in(
    overlap: Overlap,
    p: Passage,
    named: frozenset[str] = frozenset(),
    earlier: Sequence[str] = (),
) -> dict[str, float]:
    title = sheet(p.title)
    return overlap.features(
        p, title, sheet(p.text), average=10.0, named=named, earlier=earlier
    )


def words_of(passages: list[Passage]) -> dict[str, frozenset[str]]:
    return {p.id: frozenset(pieces(p.text)) for p in passages}


def test_cosines_and_the_least_for_a_missing_vector() -> None:
    assert closeness.cosines(
        ["a", "b", "gone", "c"], VECTORS, A
    ).tolist() == pytest.approx([1.0, 0.6, 0.0, 0.0])


def test_best_sentence_or_the_whole() -> None:
    alone = np.array([0.5, 0.6], np.float32)
    best = closeness.best_sentences(["a", "b"], {"a": np.stack([C, B])}, A, alone)
    assert best.tolist() == pytest.approx([0.6, 0.6])


def test_a_short_text_gains_by_its_neighbours() -> None:
    # c alone: 0; c + a + b = (1.6, 1.8), cosine with a = 1.6 / sqrt(1.6^2 + 1.8^2)
    gain = closeness.windows(
        ["c", "a"], VECTORS, {"c": ("a", "b")}, A, np.array([0.0, 1.0], np.float32)
    )
    assert gain.tolist() == pytest.approx([1.6 / math.hypot(1.6, 1.8), 0.0])


def test_feedback_leaves_the_candidate_itself_out() -> None:
    # scores 1, 0, -inf: the best two pull. b is pulled by a (weight 1) and c (weight e^-1); a by b and c.
    pulls = closeness.feedback(["a", "b", "c"], VECTORS, [1.0, 1.0, 0.0])
    raised = math.exp(-1.0)
    few = [
        (1 * 0.6 + raised * 0.0) / (1 + raised),
        (1 * 0.6 + raised * 0.8) / (1 + raised),
        (1 * 0.0 + 1 * 0.8) / 2,
    ]
    assert pulls["few"].tolist() == pytest.approx(few, abs=1e-5)
    # crowd: the mean over the five nearest others, the places that are not there counting nothing
    assert pulls["crowd"].tolist() == pytest.approx(
        [0.6 / 3, 1.4 / 3, 0.8 / 3], abs=1e-5
    )


def test_the_parts_add_up_to_the_weighed_sums() -> None:
    signs = {name: 1.0 for group in HYBRID.values() for name in group}
    weights = fusion.GroupWeights({}, dict.fromkeys(HYBRID, 2.0))
    scores = fusion.group_scores(signs, weights)
    assert scores == {
        group: pytest.approx(2 * sum(table.values())) for group, table in HYBRID.items()
    }


def test_the_dense_share_is_that_of_meaning_and_feedback() -> None:
    weights = fusion.GroupWeights(
        {}, {"words": 2.0, "meaning": 1.0, "feedback": 1.0, "place": 7.0}
    )
    assert weights.dense_share == 0.5


def signs(bm25: float, cosine: float) -> dict[str, float]:
    return {
        "bm25": bm25,
        "cosine": cosine,
        "coverage": 1.0,
        "sentence": 1.0,
        "length": 0.0,
    }


def test_what_two_rankings_look_like() -> None:
    table = [signs(0.8, 2.0), signs(0.4, 3.0), signs(0.0, 1.0)]
    seen = fusion.numbers(
        Question("red door"),
        {"red": 2.0, "door": 1.0},
        98,
        table,
        ["if (x) {", "plain text", ""],
    )
    assert seen["rarity"] == pytest.approx(1.5 / math.log(100))
    assert seen["words_lead"] == pytest.approx((0.8 - 0.2) / 0.8, rel=1e-4)
    assert seen["meaning_lead"] == pytest.approx(3.0 - 1.5)
    assert seen["nearest"] == 3.0
    assert seen["agreement"] == pytest.approx(0.3)
    assert seen["words_top_nearness"] == pytest.approx(-1.0)
    assert seen["correlation"] == pytest.approx(0.5)
    assert seen["code"] == pytest.approx((3 / 8 + 0 + 0) / 3)


def test_vectors_that_do_not_know_the_script_are_seen_to_be_strange() -> None:
    far, near = [signs(0.8, 2.0), signs(0.0, 4.0)], [signs(0.8, 4.0), signs(0.0, 2.0)]
    idf = {"дом": 1.0}
    assert fusion.numbers(Question("дом"), idf, 98, far, ["", ""])[
        "estranged"
    ] == pytest.approx(2.0 / 1.05)
    assert fusion.numbers(Question("дом"), idf, 98, near, ["", ""])["estranged"] == 0.0
    assert (
        fusion.numbers(Question("door"), {"door": 1.0}, 98, far, ["", ""])["estranged"]
        == 0.0
    )
    assert all(WEIGHTS[group][1]["estranged"] < 0 for group in ("meaning", "feedback"))


def test_no_question_silences_a_group_or_runs_away() -> None:
    wild = [signs(1e6, -1e6), signs(-1e6, 1e6)]
    weights = fusion.weigh(
        fusion.numbers(Question("x"), {"x": 1.0}, 10, wild, ["", ""])
    )
    assert all(weight >= fusion.LEAST_WEIGHT for weight in weights.weights.values())
    assert all(
        weight
        <= at_rest
        + sum(
            abs(slope) * fusion.MAX_Z_OF.get(name, fusion.MAX_Z)
            for name, slope in slopes.items()
        )
        + fusion.LEAST_WEIGHT
        for weight, (at_rest, slopes) in zip(
            weights.weights.values(), WEIGHTS.values(), strict=True
        )
    )


def test_a_fit_writes_its_own_entries_and_leaves_the_others(tmp_path: Path) -> None:
    copy = tmp_path / "fitted.json"
    copy.write_text(FILE.read_text("utf-8"), encoding="utf-8")
    write_fitted(copy, **FITTED)
    assert copy.read_text("utf-8") == FILE.read_text("utf-8")
    write_fitted(copy, found={"intercept": -1.5})
    assert json.loads(copy.read_text("utf-8")) == FITTED | {
        "found": {"intercept": -1.5}
    }


def test_the_coefficients_name_features_and_numbers_that_exist() -> None:
    overlap = Overlap(Question("red door"), {"red": 2.0, "door": 1.0})
    known = set(seen_in(overlap, passage("p", "A red door."))) | {
        "bm25",
        "cosine",
        "sentence_cosine",
        "window",
        "few",
        "many",
        "crowd",
    }
    assert {name for group in HYBRID.values() for name in group} | set(
        FIRST_LOOK
    ) <= known
    assert set(WORDS_ONLY) <= known - {
        "cosine",
        "sentence_cosine",
        "window",
        "few",
        "many",
        "crowd",
    }
    seen = fusion.numbers(Question("red"), {"red": 1.0}, 9, [signs(0.5, 0.5)], ["red"])
    assert set(LOOK_SCALE) <= set(seen)
    assert set(WEIGHTS) == set(HYBRID)


def test_the_features_of_a_passage() -> None:
    # idf: sail 3, ship 1; the first sentence holds one, the second both, next to each other and in order.
    overlap = Overlap(Question("When did the ship sail?"), {"ship": 1.0, "sail": 3.0})
    seen = seen_in(
        overlap,
        passage(
            "p",
            "The ships lay still. In May 1851 a ship sailed north.",
            title="Harbour",
        ),
    )
    assert seen["coverage"] == 1.0
    assert seen["sentence"] == 1.0
    assert seen["exact"] == pytest.approx(
        1 / 4 - 1.0
    )  # "ship" stands there as asked, "sail" only as "sailed"
    assert seen["ordered"] == 1.0
    assert seen["time"] == 1.0
    assert seen["number"] == 0.0


def test_turns_before_count_for_what_the_line_itself_lacks() -> None:
    overlap = Overlap(Question("ship sail"), {"ship": 1.0, "sail": 3.0})
    line = passage("p", "A ship, yes.")
    assert seen_in(overlap, line)["before"] == 0.0
    asked = seen_in(overlap, line, earlier=["Did the ship sail?"])
    assert (asked["coverage"], asked["before"]) == (0.25, 0.75)


def test_the_turn_two_before_counts_less_and_nothing_twice() -> None:
    overlap = Overlap(Question("ship sail"), {"ship": 1.0, "sail": 3.0})
    line = passage("p", "Yes.")
    apart = seen_in(overlap, line, earlier=["The ship?", "Did the ship sail?"])
    assert apart["before"] == pytest.approx(0.25 + 0.7 * 0.75)


def test_who_speaks() -> None:
    overlap = Overlap(Question("What did Ana buy?"), {"ana": 2.0, "bui": 1.0})
    turns = [
        passage("1", "Ana: I bought a boat."),
        passage("2", "Ben: A boat?"),
        passage("3", "A boat was bought."),
    ]
    named = overlap.named([sheet(turn.text) for turn in turns])
    assert named == {"ana"}
    assert [seen_in(overlap, turn, named)["speaker"] for turn in turns] == [
        1.0,
        -1.0,
        0.0,
    ]
    assert sheet("no name here").speaker == frozenset()


@pytest.mark.parametrize(
    ("date", "worth"),
    [
        ("2022-03-27", 2.0),
        ("2022-03-01", 1.0),
        ("2022-04-27", -0.5),
        (None, 0.0),
        ("", 0.0),
    ],
)
def test_the_date_of_a_passage_against_the_one_asked_for(
    date: str | None, worth: float
) -> None:
    overlap = Overlap(
        Question("What did she play on 27 March, 2022?"),
        {"plai": 1.0, "27": 1.0, "march": 1.0, "2022": 1.0},
    )
    assert seen_in(overlap, passage("p", "Drums.", date=date))["date"] == worth


LONG = "The rent of the flat in Mill Lane is 12 percent higher than it was when we signed the lease in spring"


def test_texts_read_together_are_read_as_each_alone() -> None:
    texts = ["Dr. Ana Wu: it rains. Go!", "note: nothing", "2026", "", "Łódź – Zoë 3"]
    together = sheets([*texts, texts[0]])
    assert together[0] is together[-1]
    for text, one in zip(texts, together, strict=False):
        alone = Sheet(text)
        for name in ("pieces", "words", "said", "speaker", "named_speaker"):
            assert getattr(one, name) == getattr(alone, name)
    assert stems_of_each(texts) == list(map(stems_of, texts))


def test_a_passage_with_other_values_is_what_dataclasses_make_of_it() -> None:
    old = passage("old", LONG)
    new = but(old, score=0.5, ranks={"dense": 1})
    assert new == replace(old, score=0.5, ranks={"dense": 1})
    assert old == passage("old", LONG)


def test_texts_are_alike_in_a_list_as_they_are_in_pairs() -> None:
    words = [str(number) for number in range(60)]
    sizes = (5, 12, 13, 14, 30, 35, 36, 40, 60, 51, 50)
    texts = [frozenset(words[:size]) for size in sizes]
    expected = []
    for place, one in enumerate(texts):
        expected.append({other for other in range(place) if alike(one, texts[other])})
    assert alikes(texts) == expected
    assert any(expected)


def test_copies_collapse_to_the_newest_in_the_place_of_the_best() -> None:
    old = passage("old", LONG, date="2024-01-01")
    other = passage(
        "other",
        "Something else entirely, about boats and harbours and the sea in the north of the land.",
    )
    new = passage("new", LONG.replace("12", "14"), date="2025-01-01")
    kept = collapse([old, other, new], words_of([old, other, new]))
    assert [p.id for p in kept] == ["new", "other"]
    assert kept[0].versions == ("doc-old.md",)


def test_short_lines_and_parts_of_one_document_are_not_copies() -> None:
    lines = [
        passage("1", "Thanks, see you soon!"),
        passage("2", "Thanks, see you soon!"),
    ]
    parts = [passage("3", LONG, document="one"), passage("4", LONG, document="one")]
    assert collapse(lines, words_of(lines)) == lines
    assert collapse(parts, words_of(parts)) == parts


def test_one_document_takes_at_most_so_many_of_the_first_ten() -> None:
    ranked = [passage(f"a{i}", "", document="a") for i in range(5)] + [
        passage(f"b{i}", "") for i in range(7)
    ]
    order = [p.id for p in spread(ranked, 3)]
    assert order == [
        "a0",
        "a1",
        "a2",
        "b0",
        "b1",
        "b2",
        "b3",
        "b4",
        "b5",
        "b6",
        "a3",
        "a4",
    ]
    assert sorted(p.id for p in spread(ranked[:5], 3)) == [p.id for p in ranked[:5]]

"""The curve of routing: its ends, random routing beside it, and the picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.doors import show
from brain.doors.lines import plain
from brain.errors import NotFound, UsageError
from brain.evaluation.answers import Asked
from brain.evaluation.routing import LEAST_OWN, LEVELS, Bounds, Tried, figures
from brain.evaluation.routing_picture import picture
from brain.governance.in_force import shipped
from brain.governance.policy import Policy
from tests.end_to_end import ROOT

CHANCES = st.floats(0, 1)


def tried(
    kind: str,
    found: float,
    supported: float,
    word: str,
    right: bool,
    second: Asked | None = None,
    *,
    held: bool = True,
) -> Tried:
    first = Asked(kind, found, supported, word, right)
    return Tried(first, second or first, held)


ROWS = st.lists(
    st.builds(
        tried,
        kind=st.sampled_from(["answerable", "near_miss", "absent_article"]),
        found=CHANCES,
        supported=CHANCES,
        word=st.sampled_from([*LEVELS, "not_found"]),
        right=st.booleans(),
    ),
    min_size=1,
    max_size=60,
).filter(lambda rows: any(row.kind == "answerable" for row in rows))


@given(ROWS)
def test_more_sent_is_never_less_right(rows: list[Tried]) -> None:
    curve = figures(rows)["curve"]
    sent = [point["sent"] for point in curve]
    right = [point["right"] for point in curve]
    assert sent == sorted(sent)
    assert right == sorted(right)
    assert sent[0] == 0
    assert curve[0]["right"] == curve[0]["random"]


@given(ROWS)
def test_what_the_notes_do_not_hold_is_never_sent(rows: list[Tried]) -> None:
    absent = [row for row in rows if row.first.word == "not_found"]
    told = figures([*absent, tried("answerable", 1.0, 1.0, "answered", True)])
    assert all(point["sent"] in (0, 1) for point in told["curve"][:1])
    assert all(
        share == 0 for point in told["curve"] for share in point["absent"].values()
    )


def test_routing_by_a_good_sign_lies_above_chance() -> None:
    rows = [
        tried("answerable", 0.9, place / 100, "likely", place >= 40)
        for place in range(100)
    ]
    rows += [tried("near_miss", 0.5, 0.1, "check", False, held=False)] * 10
    told = figures(rows)
    half = next(point for point in told["curve"] if point["sent"] >= 0.4)
    assert half["right"] == 1.0
    assert half["random"] < 0.8
    assert told["levels"]["likely"]["absent"] == {"near_miss": 1.0}
    assert told["levels"]["likely"]["of_all"] == round(10 / 110, 4)


def test_what_the_notes_hardly_hold_is_not_sent() -> None:
    rows = [
        tried("answerable", 0.4, 0.1, "check", False),
        tried("answerable", 0.6, 0.1, "check", False),
        tried("absent_article", 0.4, 0.1, "check", False, held=False),
    ]
    assert figures(rows)["levels"]["likely"]["absent"] == {"absent_article": 1.0}
    told = figures(rows, Bounds(least=0.5))
    assert told["levels"]["likely"]["sent"] == 0.5
    assert told["levels"]["likely"]["absent"] == {"absent_article": 0.0}
    assert told["curve"][-1]["sent"] == 0.5


def test_a_likely_answer_goes_where_it_is_less_likely_right_than_the_policy_wants() -> (
    None
):
    rows = [
        tried("answerable", 0.9, 0.45, "likely", False),
        tried("answerable", 0.9, 0.65, "likely", False),
        tried("answerable", 0.9, 0.75, "answered", False),
    ]
    assert figures(rows)["policy"]["sent"] == 0
    assert figures(rows, Bounds(below=0.5))["policy"]["sent"] == round(1 / 3, 4)
    assert figures(rows, Bounds(below=1.0))["policy"]["sent"] == round(2 / 3, 4)


def test_a_second_try_that_is_good_enough_stays_and_counts() -> None:
    better = Asked("answerable", 0.9, 0.6, "likely", True)
    rows = [tried("answerable", 0.9, 0.1, "check", False, better)]
    assert figures(rows)["levels"]["likely"] == figures(rows)["policy"]
    assert figures(rows)["policy"]["sent"] == 0
    assert figures(rows)["policy"]["right"] == 1.0
    assert figures(rows, Bounds(below=0.7))["policy"]["sent"] == 1


def test_a_cloud_is_right_only_where_the_passages_that_go_hold_it() -> None:
    rows = [
        tried("answerable", 0.9, 0.1, "check", False, held=False),
        tried("answerable", 0.9, 0.1, "check", False),
    ]
    told = figures(rows)
    assert told["all_cloud"] == 0.5
    assert told["policy"]["sent"] == 1.0
    assert told["policy"]["right"] == 0.5


def test_the_picture_is_svg_with_both_lines() -> None:
    rows = [
        tried("answerable", 0.9, place / 9, "likely", place > 4) for place in range(9)
    ]
    root = ET.fromstring(picture(figures(rows)))
    paths = [part for part in root if part.tag.endswith("path")]
    assert len(paths) == 3
    assert [part.text for part in root if part.tag.endswith("text")][:2] == [
        "likely",
        "answered",
    ]


def test_the_command_asks_a_set_and_writes_the_picture(
    brain: Brain, tmp_path: Path
) -> None:
    texts = {"a": "Ines signs the lease.", "b": "The depot is rented until May."}
    folder = tmp_path / "set"
    folder.mkdir()
    corpus = [
        {"doc_id": key, "title": key, "text": text} for key, text in texts.items()
    ]
    asked = [
        {
            "id": "1",
            "text": "Who signs the lease?",
            "answers": ["Ines"],
            "answerable": 1,
            "kind": "answerable",
        },
        {
            "id": "2",
            "text": "Who wrote Hamlet?",
            "answers": [],
            "answerable": 0,
            "kind": "absent_article",
        },
    ]
    for name, rows in (("corpus", corpus), ("queries", asked)):
        lines = "\n".join(json.dumps(row) for row in rows)
        (folder / f"{name}.jsonl").write_text(lines + "\n")
    (folder / "qrels.tsv").write_text("query_id\tdoc_id\trelevance\n1\ta\t1\n")
    plot = tmp_path / "curve.svg"
    report = brain.judge.simulate(folder, embedder="wordllama", plot=plot)
    assert report["queries"] == 2
    assert report["levels"]["likely"]["right"] == 1.0
    assert ET.parse(plot).getroot().tag.endswith("svg")
    told = list(map(plain, show.showing("routing").lines(report)))
    assert told[1].startswith("a route that needs")
    assert told[2].startswith("likely, from 0.")
    with pytest.raises(UsageError, match="is a folder"):
        brain.judge.simulate(folder, embedder="wordllama", plot=tmp_path)


def judged(brain: Brain, questions: int) -> None:
    """So many judged questions over three notes, and two that nothing holds."""
    held = {"lease.md": "lease", "depot.md": "depot", "tea.md": "tea"}
    text = "Ines signs the {} on {} March."
    rows = []
    for number in range(questions):
        name, word = list(held.items())[number % 3]
        rows.append((f"Who signs the {word} on {number} March?", f'["{name}"]'))
    rows += [("Who wrote Hamlet?", "[]"), ("Who won the race?", "[]")]
    home = brain.resources.config.home
    folder = home.parent / "three"
    folder.mkdir(exist_ok=True)
    for name, word in held.items():
        (folder / name).write_text(text.format(word, 3))
    brain.add([folder])
    lines = [
        f'[[question]]\ntext = "{asked}"\nsources = {sources}\nchecked = true\n'
        for asked, sources in rows
    ]
    (home / "judgments.toml").write_text("\n".join(lines))


def test_without_a_set_the_questions_of_the_person_are_asked(brain: Brain) -> None:
    judged(brain, LEAST_OWN)
    before = brain.resources.store.episodes.recent(10, kind="ask")
    report = brain.judge.simulate(None, embedder="builtin")
    assert report["set"] == "own"
    assert (report["queries"], report["answerable"]) == (LEAST_OWN + 2, LEAST_OWN)
    assert report["all_cloud"] == 1.0
    assert report["policy"]["right"] >= 0.9
    assert set(report["policy"]["absent"]) == {"absent"}
    assert brain.resources.store.episodes.recent(10, kind="ask") == before
    assert brain.resources.store.outcomes.rows() == []


def test_too_few_questions_of_the_person_are_an_error_of_two_lines(
    brain: Brain,
) -> None:
    judged(brain, LEAST_OWN - 1)
    with pytest.raises(NotFound, match=f"{LEAST_OWN} are needed") as raised:
        brain.judge.simulate(None, embedder="builtin")
    assert "brain eval init" in raised.value.hint


def test_the_page_of_figures_marks_the_limits_that_are_shipped() -> None:
    limits = Policy.parse(shipped()).contents.limits
    lines = (ROOT / "benchmarks" / "ROUTING.md").read_text("utf-8").splitlines()
    [row] = [line for line in lines if line.startswith("| **")]
    below, least = (cell.strip(" *") for cell in row.split("|")[1:3])
    assert below == f"{limits['cloud_below']:.2f}, as shipped".removeprefix("0")
    assert least == f"{limits['cloud_found']:.2f}".removeprefix("0")

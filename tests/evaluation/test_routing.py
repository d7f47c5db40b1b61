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
from brain.errors import UsageError
from brain.evaluation.answers import Asked
from brain.evaluation.routing import LEVELS, figures, picture

CHANCES = st.floats(0, 1)
ROWS = st.lists(
    st.builds(
        Asked,
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
def test_more_sent_is_never_less_right(rows: list[Asked]) -> None:
    curve = figures(rows)["curve"]
    sent = [point["sent"] for point in curve]
    right = [point["right"] for point in curve]
    assert sent == sorted(sent)
    assert right == sorted(right)
    assert sent[0] == 0
    assert curve[0]["right"] == curve[0]["random"]


@given(ROWS)
def test_what_the_notes_do_not_hold_is_never_sent(rows: list[Asked]) -> None:
    absent = [row for row in rows if row.word == "not_found"]
    told = figures([*absent, Asked("answerable", 1.0, 1.0, "answered", True)])
    assert all(point["sent"] in (0, 1) for point in told["curve"][:1])
    assert all(
        share == 0 for point in told["curve"] for share in point["absent"].values()
    )


def test_routing_by_a_good_sign_lies_above_chance() -> None:
    rows = [
        Asked("answerable", 0.9, place / 100, "likely", place >= 40)
        for place in range(100)
    ]
    rows += [Asked("near_miss", 0.5, 0.1, "check", False)] * 10
    told = figures(rows)
    half = next(point for point in told["curve"] if point["sent"] >= 0.4)
    assert half["right"] == 1.0
    assert half["random"] < 0.8
    assert told["levels"]["likely"]["absent"] == {"near_miss": 1.0}


def test_what_the_notes_hardly_hold_is_not_sent() -> None:
    rows = [
        Asked("answerable", 0.4, 0.1, "check", False),
        Asked("answerable", 0.6, 0.1, "check", False),
        Asked("absent_article", 0.4, 0.1, "check", False),
    ]
    assert figures(rows)["levels"]["likely"]["absent"] == {"absent_article": 1.0}
    told = figures(rows, 0.5)
    assert told["levels"]["likely"]["sent"] == 0.5
    assert told["levels"]["likely"]["absent"] == {"absent_article": 0.0}
    assert told["curve"][-1]["sent"] == 0.5


def test_the_picture_is_svg_with_both_lines() -> None:
    rows = [
        Asked("answerable", 0.9, place / 9, "likely", place > 4) for place in range(9)
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
    with pytest.raises(UsageError, match="is a folder"):
        brain.judge.simulate(folder, embedder="wordllama", plot=tmp_path)

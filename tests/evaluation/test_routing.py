"""The curve of routing: its ends, random routing beside it, and the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

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

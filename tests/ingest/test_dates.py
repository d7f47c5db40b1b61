"""Dates that documents state, and look-alikes that are none."""

from __future__ import annotations

import pytest

from ingest.dates import date_in_metadata, date_in_name, find_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-07", "2026-05-07"),
        ("2026-05-07T14:30:00+02:00", "2026-05-07T14:30:00+02:00"),
        ("Meeting 2026/5/7, room 4", "2026-05-07"),
        ("7 May 2026", "2026-05-07"),
        ("May 7, 2026", "2026-05-07"),
        ("Notes of 7. Mai 2026", "2026-05-07"),
        ("le 7 mai 2026", "2026-05-07"),
        ("7 de mayo de 2026", "2026-05-07"),
        ("2026年5月7日", "2026-05-07"),
        ("07.05.2026", "2026-05-07"),
        ("13/04/2026", "2026-04-13"),
        ("04/13/2026", "2026-04-13"),
        ("03/04/2026", None),  # third of April, or fourth of March?
        ("9999-99-99", None),
        ("2026-02-30", None),
        ("version 2026.4.10 of 20 parts", "2026-04-10"),
        ("In May 2026 we", None),
        ("call 0049 2026 12345", None),
        ("", None),
    ],
)
def test_find_date(text: str, expected: str | None) -> None:
    assert find_date(text) == expected


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("2026-05-07 standup", "2026-05-07"),
        ("20260507_103000", "2026-05-07"),
        ("2026.05.07", "2026-05-07"),
        ("2026_05_07-notes", "2026-05-07"),
        ("2026-05", "2026-05"),
        ("2026-W10", "2026-03-02"),
        ("202603041530 call", "2026-03-04"),
        ("statement_march-2026", "2026-03"),
        ("Bills of März 2026", "2026-03"),
        ("Budget 2026", None),
        ("maybe 2026", None),
        ("journal 2026-13", None),
        ("invoice 1234567890", None),
        ("plain", None),
    ],
)
def test_date_in_name(stem: str, expected: str | None) -> None:
    assert date_in_name(stem) == expected


def test_metadata_takes_the_first_key_that_holds_a_date() -> None:
    assert (
        date_in_metadata({"created": "2026-05-08", "Date": "2026-05-07"})
        == "2026-05-07"
    )
    assert date_in_metadata({"date": "soon", "created": "May 8, 2026"}) == "2026-05-08"
    assert date_in_metadata({"date": "2026"}) == "2026"
    assert date_in_metadata({"Created-At": "March 2026"}) == "2026-03"
    assert date_in_metadata({"created": "20260304153000"}) == "2026-03-04"
    assert date_in_metadata({"day": "2026-W10-3"}) == "2026-03-04"
    linter = "Thursday, March 5th 2026, 11:30:12 pm"
    assert date_in_metadata({"date created": linter}) == "2026-03-05"
    assert date_in_metadata({"updated": "2026-05-07"}) is None
    assert date_in_metadata({}) is None

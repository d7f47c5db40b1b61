"""Small folders with the answer that each must give: series of one template, whose members are no versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.end_to_end import brain

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the folder of that name, added."""
    folder = tmp_path / request.param
    shutil.copytree(
        CASES / request.param, folder, ignore=shutil.ignore_patterns("expected.md")
    )
    assert brain("add", folder).code == 0
    return folder


@pytest.mark.parametrize("case", ["template-bills"], indirect=True)
def test_each_monthly_bill_is_a_document_of_its_own(case: Path) -> None:
    asked = brain("ask", "how many kWh did I use in March")
    assert "| “You used 233 kWh" in asked.stdout
    assert "[1] " + str(case / "bill03.eml") in asked.stdout
    assert "older version" not in asked.stdout + asked.stderr
    shown = brain("search", "electricity bill for February", "-n", "12")
    assert "older version" not in shown.stdout + shown.stderr
    listed = brain(
        "search", "electricity bill for February", "-n", "12", "--format", "files"
    )
    found = [Path(row).name for row in listed.stdout.splitlines()]
    assert found[0] == "bill02.eml"
    assert sorted(found) == [f"bill0{number}.eml" for number in range(1, 7)]


@pytest.mark.parametrize("case", ["template-trips"], indirect=True)
def test_the_trip_of_the_year_that_was_asked_for_answers(case: Path) -> None:
    asked = brain("ask", "where does the summer trip of 2025 go")
    assert asked.stdout.startswith("| “The trip goes to Stavanger.” [1]\n")
    assert f"[1] {case / '2025 itinerary.md'}:5" in asked.stdout
    assert "older version" not in asked.stdout + asked.stderr

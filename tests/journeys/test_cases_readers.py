"""Small inputs of the kinds that a month of real use brought, each with what a person must be able to find in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.end_to_end import Ran, brain

CASES = Path(__file__).parents[1] / "cases"


def taken_in(name: str, tmp_path: Path) -> Ran:
    """The case copied to a folder of its own and added."""
    place = tmp_path / name
    shutil.copytree(CASES / name, place)
    return brain("add", place)


def found(words: str) -> list[dict[str, Any]]:
    """The passages of a search by words alone."""
    passages: list[dict[str, Any]] = brain("search", "--lexical", words, "--json").json[
        "passages"
    ]
    return passages


def test_legacy_encodings_are_read_as_their_letters_and_the_guess_is_told(
    tmp_path: Path,
) -> None:
    ran = taken_in("legacy-encoding", tmp_path)
    assert "lease-cp1251" in found("Договор аренды")[0]["source"]
    assert "tides-sjis" in found("潮汐表")[0]["source"]
    told = ran.stdout + ran.stderr
    assert "Windows-1251" in told
    assert "Shift-JIS" in told
    assert "save the file as UTF-8" in told

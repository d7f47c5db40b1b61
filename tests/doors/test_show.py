"""One way from a result to JSON or to lines: every kind that a view registers is a type that there is, or a named list."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from brain import inbox, labels, recalled, reports, types
from brain.app import cloud, ledger, policy
from brain.doors import show
from brain.doors.lines import line, plain
from brain.reports import Check

ROOT = Path(__file__).parents[2]


def test_every_kind_with_the_name_of_a_type_is_that_type() -> None:
    views = [
        importlib.import_module(f"brain.doors.views.{name}") for name in show.VIEWS
    ]
    places = [types, labels, recalled, reports, ledger, policy, cloud, inbox, *views]
    for kind in show._showings:
        if kind[0].isupper():
            assert any(hasattr(place, kind) for place in places), kind


def test_a_kind_that_nobody_registered_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="Nonsense"):
        show.showing("Nonsense")


def test_the_code_follows_from_the_value() -> None:
    well = Check("D01", "the database", "ok")
    bad = Check("D02", "the texts", "error", "damaged", "restore a backup")
    checks = show.showing("checks")
    assert (checks.code([well]), checks.code([well, bad])) == (show.DONE, show.FAILED)
    documents = show.showing("documents")
    assert documents.code([]) == show.NOTHING_FOUND
    assert plain(documents.talk([])[0]) == "brain: no documents"
    assert documents.to_json([]) == {"schema": 2, "documents": []}


def test_a_line_is_one_line_whatever_is_put_into_it() -> None:
    assert line("a\nb", "\tc") == (("a b", ""), (" c", ""))


def test_a_command_loads_no_view_but_its_own() -> None:
    code = (
        "import sys\nfrom brain.doors.cli.app import command\nfrom brain.doors.show import showing\n"
        "command('search')\nshowing('Recalled')\n"
        "sys.exit(any(f'brain.doors.views.{name}' in sys.modules for name in ('keeping', 'evaluation')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False
    )
    assert run.returncode == 0

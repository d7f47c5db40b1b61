"""Plain values load nothing: pydantic, which typer asks for each value, costs more than a search by words."""

from __future__ import annotations

import enum
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer._click.exceptions import NoSuchOption

from brain.doors.cli.app import MODULES, command
from brain.doors.cli.plain import ABSENT, taken
from brain.types import Texts
from tests.end_to_end import brain as run

ROOT = Path(__file__).parents[2]
NO_LIMITS = SimpleNamespace(min=None, max=None)


class Kind(enum.StrEnum):
    one = "one"


@pytest.mark.parametrize(
    ("annotation", "value", "wanted"),
    [
        (str, "a", "a"),
        (str, "", ""),
        (bool, True, True),
        (int, 7, 7),
        (int, "12", 12),
        (list[str], ("a", "b"), ["a", "b"]),
        (list[str], [], []),
        (Kind, Kind.one, Kind.one),
        (Path, "no/such", Path("no/such")),
        (Path, "/", Path("/")),
        (list[Path], ("/", "-"), [Path("/"), Path("-")]),
        # everything that needs a judgment is typer's
        (int, "x", ABSENT),
        (int, "-1", ABSENT),
        (int, "²", ABSENT),
        (int, True, ABSENT),
        (float, "1", ABSENT),
        (Kind, "one", ABSENT),
        (Path, b"a", ABSENT),
        (Path, "a\0b", ABSENT),
        (list[Path], ("a", b"b"), ABSENT),
        (list[Path], ("a", "b\0"), ABSENT),
        (str, b"a", ABSENT),
        (list[str], "a", ABSENT),
        (list[int], [1], ABSENT),
        (list[str], [1], ABSENT),
        (str | None, "a", ABSENT),
    ],
)
def test_only_what_is_right_already_is_taken(
    annotation: object, value: object, wanted: object
) -> None:
    assert taken(annotation, value, NO_LIMITS) == wanted


@pytest.mark.parametrize("value", ["0", "1001", 0])
def test_a_number_out_of_range_is_typers_to_refuse(value: object) -> None:
    assert taken(int, value, SimpleNamespace(min=1, max=1000)) is ABSENT
    assert taken(int, "1000", SimpleNamespace(min=1, max=1000)) == 1000


def test_a_wanted_command_brings_the_rest_no_further_than_needed() -> None:
    """In a process of its own, since the modules stay loaded in this one."""
    code = (
        "import sys\nfrom brain.doors.cli.app import MODULES, command\n"
        "assert 'search' in command('search').commands\n"
        "loaded = [name for name in MODULES if f'brain.doors.cli.{name}' in sys.modules]\n"
        "sys.exit(0 if set(loaded) < set(MODULES) and 'questions' in loaded else str(loaded))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    whole = set(command().commands)
    assert set(command("no such command").commands) == whole
    assert all(f"brain.doors.cli.{name}" in sys.modules for name in MODULES)


def test_a_search_by_words_loads_no_pydantic(tmp_path: Path) -> None:
    environ = {
        "BRAIN_HOME": str(tmp_path / "home"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    code = (
        "import sys\nfrom brain.doors.cli import main\n"
        "try:\n    main(['search', '--lexical', '-n', '3', 'tea'])\nexcept SystemExit as stop:\n    assert stop.code == 3, stop.code\n"
        "found = [n for n in ('pydantic', 'brain.answering', 'brain.reports') if n in sys.modules]\n"
        "sys.exit(f'loaded: {found}' if found else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def leaves(group: Any, *names: str) -> Iterator[tuple[Texts, Any]]:
    """Every command below a group, with its names."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, *names, name)
        else:
            yield (*names, name), found


def test_a_negative_number_is_a_value_of_every_command() -> None:
    """Mistyped where a number belongs, it is told what is wrong with it, and not that there is no such option."""
    for names, found in leaves(command("no such command")):
        context = found.make_context(" ".join(names), [], resilient_parsing=True)
        context.resilient_parsing = False
        for word in ("-1", "-.5", "-2026-05"):
            options, left, _order = found.make_parser(context).parse_args([word])
            assert f"'{word}'" in repr((options, left)), names
        if not context.ignore_unknown_options:
            with pytest.raises(NoSuchOption):
                found.make_parser(context).parse_args(["-Q"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("policy set cloud_usd_per_day -1", "is a number from 0 on, not -1"),
        ("policy rollback -1", "no policy -1 was published"),
        ("policy explain -3", "the ledger has no row -3"),
        ("ledger body -2", "no bytes are kept of row -2"),
        ("label set public -1", "nothing is stored under '-1'"),
        ("show -1", "nothing is stored under '-1'"),
        ("search lease -n -1", "it must be at least 1"),
        ("ledger show --limit -2", "it must be at least 1"),
    ],
)
def test_what_is_wrong_with_a_negative_number_is_said(words: str, said: str) -> None:
    message, _hint = run(*words.split()).two_lines()
    assert said in message

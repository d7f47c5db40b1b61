"""The yes before something leaves: who is asked, what is shown, and that anything but a typed y is a no."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from brain.doors.cli import consent
from brain.doors.render import Out
from brain.errors import Refused
from brain.governance.outbound import Shown
from brain.labels import Label
from brain.types import Passage

SHOWN = Shown(
    b'{"model": "m"}', "d1", "anthropic", "m", "host", Label.INTERNAL, 6_800, 9
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def passage(source: str) -> Passage:
    return Passage(source, source, source, "L1", "", (), "text", None, 0, 4, 1)


def agreed(
    monkeypatch: pytest.MonkeyPatch, *typed: str, folders: tuple[str, ...] = ()
) -> tuple[str, str]:
    """(the answer, what was shown) where a person types these lines."""
    lines = list(typed)

    def next_line(_question: str) -> str:
        if not lines:
            raise Refused("no terminal", "")
        return lines.pop(0)

    monkeypatch.setattr(consent, "typed", next_line)
    shown = Terminal()
    asks = consent.asking(Out(Terminal(), shown))
    assert asks is not None
    what = replace(SHOWN, folders=folders)
    said = asks(what, tuple(passage(f"{name}.md") for name in "aabcdefg"))
    return said, shown.getvalue()


@pytest.mark.parametrize(
    ("typed", "yes"),
    [
        (["y"], "once"),
        (["Y"], "once"),
        (["n"], ""),
        ([""], ""),
        (["yes"], ""),
        (["s"], ""),
        ([], ""),
    ],
)
def test_only_a_typed_y_is_a_yes(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], yes: str
) -> None:
    said, shown = agreed(monkeypatch, *typed)
    assert said == yes
    assert "s holds" not in shown
    assert (
        "8 passages would go to host (m): a.md, b.md, c.md, d.md, e.md and 2 more"
        in shown
    )
    assert "internal, 14 bytes, at most $0.0068" in shown


def test_the_bytes_can_be_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said, shown = agreed(monkeypatch, "v", "y")
    assert said == "once"
    assert '{"model": "m"}' in shown


def test_for_an_hour_only_where_all_of_it_lies_in_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, shown = agreed(monkeypatch, "s", folders=("/notes/work", "/plans"))
    assert said == "hour"
    assert "s holds for what lies in /notes/work, /plans, to host alone" in shown


@pytest.mark.parametrize("name", ["CLAUDECODE", "AI_AGENT"])
def test_an_agent_is_never_asked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert consent.asking(Out(Terminal(), Terminal())) is None


def test_without_a_terminal_nobody_is_asked() -> None:
    assert consent.asking(Out(io.StringIO(), io.StringIO())) is None

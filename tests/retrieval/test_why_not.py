"""`why-not` through the app: references as a person writes them, and every stage that can be reached from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brain.app import Brain
from brain.errors import UsageError
from brain.types import Request

MANY = {
    f"tea/{n:02}.md": f"# Tea {n}\n\nBlack tea number {n} wants water at {80 + n} degrees for {n} minutes.\n"
    for n in range(20)
}
NOTES = MANY | {
    "far.md": "# Kiln\n\nKiln four fires the tiles for nine hours.\n",
    "x/same.md": "# Same\n\nOne.\n",
    "y/same.md": "# Same\n\nTwo.\n",
}


@pytest.fixture
def filled(brain: Brain, folder: Callable[..., Path]) -> Brain:
    brain.add([folder(NOTES)])
    return brain


def test_a_document_among_the_first_is_found_with_its_ranks(filled: Brain) -> None:
    row = next(
        row for row in filled.library.documents() if row.source.endswith("tea/07.md")
    )
    for reference in ("tea/07.md", row.id, row.id[:8], row.source):
        trace = filled.judge.why_not("black tea number 7", reference)
        assert (trace.stage, trace.document, trace.source, trace.hint) == (
            "found",
            row.id,
            row.source,
            "",
        )
        assert trace.fused is not None
        assert trace.fused <= 10
        assert "black" in trace.shared


def test_a_document_below_the_cut_says_how_far_down(filled: Brain) -> None:
    shown = {
        passage.source
        for passage in filled.search(Request("black tea", limit=3, look=False)).passages
    }
    lost = next(
        row
        for row in filled.library.documents()
        if "/tea/" in row.source and row.source not in shown
    )
    trace = filled.judge.why_not("black tea", lost.id, limit=3)
    assert (trace.stage, trace.limit) == ("cut", 3)
    assert trace.fused is not None
    assert trace.fused > 3
    assert str(trace.fused) in trace.hint
    assert trace.said.startswith("cut: holds black, tea")


def test_what_is_not_stored_says_why(filled: Brain, tmp_path: Path) -> None:
    trace = filled.judge.why_not("black tea", "nowhere.md")
    assert (trace.stage, trace.source, trace.hint) == (
        "not stored",
        "nowhere.md",
        "take it in: brain add PATH",
    )
    row = next(
        row for row in filled.library.documents() if row.source.endswith("far.md")
    )
    filled.library.forget([row.id], dry_run=False)
    assert "brain undo" in filled.judge.why_not("kiln", "far.md").hint
    broken = tmp_path / "notes" / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 no more")
    filled.add([broken])
    rows = {row.source: row.entry for row in filled.library.documents()}
    if str(broken) not in rows:
        assert "skipped" in filled.judge.why_not("kiln", "broken.pdf").hint


def test_an_ambiguous_name_is_asked_back(filled: Brain) -> None:
    with pytest.raises(UsageError, match=r"same\.md"):
        filled.judge.why_not("one", "same.md")

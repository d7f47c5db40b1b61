"""What is known of a file without reading it: when it surely did not change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brain.app import file_facts

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("seconds", "settled"), [(0, False), (1.9, False), (2.1, True), (3_600, True)]
)
def test_a_file_touched_shortly_before_the_last_look_may_have_changed_unseen(
    seconds: float, settled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of a file system may be as coarse as two seconds (FAT)."""
    monkeypatch.undo()  # the rule as a person has it, not the short one of the tests
    path = tmp_path / "a.md"
    path.write_text("tea")
    facts = os.stat(path)
    looked_ns = facts.st_ctime_ns + int(seconds * SECOND_NS)
    known = (
        facts.st_size,
        facts.st_mtime_ns,
        facts.st_ctime_ns,
        facts.st_ino,
        looked_ns,
    )
    assert file_facts.settled(facts, known) is settled
    assert not file_facts.settled(facts, (known[0] + 1, *known[1:]))

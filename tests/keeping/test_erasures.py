"""D18: what was forgotten or erased has left every file, or the file is named; and D16 of encrypted backups."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest

from brain.app import Brain
from brain.config import Config
from brain.config.secret import Secret
from brain.keeping import erase
from brain.reports import Check
from tests.cheap_age import closed

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
LINE = "The ledger of the Kettlewick account lies behind the third brick."


@pytest.fixture
def brain(config: Config) -> Iterator[Brain]:
    with Brain(config, now=lambda: NOON) as opened:
        opened.note("Black tea wants water just off the boil.", title="Tea")
        opened.note(LINE, title="Kettlewick")
        yield opened


def reference(brain: Brain) -> str:
    return next(
        row.id for row in brain.library.documents() if row.title == "Kettlewick"
    )


def check(
    brain: Brain,
    identity: str,
    *,
    repair: bool = False,
    identity_file: Path | None = None,
) -> Check:
    found = brain.keep.doctor(
        deep=True, repair=repair, secret=Secret(identity=identity_file)
    )
    return next(item for item in found if item.id == identity)


def test_what_waits_in_the_trash_stands_in_no_other_file(brain: Brain) -> None:
    home = brain.config.home
    (home / "draft-1.md").write_text(f"# Draft\n\n{LINE}\n")
    (home / "draft-2.md").write_text("Black tea wants water just off the boil.\n")
    assert check(brain, "D18").level == "ok", (
        "it is stored: whoever wrote the draft may have it"
    )
    brain.keep.backup()
    brain.library.forget([reference(brain)], dry_run=False)
    found = check(brain, "D18")
    assert (found.level, found.message) == (
        "warning",
        f"{home / 'draft-1.md'} holds words of what was forgotten",
    )
    assert "delete the file" in found.hint
    assert check(brain, "D18", repair=True).level == "warning", (
        "a repair deletes no file of a person"
    )
    (home / "draft-1.md").unlink()
    assert check(brain, "D18").level == "ok"


def test_pages_that_another_program_freed_are_found_and_emptied(brain: Brain) -> None:
    """A program without `secure_delete` leaves the words of what it deletes."""
    home = brain.config.home
    brain.close()
    with closing(sqlite3.connect(home / "brain.db", isolation_level=None)) as conn:
        conn.execute("PRAGMA secure_delete=OFF")
        conn.execute("CREATE TABLE more (x)")
        conn.executemany(
            "INSERT INTO more VALUES (?)", [("the words of another " * 200,)] * 20
        )
        conn.execute("DROP TABLE more")
    assert b"the words of another" in (home / "brain.db").read_bytes()
    found = check(brain, "D18")
    assert (found.level, "freed pages" in found.message, "--repair" in found.hint) == (
        "error",
        True,
        True,
    )
    mended = check(brain, "D18", repair=True)
    assert (mended.level, "finished" in mended.message) == ("ok", True)
    brain.close()
    assert b"the words of another" not in (home / "brain.db").read_bytes()


def test_what_an_erasure_left_out_is_said_until_it_is_gone(brain: Brain) -> None:
    """Backups that were not written anew, and other files with its words; no word of it is kept to say so."""
    home = brain.config.home
    first, second = (Path(brain.keep.backup().path) for _ in range(2))
    (home / "draft-1.md").write_text(LINE)
    report = brain.keep.erase([reference(brain)], dry_run=False)
    assert [item.state for item in report.backups] == ["holds", "holds"]
    found = check(brain, "D18")
    assert (
        found.level,
        found.message.count("held what was erased at 2026-05-07T12:00"),
    ) == (
        "warning",
        3,
    )
    assert "Kettlewick" not in (
        brain.resources.store.library.setting(erase.ELSEWHERE) or ""
    )
    first.unlink()
    (home / "draft-1.md").write_text("rewritten")
    assert check(brain, "D18").message.count("held what was erased") == 1
    again = brain.keep.erase([f"{report.items[0].id}"], dry_run=False)
    assert [item.path for item in again.backups] == [str(second)]
    assert brain.keep.rewrite_backups().rewritten == (str(second),)
    assert check(brain, "D18").level == "ok"


# -- D16 ------------------------------------------------------------------------------------------------------------------------


def test_an_encrypted_backup_is_drilled_with_its_key_and_else_said_to_be_unproven(
    brain: Brain, tmp_path: Path
) -> None:
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{key}\n")
    (tmp_path / "other.txt").write_text(f"{other}\n")
    made = Path(
        brain.keep.backup(secret=Secret(recipients=(str(key.to_public()),))).path
    )
    unproven = check(brain, "D16")
    assert (unproven.level, "encrypted and was not proven" in unproven.message) == (
        "warning",
        True,
    )
    assert "--identity" in unproven.hint
    before = sorted(path.name for path in brain.config.home.iterdir())
    drilled = check(brain, "D16", identity_file=tmp_path / "key.txt")
    assert (
        drilled.level,
        "would come back: 2 documents, its checksum is right" in drilled.message,
    ) == ("ok", True)
    assert sorted(path.name for path in brain.config.home.iterdir()) == before, (
        "the opened copy is gone"
    )
    wrong = check(brain, "D16", identity_file=tmp_path / "other.txt")
    assert (wrong.level, "does not open" in wrong.message) == ("error", True)
    data = bytearray(made.read_bytes())
    data[len(data) // 2] ^= 1
    made.write_bytes(data)
    assert check(brain, "D16", identity_file=tmp_path / "key.txt").level == "error"


def test_an_encrypted_backup_of_something_else_would_not_come_back(
    brain: Brain, tmp_path: Path
) -> None:
    """What is inside is judged like any file from elsewhere, and named by its own path."""
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{key}\n")
    made = Path(
        brain.keep.backup(secret=Secret(recipients=(str(key.to_public()),))).path
    )
    made.write_bytes(
        pyrage.encrypt(b"SQLite format 3\0" + bytes(4_000), [key.to_public()])
    )
    found = check(brain, "D16", identity_file=tmp_path / "key.txt")
    assert (found.level, str(made) in found.message) == ("error", True), found
    assert "drill.db" not in found.message


def test_the_command_takes_the_key(
    brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.end_to_end import brain as run

    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{key}\n")
    brain.keep.backup(secret=Secret(recipients=(str(key.to_public()),)))
    brain.close()
    assert "was not proven" in run("doctor").stdout
    assert (
        "its checksum is right"
        in run("doctor", "--identity", tmp_path / "key.txt").stdout
    )
    shutil.rmtree(brain.config.home / "backups")
    with Brain(brain.config) as again:
        closed(Path(again.keep.backup().path), "correct horse")
    monkeypatch.setenv("BRAIN_BACKUP_PASSPHRASE", "correct horse")
    assert "its checksum is right" in run("doctor").stdout

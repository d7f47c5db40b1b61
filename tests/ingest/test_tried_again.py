"""A failure is no fact of the file for ever: what could not be read is tried again when it may be well, and is named until then."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import ingest
from brain.app import Brain
from brain.app.intake import Intake
from brain.app.look import TRIES
from brain.app.sync import refresh
from brain.config import Config, Ingest
from brain.store.documents import Origin
from brain.store.skipped import LeftOut
from ingest.edition import HERE, edition, edition_of
from ingest.limits import Limits, partly

Folder = Callable[..., Path]
MAIL = b"Subject: key\nFrom: ana@example.org\nDate: Mon, 4 May 2026 10:00:00 +0000\n\nIt is under the mat.\n"


class Slow:
    """A child that never ends in time."""

    def __init__(self) -> None:
        self.busy = False
        self.deadline = 0.0
        self._mine, self._other = socket.socketpair()

    def fileno(self) -> int:
        return self._mine.fileno()

    def send(
        self, _request: object, *, seconds: float, limits: Mapping[str, int]
    ) -> None:
        assert seconds > 0
        assert limits
        self.busy = True

    def receive(self) -> list[dict[str, Any]]:
        self.busy = False
        return [{"lost": "late", "status": 0}]

    def kill(self) -> None:
        self._mine.close()
        self._other.close()


def slowly(brain: Brain, *paths: Path) -> Intake:
    """Take in on a machine on which nothing is read in time."""
    intake = replace(Intake.of(brain.resources), start=Slow)
    intake.take_in(paths)
    return intake


def noted(brain: Brain) -> list[LeftOut]:
    return brain.resources.store.skipped.all()


def test_a_file_that_took_too_long_is_read_at_the_next_sync(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"key.eml": MAIL})
    slowly(brain, place)
    (left,) = noted(brain)
    assert (left.why.reason, left.passing, left.tries) == (
        "took too long to read",
        True,
        1,
    )
    assert brain.sync().updated == 1
    assert "under the mat" in brain.library.document("key.eml").text
    assert noted(brain) == []


def test_the_newer_text_is_read_and_until_then_both_say_that_the_older_one_is_found(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"key.eml": MAIL})
    brain.add([place])
    (place / "key.eml").write_bytes(MAIL.replace(b"the mat", b"the big stone"))
    slowly(brain, place)
    assert "the mat" in brain.library.document("key.eml").text
    (unread,) = brain.status().unread
    assert (unread.kind, unread.older, unread.retried) == ("unreadable", True, True)
    (check,) = [item for item in brain.keep.doctor() if item.id == "D19"]
    assert check.level == "warning"
    assert "its older text is what is found" in check.message
    assert brain.sync().updated == 1
    assert "big stone" in brain.library.document("key.eml").text
    assert brain.status().unread == ()


def test_a_question_does_not_wait_for_a_slow_file_and_sync_pauses_after_some_tries(
    config: Config, folder: Folder
) -> None:
    place = folder({"key.eml": MAIL})
    clock = [datetime(2026, 5, 4, 12).astimezone()]
    with Brain(config, now=lambda: clock[0]) as brain:
        for tries in range(1, TRIES + 1):
            slowly(brain, place)
            assert noted(brain)[0].tries == tries
        refresh(brain.resources)
        assert noted(brain), "a question did not read it"
        assert brain.sync().updated == 0, "it rests for a day"
        clock[0] += timedelta(days=1, minutes=1)
        assert brain.sync().updated == 1


def test_a_named_file_is_always_read(brain: Brain, folder: Folder) -> None:
    place = folder({"a.md": "alpha text"})
    brain.add([place])
    facts = (place / "a.md").stat()
    # Another text of the same size, times and inode, as some programs write it
    (place / "a.md").write_text("omega text")
    os.utime(place / "a.md", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    conn = brain.resources.store.connection.conn
    conn.execute(
        "UPDATE documents SET ctime_ns=?, looked_ns=?",
        ((place / "a.md").stat().st_ctime_ns, 2**62),
    )
    assert brain.sync().updated == 0
    assert brain.add([place / "a.md"]).updated == 1
    slowly(brain, place)
    (place / "bad.txt").write_bytes(b"\0\1\2" * 50)
    for _ in range(2):
        report = brain.add([place / "bad.txt"])
        assert [item.kind for item in report.skipped] == ["unreadable"], (
            "read, and told"
        )


def test_a_change_of_permissions_or_of_the_inode_counts(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"bad.txt": b"\0\1\2" * 50})
    brain.add([place])
    facts = (place / "bad.txt").stat()
    assert brain.sync().skipped == ()
    (place / "bad.txt").chmod(0o640)  # nothing but the ctime changes
    assert [item.kind for item in brain.sync().skipped] == ["unreadable"]
    (place / "new.txt").write_bytes(b"x" * facts.st_size)
    os.utime(place / "new.txt", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (place / "new.txt").replace(place / "bad.txt")
    assert brain.sync().updated == 1


def test_a_changed_limit_reads_what_it_concerns(config: Config, folder: Folder) -> None:
    place = folder({"long.md": "word " * 400, "short.md": "few words"})
    small = replace(config, ingest=Ingest(text_chars=1_000))
    with Brain(small) as brain:
        assert any(
            "cut to the first 1,000" in said for said in brain.add([place]).notices
        )
        assert [left.why.kind for left in noted(brain)] == ["cut"]
        again = brain.sync()
        assert (again.updated, again.skipped, again.notices) == (0, (), ())
    with Brain(config) as brain:
        assert brain.sync().updated == 1
        assert len(brain.library.document("long.md").text) > 1_900
        assert noted(brain) == []


def test_mended_readers_read_again_what_others_could_not(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"bad.pdf": b"%PDF-1.4 broken", "bad.txt": b"\0\1\2" * 50})
    brain.add([place])
    assert brain.sync().skipped == ()
    brain.resources.store.connection.conn.execute(
        "UPDATE skipped SET reader='another edition'"
    )
    assert {item.kind for item in brain.sync().skipped} == {"unreadable"}
    limits = Intake.of(brain.resources).limits
    assert {left.reader for left in noted(brain)} == {
        edition("application/pdf", limits),
        edition("text/plain", limits),
    }
    assert edition("text/plain", Limits()) != edition("text/plain", Limits(pages=3))


# -- what an older edition of its reader read ----------------------------------------------------------------------------


def outdated(brain: Brain, like: str, text: str = "") -> None:
    """Make the documents at these addresses those of an older edition, and of what it saw in the file."""
    store = brain.resources.store
    for row in brain.library.documents():
        if not row.source.endswith(like):
            continue
        known = store.documents.under(row.id)
        assert known is not None
        older = ingest.load_text(
            text or brain.library.document(row.id).text,
            uri=known["uri"],
            title=known["title"],
            media_type=known["media_type"],
        )
        older = replace(older, content_hash=known["content_hash"])
        (stat,) = store.connection.conn.execute(
            "SELECT size, mtime_ns, ctime_ns, inode FROM documents WHERE id=?",
            (row.id,),
        )
        # A look long after the file was written, which need not read it to be safe
        origin = Origin(row.source, stat, 2**62, reader="an older edition")
        with store.write():
            store.documents.save(older, origin, now=brain.resources.now())


def test_a_file_that_an_older_edition_read_is_read_again_by_sync_alone(
    brain: Brain, folder: Folder
) -> None:
    place = folder(
        {
            "tags.md": "---\ntags: #ops\n---\nOne text.\n",
            "page.html": "<p>Haft&shy;pflicht</p>",
            "same.md": "Another text.\n",
        }
    )
    brain.add([place])
    before = {row.source: row.id for row in brain.library.documents()}
    for name in ("tags.md", "page.html", "same.md"):
        outdated(
            brain, name, "What an older reader saw." if name == "page.html" else ""
        )
    assert brain.library.document("tags.md").row.tags == ()
    refresh(brain.resources)
    assert brain.status().newer == 0
    assert "older reader" in brain.library.document("page.html").text
    report = brain.sync()
    assert (report.updated, report.unchanged) == (2, 1)
    (notice,) = report.notices
    assert (
        notice == "3 files are read again: the readers of md, html files have improved"
    )
    assert brain.library.document("page.html").text.strip() == "Haftpflicht"
    assert brain.library.document("tags.md").row.tags == ("ops",)
    assert {row.source: row.id for row in brain.library.documents()} == before
    again = brain.sync()
    assert (again.updated, again.unchanged, again.notices) == (0, 3, ())


def test_a_file_that_is_gone_keeps_what_was_read_of_it(
    brain: Brain, folder: Folder
) -> None:
    place = folder({f"{at}.md": f"text {at}" for at in range(8)})
    brain.add([place])
    outdated(brain, ".md")
    for at in range(6):
        (place / f"{at}.md").unlink()
    report = brain.sync()
    assert report.removed == 0
    said = [line for line in report.notices if line.startswith("2 files are read ")]
    assert len(said) == 1
    assert brain.library.document("0.md").text == "text 0"


def test_a_file_that_the_new_edition_cannot_read_keeps_its_text_and_is_tried_once(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"key.eml": MAIL})
    brain.add([place])
    outdated(brain, ".eml", "What an older reader saw.")
    slowly(brain, place)
    assert "older reader" in brain.library.document("key.eml").text
    assert noted(brain)[0].older
    assert brain.sync().updated == 1
    assert "under the mat" in brain.library.document("key.eml").text


def test_messages_of_a_mailbox_are_read_again_with_it(
    brain: Brain, folder: Folder
) -> None:
    box = b"From ana Mon May  4 10:00:00 2026\n" + MAIL + b"\n"
    place = folder({"box.mbox": box + box.replace(b"key", b"lamp")})
    brain.add([place])
    ids = {row.id for row in brain.library.documents()}
    brain.resources.store.connection.conn.execute(
        "UPDATE documents SET reader=iif(uri LIKE '%#%', 'older', reader), looked_ns=?",
        (2**62,),
    )
    assert brain.sync().notices == (
        "1 file is read again: the reader of mbox files has improved",
    )
    assert {row.id for row in brain.library.documents()} == ids
    assert brain.sync().notices == ()


def test_an_interruption_leaves_the_rest_for_the_next_sync(
    config: Config, folder: Folder
) -> None:
    place = folder({f"{at:03}.md": f"text number {at}" for at in range(250)})
    with Brain(config) as brain:
        brain.add([place])
        brain.resources.store.connection.conn.execute(
            "UPDATE documents SET reader='older', looked_ns=?", (2**62,)
        )

    def stop(what: str, _done: int, _total: int) -> None:
        if what == "reading":
            raise KeyboardInterrupt

    with Brain(config, progress=stop) as brain:
        report = brain.sync()
        assert report.interrupted
        assert 0 < report.unchanged < 250
    with Brain(config) as brain:
        left = 250 - report.unchanged
        assert brain.sync().notices[0].startswith(f"{left} files are read again: ")
        assert len(brain.library.documents()) == 250


def test_another_edition_is_other_code_of_the_reader_or_of_what_it_imports(
    tmp_path: Path,
) -> None:
    def editions(name: str, change: Callable[[Path], object]) -> tuple[str, ...]:
        package = tmp_path / name
        shutil.copytree(HERE, package)
        change(package)
        return tuple(edition_of(kind, package) for kind in ("pdf", "mail", "markdown"))

    def append(file: str, text: str) -> Callable[[Path], object]:
        def change(package: Path) -> None:
            path = package / file
            path.write_text(path.read_text("utf-8") + text, "utf-8")

        return change

    pdf, mail, markdown = editions("as it is", lambda _package: None)
    said = append("readers/pdf.py", "\n\n# said\n\n")
    assert editions("said", said) == (pdf, mail, markdown)
    changed = editions("pdf", append("readers/pdf_layers.py", "\nx = 1\n"))
    assert changed[0] != pdf
    assert changed[1] != mail, "a PDF may be attached to a mail"
    assert changed[2] == markdown
    every = editions("all", append("chunking.py", "\nx = 1\n"))
    assert not {pdf, mail, markdown} & set(every)
    walked = append("folders.py", "\nx = 1\n")
    assert editions("folders", walked) == (pdf, mail, markdown)


def test_a_file_renamed_while_we_looked_keeps_its_id(
    config: Config, folder: Folder
) -> None:
    place = folder(
        {"a/x.md": "a text of some length", "a/b.md": "beta", "c.md": "gamma"}
    )
    with Brain(config) as brain:
        brain.add([place], tags=["keep"])
        before = brain.library.document("x.md").row
        (place / "a/x.md").write_text("a text of some length!")
        intake = Intake.of(brain.resources)
        fresh = intake.look(place).changed()
        (place / "a/x.md").write_text("a text of some length")
        (place / "a/x.md").rename(place / "moved.md")
        intake.take_changes(fresh, (), [place])
        report = intake.tally.report()
        assert (report.renamed, report.skipped) == (1, ())
        after = brain.library.document("moved.md").row
        assert (after.id, after.tags) == (before.id, before.tags)


def test_a_folder_that_may_not_be_opened_is_named_and_loses_nothing(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    """A name that is too long to be asked for stands in for a folder without permission: both are no proof of a loss."""
    from brain.store.moves import is_gone

    assert not is_gone(str(tmp_path / ("x" * 300)))
    assert is_gone(str(tmp_path / "x"))
    if os.getuid() == 0:
        pytest.skip("root may open everything")
    place = folder({"in/a.md": "alpha", "b.md": "beta"})
    brain.add([place])
    (place / "in").chmod(0)
    try:
        report = brain.sync()
        assert (report.removed, report.skipped[0].kind) == (0, "unreadable")
        assert brain.sync().skipped[0].new is False
        assert [item.retried for item in brain.status().unread] == [True]
    finally:
        (place / "in").chmod(0o700)
    brain.sync()
    assert brain.status().unread == ()


def test_a_note_goes_with_its_file(brain: Brain, folder: Folder) -> None:
    place = folder({"bad.txt": b"\0\1\2" * 50, "good.md": "alpha"})
    brain.add([place])
    (place / "bad.txt").unlink()
    brain.sync()
    assert noted(brain) == []


def test_status_counts_what_an_interruption_left(
    config: Config, folder: Folder
) -> None:
    place = folder({f"{i:03}.md": f"text number {i}" for i in range(250)})

    def stop(what: str, _done: int, _total: int) -> None:
        if what == "reading":
            raise KeyboardInterrupt

    with Brain(config, progress=stop) as brain:
        report = brain.add([place])
        assert report.interrupted
        assert report.unread == 250 - report.added
        assert brain.status().newer == report.unread
    with Brain(config) as brain:
        brain.sync()
        assert brain.status().newer == 0


def test_every_file_that_was_left_out_can_be_seen_again(
    brain: Brain, folder: Folder
) -> None:
    place = folder(
        {"bad.txt": b"\0\1\2" * 50, "photo.psd": b"x", ".hidden": "x", "a.md": "alpha"}
    )
    brain.add([place])
    kinds = [(Path(item.source).name, item.kind) for item in brain.library.left_out()]
    assert kinds == [
        ("bad.txt", "unreadable"),
        ("photo.psd", "unsupported"),
        (".hidden", "hidden"),
    ]


def test_two_thousand_empty_files_are_looked_for_once(
    brain: Brain, folder: Folder
) -> None:
    """Each new file of a content that others have is no reason to look at all of those again."""
    place = folder({f"{i:03}.md": "" for i in range(150)})
    asked: list[str] = []
    brain.resources.store.connection.conn.set_trace_callback(
        lambda sql: asked.append(sql) if "WHERE content_hash=" in sql else None
    )
    assert brain.add([place]).added == 150
    assert len(asked) <= 10


def test_the_notices_that_tell_of_a_missing_part() -> None:
    assert partly("5,000 characters of text: cut to the first 1,000")
    assert partly("p. 3: damaged, left out")
    assert not partly("3 NUL characters left out")

"""The public face: whole documents, their addresses and dates, caps with notices, and files that resist."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

import ingest
from ingest import (
    Document,
    Limits,
    RefusedFile,
    UnreadableFile,
    UnsupportedFile,
    load_text,
)
from ingest.loading import assemble, readings
from ingest.media import media_type
from ingest.readers import READERS, reader_for
from ingest.reading import Raw, Reading, read_file


def load(path: Path, text: str | bytes = "", **options: object) -> Document:
    if text:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (document,) = ingest.load(path, **options)  # type: ignore[arg-type]
    return document


def test_importing_the_package_loads_no_library() -> None:
    heavy = "chromadb numpy tiktoken markdown_it pypdf lxml tree_sitter yaml dateparser pathspec docx pptx openpyxl webvtt oxmsg"
    code = (
        f"import sys, ingest; print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    root = str(Path(ingest.__file__).parents[1])
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    assert out.stdout.strip() == "[]"


def test_a_note_becomes_a_document(tmp_path: Path) -> None:
    text = "# Lease\n\nWe promised the landlord [[Ana]] 1,200 euros. #home\n"
    document = load(tmp_path / "2026-05-07 lease.md", text)
    (chunk,) = document.chunks
    assert document.text == chunk.text == text
    assert (document.title, document.tags, document.links) == (
        "Lease",
        ("home",),
        ("Ana",),
    )
    assert (document.dated_at, document.dated_by) == ("2026-05-07", "file name")
    assert document.content_hash == ingest.digest(text)
    assert (chunk.locator, chunk.heading, chunk.document_id) == (
        "L1-3",
        ("Lease",),
        document.id,
    )


def test_dates_come_from_front_matter_then_name_then_heading(tmp_path: Path) -> None:
    front = "---\ncreated: 2026-01-02\n---\n# 3 January 2026\n"
    assert load(tmp_path / "2026-01-04.md", front).dated_by == "front matter"
    assert (
        load(tmp_path / "2026-01-04.md", "# 3 January 2026\n").dated_at == "2026-01-04"
    )
    assert load(tmp_path / "note.md", "# 3 January 2026\n").dated_at == "2026-01-03"
    assert load(tmp_path / "note.md", "# No date\n\n2026-01-05\n").dated_at is None
    assert load_text("x", uri="note:1", dated_at="2026-01-06").dated_by == "given"


@pytest.mark.parametrize(
    "line",
    [
        "updated: 2026-03-04T10:00:00",
        "modified: March 4, 2026",
        "lastmod: 2026-03-04",
        "last_modified: 2026-03-04",
        "last_modified_at: 2026-03-04",
        "date modified: Wednesday, March 4th 2026, 11:30:12 pm",
    ],
)
def test_when_a_note_was_changed_dates_it_where_nothing_else_does(
    tmp_path: Path, line: str
) -> None:
    changed = load(tmp_path / "note.md", f"---\n{line}\n---\n# Lease\n")
    assert (changed.dated_at or "")[:10] == "2026-03-04"
    assert changed.dated_by == "metadata"
    created = f"---\n{line}\ncreated: 2026-01-02\n---\n# Lease\n"
    assert load(tmp_path / "note.md", created).dated_at == "2026-01-02"
    day = load(tmp_path / "2026-01-04.md", f"---\n{line}\n---\n# Lease\n")
    assert (day.dated_at, day.dated_by) == ("2026-01-04", "file name")
    headed = f"---\n{line}\n---\n# 3 January 2026\n"
    assert load(tmp_path / "note.md", headed).dated_at == "2026-01-03"


def test_a_property_that_is_no_date_of_the_note_dates_it_not(tmp_path: Path) -> None:
    due = "---\ndue: 2027-01-31\n---\n"
    assert load(tmp_path / "note.md", f"{due}Send it.\n").dated_at is None
    below = load(tmp_path / "note.md", f"{due}3 January 2026: send it.\n")
    assert (below.dated_at, below.dated_by) == ("2026-01-03", "heading")


@pytest.mark.parametrize("name", ["a b#c?.md", "é\n.md", "\udcff\udcfe.md", "100%.md"])
def test_the_address_gives_back_the_path(tmp_path: Path, name: str) -> None:
    try:
        document = load(tmp_path / name, "text")
    except (OSError, UnicodeError) as error:
        pytest.skip(f"this file system refuses the name: {error}")
    assert os.fsdecode(unquote_to_bytes(document.uri.removeprefix("file://"))) == str(
        tmp_path / name
    )
    document.title.encode("utf-8")


@pytest.mark.parametrize(
    "data", [b"\n", b"  \n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"]
)
def test_an_empty_file_is_a_document_without_chunks_and_a_notice(
    tmp_path: Path, data: bytes
) -> None:
    document = load(tmp_path / "empty.md", data)
    assert (document.text, document.chunks, document.title) == ("", (), "empty")
    assert "empty" in document.notices[0]


def test_caps_cut_with_a_notice_and_chunks_still_tile(tmp_path: Path) -> None:
    text = "one two three four five six seven. " * 2_000
    cut = load(tmp_path / "long.txt", text, limits=Limits(text_chars=10_000))
    assert len(cut.text) == 10_000
    assert "cut to the first 10,000" in cut.notices[0]
    few = load(tmp_path / "long.txt", text, limits=Limits(chunks=3))
    assert len(few.chunks) == 3
    assert few.text == "".join(chunk.text for chunk in few.chunks)


def test_files_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x" * 3_000)
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(RefusedFile, match="symbolic link"):
        load(tmp_path / "link.md")
    for name in ("folder.md", "pipe.md"):
        with pytest.raises(RefusedFile, match="not a regular file"):
            load(tmp_path / name)
    with pytest.raises(RefusedFile, match="too large"):
        load(tmp_path / "a.md", limits=Limits(file_bytes=2_000))
    with pytest.raises(UnreadableFile, match="not there"):
        load(tmp_path / "gone.md")
    with pytest.raises(UnsupportedFile):
        load(tmp_path / "gone.heic")
    with pytest.raises(RefusedFile, match="not a regular file"):
        read_file(Path("/dev/zero"), Limits())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_size_that_lies_is_no_way_around_the_cap() -> None:
    data, status = read_file(Path("/proc/self/status"), Limits())
    assert status.st_size == 0
    assert b"Name" in data
    with pytest.raises(RefusedFile, match="too large"):
        read_file(Path("/proc/self/status"), Limits(file_bytes=10))


def test_what_a_reader_raises_is_an_ingest_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(READERS, "text/x-broken", "text")
    with pytest.raises(UnreadableFile, match="damaged"):
        list(readings(Raw(None, "x", "text/x-broken")))  # type: ignore[arg-type]


def test_a_reading_may_be_one_of_many_with_its_own_part(tmp_path: Path) -> None:
    """What a mailbox reader will need: several documents of one file."""

    def letters() -> Iterator[Reading]:
        for at in (1, 2):
            yield Reading(
                [ingest.Section(f"letter {at}", (), "L1")],
                title=f"Letter {at}",
                part=f"m{at}",
            )

    raw = Raw(b"", "box.mbox", "text/plain")
    made = [assemble(raw, letter, uri="file:///x") for letter in letters()]
    assert [document.title for document in made] == ["Letter 1", "Letter 2"]


def test_every_registered_reader_exists_and_every_suffix_of_it_is_lower_case() -> None:
    assert all(callable(reader_for(kind)) for kind in READERS)
    assert media_type("A/B.MD") == "text/markdown"
    assert media_type(Path("Makefile")) == "text/x-plain-code"
    assert media_type("x.unknown") == "application/octet-stream"
    assert media_type("nosuffix") == "application/octet-stream"


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(ingest, name) is not None for name in ingest.__all__)
    assert callable(ingest.walk)
    with pytest.raises(AttributeError, match="no attribute"):
        ingest.no_such_name  # noqa: B018

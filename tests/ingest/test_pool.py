"""Many files: ordinary ones here, PDFs in child processes; one that dies, hangs or lies costs its one file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from brain.app.intake import reading_child
from brain.child import Child, running
from ingest import Document, Found, IngestError, Limits, load_many, walk
from ingest.loading import load
from ingest.worker import packed, unpacked

PDF = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>> endobj
4 0 obj <</Length 42>> stream
BT /F1 12 Tf 20 100 Td (Kettle page) Tj ET
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
trailer <</Root 1 0 R>>
startxref
0
%%EOF
"""


def folder(path: Path, pdfs: int, notes: int) -> list[Found]:
    for at in range(pdfs):
        (path / f"p{at}.pdf").write_bytes(PDF)
    for at in range(notes):
        (path / f"z{at}.md").write_text(f"note {at}")
    return [item for item in walk(path) if isinstance(item, Found)]


def child(code: str) -> Callable[[], Child]:
    """Starts a child with the behaviour of the code, for each request line."""
    words = [
        sys.executable,
        "-c",
        f"import sys, os, time\nfor line in sys.stdin:\n    {code}\n",
    ]
    return lambda: Child(words)


load_all = partial(load_many, start=reading_child)


def test_pdfs_are_read_in_children_and_every_file_comes_once(tmp_path: Path) -> None:
    items = folder(tmp_path, pdfs=3, notes=20)
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    results = dict(
        load_all(
            [*items, *(i for i in walk(tmp_path / "bad.pdf") if isinstance(i, Found))]
        )
    )
    assert len(results) == 24
    pages = results[tmp_path / "p0.pdf"]
    assert isinstance(pages, Document)
    assert (pages.text, pages.chunks[0].locator) == ("Kettle page\n", "p. 1")
    bad = results[tmp_path / "bad.pdf"]
    assert isinstance(bad, IngestError)
    assert bad.kind == "unreadable"


def test_notes_keep_coming_while_a_child_hangs(tmp_path: Path) -> None:
    items = folder(tmp_path, pdfs=1, notes=30)
    results = load_many(
        items,
        limits=Limits(wall_seconds=0.3, wall_seconds_per_mb=0),
        start=child("time.sleep(60)"),
    )
    order = [(path.name, made) for path, made in results]
    assert order[0][0] == "z0.md"
    name, error = order[-1]
    assert name == "p0.pdf"
    assert isinstance(error, IngestError)
    assert "too long" in error.reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os._exit(3)", "crashed"),
        ("os.kill(os.getpid(), 11)", "signal 11"),
        ("print('not json', flush=True)", "no sensible answer"),
        ("print('{\"document\": {}}', flush=True)", "no sensible answer"),
        ("print('[' * 100000, flush=True)", "no sensible answer"),
    ],
)
def test_a_child_that_dies_or_lies_costs_its_file_and_is_replaced(
    tmp_path: Path, code: str, reason: str
) -> None:
    items = folder(tmp_path, pdfs=3, notes=0)
    results = list(load_many(items, children=1, start=child(code)))
    assert sorted(path.name for path, _made in results) == [
        "p0.pdf",
        "p1.pdf",
        "p2.pdf",
    ]
    assert all(
        isinstance(made, IngestError) and reason in made.reason
        for _path, made in results
    )


def test_a_file_that_costs_its_child_is_read_again_without_what_it_holds(
    tmp_path: Path,
) -> None:
    """A hostile attachment loses itself and not the mail."""
    items = folder(tmp_path, pdfs=1, notes=0)
    code = (
        "import json; r = json.loads(line)['request']; depth = r['limits']['attachment_depth'];"
        "depth and os._exit(3);"
        "print(json.dumps({'error': ['refused', f'depth {depth}', '']}), flush=True);"
        "print(json.dumps({'end': True}), flush=True)"
    )
    ((_path, made),) = load_many(items, children=1, start=child(code))
    assert isinstance(made, IngestError)
    assert made.reason == "depth 0"


def test_closing_early_leaves_no_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    items = folder(tmp_path, pdfs=4, notes=2)
    code = f"open(os.path.join({str(pids)!r}, str(os.getpid())), 'w').close(); time.sleep(60)"
    results = load_many(items, start=child(code))
    next(results)
    while len(list(pids.iterdir())) < 2:
        time.sleep(0.01)
    results.close()  # type: ignore[attr-defined]
    for path in pids.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)


def test_no_child_starts_without_need(tmp_path: Path) -> None:
    def refuse() -> Child:
        raise AssertionError("no child is needed for notes")

    assert len(list(load_many(folder(tmp_path, pdfs=0, notes=3), start=refuse))) == 3


def test_files_are_asked_for_one_by_one(tmp_path: Path) -> None:
    """Nothing is read ahead of what the caller takes: memory stays flat."""
    asked = 0

    def counted() -> Iterator[Found]:
        nonlocal asked
        for item in folder(tmp_path, pdfs=0, notes=50):
            asked += 1
            yield item

    results = load_all(counted())
    next(results)
    assert asked == 1
    results.close()  # type: ignore[attr-defined]


def test_a_reading_child_is_limited(tmp_path: Path) -> None:
    """Inside it: memory and core limits set, no connection, no other program."""
    command = running("tests.child_tasks:limits_and_doors", "network", "programs")
    items = folder(tmp_path, pdfs=1, notes=0)
    ((_path, made),) = load_many(items, start=lambda: Child(command))
    assert isinstance(made, IngestError)
    assert made.reason == f'[{1 << 30}, 0, "closed", "closed"]'


def test_a_document_survives_the_way_through_json(tmp_path: Path) -> None:
    path = tmp_path / "2026-05-07.md"
    path.write_text(
        "---\ntags: [a]\naliases: [b]\n---\n# H\n\n"
        + "Some words of it. " * 300
        + "[[link]]\n"
    )
    (document,) = load(path)
    assert unpacked(packed(document)) == document

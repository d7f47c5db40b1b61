"""docs/API.md: each of its examples, run against a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from brain.app.pool import Pool
from brain.config import load
from brain.doors.http.access import access_of
from tests.doors.http_support import NOTES
from tests.doors.live_server import live_server
from tests.doors.test_openai import walked
from tests.end_to_end import ROOT, brain, home
from tests.pages import examples, follow

PAGE = ROOT / "docs" / "API.md"
PORT = "127.0.0.1:8420"


def test_the_examples_of_the_page_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    assert brain("add", folder).code == 0
    walked()
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    page = tmp_path / "API.md"
    with Pool(load, workers=2) as pool:
        access = access_of(home())
        with live_server(pool, access) as served:
            text = PAGE.read_text("utf-8")
            page.write_text(text.replace(PORT, f"127.0.0.1:{served.port}"), "utf-8")
            assert follow(page, tmp_path) == len(list(examples(text)))


def test_the_page_shows_no_example_that_is_not_run() -> None:
    fences = [line for line in PAGE.read_text("utf-8").splitlines() if "```" in line]
    assert set(fences) == {"```console", "```"}

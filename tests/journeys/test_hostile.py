"""Hostile files meet `brain add` in a child that may use 1 GiB and 60 s of processor (docs/FAULTS.md, "Hostile files").

All files are taken in by one command, as a folder full of them would be; each case then looks at what became of its file.
What was stored before must be there afterwards, nothing may appear outside the home, and no process may die of a signal.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.config import Config, Models
from brain.errors import BrainError
from ingest import IngestError, Limits, load, load_text
from tests.end_to_end import ROOT, Folder, brain, checked, home
from tests.hostile_files import CASES, Case, deep

GIBIBYTE = 1 << 30
HANG_SECONDS = 900  # a guard, not a measurement: these machines are shared


def limited() -> None:
    """Runs in the child before it becomes `brain`."""
    for kind, most in (
        (resource.RLIMIT_AS, GIBIBYTE),
        (resource.RLIMIT_CPU, 60),
        (resource.RLIMIT_FSIZE, GIBIBYTE),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def command(place: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {
        "BRAIN_HOME": str(place),
        "PATH": os.defpath,
        "HOME": str(place.parent),
        "OPENBLAS_NUM_THREADS": "1",
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
    }
    return subprocess.run(
        [sys.executable, "-m", "brain", *map(str, words)],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
        preexec_fn=limited,
    )


@dataclass(frozen=True)
class Swept:
    """What one `brain add` of all the files left behind."""

    folder: Path
    home: Path
    code: int
    stderr: str
    report: dict[str, Any]
    outside: frozenset[str]

    def skips(self, path: Path) -> list[dict[str, str]]:
        return [skip for skip in self.report["skipped"] if skip["source"] == str(path)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    base = tmp_path_factory.mktemp("hostile")
    place, files = base / "home", base / "files"
    files.mkdir()
    (base / "before.md").write_text(
        "# Before\n\nThis note was here before any of them.\n"
    )
    assert command(place, "add", base / "before.md").returncode == 0
    for case in CASES:
        case.make(files / case.name)
    there = {str(path) for path in base.iterdir()} | {
        str(path) for path in files.iterdir()
    }
    ran = command(place, "add", "--json", files)
    outside = (
        frozenset({str(p) for p in base.iterdir()} | {str(p) for p in files.iterdir()})
        - there
    )
    return Swept(
        files,
        place,
        ran.returncode,
        ran.stderr,
        json.loads(ran.stdout or "{}"),
        frozenset(outside),
    )


def test_one_bad_file_stops_nothing(swept: Swept) -> None:
    """Exit 1, because kinds that we claim to read failed; no traceback, no signal; nothing was written beside the home."""
    assert swept.code == 1, swept.stderr
    assert "Traceback" not in swept.stderr
    assert swept.outside == frozenset()
    stored = checked(swept.home)
    assert stored.documents[(swept.folder.parent / "before.md").as_uri()].endswith(
        "here before any of them.\n"
    )
    assert stored.chunks == stored.vectors
    names = {case.name for case in CASES}
    known = {Path(skip["source"]).name for skip in swept.report["skipped"]} | {
        Path(uri).name for uri in stored.documents
    }
    assert names <= known, "every file is stored or listed with its reason"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row_{case.row}_{case.name}")
def test_every_hostile_file_ends_as_a_document_or_a_listed_reason(
    swept: Swept, case: Case
) -> None:
    path = swept.folder / case.name
    skips = swept.skips(path)
    if skips:
        (skip,) = skips
        assert re.fullmatch(case.outcome, skip["kind"]), skip
        assert case.outcome == "read|unreadable" or re.search(
            case.wanted, skip["reason"]
        ), skip
        assert skip["reason"] == skip["reason"].strip() != ""
        return
    assert "read" in case.outcome.split("|"), f"{case.name} was read"
    with Brain(
        Config(
            home=swept.home,
            models=Models(embed="wordllama", ask="builtin", reader="off"),
        )
    ) as opened:
        detail = opened.library.document(str(path))
    assert re.search(case.wanted, detail.text)
    assert "root:x:0" not in detail.text
    assert not case.told or any(case.told in notice for notice in detail.notices), (
        detail.notices
    )


def test_hostile_files_added_twice_change_nothing(swept: Swept) -> None:
    """A second look reads none of them again: what failed is known by its facts."""
    again = command(swept.home, "add", "--json", swept.folder)
    report = json.loads(again.stdout)
    assert (report["added"], report["updated"]) == (0, 0)
    assert again.returncode == 0
    assert (
        "before" in command(swept.home, "search", "--lexical", "here before any").stdout
    )


# -- rows that need more than a file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/proc/self/mem", "/dev/stdin", "/proc/self/environ"]
)
def test_devices_named_by_hand(folder: Folder, path: str) -> None:
    if not Path(path).exists():
        pytest.skip("not on this system")
    brain("add", folder({"a.md": "kept"}))
    ran = brain("add", path)
    assert "Traceback" not in ran.stderr + ran.stdout
    assert list(checked(home()).documents.values()).count("kept") == 1


def test_the_size_cap_comes_before_reading(folder: Folder) -> None:
    place = folder({"a.txt": "word " * 1_000})
    with pytest.raises(IngestError, match="too large"):
        next(load(place / "a.txt", limits=Limits(file_bytes=4_000)))


def test_a_hard_link_is_a_document_and_a_loop_ends(folder: Folder) -> None:
    place = folder({"a.md": "linked words"})
    (place / "b.md").hardlink_to(place / "a.md")
    (place / "sub").mkdir()
    (place / "sub" / "again").symlink_to(place)
    assert brain("add", place).code == 0
    assert sorted(checked(home()).documents.values()) == [
        "linked words",
        "linked words",
    ]


def test_a_file_that_grows_while_it_is_read_is_stored_as_it_was_hashed(
    tmp_path: Path,
) -> None:
    path, done = tmp_path / "growing.txt", threading.Event()
    path.write_text("line\n")

    def grow() -> None:
        while not done.wait(0.0001):
            with path.open("a") as file:
                file.write("line\n" * 100)
            if path.stat().st_size > 50_000:
                path.write_text("line\n")  # and shrinks

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _attempt in range(20):
            (document,) = load(path)
            assert (
                document.content_hash
                == hashlib.sha256(document.text.encode()).hexdigest()
            )
    finally:
        done.set()
        writer.join()


def test_no_nul_or_half_letter_in_titles_tags_and_names(
    config: Config, folder: Folder
) -> None:
    front = '---\ntitle: "a\\0b\\uD800"\ntags: ["t\\0u", "v\\uD800"]\naliases: ["w\\0"]\nother: "x\\0\\uDFFF"\n---\nwords [[link\0]]\n'
    with Brain(config) as opened:
        opened.add([folder({"a.md": front})])
        detail = opened.library.document("a.md")
    said = json.dumps(
        [
            detail.row.title,
            detail.row.tags,
            detail.aliases,
            dict(detail.metadata),
            detail.links,
        ]
    )
    assert "\\u0000" not in said
    assert not re.search(r"\\ud[89a-f]", said)
    assert "words" in detail.text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "letter",
    [
        "a",
        "[",
        " ",
        "\n",
        "#",
        "[[",
        "`",
        "*",
        "<",
        "%%",
        "> ",
        "- ",
        "|",
        "\t",
        "a:",
        "---\n",
        "![",
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        "text/markdown",
        "text/plain",
        "text/html",
        # Read by a grammar, which is not ours and takes as long as all the others
        pytest.param("text/x-python", marks=pytest.mark.slow),
    ],
)
def test_no_pattern_of_ours_goes_back_and_forth(letter: str, kind: str) -> None:
    """100 KB of one letter; what grows with its square would need minutes."""
    text = letter * (100_000 // len(letter))
    document = load_text(text, uri="note:x", media_type=kind)
    assert kind == "text/html" or text.endswith(document.text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "letter",
    [
        "> ",
        "On ",
        "From: ",
        "-",
        "_",
        ":\n",
        "\n\n",
        ">",
        "On a wrote:\n",
        "Sent from my ",
    ],
)
def test_no_pattern_goes_back_and_forth_over_a_mail(letter: str) -> None:
    from ingest.readers import threads

    for size in (20_000, 200_000):
        text = letter * (size // len(letter))
        assert (
            "".join(part.text + part.intro for part in threads.parts(text)).count("n")
            >= 0
        )


HOSTILE_EXPORTS: dict[str, str | bytes] = {
    "deep manifest": "[" * 100_000,
    "wrong manifest": '{"schema": NaN, "schema": 1' + "0" * 5_000 + "}",
    "deep front matter": "---\nbrain: " + "[" * 3_000 + "\n---\n",
    "no text": b"\xff\xfe\x00\x01" * 100,
    "long line": "---\nbrain: document\nid: " + "f" * 300_000 + "\n---\n",
}


@pytest.mark.parametrize("trick", HOSTILE_EXPORTS)
def test_a_hostile_export_is_refused_and_nothing_is_lost(
    config: Config, folder: Folder, tmp_path: Path, trick: str
) -> None:
    with Brain(config) as opened:
        opened.add([folder({"a.md": "kept words"})])
        opened.keep.export(tmp_path / "out")
    content = HOSTILE_EXPORTS[trick]
    raw = content if isinstance(content, bytes) else content.encode()
    target = (
        ".brain-export/manifest.json" if "manifest" in trick else "documents/evil.md"
    )
    (tmp_path / "out" / target).write_bytes(raw)
    with Brain(Config(home=tmp_path / "other", models=config.models)) as opened:
        opened.add([folder({"b.md": "own words"}, "own")])
        with contextlib.suppress(
            BrainError
        ):  # two lines for a person; or the one file is listed as skipped
            opened.keep.import_from(tmp_path / "out")
    assert "own words" in checked(tmp_path / "other").documents.values()


def test_nothing_of_a_page_is_fetched(folder: Folder) -> None:
    """The sockets of the child are closed off by an audit hook that ends it: a page with every way to call out is read."""
    page = (
        "<img src=//evil.example/a><link rel=stylesheet href=//evil.example/b><iframe src=//evil.example/c></iframe>"
        + "<p>quiet words</p>" * 30
    )
    place = folder({"a.html": page})
    code = (
        "import sys, os\n"
        "sys.addaudithook(lambda event, args: os._exit(99) if event in ('socket.connect', 'socket.getaddrinfo') else None)\n"
        "from brain.doors.cli import main\nmain(sys.argv[1:])"
    )
    environ = {**os.environ, "HOME": str(place)}
    ran = subprocess.run(
        [sys.executable, "-c", code, "add", str(place)],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    assert any("quiet words" in text for text in checked(home()).documents.values())


def test_nesting_in_every_parser_of_ours_ends(tmp_path: Path) -> None:
    for name, text in {
        "a.xml": deep(50_000, "a"),
        "a.yaml": "a: " + "[" * 50_000,
        "a.py": "(" * 50_000,
        "a.toml": "a = " + "[" * 50_000,
    }.items():
        (tmp_path / name).write_text(text)
        (document,) = load(tmp_path / name)
        assert document.text == text

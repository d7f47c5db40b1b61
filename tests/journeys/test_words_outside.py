"""No word of a confidential note stands outside the home: in a file, a name of one, a log, the words that start another
process, or in what is told of what left. Python tells of every file that it opens and every process that it starts.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.app.governed import policies_of
from brain.config import Config
from brain.governance.in_force import shipped
from tests.call_watch import watched
from tests.end_to_end import brain as run

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NAMED = ("os.rename", "os.mkdir", "os.link", "os.symlink", "sqlite3.connect")
STARTING = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system")
# Words that stand nowhere else
TITLE, BODY, NAME, OWNER = "Quorvane", "Brizzelton", "vexhollow", "Tarnquist"
SAID, ASKED, TOLD = "Mirrowend", "Plimsgate", "Wendlemark"
CANARIES = (TITLE, BODY, NAME, OWNER, SAID, ASKED, TOLD)
NOTE = f"---\nlabel: confidential\ntitle: {TITLE}\nowner: {OWNER}\n---\nThe roof of {BODY} leaks."
CODES = range(7)  # of a command that ended as it should
# Tables that say what left and what was decided
GOVERNING = ("ledger", "approvals", "reservations", "outcomes", "policies")
BROKEN = b"%PDF-1.7 " + BODY.encode()
KEEPING = """[[rule]]
id = "labels-stay"
action = "label.lower"
then = "deny"
because = "labels stay as they are"

[[route]]"""


class Heard:
    """What Python told while somebody listened. `written`: paths; `started`: words and surroundings of processes."""

    def __init__(self) -> None:
        self.listening = False
        self.written: list[str] = []
        self.started: list[str] = []
        sys.addaudithook(self.hear)

    def hear(self, event: str, values: tuple[Any, ...]) -> None:
        """One event. A hook stays for good, so that it listens only when it is told to."""
        if not self.listening:
            return
        if event == "open" and isinstance(values[2], int) and values[2] & WRITES:
            self.written.append(os.fsdecode(values[0]) if is_path(values[0]) else "")
        elif event in NAMED:
            self.written += [os.fsdecode(one) for one in values if is_path(one)]
        elif event in STARTING:
            self.started.append(repr(values))


def is_path(value: object) -> bool:
    return isinstance(value, str | bytes | os.PathLike)


HEARD = Heard()


@pytest.fixture
def heard() -> Iterator[Heard]:
    HEARD.written.clear()
    HEARD.started.clear()
    HEARD.listening = True
    try:
        yield HEARD
    finally:
        HEARD.listening = False


def names(text: str) -> list[str]:
    """The canaries in it."""
    return [word for word in CANARIES if word.lower() in text.lower()]


def outside(heard: Heard, *own: Path) -> list[str]:
    """Files that were written and lie in none of these places; what Python compiles is no word of anybody."""
    places = [place.resolve() for place in own]
    found = []
    for path in filter(None, heard.written):
        inside = any(
            Path(path.partition("?")[0]).resolve().is_relative_to(one) for one in places
        )
        if (
            not inside
            and not path.startswith(("file:", ":memory:"))
            and not Path(path).is_char_device()  # which keeps nothing
            and ".pyc" not in path
        ):
            found.append(path)
    return found


def a_day(notes: Path) -> None:
    """Over confidential notes, with what fails in it."""
    for words in (
        ("add", notes),
        ("add", notes / f"no-{NAME}.md"),
        (
            "add",
            "--note",
            f"{TOLD} is late.",
            "--title",
            TOLD,
            "--label",
            "confidential",
        ),
        ("remember", f"{SAID} called.", "--with", SAID, "--label", "confidential"),
        ("search", BODY),
        ("ask", f"Why does the roof of {BODY} leak, says {ASKED}?"),
        ("ask", "--cloud", f"Who owns {BODY}, says {ASKED}?"),
        ("recall", SAID),
        ("show", f"no {TITLE}"),
        ("label", "set", "public", f"{NAME}.md"),
        ("feedback", "wrong", f"it is {TOLD}"),
        ("tag", f"{NAME}.md", f"+{OWNER}"),
        ("backup",),
        ("forget", f"{NAME}.md", "--yes"),
        ("undo",),
        ("status", "--json"),
    ):
        ran = run(*words)
        assert "Traceback" not in ran.stdout + ran.stderr, words
        assert ran.code in CODES, words


@pytest.fixture
def notes(
    config: Config, folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """One note, one file that cannot be read, one public note; a cloud that is on, and a rule that keeps labels."""
    elsewhere = config.home.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(elsewhere))
    place = folder(
        {f"{NAME}.md": NOTE, "tea.md": "---\nlabel: public\n---\nTea is hot."}
    )
    (place / f"{NAME}.pdf").write_bytes(BROKEN)
    text = shipped().replace("cloud = false", "cloud = true")
    with Brain(config) as brain:
        policies = policies_of(brain.resources)
        policies.publish(text.replace("[[route]]", KEEPING, 1), "publish")
    return place


def test_no_word_of_a_confidential_note_stands_outside_the_home(
    notes: Path, config: Config, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(monkeypatch) as watch:
        logging.getLogger("brain").debug("listening")
        a_day(notes)
    heard.listening = False
    own = (config.home, notes)
    assert outside(heard, *own) == []
    assert any(path.startswith(str(config.home)) for path in heard.written)
    assert names(" ".join(heard.started)) == []
    said = watch.log.getvalue()
    assert "listening" in said
    assert names(said) == []
    for path in config.home.parent.rglob("*"):
        if any(path.is_relative_to(place) for place in own):
            continue
        assert names(path.name) == []
        assert not path.is_file() or names(path.read_bytes().decode("latin-1")) == []
    with closing(sqlite3.connect(config.database)) as file:
        for table in GOVERNING:
            assert names(repr(file.execute(f"SELECT * FROM {table}").fetchall())) == []
        assert file.execute("SELECT count(*) FROM ledger").fetchone() >= (2,)
        [holding] = file.execute("SELECT group_concat(text) FROM documents").fetchone()
    assert {BODY, TOLD} <= set(names(holding)), "the words are in the home"


def test_a_word_outside_is_seen(heard: Heard, tmp_path: Path) -> None:
    """The proof that it would be: in a file, in the name of one, and in what starts a process."""
    (tmp_path / "home").mkdir()
    place = tmp_path / f"{NAME}.txt"
    place.write_text("")
    (tmp_path / "home" / "inside").write_text(BODY)
    subprocess.run([sys.executable, "-c", "", BODY], check=True)
    assert outside(heard, tmp_path / "home") == [str(place)]
    assert names(place.name) == [NAME]
    assert names(" ".join(heard.started)) == [BODY]

"""The command line on the real `Brain`, run in this process, and the checks that every store must pass afterwards.

`brain("add", "notes")` is `brain add notes` with the home of BRAIN_HOME. `checked(home)` looks into the file with SQLite
alone, past all code of ours.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.doors.cli import run
from brain.doors.cli.session import Session, open_brain
from brain.doors.render import Out
from tests.fake_brain import Pipe, Terminal

ROOT = Path(__file__).parents[1]
HANG_SECONDS = 900  # a guard against a command that never ends, not a measurement: machines are shared
MARKERS = ("CLAUDECODE", "CURSOR_AGENT", "AI_AGENT", "AGENT")
Folder = Callable[..., Path]


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def two_lines(self) -> tuple[str, str]:
        """The error: what happened and what to do next, and no traceback anywhere."""
        assert "Traceback" not in self.stderr + self.stdout, self.stderr
        lines = self.stderr.strip().splitlines()
        cause = next(i for i, line in enumerate(lines) if line.startswith("brain: "))
        assert len(lines) == cause + 2, self.stderr
        assert lines[cause + 1].startswith("  ")
        return lines[cause].removeprefix("brain: "), lines[cause + 1].strip()


def brain(*words: str | Path, stdin: str = "", terminal: bool = False) -> Ran:
    """Run `brain WORDS` here, on the store of BRAIN_HOME."""
    kind = Terminal if terminal else Pipe
    stdout, stderr = kind(), kind()
    out = Out(stdout, stderr, environ={"TERM": "xterm"})
    session = Session(
        out, io.StringIO(stdin), open_brain, lambda path: None, lambda address: None
    )
    code = run([str(word) for word in words], session)
    return Ran(code, stdout.getvalue(), stderr.getvalue())


def process(
    *words: str | Path,
    environ: Mapping[str, str] | None = None,
    code: str = "",
    prefix: tuple[str, ...] = (),
) -> Ran:
    """Run `brain WORDS` in a process of its own; `code` runs in it first, `prefix` runs the process."""
    start = f"{code}\nimport sys\nfrom brain.doors.cli import main\nmain(sys.argv[1:])"
    ran = subprocess.run(
        [*prefix, sys.executable, "-c", start, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def home() -> Path:
    """The home folder of this test."""
    return Path(os.environ["BRAIN_HOME"])


@dataclass(frozen=True)
class Checked:
    """What a store holds. `documents`: address -> text."""

    documents: dict[str, str]
    chunks: int
    vectors: int


def checked(place: Path) -> Checked:
    """Look into the file: whole, its indexes in agreement, every document complete, no row without its owner."""
    conn = sqlite3.connect(place / "brain.db", timeout=60)
    try:
        assert [row[0] for row in conn.execute("PRAGMA integrity_check")] == ["ok"]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in ("knowledge", "episodes", "skills"):
            conn.execute(
                f"INSERT INTO {table}_fts({table}_fts, rank) VALUES ('integrity-check', 1)"
            )  # raises if it differs
        conn.rollback()
        for document_id, text in conn.execute("SELECT id, text FROM documents"):
            rows = conn.execute(
                'SELECT start, "end", content, ordinal FROM knowledge WHERE document_id=? ORDER BY ordinal',
                (document_id,),
            ).fetchall()
            assert "".join(row[2] for row in rows) == text, (
                f"the chunks of {document_id} are not its text"
            )
            assert [row[3] for row in rows] == list(range(len(rows)))
            assert all(text[start:end] == content for start, end, content, _ in rows)
        orphans = (
            "SELECT count(*) FROM embeddings WHERE text_sha NOT IN (SELECT text_sha FROM knowledge) "
            "AND text_sha NOT IN (SELECT text_sha FROM episodes)"
        )
        assert conn.execute(orphans).fetchone() == (0,)
        documents = dict(conn.execute("SELECT uri, text FROM documents").fetchall())
        assert (
            len(documents)
            == conn.execute("SELECT count(*) FROM documents").fetchone()[0]
        )
        chunks = conn.execute("SELECT count(*) FROM knowledge").fetchone()[0]
        vectors = conn.execute(
            "SELECT count(*) FROM knowledge k JOIN embeddings e ON e.text_sha = k.text_sha"
        ).fetchone()[0]
        return Checked(documents, chunks, vectors)
    finally:
        conn.close()


def held(place: Path) -> dict[str, str]:
    """The documents of a store that passes every check; nothing where none was made, or not yet its tables."""
    if not (place / "brain.db").exists():
        return {}
    with closing(sqlite3.connect(place / "brain.db", timeout=60)) as conn:
        made = conn.execute("PRAGMA user_version").fetchone() != (0,)
    return checked(place).documents if made else {}

"""What the libraries, SQLite and the disk alone take for the work of a verb: the floors that verbs.py compares with.

Each is one short program in a process of its own, or the stages of `bare_add.py` over the same notes. Measured once, when
first asked for. Leaves out any check or promise that the product adds.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.measure import PYTHON, Spent, spend
from benchmarks.prepared import Place
from benchmarks.starting import TYPER_SQLITE, WORDLLAMA

TIMES = 3  # of the short ones; the best counts

WALK = """
import os, sys
todo, count = [sys.argv[2]], 0
while todo:
    with os.scandir(todo.pop()) as listing:
        for entry in listing:
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)
            else:
                count += entry.stat(follow_symlinks=False).st_size > 0
print(count)
"""
CHECK = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA quick_check').fetchone())"
HASHES = """
import hashlib, sqlite3, sys, zlib
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA integrity_check").fetchone()
for (text,) in db.execute("SELECT text FROM documents UNION ALL SELECT content FROM knowledge"):
    hashlib.sha256(text.encode()).digest()
for (vector,) in db.execute("SELECT vector FROM embeddings"):
    zlib.crc32(vector)
"""
COPY = """
import sqlite3, sys
source, target = sqlite3.connect(sys.argv[1]), sqlite3.connect(sys.argv[3] + "/copy.db")
source.backup(target)
"""
REWRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[3] + '/copy.db',))"
FILES = """
import os, sqlite3, sys
for number, (text,) in enumerate(sqlite3.connect(sys.argv[1]).execute("SELECT text FROM documents")):
    folder = f"{sys.argv[3]}/{number // 500:03d}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{number}.md", "w", encoding="utf-8") as file:
        file.write(text)
"""
PROGRAMS = {
    "start": (TYPER_SQLITE, f"`{TYPER_SQLITE}`"),
    "meaning": (WORDLLAMA, "sqlite3, numpy, wordllama loaded"),
    "walk": (WALK, "scandir and stat of every file"),
    "check": (CHECK, "`PRAGMA quick_check`"),
    "hashes": (
        HASHES,
        "`PRAGMA integrity_check`, SHA-256 of all texts, CRC of all vectors",
    ),
    "copy": (COPY, "SQLite's own backup"),
    "rewrite": (REWRITE, "`VACUUM INTO`"),
    "files": (FILES, "the same texts read and written as files"),
}
STAGES = {
    "bare": (
        ("read", "parse", "tokens", "fts5", "embed", "chroma"),
        "bare pipeline of the same notes, Chroma among it",
    ),
    "derived": (
        ("fts5", "chroma"),
        "FTS5 insert and Chroma upsert of the bare pipeline",
    ),
}


class Floors:
    """Floors by name over one store of so many chunks."""

    def __init__(self, place: Place, home: Path, notes: Path, chunks: int) -> None:
        self._place, self._home, self._notes, self._chunks = place, home, notes, chunks
        self._found: dict[str, Spent] = {}

    def says(self, name: str) -> str:
        """What the floor is, for the table."""
        return PROGRAMS[name][1] if name in PROGRAMS else STAGES[name][1]

    def spent(self, name: str) -> Spent:
        """What it took."""
        if name not in self._found:
            self._found[name] = (
                self._run(name) if name in PROGRAMS else self._stages(STAGES[name][0])
            )
        return self._found[name]

    def _run(self, name: str) -> Spent:
        runs = []
        for _ in range(TIMES if name in ("start", "meaning", "walk") else 1):
            folder = self._place.work / "floor"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            values = [str(self._home / "brain.db"), str(self._notes), str(folder)]
            runs.append(spend([*PYTHON, "-c", PROGRAMS[name][0], *values]))
            shutil.rmtree(folder)
        return min(runs, key=lambda run: run.wall)

    def _stages(self, names: tuple[str, ...]) -> Spent:
        stages = json.loads(
            (self._place.bare(self._chunks) / "stages.json").read_text()
        )["stages"]
        return Spent(
            sum(stages[name][0] for name in names),
            sum(stages[name][1] for name in names),
            0.0,
        )

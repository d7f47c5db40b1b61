"""Folders of notes and stores that benchmarks share, made once per work folder.

`python -m benchmarks.run --work DIR` keeps them for the next run; without it they go with the run.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import corpus
from benchmarks.measure import PYTHON, spend

NOTES_PER_CHUNK = 1 / 4.65  # of the corpus: 10,000 notes give 46,500 chunks


@dataclass(frozen=True, slots=True)
class Place:
    """Where benchmarks work. `scale` 0.1 makes everything a tenth: for trying the scripts, not for figures."""

    work: Path
    scale: float = 1.0
    pdfs: Path | None = None

    def count(self, number: int) -> int:
        """So many, scaled."""
        return max(20, int(number * self.scale))

    def notes(self, count: int) -> Path:
        """A folder of so many notes."""
        folder = self.work / f"notes-{count}"
        if not folder.exists():
            corpus.write(folder, count)
        return folder

    def notes_for(self, chunks: int) -> Path:
        """A folder of as many notes as give so many chunks."""
        return self.notes(int(self.count(chunks) * NOTES_PER_CHUNK))

    def home(self, chunks: int) -> Path:
        """A store of so many chunks, Chroma filled."""
        home = self.work / f"home-{self.count(chunks)}"
        if not (home / "brain.db").exists():
            home.mkdir(parents=True)
            self._kept(
                home,
                spend(
                    [*PYTHON, "-m", "benchmarks.stages", str(self.notes_for(chunks))],
                    home,
                ).output,
            )
        return home

    def life(self, chunks: int, episodes: int) -> Path:
        """That store with what happened beside it: episodes by hand, and skills. A copy of its own: verbs write into it."""
        life = self.work / f"life-{self.count(chunks)}"
        if not life.exists():
            unfinished = life.with_suffix(".tmp")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(self.home(chunks), unfinished)
            spend(
                [*PYTHON, "-m", "benchmarks.episodes", str(self.count(episodes))],
                unfinished,
            )
            unfinished.rename(life)
        return life

    def added(self, chunks: int) -> dict[str, Any]:
        """What making that store took (see stages.py)."""
        found: dict[str, Any] = json.loads(
            (self.home(chunks) / "stages.json").read_text()
        )
        return found

    def bare(self, chunks: int) -> Path:
        """The same chunks in bare FTS5 and Chroma."""
        work = self.work / f"bare-{self.count(chunks)}"
        if not work.exists():
            output = spend(
                [
                    *PYTHON,
                    "-m",
                    "benchmarks.bare_add",
                    str(self.notes_for(chunks)),
                    str(work),
                ]
            ).output
            self._kept(work, output)
        return work

    @staticmethod
    def _kept(folder: Path, output: str) -> None:
        (folder / "stages.json").write_text(output)

"""Take each guard away in turn, and see that a test fails: `make test-mutants`.

A mutant is one small change of the code that lets out what must stay, spends what is not there, or forgets what was
done. Each is made in a copy of the tree, and the tests that are named beside it must not all pass. A list made by hand,
since a tool that changes every operator takes hours here and mostly tells of changes that mean nothing. A quick test
(`governance/test_mutants.py`) holds that each change still fits the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("brain", "ingest", "migrations", "tests", "sample_corpus", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "shipped")
LIST = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file`, the one place that reads `before` becomes `after`; then one of `tests` fails: a file of
    tests/governance, or with its folder one of another room.
    """

    file: str
    before: str
    after: str
    tests: str

    @property
    def test_file(self) -> str:
        """Below the root of the tree."""
        place = self.tests if "/" in self.tests else f"governance/{self.tests}"
        return f"tests/{place}.py"


def listed() -> list[Mutant]:
    """All of them, in the order of the list."""
    tables = tomllib.loads(LIST.read_text("utf-8"))
    return [Mutant(**table) for table in tables["mutant"]]


def fits(mutant: Mutant, root: Path = ROOT) -> bool:
    """Whether the code still has the one place that the mutant changes."""
    return (root / mutant.file).read_text("utf-8").count(mutant.before) == 1


def copied(place: Path) -> Path:
    """The tree, without what is made anew; what is large and never changed is linked."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, place / name)
    shipped = Path("brain/models/shipped")
    (place / shipped).symlink_to(ROOT / shipped)
    return place


def survives(mutant: Mutant, tree: Path) -> bool:
    """Whether its tests pass although the guard is gone."""
    path = tree / mutant.file
    as_it_was = path.read_text("utf-8")
    path.write_text(as_it_was.replace(mutant.before, mutant.after), "utf-8")
    try:
        return passes(mutant.test_file, tree)
    finally:
        path.write_text(as_it_was, "utf-8")


def passes(file: str, tree: Path) -> bool:
    """Whether the quick tests of that file pass in the tree."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", file]
    environ = {**os.environ, "PYTHONPATH": str(tree)}
    run = subprocess.run(
        command, cwd=tree, env=environ, capture_output=True, check=False
    )
    return run.returncode == 0


def main() -> int:
    """Try each; 1 when one survives."""
    mutants = listed()
    left = []
    with tempfile.TemporaryDirectory() as place:
        tree = copied(Path(place))
        for tests in sorted({mutant.test_file for mutant in mutants}):
            if not passes(tests, tree):
                sys.exit(f"{tests} fails already with every guard in its place")
        for mutant in mutants:
            alive = survives(mutant, tree)
            said = "SURVIVES" if alive else "caught"
            print(f"{said:9} {mutant.file}: {mutant.before.strip()}", flush=True)
            if alive:
                left.append(mutant)
    print(f"{len(mutants) - len(left)} of {len(mutants)} caught")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())

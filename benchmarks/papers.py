"""PDFs: pages a second of `brain add` with its two caged workers, against one process of bare pypdf on the same files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import PYTHON, Figure, Spent, alternate, spend
from benchmarks.prepared import Place

FILES = 300  # the folder's files repeated under other names, each with its own bytes
TIMES = 3
TARGET = 1.6
BARE = """
import sys
from pathlib import Path
from pypdf import PdfReader
pages = 0
for path in sorted(Path(sys.argv[1]).iterdir())[int(sys.argv[2]) :: int(sys.argv[3])]:
    try:
        for page in PdfReader(path).pages:
            page.extract_text()
            pages += 1
    except Exception:
        pass
print(pages)
"""
TWO = """
import subprocess, sys
halves = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", *sys.argv[1:], str(n), "2"]) for n in range(2)]
sys.exit(max(half.wait() for half in halves))
"""


def figures(place: Place) -> Iterator[Figure]:
    """Nothing when no folder of PDFs was given."""
    if place.pdfs is None:
        return
    folder, home = (
        _repeated(place.pdfs, place.work / "pdfs", place.count(FILES)),
        place.work / "pdf-home",
    )

    def product() -> Spent:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        return spend([*PYTHON, "-m", "benchmarks.stages", str(folder)], home)

    def two() -> Spent:
        return spend([*PYTHON, "-c", TWO, BARE, str(folder)])

    def bare() -> Spent:
        return spend([*PYTHON, "-W", "ignore", "-c", BARE, str(folder), "0", "1"])

    took = alternate({"bare": bare, "two": two, "product": product}, TIMES)
    pages = int(took["bare"].output)
    added = json.loads(took["product"].output)["added"]
    speeds = {
        name: (pages / spent.wall, pages / spent.cpu) for name, spent in took.items()
    }
    name = f"{added:,} PDFs, {pages:,} pages: pages a second"
    ratio = speeds["product"][0] / speeds["bare"][0]
    yield Figure(
        name,
        f"{speeds['product'][0]:.0f}",
        f"{speeds['bare'][0]:.0f} (bare pypdf, one process)",
        ratio,
        None,
        "≥",
        TARGET,
    )
    best = speeds["two"][0]
    yield Figure(
        "… what two bare processes reach beside the others",
        f"{speeds['product'][0]:.0f}",
        f"{best:.0f} (bare pypdf, two processes)",
        speeds["product"][0] / best,
    )
    yield Figure(
        "… per second of processor",
        f"{speeds['product'][1]:.0f}",
        f"{speeds['bare'][1]:.0f}",
        speeds["product"][1] / speeds["bare"][1],
    )


def _repeated(source: Path, folder: Path, count: int) -> Path:
    """So many PDFs; a comment at the end of each makes its bytes its own, so that none is a copy of another."""
    files = sorted(source.rglob("*.pdf"))
    if not folder.exists():
        folder.mkdir(parents=True)
        for number in range(count):
            data = files[number % len(files)].read_bytes()
            (folder / f"{number:04d}.pdf").write_bytes(
                data + f"\n% {number}\n".encode()
            )
    return folder

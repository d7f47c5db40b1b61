"""`brain add FOLDER` in this process, and when each stage of it was done, as JSON: what adding.py runs as a program.

`words` is the moment from which every note is found by words, `vectors` from which it is found by meaning, `chroma` when the
derived index had followed. Seconds since the start of Python: wall, and processor without and with that of children.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

BEGAN = time.perf_counter()


def main(folder: Path) -> None:
    """Add the folder to the store of BRAIN_HOME and print what it took."""
    from benchmarks.measure import resident
    from brain.app import Brain
    from brain.config import load

    marks: dict[str, list[float]] = {}
    names = {"reading": "words", "embed": "vectors", "index": "chroma"}

    def heard(what: str, _done: int, _total: int) -> None:
        if what in names:
            used = os.times()
            marks[names[what]] = [
                time.perf_counter() - BEGAN,
                used.user + used.system,
                resident(),
            ]

    with Brain(load(), progress=heard) as brain:
        report = brain.add([folder])
    used = os.times()
    marks["all"] = [time.perf_counter() - BEGAN, sum(used[:4]), resident()]
    counts = {
        "added": report.added,
        "unchanged": report.unchanged,
        "chunks": report.chunks,
    }
    print(json.dumps({"marks": marks, **counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

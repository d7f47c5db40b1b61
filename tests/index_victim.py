"""The process that the kill tests start and kill: `python index_victim.py MODE HOME [NAME]`, under a limit of file size.

write   adds chunks and their vectors, says "ACK first count" after each commit, and brings Chroma up to date in between
apply   brings Chroma up to date until killed; `refill` does so with a new generation every time
"""

from __future__ import annotations

import resource
import sys
from itertools import count
from pathlib import Path

FILE_BYTES = 256 * 2**20  # without it one trial took 39 GB of disk
CHUNKS = 20  # per write


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    from brain.errors import Unavailable
    from brain.index import apply
    from tests.index_support import FakeEmbedder, add_chunks, embed_all, open_store

    mode, home = sys.argv[1], Path(sys.argv[2])
    table, model = open_store(home), FakeEmbedder()
    print("READY", flush=True)
    for turn in count():
        if mode == "write":
            ids = [f"{sys.argv[3]}-{turn}-{n}" for n in range(CHUNKS)]
            add_chunks(table, {i: f"text {i}" for i in ids}, document=f"{sys.argv[3]}-{turn}")
            print("ACK", *ids, flush=True)
            embed_all(table, model)
        try:
            if mode != "write" or turn % 5 == 0:
                apply(
                    table, home / "index", str(model.fingerprint), batch=50, refill=mode == "refill"
                )
        except Unavailable as error:
            print("NOTE", error.message, flush=True)


if __name__ == "__main__":
    main()

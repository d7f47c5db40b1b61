"""The process that the kill tests start and kill: `python index_victim.py MODE HOME [NAME]`, under a limit of file size.

write      adds chunks and their vectors, says "ACK first count" after each commit, and writes a snapshot in between
snapshot   writes one snapshot after the other until killed
"""

from __future__ import annotations

import resource
import sys
from itertools import count
from pathlib import Path

FILE_BYTES = 256 * 2**20  # a damaged index of Chroma's once grew to 39 GB
CHUNKS = 20  # per write


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    from brain.errors import Unavailable
    from brain.index import snapshot
    from tests.index_support import FakeEmbedder, add_chunks, embed_all, open_store

    mode, home = sys.argv[1], Path(sys.argv[2])
    table, model = open_store(home), FakeEmbedder()
    print("READY", flush=True)
    for turn in count():
        if mode == "write":
            ids = [f"{sys.argv[3]}-{turn}-{n}" for n in range(CHUNKS)]
            add_chunks(
                table, {i: f"text {i}" for i in ids}, document=f"{sys.argv[3]}-{turn}"
            )
            print("ACK", *ids, flush=True)
            embed_all(table, model)
        try:
            if mode == "snapshot" or turn % 5 == 0:
                snapshot.write(table, home / "index", str(model.fingerprint), batch=50)
        except Unavailable as error:
            print("NOTE", error.message, flush=True)


if __name__ == "__main__":
    main()

"""What is derived from the texts, made anew after damage or erasure: index files, freed bytes.

Serves `rebuild`, `doctor --repair`, `forget --erase` and `sync`. Leaves the work itself to `brain.index` and
`brain.store`, and vectors to `brain.app.vectors`.
"""

from __future__ import annotations

import os

from brain.app.resources import Resources
from brain.app.vectors import embed_builtin
from brain.errors import BrainError
from brain.faults import reach
from brain.index import health, snapshot


def renew_index(resources: Resources, fingerprint: str, *, chroma: bool = False) -> int:
    """Everything derived from these vectors, anew; returns how many went into a snapshot of Chroma's.

    There is one where there was one before, or where `chroma` asks for it.
    """
    resources.indexes(fingerprint).close()
    vectors = resources.store.vectors
    index_dir = resources.config.index_dir
    return health.renew(vectors, index_dir, fingerprint, chroma=chroma)


def erase_index(resources: Resources) -> bool:
    """Remove every file of the index. False when another process is writing one."""
    vectors = resources.store.vectors
    for fingerprint in vectors.fingerprints():
        resources.indexes(fingerprint).close()
    return snapshot.erase(
        vectors, resources.config.index_dir, wait_seconds=health.LOCK_SECONDS
    )


def finish_erasure(resources: Resources) -> str:
    """The last step of an erasure: index files and every freed byte of the database. "" when done, else why not yet."""
    from brain.store import PENDING
    from brain.store.freed import scrub

    try:
        embed_builtin(resources)
        if not erase_index(resources):
            return "another process writes the index: words may still lie in it until that one ends"
        reach("erase.before_scrub")
        if not scrub(resources.store.connection, resources.config.home):
            return "another process reads the store: words may still lie in its log until that one ends"
        resources.store.library.keep_setting(PENDING, None)
    except BrainError as error:
        return error.message
    except OSError as error:
        return f"{error.filename or resources.config.home}: {error.strerror}"
    return ""


def begun(now: str) -> str:
    """What is noted of an erasure that begins: when, and in which process."""
    return f"{now} {os.getpid()}"


def finish_begun_erasure(resources: Resources, noted: str) -> str:
    """Finish what a process left undone that died, of which this is noted; returns what was done, "" for nothing.

    One that a running process is about to finish is left to it.
    """
    from brain.keeping.files import runs

    at, _space, process = noted.partition(" ")
    number = int(process) if process.isdigit() else os.getpid()
    if number != os.getpid() and runs(number):
        return ""
    if finish_erasure(resources):
        return ""
    return f"an erasure that began at {at[:16]} and was broken off is finished"

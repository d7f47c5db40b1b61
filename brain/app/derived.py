"""What is derived from the texts, made anew after damage or erasure: index files, freed bytes.

Serves `rebuild`, `doctor --repair`, `forget --erase` and `sync`. Leaves the work itself to `brain.index` and
`brain.store`, and vectors to `brain.app.vectors`.
"""

from __future__ import annotations

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
    from brain.store.erasure import PENDING, scrub

    embed_builtin(resources)
    try:
        if not erase_index(resources):
            return "another process writes the vector index: words may still lie in it until that one ends"
        reach("erase.before_scrub")
        if not scrub(resources.store.connection, resources.config.home):
            return "another process reads the store: words may still lie in its log until that one ends"
    except BrainError as error:
        return error.message
    resources.store.library.keep_setting(PENDING, None)
    return ""

"""What is derived from the texts, made anew after damage or erasure: built-in vectors, index files, freed bytes.

Serves `rebuild`, `doctor --repair`, `forget --erase` and `sync`. Leaves the work itself to `brain.index` and
`brain.store`, and filling what is new to `brain.app.capture`.
"""

from __future__ import annotations

from brain.app.resources import KINDS, Resources
from brain.errors import BrainError, Unavailable
from brain.faults import reach
from brain.index import health, snapshot


def renew_index(resources: Resources, fingerprint: str, *, chroma: bool = False) -> int:
    """Everything derived from these vectors, anew; returns how many went into a snapshot of Chroma's.

    There is one where there was one before, or where `chroma` asks for it.
    """
    resources.indexes(fingerprint).close()
    vectors, index_dir = resources.store.vectors, resources.config.index_dir
    return health.renew(vectors, index_dir, fingerprint, chroma=chroma)


def erase_index(resources: Resources) -> bool:
    """Remove every file of the index. False when another process is writing one."""
    vectors = resources.store.vectors
    for fingerprint in vectors.fingerprints():
        resources.indexes(fingerprint).close()
    return snapshot.erase(vectors, resources.config.index_dir, wait_seconds=health.LOCK_SECONDS)


def embed_builtin(resources: Resources) -> int | None:
    """Built-in vectors for what has none; returns how many chunks still wait, None when nobody knows."""
    from brain.index import embed_pending

    waiting: int | None = 0
    for kind in KINDS:
        try:
            left = embed_pending(resources.store.vectors, resources.builtin, kind=kind).waiting
        except Unavailable:
            return None
        waiting = None if waiting is None or left is None else waiting + left
    return waiting


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

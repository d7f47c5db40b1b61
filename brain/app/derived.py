"""What is derived from the texts, made anew after damage or erasure: built-in vectors, index files, freed bytes.

Serves `rebuild`, `doctor --repair`, `forget --erase` and `sync`. Leaves the work itself to `brain.index` and
`brain.store`, and filling what is new to `brain.app.capture`.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.app.resources import KINDS, Resources
from brain.errors import BrainError, Unavailable
from brain.faults import reach
from brain.index import health, snapshot


@dataclass(frozen=True, slots=True)
class IndexCare:
    """The index's checks and repairs, bound to this store."""

    resources: Resources

    def faults(self, *, deep: bool) -> list[health.IndexFault]:
        """What is wrong with the index files; `deep` compares every vector."""
        config = self.resources.config
        return health.faults(self.resources.store.vectors, config.index_dir, deep=deep)

    def outbox_faults(self) -> list[health.IndexFault]:
        """What is wrong with the list of changes that the indexes have not seen."""
        return health.outbox_faults(self.resources.store.vectors)

    def litter(self) -> list[str]:
        """Files of the index folder that nobody uses."""
        return health.litter(self.resources.store.vectors, self.resources.config.index_dir)

    def tidy(self) -> bool:
        """Remove that litter."""
        return health.tidy(self.resources.store.vectors, self.resources.config.index_dir)

    def renew(self, fingerprint: str, *, chroma: bool = False) -> int:
        """Everything derived from these vectors, anew; returns how many went into a snapshot of Chroma's.

        There is one where there was one before, or where `chroma` asks for it.
        """
        resources = self.resources
        resources.indexes(fingerprint).close()
        vectors, index_dir = resources.store.vectors, resources.config.index_dir
        return health.renew(vectors, index_dir, fingerprint, chroma=chroma)

    def erase(self) -> bool:
        """Remove every file of the index. False when another process is writing one."""
        resources = self.resources
        for fingerprint in resources.store.vectors.fingerprints():
            resources.indexes(fingerprint).close()
        return snapshot.erase(
            resources.store.vectors,
            resources.config.index_dir,
            wait_seconds=health.LOCK_SECONDS,
        )


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
        if not IndexCare(resources).erase():
            return "another process writes the vector index: words may still lie in it until that one ends"
        reach("erase.before_scrub")
        if not scrub(resources.store.connection, resources.config.home):
            return "another process reads the store: words may still lie in its log until that one ends"
    except BrainError as error:
        return error.message
    resources.store.library.keep_setting(PENDING, None)
    return ""

"""What a door that lives long does before its first question: models loaded, and Chroma's snapshot written and open.

Leaves out what a question finds. Serves `brain serve`.
"""

from __future__ import annotations

from contextlib import suppress

from brain.app.resources import KINDS, Resources
from brain.errors import BrainError

# Chunks whose snapshot is written before the first question (4 s); a larger one while questions are answered already:
# a server that was killed is back in two seconds, whatever is due
AT_ONCE = 10_000


def warm(resources: Resources) -> str:
    """Load everything that a question needs, and say which index answers and why, "" where only words are searched."""
    with suppress(BrainError):  # it is told with the first question
        if resources.answer_reader is not None:
            resources.answer_reader.read("Is it warm?", ["It is warm."])
    serving = resources.serving
    if serving.embedder is None:
        return ""
    serving.embedder.embed_query("warm")
    if resources.store.vectors.total() <= AT_ONCE:
        renewed(resources)
    return opened(resources)


def renewed(resources: Resources) -> None:
    """Write a snapshot where one is due and open it."""
    indexes = resources.indexes(resources.serving.fingerprint)
    with suppress(BrainError):  # exact search answers then, and says so
        indexes.update(progress=resources.progress)
    opened(resources)


def opened(resources: Resources) -> str:
    """Open the indexes as they are. Says which answers, and why."""
    indexes = resources.indexes(resources.serving.fingerprint)
    for kind in KINDS:
        indexes.index(kind)
    return f"{indexes.name}: {indexes.reason}"


def renew_if_due(resources: Resources) -> None:
    """Write a snapshot of Chroma where so much has changed since the last that laying it over takes longer."""
    from brain.index import snapshot

    fingerprint = resources.serving.fingerprint
    if not fingerprint or not resources.indexes(fingerprint).wants_chroma:
        return
    vectors = resources.store.vectors
    if snapshot.due(vectors, resources.config.index_dir, fingerprint):
        renewed(resources)

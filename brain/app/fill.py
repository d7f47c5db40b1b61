"""A process of its own that fills the vectors of an Ollama model behind an `add`: `python -m brain.app.fill MODEL`.

Only one runs for a home at a time. It may be killed at any moment: the next `add` or `sync` goes on where it was.
"""

from __future__ import annotations

import sys

from brain.app.capture import fill
from brain.app.parts import Parts
from brain.config import load
from brain.errors import BrainError
from brain.protocols import silent

LOCK = "filling.lock"


def main(model: str) -> int:
    """Fill until nothing waits, the model is away, or another process does it already."""
    from filelock import FileLock, Timeout

    parts = Parts(load(), embedder=None, generator=None, index=None, progress=silent, now=None)
    try:
        with FileLock(parts.config.home / LOCK, timeout=0):
            fill(parts, model)
    except (Timeout, BrainError, KeyboardInterrupt):
        return 1
    finally:
        parts.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

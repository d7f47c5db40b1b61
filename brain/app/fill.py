"""A process of its own that fills the vectors of an Ollama model behind an `add`: `python -m brain.app.fill MODEL`.

Only one runs for a home at a time. It may be killed at any moment: the next `add` or `sync` goes on where it was.
"""

from __future__ import annotations

import sys

from brain.app.capture import fill
from brain.app.resources import Resources
from brain.config import load
from brain.errors import BrainError

LOCK = "filling.lock"


def main(model: str) -> int:
    """Fill until nothing waits, the model is away, or another process does it already."""
    from filelock import FileLock, Timeout

    resources = Resources(load())
    try:
        with FileLock(resources.config.home / LOCK, timeout=0):
            fill(resources, model)
    except (Timeout, BrainError, KeyboardInterrupt):
        return 1
    finally:
        resources.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Which edition of the readers this is: a file that one edition could not read is tried again by the next.

Every change of the code that reads, and of a library that it reads with, is another edition; nobody has to remember to
count up. Leaves the decision to whoever takes files in.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import astuple
from functools import cache
from hashlib import blake2b
from pathlib import Path

from ingest.limits import Limits

DIGEST_BYTES = 8
# What reads beside our own code
LIBRARIES = """
    charset-normalizer lxml markdown-it-py openpyxl pypdf python-docx python-oxmsg python-pptx pyyaml striprtf
    webvtt-py
""".split()


def edition(limits: Limits) -> str:
    """The edition and the limits in a few letters."""
    said = blake2b(repr(astuple(limits)).encode(), digest_size=DIGEST_BYTES)
    return f"{_readers()} {said.hexdigest()}"


@cache
def _readers() -> str:
    """The code of this package and the versions of the libraries. Some milliseconds, once a process."""
    found = blake2b(digest_size=DIGEST_BYTES)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    for name in sorted(_installed()):
        found.update(name.encode())
    return found.hexdigest()


def _installed() -> set[str]:
    """The libraries with their versions, by the names of their folders: asking `importlib.metadata` takes 50 ms."""
    starts = tuple(f"{name.replace('-', '_')}-" for name in LIBRARIES)
    found = set()
    for place in sys.path:
        with suppress(OSError):
            names = [name.lower() for name in os.listdir(place or ".")]
            found |= {name for name in names if name.endswith(".dist-info")}
    return {name for name in found if name.startswith(starts)}

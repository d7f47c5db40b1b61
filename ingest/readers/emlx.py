"""Mails as Apple's Mail keeps them (.emlx): a line with the length, the mail, and flags that are left out.

Serves `loading`, in a worker.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ingest.errors import UnreadableFile
from ingest.readers import mail
from ingest.reading import Raw, Readings

_LENGTH = re.compile(rb"\s*(\d{1,12})\s*\n")


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it does not begin with a length."""
    length = _LENGTH.match(raw.data)
    if length is None:
        raise UnreadableFile(
            "not a mail of Apple's Mail", "name it .eml if it is one mail"
        )
    end = length.end() + int(length[1])
    yield from mail.read(replace(raw, data=raw.data[length.end() : end]))

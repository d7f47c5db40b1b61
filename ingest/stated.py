"""What a document states of itself beside its text, as rows of a name and a value: properties, its file, its folders.

Front matter, the author of a PDF, the sender of a mail: whatever a reader put into `metadata`; and as `file.name` and
`file.folder` the words of its place, where they are words (an id is none). Leaves out storing and comparing. Serves the
store, and the migration that makes these rows for what was stored before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ingest.terms import fold, tokens

FILE = "file.name"
FOLDER = "file.folder"
VALUE_CHARS = 500  # of a value; what is longer is a text
# Names whose values say nothing that a person would look for by words, or that stand elsewhere already.
UNSAID = frozenset(
    "title tags tag aliases alias taxonomies.tags date dated created createdat createdon datecreated "
    "creationdate published publishdate publishedat pubdate day updated modified lastmod permalink slug layout id uid "
    "uuid cssclass cssclasses publish draft lang language locale weight toc producer message-id in-reply-to "
    "references".split()
)
_NUMBER = re.compile(
    r"[^\w+-]{0,2}([+-]?\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?)(?:\s?[%€$£]|\s?[a-z]{1,4})?",
    re.IGNORECASE,
)
_MARKS = str.maketrans("", "", " _")


class Stated(NamedTuple):
    """`name` in lower case; `folded` is the value as it is compared, `number` where it is one."""

    name: str
    value: str
    folded: str
    number: float | None


def stated(source: str, root: str, metadata: Mapping[str, str]) -> list[Stated]:
    """The rows of a document. `root`: the registered folder above it, "" for none.

    >>> [row[:2] for row in stated("/n/letters/Ana lease.md", "/n", {"Rating": "4"})]
    [('rating', '4'), ('file.name', 'Ana lease'), ('file.folder', 'letters')]
    """
    rows: dict[tuple[str, str], Stated] = {}
    for name, value in (*_each(metadata), *_place(source, root)):
        value = " ".join(value.split())[:VALUE_CHARS]
        if not name or not value:
            continue
        row = Stated(name, value, fold(value), number_in(value))
        rows.setdefault((name, value), row)
    return list(rows.values())


def is_said(name: str) -> bool:
    """Whether a value under the name is looked for by its words.

    >>> is_said("author"), is_said("Date Created")
    (True, False)
    """
    bare = name.lower().translate(_MARKS)
    return bare not in UNSAID


def number_in(text: str) -> float | None:
    """The number that a text is, with at most a unit beside it.

    >>> number_in("1,200 €"), number_in("4.5"), number_in("2026-03-04")
    (1200.0, 4.5, None)
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    digits = re.sub(r"[,\s]", "", match[1])
    return float(digits)


def mapping_of(stored: object) -> dict[str, str]:
    """Metadata as it is stored, a JSON text; nothing where it is damaged, of which the doctor tells.

    >>> mapping_of('{"rating": 4}'), mapping_of('{"rating"')
    ({'rating': '4'}, {})
    """
    found = _json(stored)
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def list_of(stored: object) -> list[str]:
    """A list of names as it is stored, a JSON text; nothing where it is damaged.

    >>> list_of('["tea", "chai"]'), list_of("5")
    (['tea', 'chai'], [])
    """
    found = _json(stored)
    if not isinstance(found, list):
        return []
    return [str(item) for item in found]


def _json(stored: object) -> Any:
    if not isinstance(stored, str):
        return None
    try:
        found = json.loads(stored)
        # half of a surrogate pair can be written in JSON, and is no text
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found


def _each(metadata: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every value; a list counts by each of its parts too."""
    for key, value in metadata.items():
        name = key.strip().lower()
        yield name, value
        if ", " in value:
            for part in value.split(", "):
                yield name, part


def _place(source: str, root: str) -> Iterator[tuple[str, str]]:
    file, _sign, _part = source.partition("#")
    path = PurePosixPath(file)
    if not path.is_absolute():
        return
    if _is_words(path.stem):
        yield FILE, path.stem
    if root and path.is_relative_to(root):
        folders = path.relative_to(root).parts[:-1]
        for folder in reversed(folders):
            if _is_words(folder):
                yield FOLDER, folder


def _is_words(name: str) -> bool:
    """Whether a name says anything: numbers and letters mixed with digits are an id."""
    words = filter(str.isalpha, tokens(name))
    return any(len(word) > 1 for word in words)

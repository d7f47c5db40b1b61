"""What a person calls a document when it is no id and no path: its title, the name of its file, an alias.

Case and accents do not matter. Where nothing is called so, the names that come nearest are told. Leaves out ids and
paths. Serves `library`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from ingest.stated import list_of
from ingest.terms import fold

NEAREST = 3  # names that are proposed
LIKENESS = 0.6  # of 1: less alike is no misspelling
SUFFIX_CHARS = (
    6  # with its dot; what is longer is a part of the name ("v1.2 of the plan")
)

Named = tuple[str, str, str, str]  # id, source, title, aliases as JSON

# what `called` and `nearest` look through; a damaged row has no name
NAMES = """
    SELECT id, source, title, aliases FROM documents
    WHERE typeof(source) = 'text' AND typeof(title) = 'text' ORDER BY source
"""


def called(rows: Iterable[Named], text: str) -> list[tuple[str, str]]:
    """(id, source) of the documents that are called so.

    >>> called([("a1", "/n/Lease of the flat.md", "Lease", "[]")], "lease of the FLAT")
    [('a1', '/n/Lease of the flat.md')]
    """
    wanted = fold(text.strip())
    found = []
    for row in rows:
        if wanted in _names(row):
            found.append((row[0], row[1]))
    return found


def meant(rows: Sequence[Named], text: str) -> str:
    """What somebody may have meant, before another hint; "" where nothing comes near."""
    wanted = fold(text.strip().rstrip("/"))
    for _id, source, _title, _aliases in rows:
        for folder in PurePath(source).parts[:-1]:
            if fold(folder) == wanted:
                return f"it is a folder: brain list --source '*/{folder}/*'; "
    near = ", ".join(nearest(rows, text))
    return f"did you mean {near}? " if near else ""


def nearest(rows: Iterable[Named], text: str) -> list[str]:
    """Names of files that somebody may have meant, the best first, none twice."""
    files: dict[str, str] = {}
    for row in rows:
        for name in _names(row):
            files.setdefault(name, PurePath(row[1]).name)
    alike = difflib.get_close_matches(
        fold(text.strip()), files, n=NEAREST, cutoff=LIKENESS
    )
    return list(dict.fromkeys(files[name] for name in alike))


def _names(row: Named) -> Iterator[str]:
    """The title, the name of the file with and without its suffix, the aliases; folded, none of them empty."""
    _id, source, title, aliases = row
    path = PurePath(source)
    names = [title, path.name]
    if len(path.suffix) <= SUFFIX_CHARS:
        names.append(path.stem)
    names += list_of(aliases)
    for name in names:
        if folded := fold(name.strip()):
            yield folded

"""What a shell offers for a word that is begun: ids, paths and titles, tags, folders, properties, people, models.

Each function takes the beginning and returns what goes on from it, the nearest first and never more than fit a screen.
Whatever fails is silent: a shell shows no errors. Leaves out the scripts of the shells, which typer writes. Serves the
declarations of parameters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import PurePath

from brain.doors.lines import SHORT_ID, short_path

Complete = Callable[[str], list[str]]

EPISODE_KINDS = ("ask", "note", "chat", "import")
MOST = 50  # candidates: more than a screen, which nobody reads
# The scripts of typer set this variable to the shell, and expect candidates in place of a result.
VARIABLE = "_BRAIN_COMPLETE"
_SPECIAL = re.compile(r"""([\s'"\\$&;()<>|*?\[\]#~`!{}])""")


def silently(complete: Complete) -> Complete:
    """The same, with nothing to offer where it fails."""

    def offered(incomplete: str) -> list[str]:
        try:
            found = complete(incomplete)
        except Exception:
            return []
        return [_for_shell(name) for name in found[:MOST]]

    return offered


@silently
def references(begun: str) -> list[str]:
    """Documents by path, by the name of their file, by title, by id."""
    paths: list[str] = []
    others: list[str] = []
    for identity, source, title in _stored("documents"):
        if os.path.isabs(source):
            paths.append(short_path(source))
        # What is not typed yet would bury the paths.
        if begun:
            others += (PurePath(source).name, title, source, identity[:SHORT_ID])
    return going_on(begun, paths) or going_on(begun, others)


@silently
def forgotten(begun: str) -> list[str]:
    """What `undo` brings back, by id."""
    ids = [row[0][:SHORT_ID] for row in _stored("forgotten")]
    return going_on(begun, ids)


@silently
def episodes(begun: str) -> list[str]:
    """Answers and what was remembered, by id, the newest first."""
    ids = [row[0][:SHORT_ID] for row in _stored("episodes")]
    return going_on(begun, ids)


@silently
def tags(begun: str) -> list[str]:
    """Tags; behind a `+` or `-`, as `brain tag` takes them, with that sign."""
    sign = ""
    if begun[:1] in ("+", "-"):
        sign = begun[:1]
    return going_on(begun, [sign + name for name in _first_cells("tags")])


@silently
def sources(begun: str) -> list[str]:
    """Patterns of everything below an added folder."""
    return going_on(begun, [f"{name}/*" for name in _first_cells("folders")])


@silently
def folders(begun: str) -> list[str]:
    """The added folders."""
    return going_on(begun, map(short_path, _first_cells("folders")))


@silently
def described(begun: str) -> list[str]:
    """The folders with a description."""
    return going_on(begun, map(short_path, _first_cells("described")))


@silently
def properties(begun: str) -> list[str]:
    """Names of properties; behind a `-`, as `--sort` takes them, with that sign."""
    sign = "-" if begun.startswith("-") else ""
    return going_on(begun, [sign + name for name in _first_cells("properties")])


@silently
def skills(begun: str) -> list[str]:
    """Skills by name."""
    return going_on(begun, _first_cells("skills"))


@silently
def people(begun: str) -> list[str]:
    """Who was there when something was said."""
    return going_on(begun, _first_cells("people"))


@silently
def models(begun: str) -> list[str]:
    """Models that Ollama can fetch."""
    from brain.app.completing import models

    return going_on(begun, models())


@silently
def choices(begun: str) -> list[str]:
    """What a role can be given: a model, `auto`, `builtin`, `wordllama`."""
    from brain.app.completing import models

    return going_on(begun, ["auto", "builtin", "wordllama", *models()])


@silently
def embedders(begun: str) -> list[str]:
    """What can embed a judged set."""
    from brain.app.completing import models

    return going_on(begun, ["builtin", "wordllama", *models("embed")])


@silently
def kinds(begun: str) -> list[str]:
    """Kinds of what `recall` finds."""
    return going_on(begun, EPISODE_KINDS)


def going_on(begun: str, names: Iterable[str]) -> list[str]:
    """Those of the names that begin so, in any case, each once.

    >>> going_on("le", ["Lease", "tea", "lease.md", "Lease"])
    ['Lease', 'lease.md']
    """
    start = begun.casefold()
    fitting = [name for name in names if name.casefold().startswith(start)]
    return list(dict.fromkeys(fitting))


def _stored(kind: str) -> list[tuple[str, ...]]:
    from brain.app.completing import stored

    return stored(kind)


def _first_cells(kind: str) -> list[str]:
    return [row[0] for row in _stored(kind)]


def _for_shell(name: str) -> str:
    """As the shell puts it on the command line: bash takes a name as it is, with the signs that part words quoted."""
    plain = " ".join(name.split())
    if "bash" not in os.environ.get(VARIABLE, ""):
        return plain
    return _SPECIAL.sub(r"\\\1", plain)

"""What a number means after a list was shown: the entry of the last search, recall, list or "nearest" under it.

The list is kept beside the store as ids and places, without a word of any text; it may be deleted at any time. An
answer that came later takes the numbers over (`last_answer`). Leaves out what is done with the entry. Serves `get`,
`open`, `show`, `edit` and `tag`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from brain.app.resources import Resources
from brain.errors import NotFound
from brain.plain import read_plain

FILE = ".shown.json"  # hidden: a home inside an added folder is not read as a note
# What a number of a list is said to be of.
LISTS = {
    "search": "the last search",
    "recall": "the last recall",
    "list": "the last list",
    "nearest": "the nearest of the last question",
}

Entry = tuple[str, str]
"""(id of a document, or `episode:` and its id; the place in it, "" for the whole)"""


def keep(resources: Resources, name: str, entries: Sequence[Entry]) -> None:
    """Keep what was shown under the numbers from 1 on; where nothing can be written, they mean what they meant."""
    if resources.read_only:
        return
    shown = {"list": name, "after": _last_answer(resources), "entries": entries}
    path = resources.config.home / FILE
    temporary = path.with_suffix(".tmp")
    with suppress(OSError):
        temporary.write_text(json.dumps(shown), "utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)


def last_shown(resources: Resources) -> tuple[str, list[Entry]] | None:
    """(name of the list, its entries); None when an answer came later, or no list can be read."""
    try:
        shown = json.loads(read_plain(resources.config.home / FILE, follow=False))
        if shown["after"] != _last_answer(resources):
            return None
        entries = [(str(identity), str(place)) for identity, place in shown["entries"]]
        return LISTS[shown["list"]], entries
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def entry(name: str, entries: Sequence[Entry], reference: str) -> Entry:
    """The entry under a number. Raises `NotFound`."""
    number = int(reference)
    if 1 <= number <= len(entries):
        return entries[number - 1]
    raise NotFound(
        f"{name} has no number {reference}: it has {len(entries):,}",
        "for instance: brain get 1",
    )


def _last_answer(resources: Resources) -> str:
    asked = resources.store.episodes.last("ask")
    return asked.id if asked else ""

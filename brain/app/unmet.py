"""A condition that no document meets alone: the tag, kind, path or property that is not there, with those that are.

Without it a misspelled `--tag` looks like notes that hold nothing. Leaves conditions that fit nothing only together to
the result. Serves `search`, `ask`, `list` and `recall`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.errors import NotFound, UsageError
from brain.store.conditions import HOW, OF_EVERY_DOCUMENT, condition
from brain.text.operators import unknown_types
from brain.types import Scope

if TYPE_CHECKING:
    from brain.store.vocabulary import VocabularyTable

LIKENESS = 0.65  # of 1: "pfd" is a misspelling of "pdf", "status" is none of "tags"
SHOWN = 12  # names that are told
NOTHING = Scope()


def check(resources: Resources, scope: Scope, sort: str = "") -> None:
    """Raises `NotFound` for a condition that no document meets, `UsageError` for a property to sort by that none has.

    Nothing is said of an empty store.
    """
    if not resources.store.library.count():
        return
    words = resources.store.vocabulary
    for alone in _each(scope):
        if not words.fits(alone):
            raise _unmet(words, alone)
    name = sort.removeprefix("-").strip().lower()
    known = list(dict.fromkeys([*OF_EVERY_DOCUMENT, *words.properties()]))
    if sort and name not in known:
        what = f"no document has the property {name!r} to sort by"
        raise UsageError(what, _told("properties", name, known))


def check_types(resources: Resources, question: str) -> None:
    """Raises `NotFound` for `type:zzz`, unless a text holds these words."""
    store = resources.store
    for kind in unknown_types(question):
        written = Scope(phrases=(f"type {kind}",))
        if store.library.count() and not store.search.allowed(written):
            raise _no_type(store.vocabulary, kind)


def check_person(resources: Resources, name: str) -> None:
    """Raises `NotFound` for a name with which nothing was said."""
    people = resources.store.vocabulary.people()
    if name and people and name.casefold() not in map(str.casefold, people):
        what = f"nothing was noted with {name!r}"
        raise NotFound(what, _told("people", name, people))


def _each(scope: Scope) -> Iterator[Scope]:
    """Each condition that has a name, alone. One behind a minus leaves out nothing when nothing is called so."""
    for tag in filter(_is_wanted, scope.tags):
        yield replace(NOTHING, tags=(tag,))
    for kind in filter(_is_wanted, scope.types):
        yield replace(NOTHING, types=(kind,))
    for place in filter(_is_wanted, scope.paths):
        yield replace(NOTHING, paths=(place,))
    if scope.source:
        yield replace(NOTHING, source=scope.source)
    for wanted in scope.where:
        yield replace(NOTHING, where=(wanted,))


def _is_wanted(value: str) -> bool:
    return not value.startswith("-")


def _unmet(words: VocabularyTable, alone: Scope) -> NotFound:
    for tag in alone.tags:
        told = _told("tags", tag, words.tags())
        return NotFound(f"no document has the tag {tag!r}", told)
    for kind in alone.types:
        return _no_type(words, kind)
    for wanted in alone.where:
        return _no_property(words, wanted)
    place = next(iter(alone.paths), alone.source)
    near = _nearest(place.strip("*/"), words.file_names())
    meant = f"did you mean {near}? " if near else ""
    fits = "fits" if alone.source else "holds"
    return NotFound(f"no path {fits} {place!r}", f"{meant}`brain list` shows the paths")


def _no_type(words: VocabularyTable, kind: str) -> NotFound:
    told = _told("types", kind, words.types())
    hint = f'{told}; to look for the words, quote them: "type:{kind}"'
    return NotFound(f"no document has the type {kind!r}", hint)


def _no_property(words: VocabularyTable, wanted: str) -> NotFound:
    name, sign, value = condition(wanted)
    values = words.values_of(name)
    if sign and values:
        told = _told(f"values of {name}", value, values)
        return NotFound(f"no document has {wanted}", told)
    told = _told("properties", name, words.properties())
    hint = f"{told}; a condition is written {HOW}"
    return NotFound(f"no document has the property {name!r}", hint)


def _told(what: str, wrong: str, known: Sequence[str]) -> str:
    """`did you mean lease? tags: home, lease, work (3 more)`."""
    if not known:
        return f"there are no {what} yet"
    near = _nearest(wrong, known)
    meant = f"did you mean {near}? " if near else ""
    more = f" ({len(known) - SHOWN} more)" if len(known) > SHOWN else ""
    return f"{meant}{what}: {', '.join(known[:SHOWN])}{more}"


def _nearest(wrong: str, known: Sequence[str]) -> str:
    by_folded = {name.casefold(): name for name in known}
    alike = difflib.get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=LIKENESS)
    return by_folded[alike[0]] if alike else ""

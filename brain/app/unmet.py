"""A condition that no document meets alone: the tag, kind, path or property that is not there, with those that are.

Without it a misspelled `--tag` looks like notes that hold nothing. Nothing is said to a request that may not see
everything: names of tags, files and people are confidential as well. Leaves conditions that fit nothing only together
to the result. Serves `search`, `ask`, `list` and `recall`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.errors import NotFound, UsageError
from brain.labels import NOT_WALKED, Label
from brain.store.conditions import HOW, OF_EVERY_DOCUMENT, condition
from brain.store.sql import WALKED
from brain.text.operators import unknown_types
from brain.types import Request, Scope

if TYPE_CHECKING:
    from brain.store.vocabulary import VocabularyTable

LIKENESS = 0.65  # of 1: "pfd" is a misspelling of "pdf", "status" is none of "tags"
SHOWN = 12  # names that are told
NOTHING = Scope()


def check(resources: Resources, scope: Scope, sort: str = "") -> None:
    """Raises `NotFound` for a condition that no document meets, `UsageError` for a property to sort by that none has.

    Nothing is said of an empty store.
    """
    conditions = list(_each(scope))
    if not conditions and not sort:
        return
    if sees_less(scope) or _is_empty(resources):
        return
    words = resources.store.vocabulary
    for alone in conditions:
        if not words.fits(alone):
            raise _unmet(words, alone)
    if sort:
        _check_sort(words, sort)


def sees_less(scope: Scope) -> bool:
    """Whether a request may not see all that there is."""
    return scope.at_most is not None and scope.at_most < max(Label)


def told_to(resources: Resources, scope: Scope, notices: list[str]) -> list[str]:
    """What a request may hear of the files that were looked at: nothing where it may not see everything, for a notice
    names files; but why it may see nothing at all, as long as nobody labelled them.
    """
    if not sees_less(scope):
        return notices
    if resources.store.library.setting(WALKED):
        return []
    return [NOT_WALKED]


def _is_empty(resources: Resources) -> bool:
    return not resources.store.library.count()


def _check_sort(words: VocabularyTable, sort: str) -> None:
    name = sort.removeprefix("-")
    name = name.strip().lower()
    known = list(OF_EVERY_DOCUMENT)
    for stated in words.properties():
        if stated not in known:
            known.append(stated)
    if name in known:
        return
    what = f"no document has the property {name!r} to sort by"
    told = _told("properties", name, known)
    raise UsageError(what, told)


def check_types(resources: Resources, request: Request) -> None:
    """Raises `NotFound` for `type:zzz`, unless a text holds these words."""
    store = resources.store
    for kind in unknown_types(request.question):
        if sees_less(request.scope) or _is_empty(resources):
            return
        phrase = f"type {kind}"
        written = Scope(phrases=(phrase,))
        if not store.search.allowed(written):
            raise _no_type(store.vocabulary, kind)


def check_person(resources: Resources, name: str, scope: Scope) -> None:
    """Raises `NotFound` for a name with which nothing was said."""
    if not name or sees_less(scope):
        return
    people = resources.store.vocabulary.people()
    wanted = name.casefold()
    known = [person.casefold() for person in people]
    if not known or wanted in known:
        return
    what = f"nothing was noted with {name!r}"
    told = _told("people", name, people)
    raise NotFound(what, told)


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
        what = f"no document has the tag {tag!r}"
        told = _told("tags", tag, words.tags())
        return NotFound(what, told)
    for kind in alone.types:
        return _no_type(words, kind)
    for wanted in alone.where:
        return _no_property(words, wanted)
    for place in alone.paths:
        what = f"no path holds {place!r}"
        return _no_path(words, what, place)
    what = f"no path fits {alone.source!r}"
    return _no_path(words, what, alone.source)


def _no_path(words: VocabularyTable, what: str, place: str) -> NotFound:
    hint = "`brain list` shows the paths"
    meant = place.strip("*/")
    near = _nearest(meant, words.file_names())
    if near:
        hint = f"did you mean {near}? {hint}"
    return NotFound(what, hint)


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
    shown = ", ".join(known[:SHOWN])
    told = f"{what}: {shown}"
    more = len(known) - SHOWN
    if more > 0:
        told = f"{told} ({more} more)"
    near = _nearest(wrong, known)
    if near:
        told = f"did you mean {near}? {told}"
    return told


def _nearest(wrong: str, known: Sequence[str]) -> str:
    by_folded = {name.casefold(): name for name in known}
    alike = difflib.get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=LIKENESS)
    return by_folded[alike[0]] if alike else ""

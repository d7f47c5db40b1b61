"""Signs in a question that say where to look: `"these very words"`, `-without`, `type:pdf`, `path:letters`, `tag:flat`.

Forgiving: a sign that is no operator is what it always was. A hyphen inside a word or between two, an apostrophe, a
single quotation mark, a number below zero and `key:` of another kind change nothing; `-word` counts at the end of a
question, or where nothing but words to look for stands. Leaves out what is done with them (`brain.app.search`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from brain.types import Scope, Texts
from ingest.media import NOTE, endings
from ingest.terms import tokens
from ingest.words import FUNCTION_WORDS

_OPERATOR = re.compile(
    r"(?<!\S)(?P<minus>-?)(?:(?P<key>type|path|tag):)?(?:\"(?P<straight>[^\"\n]+)\"|“(?P<curly>[^”\n]+)”)"
    r"(?=[\s.,;:!?)]|$)"
    r"|(?<!\S)(?P<not>-?)(?P<named>type|path|tag):(?P<value>[^\s\"“”:/][^\s\"“”]*)"
    r"|(?<!\S)-(?P<without>[^\W\d_][^\s\"“”-]+(?:-[^\s\"“”-]+)*)(?=\s|$)",
    re.IGNORECASE,
)
_END = ".,;!?)"  # of a sentence, no part of a value


@dataclass(frozen=True, slots=True)
class Asked:
    """What is left of a question to rank by (the quoted words among it), and where to look."""

    text: str
    phrases: Texts = ()
    without: Texts = ()
    types: Texts = ()
    paths: Texts = ()
    tags: Texts = ()

    def scope(self, scope: Scope) -> Scope:
        """A scope, narrowed."""
        return replace(
            scope,
            phrases=(*scope.phrases, *self.phrases),
            without=(*scope.without, *self.without),
            types=(*scope.types, *self.types),
            paths=(*scope.paths, *self.paths),
            tags=(*scope.tags, *self.tags),
        )


def read(text: str) -> Asked:
    """The question with its operators taken out.

    >>> read('lease type:pdf -draft "north rack"')
    Asked(text='lease   "north rack"', phrases=('north rack',), without=('draft',), types=('pdf',), paths=(), tags=())
    """
    found: dict[str, list[str]] = {}
    left = []
    done = 0
    for match in _OPERATOR.finditer(text):
        name, value = _meant(match, text)
        if not name:
            continue
        found.setdefault(name, []).append(value)
        left.append(text[done : match.start()])
        if name == "phrases":
            # quoted words are what is looked for, so they stay in the question
            left.append(match[0])
        done = match.end()
    left.append(text[done:])
    fields = {}
    for name, values in found.items():
        fields[name] = tuple(dict.fromkeys(values))
    return Asked("".join(left).strip(), **fields)


def unknown_types(text: str) -> list[str]:
    """What stands behind a `type:` that is no operator, since no kind of files is called so.

    >>> unknown_types("lease type:zzz type:pdf")
    ['zzz']
    """
    found = []
    for match in _OPERATOR.finditer(text):
        key = match["key"] or match["named"] or ""
        name, _value = _meant(match, text)
        if key.lower() == "type" and not name:
            quoted = match["straight"] or match["curly"]
            found.append((quoted or match["value"]).rstrip(_END))
    return found


def _meant(match: re.Match[str], text: str) -> tuple[str, str]:
    """(which field of `Asked`, the value), or ("", "") for what is no operator."""
    quoted = match["straight"] or match["curly"]
    value = quoted or (match["value"] or match["without"]).rstrip(_END)
    key = (match["key"] or match["named"] or "").lower()
    minus = match["minus"] or match["not"] or ""
    if key == "type":
        kind = value.lower()
        if kind == NOTE or endings(value):
            return "types", minus + kind
        return "", ""
    if key == "path":
        return "paths", minus + value
    if key == "tag":
        return "tags", minus + value.lstrip("#")
    if not tokens(value):
        return "", ""
    if quoted and not minus:
        return "phrases", value
    if _excludes(match, text):
        return "without", value
    return "", ""


def _excludes(match: re.Match[str], text: str) -> bool:
    """Whether a minus is meant: at the end, or among words to look for, which are no sentence."""
    rest = _OPERATOR.sub(" ", text[match.end() :])
    before = _OPERATOR.sub(" ", text[: match.start()])
    if not rest.strip(_END + " "):
        return bool(before.strip())
    return FUNCTION_WORDS.isdisjoint(tokens(f"{before} {rest}"))

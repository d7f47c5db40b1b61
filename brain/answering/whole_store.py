"""Questions over everything ("how many notes mention X"): recognised here, counted by SQL, never guessed from top-k.

Recognition is conservative: a fixed set of English forms, at most a few words to look for; anything else is an ordinary
question. Leaves out the SQL (the store counts) and dates (a scope does that). Serves `Brain.ask`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from brain.answering.extract import line_locator
from brain.text.sheet import sheet
from brain.types import Answer, Citation, Confidence, Passage
from ingest.terms import fold, stem, tokens

MAX_WORDS = 6  # words to look for: more is a sentence, not a thing that is mentioned
Kind = Literal["count", "list"]
MAX_LISTED = 50  # sources named in a list; the count is of all of them
PROVIDER, MODEL = "builtin", "count"

_THINGS = r"(?:notes?|documents?|docs|files?|pages?|entries|entry|papers?|texts?|meetings?|emails?|sources?)"
_THAT = r"(?:(?:that|which)\s+)?"
_VERB = (
    rf"{_THAT}(?:(?:do|does|did|have|has|had)\s+)?"
    r"(?:i\s+(?:mention|write about|talk about|say)|mention(?:s|ed|ing)?|contain(?:s|ed|ing)?|include|"
    r"discuss(?:es|ed|ing)?|talk(?:s|ed)? about|(?:is|are|were|was)\s+about|refer(?:s|red)? to|speak(?:s)? of|"
    r"cover(?:s)?|about|on|with the words?|have the words?)"
)
_TAGGED = (
    rf"{_THAT}(?:(?:is|are|were|have been|i)\s+)?"
    r"(?:tagged(?:\s+(?:with|as))?|with (?:the )?tag|have (?:the )?tag|labelled)"
)
_ABOUT = rf"(?:(?P<tagged>{_TAGGED})|{_VERB})\s+(?P<what>.+)"
_MINE = r"(?:(?:of )?(?:my|the|our|all)\s+)*"
_COUNTS = (
    rf"how many\s+{_MINE}(?:different\s+)?{_THINGS}\s+(?:do i have\s+|are there\s+)?{_ABOUT}",
    rf"(?:in )?how many\s+{_MINE}{_THINGS}\s+(?:is|are|does|do|did)\s+(?P<what>.+?)\s+"
    r"(?:mentioned|appear|occur|come up|discussed)",
    rf"count\s+(?:all\s+)?{_MINE}{_THINGS}\s+{_ABOUT}",
)
_LISTS = (
    rf"(?:please\s+)?(?:list|show|find|give|name)\s+(?:me\s+)?(?:all|every|each)\s+{_MINE}{_THINGS}\s+{_ABOUT}",
    rf"(?:please\s+)?list\s+{_MINE}{_THINGS}\s+{_ABOUT}",
    rf"(?:which|what)\s+(?:of )?{_MINE}{_THINGS}\s+"
    rf"(?:{_TAGGED}|mention|contain|refer to|discuss|talk about|are about)\s+(?P<what>.+)",
)
# "How many notes do I have?": nothing is looked for. After the lists, as it takes what nothing else took.
_ALL = (
    rf"how many\s+{_MINE}{_THINGS}\s+(?:do i have|are there)(?: in (?:total|all|here))?(?P<what>)"
)


def _whole(form: str) -> re.Pattern[str]:
    """The form as the whole question."""
    return re.compile(rf"\s*{form}\s*[?.!]*\s*", re.IGNORECASE)


_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    *(("count", _whole(form)) for form in _COUNTS),
    *(("list", _whole(form)) for form in _LISTS),
    ("count", _whole(_ALL)),
)
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,\s*(?:and|or)?|\band\b|\bor\b|&)\s*", re.IGNORECASE)
_OTHER_WORD = re.compile(r"(?!(?:and|or)\b)\w{3,}")
_TAG_FORM = re.compile(rf"\b{_TAGGED}\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:who|whom|when|where|why|because|since|before|after|until|during|between|last|that|which|how|if|than|not|without)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{1,200})[\"”“»]")
_ARTICLE = re.compile(r"^(?:the|a|an|my|our|word|words|phrase|tag|name)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WholeStoreQuestion:
    """`phrases` to look for (all of them, or any when `any_of`), `tag` without #, "" for none; both empty: all there
    is.
    """

    kind: Kind
    phrases: tuple[str, ...] = ()
    tag: str = ""
    any_of: bool = False


def recognise(question: str) -> WholeStoreQuestion | None:
    """The question over the whole store that this is, or None for an ordinary one.

    >>> recognise("How many notes mention the landlord?")
    WholeStoreQuestion(kind='count', phrases=('landlord',), tag='', any_of=False)
    """
    for kind, pattern in _FORMS:
        found = pattern.fullmatch(question)
        if found:
            return _wanted(kind, question, found.group("what").strip(" ?.!"))
    return None


def _wanted(kind: Kind, question: str, what: str) -> WholeStoreQuestion | None:
    """What is looked for, None when it is more than a tag or a few words."""
    if not what:
        return WholeStoreQuestion(kind)
    if _TAG_FORM.search(question):
        tag = _ARTICLE.sub("", what).strip("#\"“”' ")
        return WholeStoreQuestion(kind, tag=tag) if re.fullmatch(r"[\w/-]+", tag) else None
    quoted = tuple(phrase.strip() for phrase in _QUOTED.findall(what))
    around = _QUOTED.sub("", what)
    if quoted:
        if _OTHER_WORD.search(around):
            return None
        return WholeStoreQuestion(kind, quoted, any_of=bool(re.search(r"\bor\b", around)))
    if _CLAUSE.search(what):
        return None
    any_of = bool(_OR.search(what))
    parts = [part.strip() for part in _JOINED.split(what)]
    phrases = tuple(_ARTICLE.sub("", _ARTICLE.sub("", part)) for part in parts if part)
    words = [len(tokens(phrase)) for phrase in phrases]
    if not phrases or 0 in words or sum(words) > MAX_WORDS:
        return None
    return WholeStoreQuestion(kind, phrases, any_of=any_of)


def render(
    question: str, wanted: WholeStoreQuestion, rows: Sequence[Passage], *, covered: int, total: int
) -> Answer:
    """The counted answer. `rows`: one passage for each document that matches; `covered` of `total` documents were
    looked at.

    State "supported" (it is a count, not an opinion), or "not_found" when nothing matches.
    """
    count = len(rows)
    what = _what(wanted)
    noun = "document" if count == 1 else "documents"
    head = f"{count} {noun} {what}".strip() + f" (covered {covered} of {total} documents)."
    listed = [] if wanted.kind == "count" else list(rows[:MAX_LISTED])
    citations = tuple(
        _citation(number, row, wanted) for number, row in enumerate(rows[:MAX_LISTED], 1)
    )
    lines = [
        head,
        *(f"- {row.title or row.source} ({row.source}) [{n}]" for n, row in enumerate(listed, 1)),
    ]
    if wanted.kind == "list" and count > MAX_LISTED:
        lines.append(f"… and {count - MAX_LISTED} more")
    return Answer(
        question,
        "supported" if count or not (wanted.phrases or wanted.tag) else "not_found",
        "\n".join(lines),
        citations=citations,
        passages=tuple(rows[:MAX_LISTED]),
        confidence=Confidence(found=1.0, supported=1.0, known=True),
        provider=PROVIDER,
        model=MODEL,
    )


def _what(wanted: WholeStoreQuestion) -> str:
    """`mention “lease” and “Ana”`, `tagged #trip`, "" for everything."""
    if wanted.tag:
        return f"tagged #{wanted.tag}"
    if not wanted.phrases:
        return "in all"
    joined = (" or " if wanted.any_of else " and ").join(f"“{phrase}”" for phrase in wanted.phrases)
    return f"mention {joined}"


def _citation(number: int, row: Passage, wanted: WholeStoreQuestion) -> Citation:
    """The first sentence that mentions one of the phrases, else the first one."""
    statements = sheet(row.text).statements
    sought = [{stem(word) for word in tokens(phrase)} for phrase in wanted.phrases]
    chosen = statements[0] if statements else None
    for statement in statements:
        said = {stem(word) for word in tokens(fold(statement.text))}
        if any(words <= said for words in sought):
            chosen = statement
            break
    start, end = (chosen.sentence.start, chosen.sentence.end) if chosen else (0, len(row.text))
    locator = line_locator(row.locator, row.text, start)
    quote = row.text[start:end]
    return Citation(number, row.id, row.source, locator, quote, verified=True)

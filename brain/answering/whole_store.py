"""Questions over everything ("how many notes mention X"): recognised here, counted by SQL, never guessed from top-k.

Recognition is conservative: a fixed set of English forms, at most a few words to look for; anything else is an ordinary
question. Leaves out the SQL (the store counts) and dates (a scope does that). Serves `Brain.ask`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from brain.text.grammar import grammar
from brain.text.places import line_locator
from brain.text.roles import role_at
from brain.text.sheet import sheet
from brain.types import Answer, Citation, Confidence, Passage, Passages, Texts
from ingest.terms import fold, stem, tokens

MAX_WORDS = 6  # words to look for: more is a sentence, not a thing that is mentioned
Kind = Literal["count", "list"]
MAX_LISTED = 50  # sources named in a list; the count is of all of them
PROVIDER, MODEL = "builtin", "count"

# "How many notes do I have?" (`count_all`) looks for nothing. It comes last, as it takes what nothing else took.
_RULES = grammar(
    r"""
things = (?:notes?|documents?|docs|files?|pages?|entries|entry|papers?|texts?|meetings?|emails?|sources?)
that = (?:(?:that|which)\s+)?
verb = %(that)s(?:(?:do|does|did|have|has|had)\s+)?
    (?:i\s+(?:mention|write about|talk about|say)|mention(?:s|ed|ing)?|contain(?:s|ed|ing)?|include|
    discuss(?:es|ed|ing)?|talk(?:s|ed)? about|(?:is|are|were|was)\s+about|refer(?:s|red)? to|speak(?:s)? of|
    cover(?:s)?|about|on|with the words?|have the words?)
tagged = %(that)s(?:(?:is|are|were|have been|i)\s+)?
    (?:tagged(?:\s+(?:with|as))?|with (?:the )?tag|have (?:the )?tag|labelled)
about = (?:(?P<tagged>%(tagged)s)|%(verb)s)\s+(?P<what>.+)
mine = (?:(?:of )?(?:my|the|our|all)\s+)*
count_about = how many\s+%(mine)s(?:different\s+)?%(things)s\s+(?:do i have\s+|are there\s+)?%(about)s
count_in = (?:in )?how many\s+%(mine)s%(things)s\s+(?:is|are|does|do|did)\s+(?P<what>.+?)\s+
    (?:mentioned|appear|occur|come up|discussed)
count = count\s+(?:all\s+)?%(mine)s%(things)s\s+%(about)s
list_every = (?:please\s+)?(?:list|show|find|give|name)\s+(?:me\s+)?(?:all|every|each)\s+%(mine)s%(things)s\s+%(about)s
list = (?:please\s+)?list\s+%(mine)s%(things)s\s+%(about)s
list_which = (?:which|what)\s+(?:of )?%(mine)s%(things)s\s+
    (?:%(tagged)s|mention|contain|refer to|discuss|talk about|are about)\s+(?P<what>.+)
count_all = how many\s+%(mine)s%(things)s\s+(?:do i have|are there)(?: in (?:total|all|here))?(?P<what>)
"""
)
_FORMS = {
    name: re.compile(rf"\s*{_RULES[name]}\s*[?.!]*\s*", re.IGNORECASE)
    for name in "count_about count_in count list_every list list_which count_all".split()
}
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,\s*(?:and|or)?|\band\b|\bor\b|&)\s*", re.IGNORECASE)
_OTHER_WORD = re.compile(r"(?!(?:and|or)\b)\w{3,}")
_TAG_FORM = re.compile(rf"\b{_RULES['tagged']}\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:who|whom|when|where|why|because|since|before|after|until|during|between|last|that|which|how|if|than|not|"
    r"without)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{1,200})[\"”“»]")
_ARTICLE = re.compile(
    r"^(?:the|a|an|my|our|word|words|phrase|tag|name)\s+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class WholeStoreQuestion:
    """`phrases` to look for (all of them, or any when `any_of`), `tag` without #, "" for none; both empty: all there
    is.
    """

    kind: Kind
    phrases: Texts = ()
    tag: str = ""
    any_of: bool = False


def recognise(question: str) -> WholeStoreQuestion | None:
    """The question over the whole store that this is, or None for an ordinary one.

    >>> recognise("How many notes mention the landlord?")
    WholeStoreQuestion(kind='count', phrases=('landlord',), tag='', any_of=False)
    """
    for name, pattern in _FORMS.items():
        found = pattern.fullmatch(question)
        if found:
            kind: Kind = "count" if name.startswith("count") else "list"
            return _wanted(kind, question, found["what"].strip(" ?.!"))
    return None


def _wanted(kind: Kind, question: str, what: str) -> WholeStoreQuestion | None:
    """What is looked for, None when it is more than a tag or a few words."""
    if not what:
        return WholeStoreQuestion(kind)
    if _TAG_FORM.search(question):
        tag = _ARTICLE.sub("", what).strip("#\"“”' ")
        return (
            WholeStoreQuestion(kind, tag=tag) if re.fullmatch(r"[\w/-]+", tag) else None
        )
    quoted = tuple(phrase.strip() for phrase in _QUOTED.findall(what))
    around = _QUOTED.sub("", what)
    if quoted:
        if _OTHER_WORD.search(around):
            return None
        return WholeStoreQuestion(
            kind, quoted, any_of=bool(re.search(r"\bor\b", around))
        )
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
    question: str,
    wanted: WholeStoreQuestion,
    rows: Passages,
    *,
    covered: int,
    total: int,
) -> Answer:
    """The counted answer. `rows`: one passage for each document that matches; `covered` of `total` documents were
    looked at.

    State "supported" (it is a count, not an opinion), or "not_found" when nothing matches.
    """
    count = len(rows)
    shown = tuple(rows[:MAX_LISTED])
    what = _what(wanted)
    noun = "document" if count == 1 else "documents"
    lines = [
        f"{count} {noun} {what}".strip() + f" (covered {covered} of {total} documents)."
    ]
    citations = []
    for number, row in enumerate(shown, 1):
        citations.append(_citation(number, row, wanted))
        if wanted.kind == "list":
            lines.append(f"- {row.title or row.source} ({row.source}) [{number}]")
    if wanted.kind == "list" and count > MAX_LISTED:
        lines.append(f"… and {count - MAX_LISTED} more")
    counted = count > 0 or not (wanted.phrases or wanted.tag)
    return Answer(
        question,
        "supported" if counted else "not_found",
        "\n".join(lines),
        citations=tuple(citations),
        passages=shown,
        confidence=Confidence(
            found=1.0,
            supported=1.0,
            known=True,
        ),
        provider=PROVIDER,
        model=MODEL,
        sure="answered" if counted else None,
    )


def _what(wanted: WholeStoreQuestion) -> str:
    """`mention “lease” and “Ana”`, `tagged #trip`, "" for everything."""
    if wanted.tag:
        return f"tagged #{wanted.tag}"
    if not wanted.phrases:
        return "in all"
    joined = (" or " if wanted.any_of else " and ").join(
        f"“{phrase}”" for phrase in wanted.phrases
    )
    return f"mention {joined}"


def _citation(number: int, row: Passage, wanted: WholeStoreQuestion) -> Citation:
    """The first sentence that mentions one of the phrases, else the first one."""
    statements = sheet(row.text).statements
    sought = [set(map(stem, tokens(phrase))) for phrase in wanted.phrases]
    chosen = statements[0] if statements else None
    for statement in statements:
        said = set(map(stem, tokens(fold(statement.text))))
        if any(words <= said for words in sought):
            chosen = statement
            break
    start, end = (
        (chosen.sentence.start, chosen.sentence.end) if chosen else (0, len(row.text))
    )
    locator = line_locator(row.locator, row.text, start)
    quote = row.text[start:end]
    heading = role_at(row, start).path
    return Citation(
        number, row.id, row.source, locator, quote, verified=True, heading=heading
    )

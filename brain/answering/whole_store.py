"""Questions over everything ("how many notes mention X"): recognised here, counted by SQL, never guessed from top-k.

Recognition is conservative: a fixed set of English forms, at most a few words to look for; anything else is an ordinary
question. Leaves out the SQL (the store counts) and dates (a scope does that). Serves `Brain.ask`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
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
FEW = 5  # of "the newest notes"
# Things that can be counted without a word to look for: a meeting is no document.
OF_ANY_KIND = frozenset("note document doc file page entry entrie text source".split())
NOUNS = {"mail": "mail", "pdf": "PDF"}
TYPES = {"email": "mail", "mail": "mail", "pdf": "pdf"}
WITHOUT_WORDS = ("count_all", "newest", "newest_are")
PROVIDER = "builtin"
MODEL = "count"

# "How many notes do I have?" (`count_all`) looks for nothing. It comes last, as it takes what nothing else took.
_RULES = grammar(
    r"""
things = (?:notes?|documents?|docs|files?|pages?|entries|entry|papers?|texts?|meetings?|(?:e-?)?mails?|pdfs?|sources?)
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
count_all = how many\s+%(mine)s(?P<things>%(things)s)\s+(?:do i have|are there)(?: in (?:total|all|here))?(?P<what>)
newest = (?:(?:what|which)(?:\s+(?:is|are|was|were))?|(?:please\s+)?(?:list|show|give|name)(?:\s+me)?)\s+%(mine)s
    (?P<order>newest|latest|last|most recent|oldest|earliest|first)\s+(?P<things>%(things)s)(?P<what>)
newest_are = (?:what|which)\s+(?P<things>%(things)s)\s+(?:is|are|was|were)\s+(?:the )?
    (?P<order>newest|latest|last|most recent|oldest|earliest|first)(?P<what>)
"""
)
_WHICH = ("what", "which")
_SHOW = tuple("please list show find give name".split())
# The forms in the order in which they are tried, each with the words that it begins with: most questions begin with
# none of them, and a form is compiled for the first question that may be one.
_BEGINNINGS = {
    "count_about": ("how",),
    "count_in": ("how", "in"),
    "count": ("count",),
    "list_every": _SHOW,
    "list": _SHOW,
    "list_which": _WHICH,
    "count_all": ("how",),
    "newest": (*_WHICH, *_SHOW),
    "newest_are": _WHICH,
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
    is. `type`: of one kind of files alone. `most`: so many of the list, 0 for all; `oldest`: the oldest first.
    """

    kind: Kind
    phrases: Texts = ()
    tag: str = ""
    any_of: bool = False
    type: str = ""
    most: int = 0
    oldest: bool = False


def recognise(question: str) -> WholeStoreQuestion | None:
    """The question over the whole store that this is, or None for an ordinary one.

    >>> recognise("How many notes mention the landlord?")
    WholeStoreQuestion(kind='count', phrases=('landlord',), tag='', any_of=False)
    """
    first = question.split(maxsplit=1)[:1]
    for name, beginnings in _BEGINNINGS.items():
        if not first or first[0].lower() not in beginnings:
            continue
        found = _form(name).fullmatch(question)
        if found and name in WITHOUT_WORDS:
            return _without_words(found)
        if found:
            kind: Kind = "count" if name.startswith("count") else "list"
            return _wanted(kind, question, found["what"].strip(" ?.!"))
    return None


@cache
def _form(name: str) -> re.Pattern[str]:
    return re.compile(rf"\s*{_RULES[name]}\s*[?.!]*\s*", re.IGNORECASE)


def _without_words(found: re.Match[str]) -> WholeStoreQuestion | None:
    """How many there are, or the newest; None for what is no kind of files ("how many meetings")."""
    things = found["things"].lower().replace("-", "")
    singular = things.removesuffix("s")
    if singular not in OF_ANY_KIND and singular not in TYPES:
        return None
    kind_of_file = TYPES.get(singular, "")
    order = found.groupdict().get("order")
    if order is None:
        return WholeStoreQuestion("count", type=kind_of_file)
    most = 1 if singular == things else FEW
    is_oldest = order.lower() in ("oldest", "earliest", "first")
    return WholeStoreQuestion("list", type=kind_of_file, most=most, oldest=is_oldest)


def _wanted(kind: Kind, question: str, what: str) -> WholeStoreQuestion | None:
    """What is looked for, None when it is more than a tag or a few words."""
    if not what:
        return WholeStoreQuestion(kind)
    if _TAG_FORM.search(question):
        tag = _ARTICLE.sub("", what).strip("#\"“”' ")
        if not re.fullmatch(r"[\w/-]+", tag):
            return None
        return WholeStoreQuestion(kind, tag=tag)
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
    parts = filter(None, map(str.strip, _JOINED.split(what)))
    phrases = tuple(_ARTICLE.sub("", _ARTICLE.sub("", part)) for part in parts)
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
    if wanted.oldest:
        rows = rows[::-1]
    if wanted.most:
        rows = rows[: wanted.most]
    shown = tuple(rows[:MAX_LISTED])
    what = _what(wanted)
    kind = NOUNS.get(wanted.type, "document")
    noun = kind if count == 1 else f"{kind}s"
    looked_at = f" (covered {covered} of {total} documents)"
    lines = [f"{count} {noun} {what}{looked_at}."]
    if wanted.most and count:
        order = "oldest" if wanted.oldest else "newest"
        lines = [f"The {order} of {count} {noun}{looked_at}:"]
    citations = []
    for number, row in enumerate(shown, 1):
        citations.append(_citation(number, row, wanted))
        if wanted.kind == "list":
            dated = f", {row.date[:10]}" if wanted.most and row.date else ""
            name = row.title or row.source
            lines.append(f"- {name} ({row.source}{dated}) [{number}]")
    if wanted.kind == "list" and not wanted.most and count > MAX_LISTED:
        lines.append(f"… and {count - MAX_LISTED} more")
    is_number = wanted.kind == "count" and not (wanted.phrases or wanted.tag)
    counted = count > 0 or is_number
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
    between = " or " if wanted.any_of else " and "
    phrases = [f"“{phrase}”" for phrase in wanted.phrases]
    return f"mention {between.join(phrases)}"


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
    start = 0
    end = len(row.text)
    if chosen:
        start = chosen.sentence.start
        end = chosen.sentence.end
    locator = line_locator(row.locator, row.text, start)
    quote = row.text[start:end]
    heading = role_at(row, start).path
    return Citation(
        number, row.id, row.source, locator, quote, verified=True, heading=heading
    )

"""Who does it: whether a sentence tells of somebody else's doing than the question asks for.

"What did the landlord promise" is not answered by what stands under "What we promised". The subject is read from the
words before the verb that question and text share; where it cannot be told, nothing is said against the sentence.
Leaves out every other sense. Serves `extract`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from brain.text.matching import TermSet
from ingest.terms import stem
from ingest.words import STOP

BY = "by"
SUBJECTS = frozenset("i we our my mine ours".split())
OURS = SUBJECTS | frozenset("us me".split())
THEIRS = frozenset("he she they him her them his their".split())
WINDOW = 3  # words before a verb in which its subject stands

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_AUXILIARY = frozenset("did does do has have had will would shall should must".split())
# What may stand between a subject and its verb.
_BETWEEN = _AUXILIARY | frozenset(
    "also never not already always once both all again even just only ever been be to".split()
)
_ASKING = frozenset("what which who whom whose when where why how that".split())


# Past forms of what people do with words and things, which no stemmer leads to the plain form.
_PAST = dict(
    pair.split("/")
    for pair in """said/say told/tell wrote/write written/write gave/give given/give made/make took/take taken/take
    sent/send paid/pay bought/buy sold/sell brought/bring kept/keep meant/mean thought/think chose/choose chosen/choose
    spoke/speak spoken/speak left/leave lent/lend swore/swear sworn/swear""".split()
)


def _verb(word: str) -> str:
    """The stem of a verb, of its past form the same one."""
    return stem(_PAST.get(word, word))


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose doing a question asks for: stems of the subject, or that it is the person's own; `verbs` by stem; `others`
    are the stems of its other words. `named`: the subject has a name.
    """

    subject: TermSet
    own: bool
    named: bool
    verbs: TermSet
    others: TermSet


@lru_cache(maxsize=16)
def asked(question: str) -> Asked | None:
    """The subject and the verb of "what did the landlord promise", "the landlord's promises", "promised by the
    landlord"; None for any other question.
    """
    words = _WORD.findall(question)
    low = [word.casefold().replace("’", "'") for word in words]
    found = _after_auxiliary(words, low) or _possessive(low) or _passive(low)
    if found is None:
        return None
    subject, verbs = found
    content = {stem(word) for word in low if word not in STOP}
    own = not OURS.isdisjoint(subject)
    stems = frozenset(stem(word) for word in subject if word not in STOP)
    verb_stems = frozenset(map(_verb, verbs))
    if not verb_stems or not (own or stems or not THEIRS.isdisjoint(subject)):
        return None
    capitals = {word.casefold() for word in words[1:] if word[:1].isupper()}
    named = not capitals.isdisjoint(subject)
    others = frozenset(content - stems - verb_stems)
    return Asked(stems, own, named, verb_stems, others)


def _after_auxiliary(
    words: Sequence[str], low: Sequence[str]
) -> tuple[list[str], list[str]] | None:
    """What did SUBJECT VERB, which VERBs did SUBJECT make."""
    place = next((at for at, word in enumerate(low) if word in _AUXILIARY), -1)
    if place < 1 or low[0] not in _ASKING:
        return None
    subject: list[str] = []
    at = place + 1
    while at < len(low):
        word = low[at]
        name = words[at][:1].isupper() and words[at - 1][:1].isupper()
        told = any(one in OURS | THEIRS or one not in STOP for one in subject)
        if told and not name:
            break
        subject.append(word)
        at += 1
    while at < len(low) and low[at] in _BETWEEN:
        at += 1
    verbs = [word for word in low[1:place] if word not in STOP]
    if at < len(low) and low[at] not in STOP:
        verbs.append(low[at])
    return subject, verbs


def _possessive(low: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """The SUBJECT's VERBs, our VERBs."""
    for at, word in enumerate(low[:-1]):
        following = low[at + 1]
        if following in STOP:
            continue
        if word.endswith("'s") and word[:-2] not in _ASKING | STOP:
            return [word[:-2]], [following]
        if word in ("our", "my"):
            return [word], [following]
    return None


def _passive(low: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """VERBed by SUBJECT."""
    for at, word in enumerate(low):
        if word == "by" and at and low[at - 1] not in STOP:
            subject = [one for one in low[at + 1 : at + 1 + WINDOW] if one]
            return subject, [low[at - 1]]
    return None


def elsewhere(question: str, sentence: str, headings: Iterable[str]) -> bool:
    """Whether a sentence, by itself or else by the innermost heading with the verb of the question, tells of another's
    doing.
    """
    wanted = asked(question)
    if wanted is None:
        return False
    for text, is_heading in [(sentence, False), *((one, True) for one in headings)]:
        verdicts = _verdicts(wanted, text, is_heading)
        if verdicts:
            return all(verdicts)
    return False


def _verdicts(wanted: Asked, text: str, is_heading: bool) -> list[bool]:
    """For each place of the verb: is it another's doing? [] without the verb."""
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    found = []
    for at, word in enumerate(words):
        if _verb(word.casefold()) in wanted.verbs:
            found.append(_another(wanted, _subject(words, at), is_heading))
    return found


def _subject(words: Sequence[str], at: int) -> list[str]:
    """The words in which the subject of a verb stands, the nearest first, an asking word at their end."""
    if [word.casefold() for word in words[at + 1 : at + 2]] == ["by"]:
        return [BY, *words[at + 2 : at + 2 + WINDOW]][::-1]
    end = at
    while end and words[end - 1].casefold() in _BETWEEN:
        end -= 1
    near = []
    for word in reversed(words[max(0, end - WINDOW) : end]):
        near.append(word)
        if word.casefold() in _ASKING:
            break
    return near


def _another(wanted: Asked, near: Sequence[str], is_heading: bool) -> bool:
    low = [word.casefold() for word in near]
    ours = _is_ours(low)
    nouns = [word for word in low if word not in STOP | _ASKING]
    stems = {stem(word.removesuffix("'s")) for word in nouns}
    if wanted.own:
        theirs = bool(low) and low[0] in THEIRS
        named = is_heading and _told_whose(low) and bool(stems)
        return not ours and (theirs or named or not stems.isdisjoint(wanted.others))
    if stems & wanted.subject:
        return False
    if ours:
        return True
    # A heading says whose doing follows. A name may be that of the person asked for; so may a noun in a sentence.
    name = any(word[:1].isupper() for word in near if word.casefold() in nouns)
    if not is_heading or not (stems and wanted.subject):
        return False
    if name and wanted.named:
        # "Things Ben said"; a first word may have its capital from standing there.
        return near[0][:1].isupper() and (len(near) > 1 or _told_whose(low))
    return _told_whose(low) and not name


def _is_ours(low: Sequence[str]) -> bool:
    """Whether the nearest word that can be a subject is the writer: "we finally", "my", and "me" behind "by"."""
    for word in low:
        if word in SUBJECTS or (word in OURS and low[-1] == BY):
            return True
        if word not in STOP and not word.endswith("ly"):
            return False
    return False


def _told_whose(low: Sequence[str]) -> bool:
    """Whether a heading tells whose doing it is: "What the tenant promised", "The tenant's promises"."""
    signs = _ASKING | {BY, "the"}
    return any(word in signs or word.endswith("'s") for word in low)

"""Who does it: whether a sentence tells of somebody else's doing than the question asks for.

"What did the landlord promise" is not answered by what stands under "What we promised". The subject is read from the
words before the verb that question and text share; where it cannot be told, nothing is said against the sentence. "We"
is who speaks in a turn of a conversation, the sender of a mail, and elsewhere the person whose notes these are. Leaves
out who wrote other texts, and every other sense. Serves `extract`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from brain.text.matching import TermSet
from brain.text.turns import turn
from ingest.terms import stem
from ingest.words import STOP

Words = list[str]
Parts = tuple[Words, Words]
"""(words of the subject, verbs) of a question."""

BY = "by"
SUBJECTS = frozenset("i we our my mine ours".split())
OURS = SUBJECTS | frozenset("us me".split())
THEIRS = frozenset("he she they him her them his their".split())
WINDOW = 3  # words before a verb in which its subject stands
WORDS_KEPT = 16_384  # words whose plain form is remembered

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_AUXILIARY = frozenset("did does do has have had will would shall should must".split())
# What may stand between a subject and its verb.
_BETWEEN = _AUXILIARY | frozenset(
    "also never not already always once both all again even just only ever been be to".split()
)
_SENT = re.compile(r"\d{4}-\d\d-\d\d (.+)")  # the locator of a mail
# Who wrote a mail and who got it, as the mail begins.
_HEADER = re.compile(r"(?:From|To|Cc|Bcc|Reply-To|Sender): ")
_ASKING = frozenset("what which who whom whose when where why how that".split())
_PRONOUNS = OURS | THEIRS
# Deeds of words: "we will repair it" is one, whatever its verb.
_SAYING = "say tell promise offer agree write answer suggest propose announce guarantee commit assure".split()
_TO = frozenset("the a to with our my their".split())
# What a heading has that tells whose doing follows, beside an apostrophe.
_WHOSE = _ASKING | {BY, "the"}


# Past forms of what people do with words and things, which no stemmer leads to the plain form.
_PAST = dict(
    pair.split("/")
    for pair in """said/say told/tell wrote/write written/write gave/give given/give made/make took/take taken/take
    sent/send paid/pay bought/buy sold/sell brought/bring kept/keep meant/mean thought/think chose/choose chosen/choose
    spoke/speak spoken/speak left/leave lent/lend swore/swear sworn/swear""".split()
)


@lru_cache(maxsize=WORDS_KEPT)
def _verb(word: str) -> str:
    """The stem of a verb, of its past form the same one."""
    return stem(_PAST.get(word, word))


_DEEDS_OF_WORDS = frozenset(map(_verb, _SAYING))


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose doing a question asks for: stems of the subject, or that it is the person's own; `verbs` by stem; `others`
    are the stems of its other words, `to` those of whom it is done to. `named`: the subject has a name; `deed`: what
    was done is asked, and not when or where; `writer`: stems of the name of who wrote or says the text.
    """

    subject: TermSet
    own: bool
    named: bool
    verbs: TermSet
    others: TermSet
    to: TermSet
    deed: bool = False
    writer: TermSet = frozenset()

    @property
    def writes(self) -> bool:
        """Whether the text is by the subject."""
        return not self.subject.isdisjoint(self.writer)

    @property
    def is_to_writer(self) -> bool:
        """Whether it is done to who wrote or says the text, and so by somebody else."""
        return not self.to.isdisjoint(self.writer)


@lru_cache(maxsize=16)
def asked(question: str) -> Asked | None:
    """The subject and the verb of "what did the landlord promise", "the landlord's promises", "promised by the
    landlord"; None for any other question.
    """
    words = _words(question)
    low = [word.casefold() for word in words]
    found = _after_auxiliary(words, low)
    found = found or _possessive(low)
    found = found or _passive(low)
    if found is None:
        return None
    subject, verbs = found
    stems = _stems(subject)
    verb_stems = frozenset(map(_verb, verbs))
    own = not OURS.isdisjoint(subject)
    theirs = not THEIRS.isdisjoint(subject)
    if not verb_stems or not (own or theirs or stems):
        return None
    named = _has_name(words[1:], subject)
    others = _stems(low) - stems - verb_stems
    to = _addressee(low, verb_stems)
    deed = low[0] in ("what", "which")
    return Asked(stems, own, named, verb_stems, others, to, deed)


def _addressee(low: Words, verbs: TermSet) -> TermSet:
    """To whom it is done: "promise the landlord", "say to Ana"; nobody in "promise about the boiler"."""
    places = [at for at, word in enumerate(low) if _verb(word) in verbs]
    following = low[places[-1] + 1 :] if places else []
    while following and following[0] in _TO:
        del following[0]
    return _stems(following[:1])


def _words(text: str) -> Words:
    """The words of a text, apostrophes made plain."""
    return _WORD.findall(text.replace("’", "'"))


def _telling(words: Words) -> Words:
    """Those that are no function words."""
    return [word for word in words if word not in STOP]


def _stems(words: Words) -> TermSet:
    return frozenset(map(stem, _telling(words)))


def _has_capital(word: str) -> bool:
    return word[:1].isupper()


def _has_name(words: Words, among: Words) -> bool:
    """Whether one of these words, which are in lower case, is written with a capital."""
    capitals = filter(_has_capital, words)
    return any(word.casefold() in among for word in capitals)


def _after_auxiliary(words: Words, low: Words) -> Parts | None:
    """What did SUBJECT VERB, which VERBs did SUBJECT make."""
    auxiliaries = [at for at, word in enumerate(low) if word in _AUXILIARY]
    if not auxiliaries or low[0] not in _ASKING:
        return None
    place = auxiliaries[0]
    at = place + 1
    subject: Words = []
    told = False
    for word in low[at:]:
        name = _has_capital(words[at]) and _has_capital(words[at - 1])
        if told and not name:
            break
        subject.append(word)
        told = told or word in _PRONOUNS or word not in STOP
        at += 1
    while at < len(low) and low[at] in _BETWEEN:
        at += 1
    verbs = _telling(low[1:place])
    verbs += _telling(low[at : at + 1])
    return subject, verbs


def _possessive(low: Words) -> Parts | None:
    """The SUBJECT's VERBs, our VERBs."""
    for word, following in pairwise(low):
        if following in STOP:
            continue
        owner = word.removesuffix("'s")
        told = owner not in STOP and owner not in _ASKING
        if owner != word and told:
            return [owner], [following]
        if word in ("our", "my"):
            return [word], [following]
    return None


def _passive(low: Words) -> Parts | None:
    """VERBed by SUBJECT."""
    for at, (verb, word) in enumerate(pairwise(low)):
        if word == BY and verb not in STOP:
            first = at + 2
            subject = low[first : first + WINDOW]
            return subject, [verb]
    return None


def elsewhere(
    question: str, sentence: str, headings: Iterable[str], locator: str = ""
) -> bool:
    """Whether a sentence, by itself or else by the innermost heading with the verb of the question, tells of another's
    doing. The locator of a mail names its sender; of a turn that goes on, the innermost heading who speaks.
    """
    wanted = asked(question)
    if wanted is None:
        return False
    above = list(headings)
    if wanted.deed and _HEADER.match(sentence):
        return True
    begun = turn(sentence)
    writer = begun.name or _speaking(above) or _sender(locator)
    wanted = replace(wanted, writer=_stems(_words(writer.casefold())))
    said = sentence[begun.end :]
    verdicts = _verdicts(wanted, said)
    if verdicts:
        return all(verdicts)
    for heading in above:
        verdicts = _verdicts(wanted, heading, is_heading=True)
        if verdicts:
            return all(verdicts)
    in_turn = writer != _sender(locator)
    return _said_by_another(wanted, said, above, in_turn=in_turn)


def _speaking(above: Words) -> str:
    """The name that `roles` puts below the headings of what goes on in a turn."""
    inner = above[0] if above else ""
    return inner.removesuffix(":") if inner.endswith(":") else ""


def _sender(locator: str) -> str:
    sent = _SENT.fullmatch(locator)
    return sent[1] if sent else ""


def _said_by_another(wanted: Asked, said: str, above: Words, *, in_turn: bool) -> bool:
    """Whether the question asks what somebody said, and another says this: the one to whom it was said, somebody who
    says "I", or, where the question has a name, anybody else in a turn of his own.
    """
    if not wanted.writer or wanted.writes or wanted.verbs.isdisjoint(_DEEDS_OF_WORDS):
        return False
    if wanted.own or wanted.is_to_writer:
        return wanted.is_to_writer
    words = [word.casefold() for word in _words(said)]
    named = wanted.named and in_turn
    if SUBJECTS.isdisjoint(words) and not named:
        return False
    if named:
        above = []
    # A name may be that of the landlord, where the conversation is with the landlord.
    mentioned = _stems(_words(" ".join([said, *above]).casefold()))
    return bool(wanted.subject) and wanted.subject.isdisjoint(mentioned)


def _verdicts(wanted: Asked, text: str, *, is_heading: bool = False) -> list[bool]:
    """For each place of the verb: is it another's doing? [] without the verb."""
    words = _words(text)
    verbs = list(map(_verb, map(str.casefold, words)))
    if wanted.verbs.isdisjoint(verbs):
        return []
    found = []
    for at, verb in enumerate(verbs):
        if verb in wanted.verbs:
            near = _subject(words, at)
            another = _another(wanted, near, is_heading)
            found.append(another)
    return found


def _subject(words: Words, at: int) -> Words:
    """The words in which the subject of a verb stands, the nearest first, an asking word at their end."""
    following = words[at + 1 :]
    if following and following[0].casefold() == BY:
        doers = following[1 : 1 + WINDOW]
        return [*reversed(doers), BY]
    end = at
    while end and words[end - 1].casefold() in _BETWEEN:
        end -= 1
    start = max(0, end - WINDOW)
    near = []
    for word in reversed(words[start:end]):
        near.append(word)
        if word.casefold() in _ASKING:
            break
    return near


def _another(wanted: Asked, near: Words, is_heading: bool) -> bool:
    low = [word.casefold() for word in near]
    ours = _is_ours(low)
    nouns = [word for word in _telling(low) if word not in _ASKING]
    stems = {stem(word.removesuffix("'s")) for word in nouns}
    told_whose = is_heading and _told_whose(low)
    if wanted.own:
        if ours:
            return wanted.is_to_writer
        theirs = bool(low) and low[0] in THEIRS
        named = told_whose and bool(stems)
        return theirs or named or not stems.isdisjoint(wanted.others)
    if stems & wanted.subject:
        return False
    if ours:
        return not wanted.writes
    # A heading says whose doing follows. A name may be that of the person asked for; so may a noun in a sentence.
    if not is_heading or not stems or not wanted.subject:
        return False
    if not _has_name(near, nouns):
        return told_whose
    # "Things Ben said"; a first word may have its capital from standing there.
    named = _has_capital(near[0]) and (len(near) > 1 or told_whose)
    return wanted.named and named


def _is_ours(low: Words) -> bool:
    """Whether the nearest word that can be a subject is the writer: "we finally", "my", and "me" behind "by"."""
    writer = OURS if low[-1:] == [BY] else SUBJECTS
    for word in low:
        if word in writer:
            return True
        if word not in STOP and not word.endswith("ly"):
            return False
    return False


def _told_whose(low: Words) -> bool:
    """Whether a heading tells whose doing it is: "What the tenant promised", "The tenant's promises"."""
    if not _WHOSE.isdisjoint(low):
        return True
    return any(word.endswith("'s") for word in low)

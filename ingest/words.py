"""The numbers, names, dates and content words of a text, in the form in which a question is compared with a passage.

`ingest.terms` says what a word is; this says what it is worth: function words are left out, *1,000* meets *1000* and
*two* meets *2*. Leaves out part-of-speech tagging and every model. Serves the answerer, its verification and the
confidence signals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.terms import fold, tokens

_NUMBER = re.compile(
    r"(?<![\w.])\d+(?:[,.\u00a0\u2009\u202f’']\d{3}(?!\d))*(?:[.,]\d+)?"
    r"(?=st\b|nd\b|rd\b|th\b|s\b|[^\w]|[A-Za-z%°€$£]|$)"
)
_DIGIT = re.compile(r"\d")
_GROUPED = re.compile(r"(\d{1,3}(?:[,.\u00a0\u2009\u202f’']\d{3})+)(?:[.,](\d+))?")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)")
_NAME = re.compile(r"(?<![\w'’])[^\W\d_a-z]\w*(?:['’.-]?\w+)*")

# Function words say nothing about what a passage is about. Three lists, each holding the one before it:
# what retrieval leaves out of a search, since it stands in nearly every chunk,
FUNCTION_WORDS = frozenset(
    "a an the and or but if then than that this these those of in on at by for from with to into onto over under "
    "about as is are was were be been being am do does did doing done has have had having will would shall should "
    "can could may might must not no nor so such it its he she his her hers him them they their theirs we us our "
    "ours you your yours i me my mine who whom whose which what when where why how there here also any some all "
    "each both few more most other own same too very just only s t d ll re ve m don doesn didn isn aren wasn weren "
    "hasn haven hadn won wouldn shouldn couldn".split()
)
# also what a question asks with and its answer does not repeat (how much, the name of, called),
ENGLISH = FUNCTION_WORDS | frozenset("many much name called".split())
# and the commonest ones of English's neighbours.
STOP = ENGLISH | frozenset(
    "der die das und oder ist sind war ein eine des dem den von zu im mit für auf wie was wer wann wo le la les un "
    "une et ou est sont de du des que qui quand el los las y es son en por para con se".split()
)
# Words that frame a question rather than say what it is about; passages that answer seldom repeat them.
FRAME = frozenset(
    "type types kind sort term terms word words call known accord according text passage article author mention "
    "mentioned happen happened example follow following often usual usually regard regarding terminology reason "
    "purpose way manner thing things describe described refer referred consider considered become use used person "
    "people someone different difference various certain common besides except instead aside along addition also "
    "later first last time year day place give given take make get list state several number amount total main part "
    "say said tell".split()
)
# "one" is mostly a pronoun.
_SMALL = (
    "zero - two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty".split()
)
_ROUND = (
    "thirty 30 forty 40 fifty 50 sixty 60 seventy 70 eighty 80 ninety 90 hundred 100 thousand 1000 million 1000000 "
    "billion 1000000000 dozen 12".split()
)
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL) if word != "-"}
NUMBER_WORDS |= dict(zip(_ROUND[::2], _ROUND[1::2], strict=True))
_SHORT_NUMBERS = "|".join(word for word in NUMBER_WORDS if len(word) < 8)
_LARGE = re.compile(
    rf"(?<![\w.])(\d+(?:[.,]\d+)?|{_SHORT_NUMBERS})[ \u00a0-](hundred|thousand|million|billion)s?\b",
    re.IGNORECASE,
)
MONTH_NAMES = tuple(
    "january february march april may june july august september october november december".split()
)
_NUMBERED = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
# "sept" before "sep", for patterns made of them; "may" is no short form.
SHORT_MONTHS = {"sept": 9} | {
    name[:3]: _NUMBERED[name] for name in MONTH_NAMES if name != "may"
}
MONTHS = _NUMBERED | SHORT_MONTHS


def content_words(text: str) -> list[str]:
    """The words that carry meaning, in order, repeats kept; all words when nothing else is left."""
    found = tokens(text)
    return [word for word in found if word not in STOP] or found


def numbers(text: str) -> set[str]:
    """The numbers of a text without grouping marks or trailing zeros, number words as digits, ISO dates as their parts.

    >>> sorted(numbers("Rent: 1,250.00 € since 2026-03-02, two rooms, 1.5 million"))
    ['1250', '1500000', '2', '2026', '3']
    """
    found = set()
    for match in _ISO.finditer(text):
        for part in filter(None, match.groups()):
            found.add(str(int(part)))
    rest = _ISO.sub(" ", text)
    found.update(map(_large, _LARGE.finditer(rest)))
    rest = _LARGE.sub(" ", rest)
    found.update(map(_plain, _NUMBER.findall(rest)))
    for word in tokens(rest):
        if word in NUMBER_WORDS:
            found.add(NUMBER_WORDS[word])
    return found


def numbers_of_each(
    texts: Sequence[str], words: Sequence[Sequence[str]]
) -> list[set[str]]:
    """`numbers` of each of several texts whose `tokens` are known: most texts hold none, which these tell at once."""
    found = []
    for text, said in zip(texts, words, strict=True):
        none = not _DIGIT.search(text) and NUMBER_WORDS.keys().isdisjoint(said)
        found.append(set() if none else numbers(text))
    return found


def _large(match: re.Match[str]) -> str:
    """1.5 million -> 1500000; two hundred -> 200."""
    said = match.group(1).casefold()
    times = match.group(2).casefold()
    value = float(NUMBER_WORDS.get(said) or _plain(said))
    return f"{value * float(NUMBER_WORDS[times]):.0f}"


def _plain(number: str) -> str:
    """1,250.00 -> 1250; 3,5 -> 3.5; 007 -> 7."""
    grouped = _GROUPED.fullmatch(number)
    if grouped:
        whole = re.sub(r"\D", "", grouped.group(1))
        fraction = grouped.group(2) or ""
    else:
        whole, _, fraction = number.replace(",", ".").partition(".")
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    if not fraction:
        return whole
    return f"{whole}.{fraction}"


def months(text: str) -> set[int]:
    """The months named in a text, 1-12, by English name or ISO date. `may` counts only with a capital."""
    found = {int(match.group(2)) for match in _ISO.finditer(text)}
    named = [match.group().rstrip(".").casefold() for match in _NAME.finditer(text)]
    found.update(MONTHS[name] for name in named if name in MONTHS)
    return found.intersection(range(1, 13))


def names(text: str) -> list[str]:
    """The capitalised words of a sentence that are no function words, folded, in order; its first word too."""
    found = []
    for match in _NAME.finditer(text):
        word = fold(match.group()).removesuffix("'s").removesuffix("’s")
        if word not in STOP and word not in MONTHS and len(word) > 1:
            found.append(word)
    return found

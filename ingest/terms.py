"""The words by which a text is found: what the store writes into `terms`, and what a question is compared with.

Folds case, accents and letters with a stroke in every script, leaves out signs that are not seen (a soft hyphen parts
nothing, nor does "&shy;"), writes a number of several groups of digits, and an IBAN, as one word too, cuts runs of
Chinese, Japanese and Thai into bigrams, adds the parts of a camelCase name where it is first met, stems words of
scripts that one stemmer can serve (scripts.py), and the rest as SQLite's own `porter` tokenizer does, so that counts
made here agree with FTS5. Leaves out stop words, weights and every query. Serves the store (what it writes), retrieval
(what it asks) and nobody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from itertools import chain, pairwise
from typing import TypeVar

from ingest.entities import words_in_letters
from ingest.scripts import stem_scripts

Read = TypeVar("Read")  # what is read of a text

# How the FTS5 tables are declared. Marks are part of a word (Hindi vowels); C++ and C# stay words; naïve = naive.
TOKENIZER = (
    "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc' tokenchars '+#'"
)

STEM_CACHE = 65_536  # words; about 10 MB
# Bytes: shorter and longer words are left alone (SQLite, fts5_tokenize.c).
STEM_MIN = 3
STEM_MAX = 64
Y = ord("y")
# Letters that stay double before -ed and -ing: fall(ing), kiss(ed); vowels have no double to lose.
KEPT_DOUBLE = b"aeioulsz"

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Cheap to search for; most prose has none.
_CAMEL_HINT = re.compile(r"[A-Z](?:(?<=[a-z0-9].)|[A-Z][a-z])")
_CAMEL_WORD = re.compile(r"\b[A-Za-z]*[a-z0-9][A-Z]\w*|\b[A-Z]{2,}[a-z]\w*")
_RUN = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+"
)
# All plus and number signs but those of C++ and F#: +25, x+1, #tag.
_SIGN = re.compile(r"[+#](?:(?<![^\W_][+#])(?<![+#]{2})[+#]*|[+#]*(?=[^\W_]))")
_MARKS = r"\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u1000-\u109f\u1780-\u17d3"
_LETTERS = rf"(?:[^\W_]|[{_MARKS}])+[+#]*"
_WORD = re.compile(_LETTERS)
SENTENCE_ENDS = frozenset(".!?。！？।\n")  # the pieces that are no words
_PIECE = re.compile(rf"{_LETTERS}|[.!?](?=\s|$)|[。！？।\n]")
_THAI_MARKS = frozenset(
    "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e"
)
_ABOVE = 200  # canonical combining classes from here are accents above, below and around a letter (Unicode §4.3)
# Where the accents of the basic plane stand (`re` looks these up in a table), which is not among Han and Hangul. Looked
# through once by each program that meets a letter beyond ASCII.
_PLACES = (range(0x0300, 0x3100), range(0xA600, 0xAC00), range(0xFE00, 0xFF00))
BREVE = "\u0306"
# Letters that Unicode does not take apart, by the letters that people type in their place.
_PLAIN_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ħ": "h",
        "ŧ": "t",
        "ƶ": "z",
        "ɨ": "i",
        "ı": "i",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ŋ": "n",
        "ĸ": "k",
    }
)
# Soft hyphen, zero-width characters, marks of direction, variation selectors: a space of no width parts words in the
# scripts that write none (Lao, Burmese, Khmer).
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]"
    "|\u200b(?![\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff])"
)
_GAP = " .,'’\u00a0\u2009\u202f"  # between groups of three digits
_AREA = rf"(?:\d{{1,3}} ?)?\(\d{{1,5}}\)[{_GAP}-]?"  # (030) 123 4567
_DIGITS = re.compile(
    rf"(?<![\w.,])\+?(?:{_AREA}|\d{{1,5}}[{_GAP}-])\d{{1,5}}(?:[{_GAP}-]\d{{1,5}})*(?!\d)"
)
# A telephone in France and its neighbours; other numbers with full stops are versions and addresses.
_PAIRS = re.compile(r"0\d(?:\.\d\d){3,5}")
_DIGITS_HINT = re.compile(rf"\d[{_GAP}-]\d")
# 12,450 and 600 123 456: the same sign between all groups.
_THOUSANDS = re.compile(
    rf"(?<!\d)(?<!\d[.,])\d{{1,3}}([{_GAP}])\d{{3}}(?:\1\d{{3}})*(?!\d)"
)
_NO_NUMBER = re.compile(  # a date, two years
    r"[12]\d{3}([.-])[01]?\d(?:\1[0-3]?\d)?|[0-3]?\d([.-])[01]?\d\2[12]\d{3}|[12]\d{3}-[12]\d{3}"
)
LONG_NUMBER = range(
    7, 20
)  # digits of a telephone, a card, an ISBN, written in groups of any length
# The number of a bank account (ISO 13616), in groups of any length: two letters, two digits, then groups in each of
# which is a digit, or which are the four letters of a bank.
_IBAN_GAP = re.compile("[ .\u00a0\u2009\u202f-]")
_IBAN_GROUP = r"(?:[A-Za-z]{0,29}\d[A-Za-z\d]{0,29}|[A-Z]{4})(?![^\W_])"
_IBAN = re.compile(
    rf"(?<![^\W_])[A-Za-z]{{2}}{_IBAN_GAP.pattern}?\d\d[A-Za-z\d]{{0,30}}"
    rf"(?:{_IBAN_GAP.pattern}{_IBAN_GROUP}){{1,15}}"
)
IBAN_LENGTH = range(15, 35)  # characters, the gaps apart
PRINTED_GROUP = 4  # characters of all groups of a printed IBAN but the last
_ARABIC = range(27, 36)  # fathatan … superscript alef: written or left out at will


def fold(text: str) -> str:
    """Lower case, without accents; vowel signs that carry the word (Hindi) stay. The length may change.

    >>> fold("Naïve Ναός СТРАНЫ")
    'naive ναοσ страны'
    """
    if text.isascii():
        return text.lower()
    kept = _marks().sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", kept).casefold().translate(_PLAIN_LETTERS)


@lru_cache(maxsize=1)
def _marks() -> re.Pattern[str]:
    """All accents as one pattern: asked once for each letter of a text they cost more than all the rest. The breve of й
    stays: it is a letter of its own, by which Russian endings are told.
    """
    places = map(chr, chain.from_iterable(_PLACES))
    others = "".join(filter(_accent, places)).replace(BREVE, "")
    return re.compile(f"[{others}]|(?<![иИ]){BREVE}")


def _accent(character: str) -> bool:
    if character in _THAI_MARKS:
        return True
    combining = unicodedata.combining(character)
    return combining >= _ABOVE or combining in _ARABIC


def _bigrams(match: re.Match[str]) -> str:
    run = match.group()
    pairs = [first + second for first, second in pairwise(run)]
    return f" {' '.join(pairs or [run])} "


def index_terms(text: str) -> str:
    """The `terms` of a text: its written forms with the words of other scripts stemmed.

    >>> index_terms("Договоры аренды, call parseHTTPReply()")
    'договор аренд, call parsehttpreply parse http reply()'
    """
    return stem_scripts(written(text))


def written(text: str) -> str:
    """The text itself where FTS5 can read it, folded and cut where it cannot, name parts added.

    >>> written("call parseHTTPReply()")
    'call parseHTTPReply parse HTTP Reply()'
    >>> written("the roof cost 12,450.00")
    'the roof cost 12,450.00 12450'
    """
    text = words_in_letters(text)
    if not text.isascii():
        text = _UNSEEN.sub("", text)
    if _DIGITS_HINT.search(text):
        text = _IBAN.sub(_with_whole_account, text)
        text = _DIGITS.sub(_with_whole_number, text)
    if "+" in text or "#" in text:
        text = _SIGN.sub(" ", text)
    if _CAMEL_HINT.search(text):
        text = _CAMEL_WORD.sub(_parts_once(), text)
    if text.isascii():
        return text
    return _RUN.sub(_bigrams, fold(text))


def _with_whole_account(match: re.Match[str]) -> str:
    """An IBAN as it stands, then in one piece: the longest run of groups that its check digits prove, else groups as
    they are printed.
    """
    written_so = match.group()
    groups = _IBAN_GAP.split(written_so)
    proven = ""
    printed = ""
    joined = ""
    in_fours = True
    for group in groups:
        joined += group
        if len(joined) in IBAN_LENGTH:
            if _has_check_digits(joined):
                proven = joined
            if in_fours:
                printed = joined
        in_fours = in_fours and len(group) == PRINTED_GROUP
    whole = proven or printed
    if not whole:
        return written_so
    return f"{written_so} {whole}"


def _has_check_digits(account: str) -> bool:
    """Whether the two digits behind the country prove the rest (ISO 7064, modulo 97)."""
    turned = account[4:] + account[:4]
    digits = [str(int(sign, 36)) for sign in turned]
    return int("".join(digits)) % 97 == 1


def _with_whole_number(match: re.Match[str]) -> str:
    """Groups of digits as they stand, then as the one number that they are: +34 600 123 456 is 600123456 too."""
    groups = match.group()
    if _NO_NUMBER.fullmatch(groups):
        return groups
    found = [part.group() for part in _THOUSANDS.finditer(groups)]
    whole = sum(map(str.isdigit, groups)) in LONG_NUMBER
    if whole and (_PAIRS.fullmatch(groups) or not set(groups) & set(".,")):
        found.append(groups)
    if groups.startswith("+"):
        # without the code of the country
        found += [part.partition(_gap_of(part))[2] for part in found]
    joined = dict.fromkeys("".join(filter(str.isdigit, part)) for part in found)
    return " ".join([groups, *filter(None, joined)])


def _gap_of(groups: str) -> str:
    """What parts the first group from the second."""
    for sign in groups:
        if not sign.isdigit() and sign != "+":
            return sign
    return " "


def _parts_once() -> Callable[[re.Match[str]], str]:
    """Gives a name its parts where it is first met: met again it counts once, and not as three words."""
    met = set()

    def with_parts(match: re.Match[str]) -> str:
        name = match.group()
        if name in met:
            return name
        met.add(name)
        parts = [part for part in _CAMEL.split(name) if len(part) > 1 and part != name]
        return " ".join([name, *parts])

    return with_parts


def read_each(read: Callable[[str], Read], texts: Iterable[str]) -> list[Read]:
    """What `tokens`, `pieces`, `sentences` or `numbers` makes of each of several texts, asked for in one call."""
    return [read(text) for text in texts]


def tokens(text: str) -> list[str]:
    """The words of a text as FTS5 will see those of its `terms`, unstemmed, in order.

    >>> tokens("Wer nutzt C++ im 東京都?")
    ['wer', 'nutzt', 'c++', 'im', '東京', '京都']
    """
    return _found(_WORD, index_terms(text))


def forms(text: str) -> list[str]:
    """The words of a text as they are written, in the order of `tokens`: what a `topic` holds.

    >>> forms("Договоры аренды")
    ['договоры', 'аренды']
    """
    return _found(_WORD, written(text))


def pieces(text: str) -> list[str]:
    """`tokens` with the ends of sentences and lines between them, as pieces that hold no letter.

    >>> pieces("It rains. Go!")
    ['it', 'rains', '.', 'go', '!']
    """
    return _found(_PIECE, index_terms(text))


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return pattern.findall(fold(text))


@lru_cache(maxsize=STEM_CACHE)
def stem(word: str) -> str:
    """The Porter stem (Porter 1980) of a folded word, byte for byte what SQLite's FTS5 makes of it.

    >>> [stem(word) for word in ("relational", "running", "flies", "naïve", "c++")]
    ['relat', 'run', 'fli', 'naïv', 'c++']
    """
    raw = word.encode("utf-8", "replace")
    if not STEM_MIN <= len(raw) <= STEM_MAX:
        return word
    for step in _STEPS:
        raw = step(raw)
    return raw.decode("utf-8", "replace")


def _endings(pairs: str) -> dict[bytes, bytes]:
    """Ending -> what takes its place. Of two that end alike the longer stands first: it is tried first."""
    table = {}
    for pair in pairs.encode().split():
        ending, _arrow, instead = pair.partition(b">")
        table[ending] = instead
    return table


# Porter's steps 2, 3 and 4.
_DOUBLE = _endings(
    "ational>ate tional>tion enci>ence anci>ance izer>ize logi>log bli>ble alli>al entli>ent ousli>ous eli>e "
    "ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble"
)
_SINGLE = _endings("icate>ic ative> alize>al iciti>ic ical>ic ful> ness>")
_REMOVED = _endings(
    "ement> ment> ent> ance> ence> able> ible> ant> ion> ism> ate> iti> ous> ive> ize> al> er> ic> ou>"
)
# -s, and -es behind -ss and -i, where anything stands before them; -ss stays.
_PLURAL = re.compile(rb"(?:(?<=.ss)|(?<=.i))es\Z|(?<!s)s\Z")


def _shape(word: bytes) -> str:
    """A "v" for each vowel and a "c" for each consonant; y is a vowel after a consonant."""
    shape = ""
    for letter in word:
        is_vowel = letter in b"aeiou" or (letter == Y and shape.endswith("c"))
        shape += "v" if is_vowel else "c"
    return shape


def _measure(word: bytes) -> int:
    """Porter's m: how many vowel-consonant sequences."""
    return _shape(word).count("vc")


def _short_end(word: bytes) -> bool:
    """Porter's *o: ends consonant, vowel, consonant, the last not w, x or y."""
    if word.endswith((b"w", b"x", b"y")):
        return False
    return _shape(word).endswith("cvc")


def _past(word: bytes) -> bytes:
    if word.endswith(b"eed") and word != b"eed":
        return _replace({b"eed": b"ee"}, 1, word)
    for ending in (b"ed", b"ing"):
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            if "v" not in _shape(rest):
                return word
            return _mend(rest)
    return word


def _mend(word: bytes) -> bytes:
    """What -ed and -ing leave behind: hop(p)ing, fil(e)d, conflat(e)d."""
    if word.endswith((b"at", b"bl", b"iz")):
        return word + b"e"
    last = word[-1:]
    if last == word[-2:-1] and last not in KEPT_DOUBLE:
        return word[:-1]
    if _measure(word) == 1 and _short_end(word):
        return word + b"e"
    return word


def _final_y(word: bytes) -> bytes:
    rest = word.removesuffix(b"y")
    if rest != word and "v" in _shape(rest):
        return rest + b"i"
    return word


def _replace(endings: dict[bytes, bytes], least: int, word: bytes) -> bytes:
    """The first of the endings that the word has, replaced behind a rest of at least this measure."""
    for ending, instead in endings.items():
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            blocked = ending == b"ion" and not rest.endswith((b"s", b"t"))
            if blocked or _measure(rest) < least:
                return word
            return rest + instead
    return word


def _final_e(word: bytes) -> bytes:
    if word.endswith(b"e"):
        rest = word[:-1]
        measure = _measure(rest)
        if measure > 1 or (measure == 1 and not _short_end(rest)):
            word = rest
    if word.endswith(b"ll") and _measure(word[:-1]) > 1:
        return word[:-1]
    return word


_STEPS: tuple[Callable[[bytes], bytes], ...] = (
    partial(_PLURAL.sub, b""),
    _past,
    _final_y,
    partial(_replace, _DOUBLE, 1),
    partial(_replace, _SINGLE, 1),
    partial(_replace, _REMOVED, 2),
    _final_e,
)

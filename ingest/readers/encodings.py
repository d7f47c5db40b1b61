"""Which of the older encodings a text is in: those of Windows, DOS, the Mac, Unix, East Asia and Japanese mail.

Each encoding that decodes the bytes is judged by the letters that come out: how common they are in the languages that
were written in it, and whether symbols or capitals stand inside words. One short line is enough for that. Where no
reading is plausible charset-normalizer is asked, which knows more encodings and needs longer texts. Leaves out Unicode
and telling a person (`text.decode`). Serves `text.decode`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ingest.document import Texts

SAMPLE_BYTES = 8_192  # of lines with other than ASCII bytes judged
PLAUSIBLE = 0.31  # the mean worth of such letters, below which no reading is trusted
# Worth of a letter: among the usual ones of its language, another of its script, a mark where no word is, and what
# stands where no person would write it.
COMMON = 1.0
KNOWN = 0.35
MARK = 0.1
WRONG = -1.0
FREQUENCIES = (COMMON, 0.75, 0.5)  # of the letters of an alphabet
RARE = 0.3
CROWD = 4  # letters with marks in a row: Polish "żółć"
ASKED_BYTES = 200  # of a text that charset-normalizer is asked about: it guesses below
# Escapes of the seven-bit encodings of mail: ISO-2022-KR (RFC 1557), ISO-2022-JP (RFC 1468).
_ESCAPES = {
    b"\x1b$)C": "iso2022_kr",
    b"\x1b$B": "iso2022_jp_ext",
    b"\x1b$@": "iso2022_jp_ext",
}
_NAMES = {
    "cp1252": "Windows-1252 (Western)",
    "mac_roman": "Mac Roman",
    "cp437": "DOS 437",
    "cp850": "DOS 850",
    "cp1250": "Windows-1250 (Central European)",
    "iso8859-2": "ISO 8859-2 (Central European)",
    "cp852": "DOS 852 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "koi8-u": "KOI8-U (Cyrillic)",
    "cp866": "DOS 866 (Cyrillic)",
    "iso8859-5": "ISO 8859-5 (Cyrillic)",
    "mac_cyrillic": "Mac Cyrillic",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp874": "Windows-874 (Thai)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "gb18030": "GBK (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
    "iso2022_jp_ext": "ISO-2022-JP (Japanese)",
    "iso2022_kr": "ISO-2022-KR (Korean)",
}

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\W\d_]+")
# Added to the mean worth: what most files are in, and what hardly any is.
_LIKELIHOOD = {"cp1252": 0.05, "mac_latin2": -0.1, "koi8-u": -0.05, "cp1257": -0.05}
_KANA = "".join(map(chr, [*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), 0x30FC]))
_JAPANESE = (
    "日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千"
    "水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言"
)
_CHINESE = (
    "的一是不了人我在有他之大中上和地也子出而要于就下得可你年生自那能着其里所去行家十用天如然作方成者多日都三小"
    "心面又定只主公月元今市水本"
)
_SIMPLIFIED = _CHINESE + (
    "这为来个们到说国时道会后对过发经法当起与好看学进种将还分此前见没从门点号电话钱东西体关间现开无动机实话给应该问"
)
_TRADITIONAL = _CHINESE + (
    "這為來個們到說國時道會後對過發經法當起與好看學進種將還分此前見沒從門點號電話錢東西體關間現開無動機實話給應該問"
)
_KOREAN = (
    "이다는의에을가고하지은를한도로기사나인대리자어시서해수일그부정과아보있라들만상장전주구스제원여게지것무면성공안세우니습합마저문"
    "물미조적신트요았었했년월오간위유비동까방번호소용할드음각경계관교국군권금급날남내너네노단달당데되된될두든등때또람래러려력령례료"
    "류르름린림매며명모민바박반받발배변별병복본분불브빌산살새생선설속송실심알야약양없역연영예올와외운울으을읽입있작잘재점접종중즉증진"
    "집차참채처천철체초최추출치크타탁통트특판평표피필학항행향험현형혼화활회후"
)


@dataclass(frozen=True, slots=True)
class _Script:
    """Letters that the languages of some encodings are written in. `encodings` in the order of their likelihood;
    `worth` of their usual letters; `known`: the others of the script, with one worth. `kind`: "latin", "alphabet" or
    "east"."""

    encodings: Texts
    worth: dict[str, float]
    known: re.Pattern[str]
    known_worth: float
    kind: str


def _alphabet(
    encodings: str, letters: str, known: str, kind: str = "alphabet"
) -> _Script:
    """`letters`: groups from the most to the least frequent."""
    worth: dict[str, float] = {}
    for group, value in zip(letters.split(), FREQUENCIES, strict=False):
        for letter in group + group.upper():
            worth.setdefault(letter, value)
    return _Script(tuple(encodings.split()), worth, re.compile(known), RARE, kind)


def _east_asian(
    encodings: str, letters: str, daily: tuple[str, int, int], known_worth: float
) -> _Script:
    """`daily`: an encoding and the first bytes of the block of its standard for the characters in daily use."""
    encoding, first, last = daily
    codes = (
        bytes((lead, trail))
        for lead in range(first, last + 1)
        for trail in range(0x40, 0xFF)
    )
    block = "".join(code.decode(encoding, "ignore") for code in codes)
    worth = dict.fromkeys(letters, COMMON)
    known = re.compile(f"[{re.escape(block)}]")
    return _Script(tuple(encodings.split()), worth, known, known_worth, "east")


@lru_cache(maxsize=1)
def _scripts() -> tuple[_Script, ...]:
    """Made when first needed: most texts are UTF-8."""
    return (
        _alphabet(
            "cp1252 mac_roman cp850 cp437",
            "éäöüóáíñçàèåß øæêãõúïëî âôû",
            "[À-ÿœŒŸ]",
            "latin",
        ),
        _alphabet(
            "cp1250 iso8859-2 cp852 mac_latin2",
            "ąćęłńóśźżáčéěířšžýő ďňťúůűäöüăşâîô ţđľĺ",
            "[À-ſ]",
            "latin",
        ),
        _alphabet("cp1254", "ığşüöç İâî", "[À-ſ]", "latin"),
        _alphabet("cp1257", "āčēģīķļņšūžąęėįųõ äöü", "[À-ſ]", "latin"),
        _alphabet(
            "cp1251 koi8-r cp866 iso8859-5 mac_cyrillic koi8-u",
            "оеаинтсрвл кмдпуяыьгзбії чйхжшюцщэфъёє",
            "[Ѐ-ӿ]",
        ),
        _alphabet("cp1253", "αοιετσνηυό ρπκμλςωίάέή γδβχφθξζψύώϊϋ", "[Ͱ-Ͽ]"),
        _alphabet("cp1255", "יוהלארתב שמנםכדעחפק גטצסזןךףץ", "[\u0590-\u05ff]"),
        _alphabet(
            "cp1256", "اليمنرتبةوهـ كعفسدحقأ جخذزشصضطظغثىءإآؤئ", "[\u0600-\u06ff]"
        ),
        _alphabet(
            "cp874", "กคงจดตนบปพมยรลวสหอะาิีเแไ่้ัำ์็ ึืุูขชญฐณถทธผฝฟภศษซโใๆ", "[\u0e00-\u0e7f]"
        ),
        _east_asian(
            "cp932 euc_jis_2004", _KANA + _JAPANESE, ("euc_jp", 0xB0, 0xCF), 0.5
        ),
        _east_asian("gb18030", _SIMPLIFIED, ("gb2312", 0xB0, 0xD7), 0.6),
        _east_asian("big5hkscs", _TRADITIONAL, ("big5", 0xA4, 0xC6), 0.6),
        _east_asian("cp949", _KOREAN, ("euc_kr", 0xB0, 0xC8), 0.4),
    )


@dataclass(frozen=True, slots=True)
class Guess:
    """`encoding`: Python's name of it; `name`: the usual one, for a person."""

    encoding: str
    name: str


def guess(data: bytes) -> Guess | None:
    """The encoding that a text which is not UTF-8 is most likely in; None where no reading is plausible."""
    sample = _sample(data)
    best = ""
    most = PLAUSIBLE
    for script in _scripts():
        for encoding in script.encodings:
            text = _strictly(sample, encoding)
            if text is None:
                continue
            worth = _worth(text, script) + _LIKELIHOOD.get(encoding, 0.0)
            if worth > most:
                best = encoding
                most = worth
    return _named(best or _asked(sample))


def escaped(data: bytes) -> Guess | None:
    """The seven-bit encoding that the escapes in the bytes are of, as Japanese and Korean mail uses them."""
    for escape, encoding in _ESCAPES.items():
        if escape in data and _strictly(data, encoding) is not None:
            return _named(encoding)
    return None


def _named(encoding: str) -> Guess | None:
    if not encoding:
        return None
    return Guess(encoding, _NAMES.get(encoding, encoding.upper().replace("_", "-")))


def _sample(data: bytes) -> bytes:
    """The first lines that hold other bytes than ASCII, whole: a letter of two bytes is not cut."""
    lines = []
    size = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size >= SAMPLE_BYTES:
                break
    return b"\n".join(lines)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _worth(text: str, script: _Script) -> float:
    """The mean worth of the letters that are not ASCII."""
    around = f" {text} "
    worths = list(_worths(around, script))
    if not worths:
        return WRONG
    return sum(worths) / len(worths)


def _worths(text: str, script: _Script) -> Iterator[float]:
    for at in range(1, len(text) - 1):
        letter = text[at]
        if letter.isascii():
            continue
        before = text[at - 1]
        after = text[at + 1]
        if letter.isalpha() or unicodedata.category(letter).startswith("M"):
            if script.kind == "latin" and _is_crowded(text, at):
                yield WRONG
            else:
                yield _letter(letter, before, after, script)
        else:
            yield _mark(letter, before, after, text)


def _is_crowded(text: str, at: int) -> bool:
    """Whether it is one of more letters beyond ASCII in a row than any language of Latin script has."""
    around = text[max(0, at - CROWD) : at + CROWD + 1]
    return len(max(_BEYOND_ASCII.findall(around), key=len)) > CROWD


def _letter(letter: str, before: str, after: str, script: _Script) -> float:
    if script.kind == "alphabet" and (_is_latin(before) or _is_latin(after)):
        return WRONG
    if script.kind == "east" and _is_latin(before) and _is_latin(after):
        return WRONG
    if letter.isupper() and before.islower():
        return WRONG
    if before.isdigit() and after.isdigit() and script.kind != "east":
        return WRONG
    is_alone = not before.isalpha() and not after.isalpha()
    if letter.isupper() and script.kind == "latin" and is_alone:
        return WRONG
    worth = script.worth.get(letter)
    if worth is None:
        if not script.known.match(letter):
            return WRONG
        return script.known_worth
    # Whole words in capitals are rare, and what small letters become in a sister encoding.
    shouted = letter.isupper() and before.isupper()
    return min(worth, RARE) if shouted else worth


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _mark(letter: str, before: str, after: str, text: str) -> float:
    """Of quotation marks, dashes, signs and frames: whether they stand where such a mark stands."""
    if unicodedata.category(letter) in ("Cc", "Co", "Cn", "Cs"):
        return 3 * WRONG
    if letter in _EAST_ASIAN_MARKS and not before.isascii():
        return KNOWN
    if letter == "’" and before.isalpha() and after.isalpha():
        if before in _BEFORE_IT or after in _AFTER_IT:
            return COMMON
        return WRONG
    if letter in _PAIRED:
        if any(mark in text for mark in _PAIRED[letter]):
            return COMMON
        return WRONG
    if letter in _DASHES:
        return _dash(before, after)
    if before.isalpha() and after.isalpha():
        return WRONG
    if letter in _OPENING:
        if not before.isalnum() and not after.isspace():
            return COMMON
        return WRONG
    if letter in _CLOSING:
        if not before.isspace() and not after.isalnum():
            return COMMON
        return WRONG
    if letter in _SUPERSCRIPTS:
        if before.isdigit() or before in "mM":
            return COMMON
        return WRONG
    if letter in _SIGNS:
        return COMMON if not before.isalpha() else WRONG
    if "\u2500" <= letter <= "\u259f":
        if before.isalnum() or after.isalnum():
            return WRONG
        framed = {before, after} & set(" \n─═") or letter in (before, after)
        return COMMON if framed else WRONG
    return MARK


def _dash(before: str, after: str) -> float:
    if (before.isspace() and after.isspace()) or (before.isdigit() and after.isdigit()):
        return COMMON
    if before.isalnum() and after.isalnum():
        return KNOWN
    return MARK


# Marks that are not set alone, with what goes with them.
_PAIRED = {
    "¡": "!",
    "¿": "?",
    "‚": "‘’",
    "„": "“”",
    "“": "”„",
    "‘": "’‚",
    "‹": "›",
    "›": "‹",
}
_OPENING = "«"
_CLOSING = "”’»…"
# Around an apostrophe: "l’été", "dell’anno"; "isn’t", "we’ll".
_BEFORE_IT = "ldjnstcmuLDJNSTCMU"
_AFTER_IT = "stmdlrv"
_DASHES = "–—"
_SIGNS = "°€£§©®™±½¼×•·"
_SUPERSCRIPTS = "²³"
_EAST_ASIAN_MARKS = "、。「」『』，：；！？（）・《》〈〉“”\u3000"


def _asked(sample: bytes) -> str:
    """What charset-normalizer says, "" where it does not know or is asked about too little."""
    if len(sample) < ASKED_BYTES:
        return ""
    from charset_normalizer import from_bytes

    found = from_bytes(sample).best()
    return found.encoding if found else ""

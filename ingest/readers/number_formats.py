"""The value of a spreadsheet's cell as the sheet shows it, by its number format: "47.5%", "30:15", "00007", "1,250 €".

The codes are those of ECMA-376, part 1, 18.8.31. A date is shown by its code with its ISO form behind it, by which it
is found: "6 Mar 26 (2026-03-06)"; in ISO form alone where the code leaves the order to the machine, or names months in
another language than English. What a code rounds away is not shown, as in the sheet. A code with conditions, fractions
or exponents is passed over and the plain value shown. Leaves out colours, widths and languages. Serves `xlsx`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ingest.readers.outline import has_letters
from ingest.words import MONTH_NAMES

EXACT_WHOLE = 1e15  # Excel keeps 15 digits: a larger number is no longer exact
CODE_CHARS = 255  # of a code looked at: Excel's own cap
MOST_DECIMALS = 30  # Excel's own cap
# A time without a date is counted from the first day of 1900, or of 1904.
_FIRST_DAYS = 1905
# A literal, a currency with its language, a colour or a condition, a space of some width, a filler, or one sign.
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]|_.|\*.|(?P<sign>.)",
    re.I | re.S,
)
_CONDITION = re.compile(r"\[[<>=]")
_BRACKETS = re.compile(r"\[[^\]]*\]")
# Exponents, fractions, dates and texts.
_NO_PLAIN_NUMBER = re.compile(r"e[+-]|[?#0]\s*/|[ymdhs@]", re.I)
_GENERAL = re.compile("general", re.I)
_CLOCK = re.compile(
    r"\[(?P<elapsed>h+|m+|s+)\]|(?P<half>am/pm|a/p)|(?P<run>h+|m+|s+)"
    r'|(?P<fraction>\.0+)|"(?P<quoted>[^"]*)"|\\?(?P<sign>.)',
    re.I,
)

# Colours and languages, a space of some width, a filler.
_NOT_OF_A_CLOCK = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.", re.I)
_LITERAL = re.compile(r'"[^"]*"|\\.')
# Excel's own short date, which every machine shows in its own order.
MACHINE_DATE = "mm-dd-yy"
DAY_NAMES = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = [name.capitalize() for name in MONTH_NAMES]
# "[$-407]", "[$-F800]": the language of names, or the machine's own form; English ends on 09 (Microsoft, LCID).
_LANGUAGE = re.compile(r"\[\$[^\]-]*-([^\]]*)\]")
_ENGLISH = re.compile(r"0?[0-9a-f]?[0-9a-f]?09|en-\w+", re.I)
_DAY = re.compile(r'(?P<run>y+|m+|d+)|"(?P<quoted>[^"]*)"|\\?(?P<sign>.)', re.I | re.S)
_HOURS = re.compile(r"h|\[[hms]+\]|am/pm", re.I)
_SAID_OR_FILLED = re.compile(r'"[^"]*"|\\.|_.|\*.')
_DATE_SIGN = re.compile("[dy]", re.I)
_TIME_SIGN = re.compile(r"[hs]|\[m", re.I)
_INNER_COMMA = re.compile("digit.*,.*digit")  # of kinds, written together

Token = tuple[str, str]  # (kind, text): "literal", "digit", ".", "," or "%"
Tokens = list[Token]
_SAID = ("literal", "%")  # kinds that are shown as they stand


def shown(value: object, code: str = "General") -> str:
    """A cell's value as the sheet shows it under a format's code."""
    code = code[:CODE_CHARS]
    match value:
        case bool():
            return str(value).upper()
        case timedelta():
            return _duration(value, code)
        # A moment is a date to Python: hence it comes first.
        case datetime() | time():
            return _moment(value, code)
        case date():
            return both_forms(_by_code(value, code), value.isoformat())
        case int() | float():
            return _number(value, code)
        case _:
            words = getattr(value, "text", value)
            return str(words)


def plain(value: float) -> str:
    """A number without a format: whole ones without a point."""
    if isinstance(value, int):
        return str(value)
    is_exact = abs(value) < EXACT_WHOLE
    if is_exact and value.is_integer():
        return str(int(value))
    return f"{value:.12g}"


# -- Times -------------------------------------------------------------------------------------------------------------


def _duration(value: timedelta, code: str) -> str:
    clock = _plain_clock(code) or "[h]:mm:ss"
    words = _clock(abs(value), clock)
    if value < timedelta():
        return f"-{words}"
    return words


def _plain_clock(code: str) -> str:
    """The first section of a code without colours and languages, "" where it shows a date or no time."""
    first = _sections(code)[0]
    section = _NOT_OF_A_CLOCK.sub("", first)
    bare = _LITERAL.sub("", section)
    if _DATE_SIGN.search(bare):
        return ""
    if _TIME_SIGN.search(bare):
        return section.strip()
    return ""


def _moment(value: datetime | time, code: str) -> str:
    """A time by its code, a date by its code and in ISO form with the time that it has."""
    clock = _plain_clock(code)
    is_time = isinstance(value, time) or value.year < _FIRST_DAYS
    if is_time and clock:
        return _clock(_since_midnight(value), clock)
    if isinstance(value, time):
        return value.isoformat()
    has_time = value.time() != time()
    iso = value.isoformat(" ", timespec="minutes")
    if not has_time:
        iso = value.date().isoformat()
    return both_forms(_by_code(value, code), iso)


def _since_midnight(value: datetime | time) -> timedelta:
    return timedelta(
        hours=value.hour,
        minutes=value.minute,
        seconds=value.second,
        microseconds=value.microsecond,
    )


def both_forms(words: str, iso: str) -> str:
    """A date as a sheet shows it, and in ISO form; once where the sheet's form is that."""
    day = iso[:10]
    if not words or day in words:
        return iso
    return f"{words} ({iso})"


def _by_code(value: date, code: str) -> str:
    """A date by the first section of its code; "" where the code leaves it to the machine or to a language."""
    section = _sections(code)[0]
    languages = _LANGUAGE.findall(section)
    is_english = all(map(_ENGLISH.fullmatch, languages))
    if section.lower() == MACHINE_DATE or not is_english:
        return ""
    section = _NOT_OF_A_CLOCK.sub("", section)
    begins = _HOURS.search(_LITERAL.sub(_blanked, section))
    at = begins.start() if begins else len(section)
    parts = []
    for match in _DAY.finditer(section[:at]):
        kind = match.lastgroup or "sign"
        text = match[kind]
        if kind == "run":
            text = _part_of_date(value, text.lower())
        parts.append(text)
    if begins and isinstance(value, datetime) and value.time() != time():
        parts.append(_clock(_since_midnight(value), section[at:]))
    words = "".join(parts).strip()
    if any(map(str.isdigit, words)):
        return words
    return ""


def _blanked(literal: re.Match[str]) -> str:
    return " " * len(literal.group())


def _part_of_date(value: date, run: str) -> str:
    """Day, month or year as many letters of the code show it: "d" 6, "dd" 06, "ddd" Fri, "dddd" Friday."""
    letter = run[0]
    length = len(run)
    if letter == "y":
        year = f"{value.year:04}"
        if length > 2:
            return year
        return year[2:]
    number = value.month
    name = _MONTHS[value.month - 1]
    if letter == "d":
        number = value.day
        name = DAY_NAMES[value.weekday()]
    if length <= 2:
        return str(number).zfill(length)
    shortest = {3: name[:3], 5: name[:1]}
    return shortest.get(length, name)


def _clock(since: timedelta, code: str) -> str:
    """A time by a code without a date: "[h]:mm", "h:mm AM/PM", "mm:ss.0"."""
    matches = list(_CLOCK.finditer(code))
    decimals = 0
    for match in matches:
        point = match["fraction"]
        if point:
            decimals = max(decimals, len(point) - 1)
    exact = round(since / timedelta(seconds=1), decimals)
    fraction = f"{exact % 1:.{decimals}f}"
    seconds = int(exact)
    minutes = seconds // 60
    hours = minutes // 60
    elapsed = {"h": hours, "m": minutes, "s": seconds}
    shown_on_clock = _on_clock(elapsed, code.lower())
    parts = []
    is_first = True
    for match in matches:
        kind = match.lastgroup or "sign"
        text = match[kind]
        unit = text[:1].lower()
        match kind:
            case "elapsed":
                count = str(elapsed[unit])
                parts.append(count.zfill(len(text)))
                is_first = False
            case "half":
                is_afternoon = elapsed["h"] % 24 >= 12
                half = "PM" if is_afternoon else "AM"
                parts.append(half)
            case "run":
                # Minutes and seconds after hours have two digits in every sheet.
                digits = 2
                if is_first:
                    digits = min(len(text), 2)
                count = str(shown_on_clock[unit])
                parts.append(count.zfill(digits))
                is_first = False
            case "fraction":
                parts.append(fraction[1:])
            case _:
                parts.append(text)
    return "".join(parts).strip()


def _on_clock(elapsed: dict[str, int], code: str) -> dict[str, int]:
    """Hours, minutes and seconds as a clock shows them: "h" from 1 to 12 where the code names the half of the day."""
    hours = elapsed["h"] % 24
    if "m/pm" in code or "a/p" in code:
        hours = hours % 12 or 12
    minutes = elapsed["m"] % 60
    seconds = elapsed["s"] % 60
    return {"h": hours, "m": minutes, "s": seconds}


# -- Numbers -----------------------------------------------------------------------------------------------------------


def _number(value: float, code: str) -> str:
    section, value = _section(value, code)
    is_exact = abs(value) < EXACT_WHOLE
    if section is None or not is_exact:
        return plain(value)
    tokens = list(_tokens(section))
    kinds = _kinds(tokens)
    if "digit" in kinds:
        return _laid_out(value, tokens).strip()
    words = "".join(text for _kind, text in tokens)
    general = _GENERAL.search(words)
    if general:
        number = plain(value)
        return words.replace(general[0], number).strip()
    # Words alone, or a dash for zero, as the sheet shows; a code that hides everything hides nothing here.
    if has_letters(words) or value == 0:
        return words.strip() or plain(value)
    return plain(value)


def _section(value: float, code: str) -> tuple[str | None, float]:
    """(the section of a code that applies, the value that it shows); None where the code is passed over."""
    bare = _SAID_OR_FILLED.sub("", code)
    signs = _BRACKETS.sub("", bare)
    if _CONDITION.search(bare):
        return None, value
    if _NO_PLAIN_NUMBER.search(signs):
        return None, value
    sections = _sections(code)
    count = len(sections)
    if value == 0 and count > 2:
        return sections[2], value
    if value < 0 and count > 1:
        return sections[1], -value
    return sections[0], value


def _sections(code: str) -> list[str]:
    """The sections of a code: for positive numbers, negative ones, zero and texts."""
    sections = [""]
    for match in _TOKEN.finditer(code):
        if match["sign"] == ";":
            sections.append("")
        else:
            sections[-1] += match[0]
    return sections


def _tokens(section: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(section):
        kind = match.lastgroup
        # Without a name: what takes room or colour and shows nothing.
        if kind is None or kind == "elapsed":
            continue
        text = match[kind]
        if kind != "sign":
            if text:
                yield "literal", text
        elif text in "0#?":
            yield "digit", text
        elif text in ".,%":
            yield text, text
        else:
            yield "literal", text


def _kinds(tokens: Tokens) -> list[str]:
    return [kind for kind, _text in tokens]


def _laid_out(value: float, tokens: Tokens) -> str:
    """A number laid into the places of a code."""
    kinds = _kinds(tokens)
    point = len(kinds)
    if "." in kinds:
        point = kinds.index(".")
    whole_tokens = tokens[:point]
    fraction_tokens = tokens[point:]
    places = ""
    after = ""
    for kind, text in fraction_tokens:
        if kind == "digit":
            places += text
        elif kind in _SAID:
            after += text
    places = places[:MOST_DECIMALS]
    rounded = _rounded(value, kinds, len(places))
    written = f"{rounded:f}"
    figures, _point, fraction = written.partition(".")
    figures = figures.lstrip("0")
    whole = _whole(figures, whole_tokens)
    fraction = _without_zeros(fraction, places)
    if fraction:
        whole += f".{fraction}"
    if value < 0 and rounded:
        return f"-{whole}{after}"
    return whole + after


def _rounded(value: float, kinds: Sequence[str], decimals: int) -> Decimal:
    """The value without its sign, as many times larger or smaller as the code says."""
    size = abs(value)
    exact = Decimal(f"{size:.15g}")
    trailing = "".join(kinds).rpartition("digit")[2]
    # A sign of percent multiplies by a hundred, a comma after the last figure divides by a thousand.
    hundreds = kinds.count("%")
    thousands = trailing.count(",")
    power = 2 * hundreds - 3 * thousands
    last_place = Decimal(1).scaleb(-decimals)
    return exact.scaleb(power).quantize(last_place, ROUND_HALF_UP)


def _without_zeros(fraction: str, places: str) -> str:
    """The figures after the point without the zeros at the end that the code does not ask for."""
    while fraction.endswith("0"):
        place = places[len(fraction) - 1]
        if place == "0":
            break
        fraction = fraction[:-1]
    return fraction


def _whole(figures: str, tokens: Tokens) -> str:
    """The figures before the point in their places, from the right; what is over goes to the first place."""
    zeros = 0
    for _kind, text in tokens:
        if text == "0":
            zeros += 1
    figures = figures.zfill(zeros)
    grouped = _is_grouped(tokens)
    if grouped:
        figures = _grouped(figures)
    places = _kinds(tokens).count("digit")
    laid = ""
    for kind, text in reversed(tokens):
        if kind in _SAID:
            laid = text + laid
        elif kind == "digit":
            places -= 1
            if places == 0:
                laid = figures + laid
            elif not grouped:
                laid = figures[-1:] + laid
                figures = figures[:-1]
    return laid


def _is_grouped(tokens: Tokens) -> bool:
    """Whether a comma stands between two figures."""
    kinds = "".join(_kinds(tokens))
    return bool(_INNER_COMMA.search(kinds))


def _grouped(figures: str) -> str:
    """ "1,234,567" of "1234567"."""
    groups = []
    while figures:
        groups.append(figures[-3:])
        figures = figures[:-3]
    groups.reverse()
    return ",".join(groups)

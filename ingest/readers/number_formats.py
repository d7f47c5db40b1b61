"""The value of a spreadsheet's cell as the sheet shows it, by its number format: "47.5%", "30:15", "00007", "1,250 €".

The codes are those of ECMA-376, part 1, 18.8.31. Dates are written in ISO form whatever the code says, so that they are
found; what a code rounds away is not shown, as in the sheet. A code with conditions, fractions or exponents is passed
over and the plain value shown. Leaves out colours, widths and languages. Serves `xlsx`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ingest.readers.outline import has_letters

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
    r'\[(h+|m+|s+)\]|(am/pm|a/p)|(h+|m+|s+)|(\.0+)|"([^"]*)"|\\?(.)', re.I
)

Tokens = list[tuple[str, str]]  # (kind, text): "literal", "digit", ".", "," or "%"


def shown(value: object, code: str = "General") -> str:
    """A cell's value as the sheet shows it under a format's code."""
    code = code[:CODE_CHARS]
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, timedelta):
        sign = "-" if value < timedelta() else ""
        return sign + _clock(abs(value), _plain_clock(code) or "[h]:mm:ss")
    if isinstance(value, (datetime, time)):
        return _moment(value, _plain_clock(code))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return _number(value, code)
    return str(getattr(value, "text", value))


def plain(value: float) -> str:
    """A number without a format: whole ones without a point."""
    if isinstance(value, int):
        return str(value)
    whole = value.is_integer() and abs(value) < EXACT_WHOLE
    return str(int(value)) if whole else f"{value:.12g}"


# -- Times -------------------------------------------------------------------------------------------------------------


def _plain_clock(code: str) -> str:
    """The first section of a code without colours and languages, "" where it shows a date or no time."""
    section = re.sub(
        r"\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.", "", _sections(code)[0], flags=re.I
    )
    bare = re.sub(r'"[^"]*"|\\.', "", section)
    has_date = re.search("[dy]", bare, re.I)
    has_time = re.search(r"[hs]|\[m", bare, re.I)
    return section.strip() if has_time and not has_date else ""


def _moment(value: datetime | time, clock: str) -> str:
    """A time by its code, a date in ISO form with the time that it has."""
    is_time = isinstance(value, time) or value.year < _FIRST_DAYS
    if is_time and clock:
        since = timedelta(
            hours=value.hour,
            minutes=value.minute,
            seconds=value.second,
            microseconds=value.microsecond,
        )
        return _clock(since, clock)
    if isinstance(value, time):
        return value.isoformat()
    if value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ", timespec="minutes")


def _clock(since: timedelta, code: str) -> str:
    """A time by a code without a date: "[h]:mm", "h:mm AM/PM", "mm:ss.0"."""
    twelve = "m/pm" in code.lower() or "a/p" in code.lower()
    places = max((len(match[4] or "") for match in _CLOCK.finditer(code)), default=0)
    exact = round(since / timedelta(seconds=1), max(places - 1, 0))
    seconds = int(exact)
    units = {"h": seconds // 3600, "m": seconds // 60, "s": seconds}
    parts = []
    before = ""
    for match in _CLOCK.finditer(code):
        elapsed, half, run, fraction, quoted, sign = match.groups()
        unit = (elapsed or run or "")[:1].lower()
        if elapsed:
            parts.append(str(units[unit]).zfill(len(elapsed)))
        elif half:
            parts.append("PM" if seconds % 86_400 >= 43_200 else "AM")
        elif run:
            count = units[unit] % (24 if unit == "h" else 60)
            if unit == "h" and twelve:
                count = count % 12 or 12
            # Minutes and seconds after hours have two digits in every sheet.
            parts.append(str(count).zfill(2 if before else min(len(run), 2)))
        elif fraction:
            parts.append(f"{exact % 1:.{places - 1}f}"[1:])
        else:
            parts.append(quoted or sign or "")
        before = before or unit
    return "".join(parts).strip()


# -- Numbers -----------------------------------------------------------------------------------------------------------


def _number(value: float, code: str) -> str:
    section, value = _section(value, code)
    if section is None or not abs(value) < EXACT_WHOLE:
        return plain(value)
    tokens = list(_tokens(section))
    if any(kind == "digit" for kind, _text in tokens):
        return _laid_out(value, tokens).strip()
    words = "".join(text for _kind, text in tokens)
    if general := _GENERAL.search(words):
        return words.replace(general[0], plain(value)).strip()
    # Words alone, or a dash for zero, as the sheet shows; a code that hides everything hides nothing here.
    is_said = has_letters(words) or value == 0
    return (words.strip() if is_said else "") or plain(value)


def _section(value: float, code: str) -> tuple[str | None, float]:
    """(the section of a code that applies, the value that it shows); None where the code is passed over."""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code)
    if _CONDITION.search(bare) or _NO_PLAIN_NUMBER.search(_BRACKETS.sub("", bare)):
        return None, value
    sections = _sections(code)
    if value == 0 and len(sections) > 2:
        return sections[2], value
    if value < 0 and len(sections) > 1:
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


def _tokens(section: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(section):
        sign = match["sign"]
        if said := match["quoted"] or match["escaped"] or match["currency"]:
            yield "literal", said
        elif sign and sign in "0#?":
            yield "digit", sign
        elif sign and sign in ".,%":
            yield sign, sign
        elif sign:
            yield "literal", sign


def _laid_out(value: float, tokens: Tokens) -> str:
    """A number laid into the places of a code."""
    kinds = [kind for kind, _text in tokens]
    point = kinds.index(".") if "." in kinds else len(kinds)
    places = "".join(text for kind, text in tokens[point:] if kind == "digit")
    places = places[:MOST_DECIMALS]
    # A sign of percent multiplies by a hundred, a comma after the last figure divides by a thousand.
    power = 2 * kinds.count("%") - 3 * _trailing_commas(kinds)
    exact = Decimal(f"{abs(value):.15g}").scaleb(power)
    rounded = exact.quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP)
    figures, _point, fraction = f"{rounded:f}".partition(".")
    while fraction.endswith("0") and places[len(fraction) - 1] != "0":
        fraction = fraction[:-1]
    sign = "-" if value < 0 and rounded else ""
    whole = _whole(figures.lstrip("0"), tokens[:point])
    after = (text for kind, text in tokens[point:] if kind in ("literal", "%"))
    return "".join((sign, whole, "." if fraction else "", fraction, *after))


def _trailing_commas(kinds: Sequence[str]) -> int:
    count = 0
    for kind in reversed(kinds):
        if kind == "digit":
            break
        count += kind == ","
    return count


def _whole(figures: str, tokens: Tokens) -> str:
    """The figures before the point in their places, from the right; what is over goes to the first place."""
    places = [at for at, (kind, _text) in enumerate(tokens) if kind == "digit"]
    zeros = sum(text == "0" for _kind, text in tokens)
    figures = figures.zfill(zeros) if zeros else figures
    inner = tokens[places[0] : places[-1]] if places else []
    if (",", ",") in inner:
        figures = _grouped(figures)
        places = places[:1]
    laid = []
    for at in range(len(tokens) - 1, -1, -1):
        kind, text = tokens[at]
        if kind in ("literal", "%"):
            laid.append(text)
        elif at in places:
            cut = 0 if at == places[0] else max(0, len(figures) - 1)
            laid.append(figures[cut:])
            figures = figures[:cut]
    return "".join(reversed(laid))


def _grouped(figures: str) -> str:
    """ "1,234,567" of "1234567"."""
    first = len(figures) % 3
    groups = [figures[at : at + 3] for at in range(first, len(figures), 3)]
    return ",".join(filter(None, (figures[:first], *groups)))

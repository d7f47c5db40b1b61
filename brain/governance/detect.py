"""Secrets in a text, by their shape: private keys, API tokens, card numbers and account numbers.

A few patterns of our own: the best-kept library for this, detect-secrets, brings a network client and asks the issuers
whether a secret is valid, which a store that sends nothing out must not do. A pattern has plain letters with
which what it finds begins, or a checksum that must be right. Leaves out what follows from a finding
(`labels.py`, the gate), passwords, which have no shape, and names. Serves both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PRIVATE_KEY = "private key"
TOKEN = "API token"
CARD = "card number"
ACCOUNT = "account number"


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret of that kind stands from character `start` to `end` of the text."""

    kind: str
    start: int
    end: int


# (how it begins, how it goes on): as their issuers document them.
_TOKENS = (
    ("AKIA", r"[0-9A-Z]{16}"),  # Amazon
    ("ASIA", r"[0-9A-Z]{16}"),
    ("ghp_", r"[A-Za-z0-9]{36,}"),  # GitHub
    ("gho_", r"[A-Za-z0-9]{36,}"),
    ("ghu_", r"[A-Za-z0-9]{36,}"),
    ("ghs_", r"[A-Za-z0-9]{36,}"),
    ("ghr_", r"[A-Za-z0-9]{36,}"),
    ("github_pat_", r"\w{22,}"),
    ("glpat-", r"[\w-]{20,}"),  # GitLab
    ("xox", r"[a-z]-[A-Za-z0-9-]{10,}"),  # Slack
    ("xapp-", r"[A-Za-z0-9-]{10,}"),
    ("hooks.slack.com/", r"services/[\w/]{20,}"),
    ("sk_live_", r"[A-Za-z0-9]{16,}"),  # Stripe
    ("rk_live_", r"[A-Za-z0-9]{16,}"),
    ("sk_test_", r"[A-Za-z0-9]{16,}"),
    ("rk_test_", r"[A-Za-z0-9]{16,}"),
    ("whsec_", r"[A-Za-z0-9+/=]{24,}"),
    # Anthropic, OpenAI and those who copied them; a digit, since sk- begins ordinary names as well
    ("sk-", r"(?=[A-Za-z_-]*\d)[\w-]{20,}"),
    ("AIza", r"[\w-]{35}"),  # Google
    ("ya29.", r"[\w-]{20,}"),
    ("GOCSPX-", r"[\w-]{20,}"),
    ("npm_", r"[A-Za-z0-9]{36}"),
    ("pypi-", r"[\w-]{50,}"),
    ("hf_", r"[A-Za-z0-9]{30,}"),  # Hugging Face
    ("SG.", r"[\w-]{20,}\.[\w-]{40,}"),  # SendGrid
    ("SK", r"[0-9a-f]{32}"),  # Twilio
    ("dop_v1_", r"[0-9a-f]{64}"),  # DigitalOcean
    ("dapi", r"[0-9a-f]{32}"),  # Databricks
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
    ("eyJ", r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),  # JSON Web Token, RFC 7519
)


def _shape(begins: str, goes_on: str) -> re.Pattern[str]:
    """The pattern of a token that is no part of a longer word. The plain letters come first: those are sought fast."""
    letters = re.escape(begins)
    return re.compile(rf"{letters}(?<![A-Za-z0-9]{letters}){goes_on}", re.A)


_SHAPES = tuple((begins, _shape(begins, goes_on)) for begins, goes_on in _TOKENS)

# RFC 7468, and OpenPGP's armour; one that breaks off is a key all the same.
_KEY_WORD = "PRIVATE KEY"
_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----END).)*(?:-----END [A-Z0-9 ]+-----)?",
    re.S,
)
_PUTTY = "PuTTY-User-Key-File-"

# Digits together, or in the groups in which they are embossed; behind "+" it is a telephone, behind "0." a fraction.
_GAP = "[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}-]"
_CARD = re.compile(
    rf"(?<![\w+])(?<!\d\.)(?:\d{{14,19}}|\d{{4}}({_GAP})\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?"
    rf"|\d{{4}}({_GAP})\d{{6}}\2\d{{4,5}})(?!\w)(?!-\d)"
)
# So many digits in a row, before the rest is looked at: it takes a twentieth of the time.
_MANY_DIGITS = re.compile(rf"\d(?:{_GAP}?\d){{13}}")
# First digits and lengths by which the big issuers number their cards (ISO/IEC 7812).
_ISSUERS = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}"
    r"|6011\d{12}|65\d{14}|64[4-9]\d{13}|35\d{14}|62\d{14,17}|6[37]\d{14}"
)

# The two digits behind the country, and what stands before them: a text has fewer digits than letters.
_CHECK_DIGITS = re.compile(
    rf"\d\d(?<=[A-Za-z]{{2}}..)(?<![A-Za-z0-9].{{4}})(?={_GAP}?[A-Za-z0-9])",
    re.A | re.S,
)
# ISO 13616: how long an account number of each country is.
_IBAN_LENGTHS = dict(
    pair.split(":")
    for pair in """
    AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18
    DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 IE:22 IL:23
    IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27
    MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19
    SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30
    """.split()
)


def findings(text: str) -> tuple[Finding, ...]:
    """The secrets of a text in their order; one inside another is not told of itself.

    >>> findings("paid with 4111 1111 1111 1111, thanks")
    (Finding(kind='card number', start=10, end=29),)
    """
    found = [*_keys(text), *_tokens(text), *_cards(text), *_accounts(text)]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Finding] = []
    for one in found:
        if not kept or one.end > kept[-1].end:
            kept.append(one)
    return tuple(kept)


def _keys(text: str) -> Iterator[Finding]:
    if _KEY_WORD in text:
        for match in _KEY.finditer(text):
            yield Finding(PRIVATE_KEY, *match.span())
    at = text.find(_PUTTY)
    if at >= 0:
        yield Finding(PRIVATE_KEY, at, len(text))


def _tokens(text: str) -> Iterator[Finding]:
    for begins, shape in _SHAPES:
        if begins in text:
            for match in shape.finditer(text):
                yield Finding(TOKEN, *match.span())


def _cards(text: str) -> Iterator[Finding]:
    if not _MANY_DIGITS.search(text):
        return
    for match in _CARD.finditer(text):
        digits = "".join(str(int(sign)) for sign in match[0] if sign.isdecimal())
        if _ISSUERS.fullmatch(digits) and _luhn(digits):
            yield Finding(CARD, *match.span())


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: from the right every second digit counts double; the sum of all digits is a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2:
            value *= 2
        total += value // 10 + value % 10
    return total % 10 == 0


def _accounts(text: str) -> Iterator[Finding]:
    for match in _CHECK_DIGITS.finditer(text):
        start = match.start() - 2
        country = text[start : start + 2].upper()
        length = int(_IBAN_LENGTHS.get(country, 0))
        number, end = _signs(text, start, length)
        if number and len(number) == length and _mod_97(number):
            yield Finding(ACCOUNT, start, end)


def _signs(text: str, start: int, length: int) -> tuple[str, int]:
    """(the next so many letters and digits, single gaps between them left out; where they end).

    Fewer where something else comes between, or where the last is followed by one more.
    """
    number = ""
    at = start
    while len(number) < length and at < len(text):
        sign = text[at]
        if sign.isascii() and sign.isalnum():
            number += sign
        elif re.match(_GAP, sign) is None or not text[at - 1].isalnum():
            break
        at += 1
    follows = text[at : at + 1]
    return ("", at) if follows.isalnum() else (number, at)


def _mod_97(number: str) -> bool:
    """ISO 7064: the first four signs behind the rest, letters as 10 to 35; the remainder by 97 is 1."""
    digits = "".join(str(int(sign, 36)) for sign in number[4:] + number[:4])
    return int(digits) % 97 == 1

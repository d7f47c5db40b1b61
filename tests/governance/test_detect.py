"""Secrets by their shape: each kind is found where it stands, and what only looks like one is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.governance.detect import (
    ACCOUNT,
    CARD,
    PRIVATE_KEY,
    TOKEN,
    Finding,
    findings,
)

# In parts, so that no scanner of repositories takes the examples for real.
FILL = "a1B2c3D4e5F6g7H8i9J0" * 4
HEX = "0123456789abcdef" * 4
TOKENS = (
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + FILL[:36],
    "github_pat_" + FILL[:40],
    "glpat-" + FILL[:20],
    "xoxb-" + FILL[:24],
    "sk_live_" + FILL[:24],
    "whsec_" + FILL[:32],
    "sk-ant-api03-" + FILL[:40],
    "sk-proj-" + FILL[:40],
    "AIza" + FILL[:35],
    "ya29." + FILL[:40],
    "GOCSPX-" + FILL[:28],
    "npm_" + FILL[:36],
    "pypi-" + FILL[:60],
    "hf_" + FILL[:34],
    "SG." + FILL[:22] + "." + FILL[:43],
    "SK" + HEX[:32],
    "dop_v1_" + HEX,
    "dapi" + HEX[:32],
    "AGE-SECRET-KEY-1" + "Q" * 58,
    "eyJ" + FILL[:20] + ".eyJ" + FILL[:20] + "." + FILL[:20],
)
CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111\u00a01111\u00a01111\u00a01111",
    "5555 5555 5555 4444",
    "3782 822463 10005",
    "378282246310005",
    "3056 930902 5904",
    "6011111111111117",
    "٤١١١ ١١١١ ١١١١ ١١١١",
)
ACCOUNTS = (
    "DE89 3704 0044 0532 0130 00",
    "DE89370400440532013000",
    "GB82 WEST 1234 5698 7654 32",
    "gb82 west 1234 5698 7654 32",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NO93 8601 1117 947",
    "CH93-0076-2011-6238-5295-7",
)
KEYS = (
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----",
)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        *((TOKEN, one) for one in TOKENS),
        *((CARD, one) for one in CARDS),
        *((ACCOUNT, one) for one in ACCOUNTS),
        *((PRIVATE_KEY, one) for one in KEYS),
    ],
)
def test_a_secret_is_found_where_it_stands(kind: str, secret: str) -> None:
    before = "It is: "
    end = len(before) + len(secret)
    assert findings(f"{before}{secret}, thanks.") == (Finding(kind, len(before), end),)
    assert findings(secret) == (Finding(kind, 0, len(secret)),)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # the sum is wrong
        "1234 5678 9012 3452",  # no issuer
        "0.4111111111111111",  # a fraction
        "+4111111111111111",  # a telephone
        "a4111111111111111f",  # part of a longer word
        "4111 1111-1111 1111",  # no one writes it so
        "DE88 3704 0044 0532 0130 00",  # the sum is wrong
        "DE89 3704 0044 0532 0130 001",  # too long
        "DE89 3704 0044 0532",  # too short
        "XX89 3704 0044 0532 0130 00",  # no country
        "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
        "sk-a-class-name-of-some-style-sheet",
        "the ghosts of AKIA, hf_ and eyJ",
        "PRIVATE KEY",
        "2026-11-28 06:50 call 0170 1234567, room 4111, 1,111.11 EUR",
    ],
)
def test_what_only_looks_like_a_secret_is_none(text: str) -> None:
    assert findings(text) == ()


def test_a_key_that_breaks_off_reaches_to_the_end() -> None:
    text = "see -----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA"
    assert findings(text) == (Finding(PRIVATE_KEY, 4, len(text)),)


def test_two_keys_are_two_and_what_lies_in_one_is_not_told() -> None:
    inside = f"-----BEGIN PRIVATE KEY-----\n{TOKENS[0]}\n-----END PRIVATE KEY-----"
    kinds = [one.kind for one in findings(f"{inside}\n{KEYS[0]}\n{CARDS[0]}")]
    assert kinds == [PRIVATE_KEY, PRIVATE_KEY, CARD]


def test_an_account_number_ends_before_the_next_word() -> None:
    text = "DE89 3704 0044 0532 0130 00 BIC COBADEFF"
    assert findings(text) == (Finding(ACCOUNT, 0, 27),)


@given(st.text(alphabet=" .,-\n\taéß語", max_size=20), st.sampled_from(CARDS))
def test_whatever_stands_around_it_a_card_is_found(around: str, card: str) -> None:
    """Letters and hyphens apart, which make it a part of something longer."""
    text = f"{around} {card} {around}"
    assert [text[one.start : one.end] for one in findings(text)] == [card]


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    for one in findings(text):
        assert 0 <= one.start < one.end <= len(text)

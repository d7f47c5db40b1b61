"""Encodings: found out, told, and never lossy in silence (docs/FAULTS.md, "Hostile files")."""

from __future__ import annotations

import codecs
import os
import random

import pytest

from ingest.errors import UnreadableFile
from ingest.readers.text import decode

TEXT = "Tee für Ana – 漢字 🙂\nzweite Zeile\n" * 3


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32-le"),
        TEXT.encode("utf-32-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_every_unicode_encoding_is_read_without_a_notice(data: bytes) -> None:
    assert decode(data) == (TEXT, ())


def test_windows_1252_is_read_and_told_even_amid_utf8() -> None:
    text, notices = decode("Café – naïve “quotes”".encode("cp1252"))
    assert text == "Café – naïve “quotes”"
    assert "Windows-1252" in notices[0]
    text, notices = decode("漢字 ".encode() + "é".encode("latin-1") + b" \x81 end")
    assert text == "漢字 é \x81 end"
    assert len(notices) == 1


def test_surrogates_and_stray_nuls_are_replaced_and_told() -> None:
    text, notices = decode(b"a\xed\xa0\x80b")
    assert (text, notices) == ("a\ufffdb", ("lone surrogates replaced",))
    text, notices = decode(b"before\x00after and a good deal more text")
    assert text.startswith("beforeafter")
    assert notices == ("1 NUL characters left out",)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x00\x00\x00\x02\x00",
        b"\x7fELF\x02\x01\x01" + b"\x00" * 9 + b"\x03\x00>\x00\x01\x00\x00\x00",
        bytes(range(1, 32)) * 4,
        random.Random(5).randbytes(4096),
    ],
)
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="binary"):
        decode(data)


def test_lines_end_at_newlines_only() -> None:
    text, _ = decode("a\x0bb\x0cc\u2028d\x85e".encode())
    assert text.count("\n") == 0


def test_random_bytes_decode_or_refuse_and_nothing_else() -> None:
    for _ in range(200):
        try:
            text, _notices = decode(os.urandom(40))
        except UnreadableFile:
            continue
        text.encode("utf-8")

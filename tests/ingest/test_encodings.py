"""Older encodings: one short line is enough to tell which one it is, and the guess is always told."""

from __future__ import annotations

import pytest

from ingest.readers.text import decode

LINES = {
    "ru": "Договор аренды квартиры подписан в марте, залог вернут осенью.",
    "ja": "港の管理事務所は毎朝八時に開きます。潮汐表は扉の横にあります。",
    "zh": "购物清单：牛奶、面包、奶酪",
    "tw": "港口辦公室每天早上八點開門。潮汐表在門旁邊。",
    "ko": "항만 사무소는 매일 아침 여덟 시에 엽니다.",
    "pl": "Łódź stoi w porcie, klucze są u Małgorzaty.",
    "cs": "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "de": "Frühstück für Jörg: Brötchen und Müsli, Größe egal",
    "fr": "L’été – « très chaud » — à Orléans, déjà payé",
    "el": "Το συμβόλαιο ενοικίασης υπογράφηκε τον Μάρτιο.",
    "tr": "Kira sözleşmesi martta imzalandı, şehir dışında.",
    "he": "חוזה השכירות נחתם במרץ. הפיקדון הוא שלושה חודשים.",
    "ar": "تم توقيع عقد الإيجار في شهر مارس.",
    "frame": "┌──────┬──────┐\n│ Name │ Ort  │\n└──────┴──────┘",
}
ENCODINGS = {
    "ru": "cp1251 koi8-r cp866 iso8859-5 mac_cyrillic",
    "ja": "cp932 euc_jp iso2022_jp",
    "zh": "gbk gb18030",
    "tw": "big5",
    "ko": "euc_kr iso2022_kr",
    "pl": "cp1250 iso8859-2 cp852",
    "cs": "cp1250 iso8859-2 cp852",
    "de": "cp1252 mac_roman cp437 cp850",
    "fr": "cp1252 mac_roman",
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "frame": "cp437 cp850",
}
PAIRS = [
    (language, encoding)
    for language, known in ENCODINGS.items()
    for encoding in known.split()
]


@pytest.mark.parametrize(("language", "encoding"), PAIRS)
def test_a_line_in_an_older_encoding_is_read_as_its_letters(
    language: str, encoding: str
) -> None:
    line = LINES[language]
    text, notices = decode(line.encode(encoding))
    assert text == line
    (notice,) = notices
    assert "a guess" in notice
    assert "save the file as UTF-8" in notice


def test_plain_english_with_curly_quotes_is_windows_1252() -> None:
    line = "It’s “quoted” – and costs 90 €… at 20 °C"
    text, (notice,) = decode(line.encode("cp1252"))
    assert text == line
    assert "Windows-1252" in notice


def test_letters_that_the_encoding_does_not_have_are_counted() -> None:
    russian = LINES["ru"].encode("cp1251")
    data = russian + b"\n" + b"\n".join([russian] * 200) + b"\n\x98"
    text, (notice,) = decode(data)
    assert text.startswith(LINES["ru"])
    assert "1 letters could not be read" in notice


def test_bytes_that_are_no_text_in_any_encoding_are_still_told() -> None:
    text, (notice,) = decode(b"plain words \x81\x8d\x81\x8f and no more")
    assert text.startswith("plain words")
    assert "save the file as UTF-8" in notice


def test_a_longer_text_of_no_known_letters_is_guessed_by_its_statistics() -> None:
    strange = b"\xa4\xa4\xa4\xa6\xac words \xa6\xa6\xac\xb6\n"
    text, (notice,) = decode(strange * 20)
    assert text.count("words") == 20
    assert "save the file as UTF-8" in notice

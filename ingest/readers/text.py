"""Plain text: bytes to characters with the encoding found out and told, newlines normalised, blocks by blank lines.

Also reads languages without a grammar. Leaves out markup. Serves `loading`, and the other readers of line-located
formats through `decode`. An encoding is never guessed silently and no byte is dropped silently.
"""

from __future__ import annotations

import codecs
import re

from ingest.document import Section, Texts
from ingest.errors import BY_NAME_ONLY, UnreadableFile, UnsupportedFile
from ingest.locators import of_lines
from ingest.readers.encodings import Guess, escaped, guess
from ingest.readers.payloads import refuse_minified, without_payloads
from ingest.reading import Raw, Reading, Readings

SNIFF_BYTES = 65_536  # looked at to tell text from binary
# Of control bytes (not NUL, tab, line and form feeds, escape) above which it is binary.
CONTROL_SHARE = 0.10
# A file with one NUL in so many bytes may be UTF-16 or UTF-32: of English text, half are.
WIDE_BYTES = 5
# Of the bytes of UTF-32, half are NUL in any script: the two high ones of each four.
UTF32_SHARE = 0.48
STRAY_NULS = 1 / 1000  # of bytes: a text may hold a stray NUL, a binary file holds many
_BOMS = (  # the longer first: the UTF-32-LE mark begins like the UTF-16-LE one
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TEXT_CONTROLS = bytes(
    byte for byte in range(32) if byte not in b"\x00\t\n\r\x0c\x1b\x08"
)
SURROGATE = re.compile("[\ud800-\udfff]")
FALLBACK = "brain-cp1252"
ESCAPE = (
    b"\x1b$"  # begins the letters of seven-bit encodings, as Japanese mail has them
)
CORRECT_IT = "if letters are wrong, save the file as UTF-8"


def read(raw: Raw) -> Readings:
    """One document of one section; code keeps lines together when a block must be cut."""
    text, notices = readable(raw)
    refuse_minified(raw, text)
    yield Reading([whole(text, atomic=raw.media_type != "text/plain")], notices=notices)


def readable(raw: Raw) -> tuple[str, Texts]:
    """(the text of a file without pictures and packed data in it, notices). A note without a file keeps what is its
    only copy. Raises UnreadableFile as `decode`, UnsupportedFile where nothing else is in it."""
    text, notices = decode(raw.data)
    if not raw.name:
        return text, notices
    text, left_out = without_payloads(text)
    if left_out and not any(map(str.isalpha, text)):
        raise UnsupportedFile("nothing but pictures or packed data", BY_NAME_ONLY)
    return text, (*notices, *left_out)


def whole(text: str, *, atomic: bool = False) -> Section:
    """All of a text as one section of lines."""
    return Section(text, (), of_lines(1, text.count("\n") + 1), atomic)


def decode(data: bytes) -> tuple[str, Texts]:
    """(text with \\n newlines, notices). BOM, UTF-16/32 without one, UTF-8, else the likeliest of the older encodings,
    told; stray bytes in what is UTF-8 otherwise as Windows-1252, told.

    Raises UnreadableFile("binary") when the first 64 KB look like no text.
    """
    encoding, mark = _marked(data)
    data = data[len(mark) :]
    sample = data[:SNIFF_BYTES]
    notices: list[str] = []
    encoding = encoding or _wide(sample) or "utf-8"
    seven_bit = escaped(data) if ESCAPE in data else None
    if seven_bit:
        text = _guessed(data, seven_bit, notices)
    elif encoding == "utf-8":
        _refuse_binary(sample)
        text = _utf8(data, notices)
    else:
        text = data.decode(encoding, "replace")
        if bad := text.count("\ufffd"):
            notices.append(f"{bad} characters were not valid {encoding.upper()}")
    if "\x00" in text:
        notices.append(f"{text.count(chr(0))} NUL characters left out")
        text = text.replace("\x00", "")
    if not text.isascii() and SURROGATE.search(text):
        text = SURROGATE.sub("\ufffd", text)
        notices.append("lone surrogates replaced")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, tuple(notices)


def _marked(data: bytes) -> tuple[str, bytes]:
    """(encoding, byte order mark) where the data begin with one."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding, mark
    return "", b""


def _wide(sample: bytes) -> str:
    """UTF-16 or UTF-32 without a mark: where the NULs stand, and whether it then decodes."""
    if sample.count(0) * WIDE_BYTES < len(sample):
        return ""
    first, second, third, fourth = (sample[at::4].count(0) for at in range(4))
    even = first + third
    odd = second + fourth
    half = len(sample) * UTF32_SHARE
    likely = {
        "utf-32-le": third + fourth > half,
        "utf-32-be": first + second > half,
        "utf-16-le": odd > 8 * even,
        "utf-16-be": even > 8 * odd,
    }
    for encoding, is_likely in likely.items():
        if is_likely and _decodes(sample, encoding):
            return encoding
    return ""


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whether the bytes, which may end within a letter, are a text in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return "\x00" not in decoder.decode(sample)
    except UnicodeDecodeError:
        return False


def _refuse_binary(sample: bytes) -> None:
    size = len(sample)
    nuls = sample.count(0)
    controls = size - len(sample.translate(None, _TEXT_CONTROLS))
    if nuls > max(2, size * STRAY_NULS) or controls > size * CONTROL_SHARE:
        raise UnreadableFile("binary", "it is not the text that its name says")


def _utf8(data: bytes, notices: list[str]) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        # Halves of pairs, as Windows and JavaScript leave them, in bytes that are UTF-8 otherwise.
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", FALLBACK)
    if _mostly_utf8(data):
        notices.append("not UTF-8: the bytes that were not were read as Windows-1252")
        return text
    if found := guess(data):
        return _guessed(data, found, notices)
    notices.append(
        f"not UTF-8, and in no encoding that is known: read as Windows-1252; {CORRECT_IT}"
    )
    return text


def _mostly_utf8(data: bytes) -> bool:
    """Whether as many letters beyond ASCII are sound UTF-8 as are not."""
    decoded = data.decode("utf-8", "replace")
    strange = decoded.count("\ufffd")
    sound = sum(not letter.isascii() for letter in decoded) - strange
    return sound >= strange


def _guessed(data: bytes, found: Guess, notices: list[str]) -> str:
    text = data.decode(found.encoding, "replace")
    lost = text.count("\ufffd")
    missing = ""
    if lost:
        missing = f", {lost:,} letters could not be read"
    told = f"not UTF-8: read as {found.name}, which is a guess{missing}; {CORRECT_IT}"
    notices.append(told)
    return text


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a byte that is no UTF-8 as its Windows-1252 letter, or Latin-1 where that has none."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return "".join(_letter(byte) for byte in stray), error.end


def _letter(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


codecs.register_error(FALLBACK, _windows_1252)

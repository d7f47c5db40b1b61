"""One mail (.eml): who, when and about what, then what was written, then the older mails quoted in it, then what is
attached: mails, texts, pages, PDFs and office files are read, the others named.

Located by date and sender, "2026-05-07 Ana Lopez". The plain text is taken where there is one that says as much as
the HTML. Uses the standard library's parser with its lenient policy and decodes headers itself, since the strict one
fails on mails that exist. Leaves out signatures' proof and decryption. Serves `loading`, in a worker, and the other
mail readers.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from ingest.document import Heading, Metadata, Section
from ingest.errors import UnreadableFile
from ingest.readers import attachments, threads
from ingest.readers.attachments import Attached
from ingest.readers.html import Page, told, whole_page
from ingest.readers.ics import invitation
from ingest.readers.outline import one_line
from ingest.readers.tables import with_tables
from ingest.readers.text import decode
from ingest.reading import Raw, Reading, Readings

# Of a header's value looked at: parsing a long list of addresses takes quadratic time.
HEADER_CHARS = 5_000
NAMED_CHARS = 200  # of a name or subject shown
HEAD_BYTES = 20_000  # of an attached mail in which its subject is looked for
PARTS = 1_000  # parts of one mail looked at
# Of the HTML's words that the plain text must have, to be more than "open this in a browser".
HTML_SHARE = 0.5
# Charsets as programs state them, with those that they mean (WHATWG Encoding Standard, "names and labels").
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "big5": "big5hkscs",
}
_BODIES = ("text/plain", "text/html", "text/calendar")
_MAILS = ("message/rfc822", "message/global")
_ADDRESS = re.compile(r"""^\s*"?([^"<]*?)"?\s*<([^<>]*)>""")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Letter:
    """A mail as any format gives it. `date` is ISO 8601 or ""; `body` plain text; `attachments` names with sizes."""

    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    date: str = ""
    body: str = ""
    identity: str = ""
    answers: str = ""
    attachments: list[Attached] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read(raw: Raw) -> Readings:
    """One document."""
    letter = parsed(raw.data)
    yield reading(letter, threads.parts(letter.body), raw)


def parsed(data: bytes) -> Letter:
    """The mail in the bytes, however broken: what cannot be understood is text."""
    message = message_from_bytes(data)
    letter = Letter(
        subject=header(message, "Subject"),
        sender=header(message, "From") or header(message, "Sender"),
        to=header(message, "To"),
        cc=header(message, "Cc"),
        date=date_of(message),
        identity=header(message, "Message-ID"),
        answers=header(message, "In-Reply-To"),
    )
    plain: list[str] = []
    pages: list[Page] = []
    for part in _leaves(message, letter):
        _take(part, letter, plain, pages)
    letter.body = "\n\n".join(plain)
    shown = "\n\n".join(page.text for page in pages)
    if len(letter.body.split()) < HTML_SHARE * len(shown.split()):
        letter.body = shown
        for page in pages:
            letter.notices += told(page.left_out)
    return letter


def reading(
    letter: Letter, parts: Iterable[threads.Part], raw: Raw, part: str = ""
) -> Reading:
    """Sections: the head of the mail with its sender's words, then each older mail, then what is attached."""
    day_and_name = filter(None, (letter.date[:10], _name(letter.sender)))
    where = " ".join(day_and_name) or "mail"
    subject = letter.subject[:NAMED_CHARS]
    top = (subject,) if subject else ()
    sections = [Section(_head(letter), top, where)]
    for found in parts:
        text = found.text + "\n\n"
        if found.intro:
            intro = found.intro[:NAMED_CHARS]
            quoted = f"{intro}\n{text}"
            sections += with_tables(quoted, (*top, intro), f"{where} (quoted)")
        else:
            sections += with_tables(text, top, where)
    sections += _attached(letter, top, where, raw)
    answer = {"Message-ID": letter.identity, "In-Reply-To": letter.answers}
    return Reading(
        sections,
        title=subject or where,
        metadata=_stated(_people(letter) | answer),
        notices=tuple(letter.notices),
        date=letter.date,
        date_by="metadata",
        part=part,
    )


def _attached(letter: Letter, top: Heading, where: str, raw: Raw) -> Iterator[Section]:
    """The names of what is attached, then what can be read of it."""
    if not letter.attachments:
        return
    names = ", ".join(found.shown for found in letter.attachments)
    yield Section(f"Attachments: {names}\n", top, where)
    yield from attachments.sections(letter.attachments, top, raw, letter.notices)


def _people(letter: Letter) -> Metadata:
    return {"From": letter.sender, "To": letter.to, "Cc": letter.cc}


def _stated(headers: Metadata) -> Metadata:
    return {name: value for name, value in headers.items() if value}


def _head(letter: Letter) -> str:
    matter = {"Date": letter.date.replace("T", " "), "Subject": letter.subject}
    lines = [
        f"{name}: {value}\n"
        for name, value in _stated(_people(letter) | matter).items()
    ]
    return "".join(lines) + "\n"


def _leaves(message: Message, letter: Letter) -> Iterator[Message]:
    """The parts that hold something, in order, without recursion; an attached mail is an attachment."""
    pending = [message]
    seen = 0
    while pending:
        part = pending.pop(0)
        seen += 1
        if seen > PARTS:
            letter.notices.append(f"more than {PARTS:,} parts: the rest left out")
            return
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            pending[:0] = _inner(part)
        else:
            yield part


def _take(part: Message, letter: Letter, plain: list[str], pages: list[Page]) -> None:
    """A part's text, or its name when it is an attachment."""
    kind = part.get_content_type()
    name = _file_name(part)
    data = _payload(part)
    charset = part.get_content_charset()
    attached = part.get_content_disposition() == "attachment"
    attached = attached or bool(name and kind not in _BODIES)
    if kind == "text/html" and not attached:
        pages.append(whole_page(_by_charset(data, charset).encode()))
    elif kind == "text/calendar" and not attached:
        text = _by_charset(data, charset)
        plain.append(invitation(text) or text.strip("\n"))
    elif kind.startswith(("text/", "multipart/")) and not attached:
        plain.append(_by_charset(data, charset).strip("\n"))
    elif kind == "message/delivery-status":
        plain.append("\n".join(map(str, _inner(part))).strip())
    elif name or attached or kind != "application/pgp-signature":
        if kind in _MAILS:
            inner = message_from_bytes(data[:HEAD_BYTES])
            name = header(inner, "Subject") or name or "mail"
        letter.attachments.append(Attached(name or kind, data, kind))


def words(part: Message) -> str:
    """The text of a part by its charset."""
    return _by_charset(_payload(part), part.get_content_charset())


def _inner(part: Message) -> list[Message]:
    """The parts inside of a part."""
    inner = part.get_payload()
    if not part.is_multipart():
        return []
    return [child for child in inner if isinstance(child, Message)]


def _payload(part: Message) -> bytes:
    """The decoded bytes; of an attached mail, what it holds."""
    if part.is_multipart():
        inner = _inner(part)
        if len(inner) >= PARTS:
            return b""
        return _decoded(b"".join(map(_as_bytes, inner)), part)
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _decoded(data: bytes, part: Message) -> bytes:
    """The bytes of an attached mail, which the standard forbids to encode and programs encode."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    if encoding == "base64":
        with suppress(ValueError):
            return base64.b64decode(b"".join(data.split()), validate=True)
    return data


def _as_bytes(message: Message) -> bytes:
    """A mail again, as text where its headers cannot be written as they are."""
    try:
        return message.as_bytes()
    except (UnicodeError, LookupError, KeyError, TypeError):
        return str(message).encode("utf-8", "surrogateescape")


def _by_charset(data: bytes, charset: str | None) -> str:
    """Text by the stated charset where it works, else as any text."""
    if (
        not charset or charset == "us-ascii"
    ):  # what many programs state whatever they send
        charset = "utf-8"
    charset = _WIDER.get(charset.lower(), charset)
    try:
        return data.decode(charset).replace("\x00", "")
    except (LookupError, UnicodeError):
        return _lenient(data)


def _lenient(data: bytes) -> str:
    try:
        text, _notices = decode(data)
    except UnreadableFile:  # binary under a text's name: letters where there are any
        text = data.decode("utf-8", "replace").replace("\x00", "")
    return text


def header(message: Message, name: str) -> str:
    """A header's words, decoded, on one line; raw where they cannot be."""
    stated = (text for key, text in message.raw_items() if key.lower() == name.lower())
    value = next(stated, "")[:HEADER_CHARS]
    if _SURROGATES.search(value):  # 8-bit letters, as RFC 6532 allows
        value = _lenient(value.encode("utf-8", "surrogateescape"))
    with suppress(HeaderParseError, ValueError):
        value = _unencoded(value)
    return one_line(value.replace("\x00", ""))


def _unencoded(value: str) -> str:
    """The text of a header with its encoded words (RFC 2047) read. Raises HeaderParseError and ValueError."""
    if "=?" not in value:
        return value
    # A header without encoded words comes back as it is, any other in bytes.
    said = decode_header(value)
    parts: list[str] = []
    for text, charset in said:
        part = text
        if not isinstance(text, str):
            part = _by_charset(text, charset)
        # An address directly behind an encoded name.
        if parts and part.startswith("<"):
            parts.append(" ")
        parts.append(part)
    return "".join(parts)


def date_of(message: Message) -> str:
    """RFC 5322 -> ISO 8601 with its own offset, "" when it states no date."""
    try:
        found: datetime = parsedate_to_datetime(header(message, "Date"))
        # 1970 is what programs write that know no date.
        if found.year <= 1970:
            return ""
        return found.isoformat(timespec="seconds")
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""


def _name(sender: str) -> str:
    """The name of `Ana Lopez <ana@example.org>`, else the address."""
    match = _ADDRESS.match(sender)
    name = sender
    if match:
        name = match[1].strip() or match[2]
    return name[:NAMED_CHARS]


def _file_name(part: Message) -> str:
    try:
        name = _unencoded(part.get_filename() or "")
    except (HeaderParseError, ValueError, LookupError, TypeError):
        return ""
    return one_line(name)[:NAMED_CHARS]

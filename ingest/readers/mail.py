"""One mail (.eml): who, when and about what, then what was written, then the older mails quoted in it; the attachments
are named and not read.

Located by date and sender, "2026-05-07 Ana Lopez". The plain text is taken where there is one that says as much as the
HTML. Uses the standard library's parser with its lenient policy and decodes headers itself, since the strict one fails on
mails that exist. Leaves out signatures' proof and decryption. Serves `loading`, in a worker, and the other mail readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from ingest.document import Section
from ingest.readers import threads
from ingest.readers.html import whole_page
from ingest.readers.text import decode
from ingest.reading import Raw, Reading

HEADER_CHARS = (
    5_000  # of a header's value looked at: parsing a long list of addresses takes quadratic time
)
NAMED_CHARS = 200  # of a name or subject shown
PARTS = 1_000  # parts of one mail looked at
HTML_SHARE = 0.5  # of the HTML's words that the plain text must have, to be more than "open this in a browser"
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
    attachments: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read(raw: Raw) -> Iterator[Reading]:
    """One document."""
    letter = parsed(raw.data)
    yield reading(letter, threads.parts(letter.body))


def parsed(data: bytes) -> Letter:
    """The mail in the bytes, however broken: what cannot be understood is text."""
    message = message_from_bytes(data)
    letter = Letter(
        subject=_header(message, "Subject"),
        sender=_header(message, "From") or _header(message, "Sender"),
        to=_header(message, "To"),
        cc=_header(message, "Cc"),
        date=_date(_header(message, "Date")),
        identity=_header(message, "Message-ID"),
        answers=_header(message, "In-Reply-To"),
    )
    plain: list[str] = []
    pages: list[str] = []
    for part in _leaves(message, letter):
        _take(part, letter, plain, pages)
    said, shown = "\n\n".join(plain), "\n\n".join(pages)
    letter.body = said if len(said.split()) >= HTML_SHARE * len(shown.split()) else shown
    return letter


def reading(letter: Letter, parts: Iterable[threads.Part], part: str = "") -> Reading:
    """Sections: the head of the mail with its sender's words, then each older mail, then the attachments' names."""
    who = _name(letter.sender)
    where = " ".join(word for word in (letter.date[:10], who) if word) or "mail"
    subject = letter.subject[:NAMED_CHARS]
    top = (subject,) if subject else ()
    sections = [Section(_head(letter), top, where)]
    for found in parts:
        if found.intro:
            intro = found.intro[:NAMED_CHARS]
            sections.append(
                Section(f"{intro}\n{found.text}\n\n", (*top, intro), f"{where} (quoted)")
            )
        else:
            sections.append(Section(found.text + "\n\n", top, where))
    if letter.attachments:
        sections.append(Section("Attachments: " + ", ".join(letter.attachments) + "\n", top, where))
    stated = {
        "From": letter.sender,
        "To": letter.to,
        "Cc": letter.cc,
        "Message-ID": letter.identity,
        "In-Reply-To": letter.answers,
    }
    count = len(letter.attachments)
    notices = [f"{count} attachment{'s' if count > 1 else ''} named, not read"] if count else []
    return Reading(
        sections,
        title=subject or where,
        metadata={key: value for key, value in stated.items() if value},
        notices=(*letter.notices, *notices),
        date=letter.date,
        date_by="metadata",
        part=part,
    )


def _head(letter: Letter) -> str:
    rows = (
        ("From", letter.sender),
        ("To", letter.to),
        ("Cc", letter.cc),
        ("Date", letter.date.replace("T", " ")),
        ("Subject", letter.subject),
    )
    return "".join(f"{key}: {value}\n" for key, value in rows if value) + "\n"


def _leaves(message: Message, letter: Letter) -> Iterator[Message]:
    """The parts that hold something, in order, without recursion; an attached mail is an attachment."""
    pending: list[Message] = [message]
    seen = 0
    while pending:
        part = pending.pop(0)
        seen += 1
        if seen > PARTS:
            letter.notices.append(f"more than {PARTS:,} parts: the rest left out")
            return
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            pending[:0] = [child for child in inner if isinstance(child, Message)]
        else:
            yield part


def _take(part: Message, letter: Letter, plain: list[str], pages: list[str]) -> None:
    """A part's text, or its name when it is an attachment."""
    kind, name = part.get_content_type(), _file_name(part)
    data = _payload(part)
    attached = part.get_content_disposition() == "attachment" or (
        bool(name) and kind not in ("text/plain", "text/html")
    )
    if attached or part.get_content_maintype() not in ("text", "multipart"):
        if kind == "message/delivery-status":
            plain.append("\n".join(str(inner) for inner in _inner(part)).strip())
        elif name or attached or kind != "application/pgp-signature":
            letter.attachments.append(f"{name or kind} ({_size(len(data))})")
        return
    if kind == "text/html":
        pages.append(
            "\n\n".join(words for _level, words in whole_page(_utf8(part, data).encode())[0])
        )
    else:
        plain.append(_utf8(part, data).strip("\n"))


def _inner(part: Message) -> Sequence[object]:
    inner = part.get_payload()
    return inner if isinstance(inner, list) else []


def _payload(part: Message) -> bytes:
    """The decoded bytes; of an attached mail, what it holds."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return (
            b"".join(child.as_bytes() for child in inner if isinstance(child, Message))
            if len(inner) < PARTS
            else b""
        )
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):
        data = None
    return data if isinstance(data, bytes) else str(inner).encode("utf-8", "surrogateescape")


def _utf8(part: Message, data: bytes) -> str:
    """Text by the stated charset where it works, else as any text."""
    charset = part.get_content_charset() or "utf-8"
    try:
        if charset not in ("utf-8", "us-ascii"):
            return data.decode(charset).replace("\x00", "")
        return data.decode("utf-8").replace("\x00", "")
    except (LookupError, UnicodeError):
        return _lenient(data)


def _lenient(data: bytes) -> str:
    try:
        return decode(data)[0]
    except Exception:  # binary under a text's name: letters where there are any
        return data.decode("utf-8", "replace").replace("\x00", "")


def _header(message: Message, name: str) -> str:
    """A header's words, decoded, on one line; raw where they cannot be."""
    low = name.lower()
    value = next((text for key, text in message.raw_items() if key.lower() == low), "")[
        :HEADER_CHARS
    ]
    if _SURROGATES.search(value):  # 8-bit letters, as RFC 6532 allows
        value = _lenient(value.encode("utf-8", "surrogateescape"))
    try:
        pieces = decode_header(value) if "=?" in value else [(value, None)]
    except (HeaderParseError, ValueError):
        pieces = [(value, None)]
    return " ".join(
        "".join(_decoded(text, charset) for text, charset in pieces).replace("\x00", "").split()
    )


def _decoded(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "utf-8")
    except (LookupError, UnicodeError):
        return _lenient(text)


def _date(value: str) -> str:
    """RFC 5322 -> ISO 8601 with its own offset, "" when it is no date."""
    try:
        found: datetime = parsedate_to_datetime(value)
        return found.isoformat(timespec="seconds") if found.year > 1970 else ""
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""


def _name(sender: str) -> str:
    """The name of `Ana Lopez <ana@example.org>`, else the address."""
    match = _ADDRESS.match(sender)
    return ((match[1].strip() or match[2]) if match else sender)[:NAMED_CHARS]


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
        pieces = decode_header(name) if "=?" in name else [(name, None)]
    except (HeaderParseError, ValueError, LookupError, TypeError):
        return ""
    return " ".join("".join(_decoded(text, charset) for text, charset in pieces).split())[
        :NAMED_CHARS
    ]


def _size(count: int) -> str:
    return f"{count:,} bytes" if count < 1000 else f"{count / 1000:,.0f} kB"

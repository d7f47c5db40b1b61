"""Outlook messages (.msg) by python-oxmsg, read as other mails are: head, words, older mails, names of attachments.

Where a message has nothing but rich text, that is read; where that fails it is told. Serves `loading`, in a worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.errors import UnreadableFile
from ingest.readers import compressed_rtf, mail, rtf, threads
from ingest.readers.attachments import Attached
from ingest.readers.html import told, whole_page
from ingest.readers.outline import one_line
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from oxmsg import Message

TO, CC = 1, 2  # PidTagRecipientType ([MS-OXOMSG] 2.2.3.1)
RECIPIENT_TYPE = 0x0C15  # PidTagRecipientType's id
RTF_BODY = 0x1009  # PidTagRtfCompressed


def read(raw: Raw) -> Readings:
    """One document. Raises UnreadableFile when it is no Outlook message."""
    from oxmsg import Message

    try:
        message = Message.load(raw.data)
    except ValueError as error:
        raise UnreadableFile(
            "not an Outlook message", "open it in Outlook and save it as .eml"
        ) from error
    letter = _letter(message)
    yield mail.reading(letter, threads.parts(letter.body), raw)


def _letter(message: Message) -> mail.Letter:
    sent = message.sent_date
    headers = {key.lower(): value for key, value in message.message_headers.items()}
    letter = mail.Letter(
        subject=one_line(message.subject),
        sender=one_line(message.sender or ""),
        to=headers.get("to") or _recipients(message, TO),
        cc=headers.get("cc") or _recipients(message, CC),
        date=sent.isoformat(timespec="seconds") if sent else "",
        body=message.body or "",
        identity=headers.get("message-id", ""),
        answers=headers.get("in-reply-to", ""),
    )
    if not letter.body.strip() and message.html_body:
        page = whole_page(message.html_body.encode("utf-8", "replace"))
        letter.body = page.text
        letter.notices += told(page.left_out)
    packed = message.properties.binary_prop_value(RTF_BODY) or b""
    if not letter.body.strip() and packed:
        source = compressed_rtf.unpacked(packed).decode("cp1252", "replace")
        letter.body = rtf.plain(source).strip()
        if not letter.body:
            letter.notices.append("its text is rich text (RTF) only: not read")
    for attachment in message.attachments:
        kind = attachment.mime_type or ""
        name = attachment.file_name or kind or "unnamed"
        data = attachment.file_bytes or b""
        letter.attachments.append(Attached(name, data, kind))
    return letter


def _recipients(message: Message, kind: int) -> str:
    """Names and addresses of the recipients of a kind."""
    chosen = []
    for recipient in message.recipients:
        stated = recipient.properties.int_prop_value(RECIPIENT_TYPE)
        if (stated or TO) != kind:
            continue
        address = recipient.email_address
        name = recipient.name
        if address:
            name = f"{name} <{address}>"
        chosen.append(name)
    return ", ".join(chosen)

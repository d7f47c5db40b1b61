"""What a file is whose name does not say it: scripts with a "#!" line, mailboxes and mails without a suffix, manual
pages ("ls.1"), cards and calendars, and else a text where its bytes are letters.

Only the beginning of a file is looked at, and only of files whose name leaves it open: no suffix, a number or several
words for one, or a place in a Maildir folder. Leaves everything else to the name (`media`). Serves the walk and
`loading`.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from pathlib import Path

from ingest.errors import IngestError
from ingest.media import MBOX, UNKNOWN, media_type
from ingest.reading import read_head

HEAD_BYTES = 4_096
MAILDIR = {
    "cur",
    "new",
}  # where a Maildir keeps its mails (https://cr.yp.to/proto/maildir.html)
_SECTION = re.compile(r"[1-9][a-z]{0,3}|[nl]")  # of the manual, as a suffix
_INTERPRETER = re.compile(rb"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(?:\S*/)?([A-Za-z]+)")
_LANGUAGES = {
    "python": "text/x-python",
    "pypy": "text/x-python",
    "sh": "text/x-bash",
    "bash": "text/x-bash",
    "dash": "text/x-bash",
    "ash": "text/x-bash",
    "zsh": "text/x-bash",
    "ksh": "text/x-bash",
    "ruby": "text/x-ruby",
    "node": "text/x-javascript",
    "nodejs": "text/x-javascript",
    "deno": "text/x-typescript",
    "bun": "text/x-typescript",
}
_TROFF = re.compile(rb"""(?:[.'][ \t]*\\".*\n|\s*\n)*[.'](?:TH|Dd|so|de|if|ie|nr)\b""")
# The line that begins a message of a mailbox, and the first line after it.
_MAILBOX = re.compile(
    rb"From [^\n]{0,200}\d\d:\d\d[^\n]{0,60}\d{4}[^\n]{0,100}\n[!-9;-~]{1,80}:"
)
_HEADER = re.compile(rb"^([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]", re.M)
_MAIL_HEADERS = {
    *(b"from", b"to", b"date", b"subject", b"message-id", b"received", b"return-path"),
    *(b"delivered-to", b"mime-version", b"content-type"),
}
MAIL_HEADERS = 3  # of these that the head of a mail has
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BEGINNINGS = {b"BEGIN:VCALENDAR": "text/calendar", b"BEGIN:VCARD": "text/vcard"}


def kind_of(path: Path) -> str:
    """The media type of a file by its name, else by how it begins; UNKNOWN when neither says."""
    named = media_type(path)
    if named != UNKNOWN or not _is_open(path):
        return named
    try:
        head = read_head(path, HEAD_BYTES)
    except IngestError:
        return UNKNOWN
    return sniffed(head)


def _is_open(path: Path) -> bool:
    """Whether the name leaves open what the file is."""
    suffix = path.suffix.lower().removeprefix(".")
    is_suffix = suffix.isalnum() and not suffix.isdecimal()
    if not is_suffix or path.parent.name in MAILDIR:
        return True
    return bool(_SECTION.fullmatch(suffix))


def sniffed(head: bytes) -> str:
    """The media type that the beginning of a file shows."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    if script := _INTERPRETER.match(head):
        language = script[1].decode("ascii").lower()
        return _LANGUAGES.get(language, "text/x-plain-code")
    if _TROFF.match(head):
        return "text/troff"
    if _MAILBOX.match(head):
        return MBOX
    for beginning, kind in _BEGINNINGS.items():
        if head[: len(beginning)].upper() == beginning:
            return kind
    if _is_mail(head):
        return "message/rfc822"
    return "text/plain" if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    """Whether it holds letters, all of Unicode, and nothing that only a program reads."""
    if not head.strip() or _CONTROL.search(head):
        return False
    decoder = getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)  # a letter that is cut at the end is none that is wrong
    except UnicodeDecodeError:
        return False
    return True


def _is_mail(head: bytes) -> bool:
    """Whether it opens with the headers of a mail, a sender among them."""
    if not _HEADER.match(head):
        return False
    before_body = head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    names = {name.lower() for name in _HEADER.findall(before_body)}
    return b"from" in names and len(names & _MAIL_HEADERS) >= MAIL_HEADERS

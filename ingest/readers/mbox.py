"""Mailboxes (.mbox): a document per message, and one for the mailbox itself that says what is in it.

A message begins at a "From " line that carries a time and a year and is followed by a header, so that a sentence
beginning with "From" parts nothing. A message's address is made of its Message-ID: it stays when others come and go. An
older mail quoted in a message and held by the mailbox itself is read once. Leaves out what a single mail says
(`mail`). Serves `loading`, in a worker.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import filterfalse

from ingest.document import Section, digest
from ingest.errors import UnreadableFile
from ingest.readers import mail, threads
from ingest.reading import Raw, Reading, Readings

ID_DIGITS = 16  # hexadecimal digits of a message's address
HEAD_BYTES = 20_000  # of a message in which its state is looked for
MOZILLA_EXPUNGED = 0x0008  # nsMsgMessageFlags: deleted, not yet compacted
_MOZILLA = re.compile(rb"^X-Mozilla-Status: ([0-9a-fA-F]{4})", re.M)
FREQUENT = 10  # senders named in the mailbox's own document
# A line with a time and a year, and below it a header.
_START = re.compile(
    rb"^From [^\n]{0,200}\d\d:\d\d[^\n]{0,60}\d{4}[^\n]{0,100}\n(?=[!-9;-~]{1,80}:|>?From )",
    re.M,
)
_ESCAPED = re.compile(rb"^>(>*From )", re.M)


def read(raw: Raw) -> Readings:
    """Many documents. Raises UnreadableFile when no message begins in it."""
    before, *messages = _START.split(raw.data)
    if not messages and before.strip():
        reason = "not a mailbox: no message begins in it"
        hint = "name it .eml if it is one mail"
        raise UnreadableFile(reason, hint)
    kept = list(filterfalse(_is_deleted, messages))
    count = len(kept)
    deleted = len(messages) - count
    letters = []
    readings = []
    known: set[str] = set()
    names: Counter[str] = Counter()
    for message in kept[: raw.limits.parts]:
        # Without the marks that a "From " line inside a message has.
        data = _ESCAPED.sub(rb"\1", message)
        letter = mail.parsed(data)
        letters.append(letter)
        identity = letter.identity or data
        name = _name(identity, names)
        # A quotation is known from other mails only: hence before this mail's own lines are noted.
        parts = threads.parts(letter.body)
        news = threads.without_known(parts, known)
        reading = mail.reading(letter, news, raw, name)
        readings.append(reading)
        for part in parts:
            lines = threads.fingerprints(part.text)
            known.update(lines)
    yield _mailbox(letters, count, deleted)
    yield from readings


def _name(identity: str | bytes, names: Counter[str]) -> str:
    """The address of a message in the mailbox; `names` counts those that were given."""
    whole = digest(identity)
    name = whole[:ID_DIGITS]
    names[name] += 1
    times = names[name]
    if times > 1:  # the same mail twice, or two that claim one identity
        return f"{name}-{times}"
    return name


def _is_deleted(message: bytes) -> bool:
    """Whether a person deleted it in Thunderbird, which keeps it in the file until it compacts the folder."""
    status = _MOZILLA.search(message, 0, HEAD_BYTES)
    if status is None:
        return False
    flags = int(status[1], 16)
    return bool(flags & MOZILLA_EXPUNGED)


def _mailbox(letters: list[mail.Letter], count: int, deleted: int) -> Reading:
    """How many messages, from when to when, and from whom most of them came."""
    days = []
    senders: Counter[str] = Counter()
    for letter in letters:
        if letter.date:
            day = letter.date[:10]
            days.append(day)
        if letter.sender:
            senders[letter.sender] += 1
    lines = [f"Mailbox with {count:,} messages."]
    if days:
        first = min(days)
        last = max(days)
        lines.append(f"From {first} to {last}.")
    if deleted:
        lines.append(f"{deleted:,} deleted messages that it still holds are left out.")
    for sender, number in senders.most_common(FREQUENT):
        lines.append(f"{sender}: {number:,}")
    notices = []
    read = len(letters)
    if count > read:
        notices.append(f"{count:,} messages: cut to the first {read:,}")
    text = "\n".join(lines)
    about = Section(f"{text}\n", (), "mailbox")
    return Reading([about], notices=tuple(notices))

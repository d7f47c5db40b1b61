"""Exported conversations: who said what and when, under the title of each, "message 12".

Programs call the same things by many names (author, sender, from, user; text, content, body; created_at, ts), so a
conversation is told by its shape: a list of objects most of which have an author and a text, and no name of their own
as an article or a commit has. Made for exports of ChatGPT, Claude, Slack, Telegram, Discord, Messenger and the
"messages" of language models. Leaves out reactions and attachments. Serves `json_text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.document import Section, Texts
from ingest.readers.outline import HEADING_CHARS, one_line
from ingest.reading import Reading

DEPTH = 6  # levels looked through for conversations
SHARE = 0.6  # of a list's objects that must be messages
AUTHORS = (
    *("author", "sender", "sender_name", "from", "user_profile", "user", "role"),
    *("creator", "username", "speaker", "from_name"),
)
TEXTS = ("text", "content", "body", "message", "value", "parts", "rawText")
TIMES = (
    *("create_time", "created_at", "timestamp", "ts", "date", "timestamp_ms", "time"),
    *("created_date", "createdAt", "sent_at"),
)
TITLES = ("title", "name", "subject", "channel", "topic")
PERSON = (
    "real_name",
    "display_name",
    "nickname",
    "name",
    "full_name",
    "username",
    "role",
)
# What has one of these is no message but an article, a commit, a book.
NO_MESSAGE = {
    "title",
    "subject",
    "url",
    "link",
    "hash",
    "sha",
    "commit",
    "isbn",
    "version",
}
TOLD_SHARE = 0.03  # of a file's characters that the messages must make up: the rest is ids and settings
FIRST_SECOND = 100_000_000  # 1973: a smaller number is no time
MILLISECONDS = 100_000_000_000  # from here on a time counts milliseconds


Object = dict[str, Any]  # of JSON


@dataclass(frozen=True, slots=True)
class Message:
    author: str
    text: str
    time: str  # "2026-05-07 10:00", "" when it is not known


@dataclass(frozen=True, slots=True)
class Chat:
    title: str
    messages: list[Message]


def found(values: Any, chars: int) -> list[Chat]:
    """The conversations in the values of a JSON file of so many characters, in order; none where it holds something
    else."""
    chats = list(_chats(values, "", DEPTH))
    told = sum(len(message.text) for chat in chats for message in chat.messages)
    if told >= TOLD_SHARE * chars:
        return chats
    return []


def reading(chats: list[Chat], notices: Texts) -> Reading:
    """One document; the title is that of the only conversation."""
    sections = []
    number = 0
    for chat in chats:
        heading: Texts = ()
        if chat.title:
            heading = (chat.title[:HEADING_CHARS],)
        for message in chat.messages:
            number += 1
            when = ""
            if message.time:
                when = f" ({message.time})"
            said = f"{message.author}{when}: {message.text}\n\n"
            sections.append(Section(said, heading, f"message {number}"))
    times = [
        message.time for chat in chats for message in chat.messages if message.time
    ]
    return Reading(
        sections,
        title=chats[0].title if len(chats) == 1 else "",
        notices=notices,
        created=min(times, default="")[:10],
    )


def _chats(value: Any, title: str, depth: int) -> Iterator[Chat]:
    if not depth:
        return
    messages: list[Message] = []
    below: Iterable[Any] = ()
    match value:
        case list():
            messages = _messages(value)
            below = value
        case dict():
            title = _title(value) or title
            messages = _thread(value)
            below = value.values()
    if messages:
        yield Chat(title, messages)
        return
    for inner in below:
        if isinstance(inner, (dict, list)):
            yield from _chats(inner, title, depth - 1)


def _messages(values: list[Any]) -> list[Message]:
    """The messages of a list, [] where it is a list of something else."""
    objects = [value for value in values if isinstance(value, dict)]
    if not objects or len(objects) < len(values):
        return []
    spoken = [message for value in objects if (message := _message(value))]
    if len(spoken) >= SHARE * len(objects):
        return spoken
    return []


def _thread(chat: Object) -> list[Message]:
    """The messages of a ChatGPT export, which is a tree: the branch that was shown last, from its root on."""
    mapping = chat.get("mapping")
    if not isinstance(mapping, dict):
        return []
    key = chat.get("current_node")
    if key not in mapping:
        return _messages_of(mapping.values())
    branch: dict[Any, Any] = {}
    while key in mapping and key not in branch:
        branch[key] = mapping[key]
        match mapping[key]:
            case {"parent": key}:
                pass
            case _:
                break
    return _messages_of(reversed(branch.values()))


def _messages_of(nodes: Iterable[Any]) -> list[Message]:
    messages = []
    for node in nodes:
        match node:
            case {"message": dict(inner)}:
                messages.append(_message(inner))
    return list(filter(None, messages))


def _message(value: Object) -> Message | None:
    """An object as a message, None when it has no author or no text, or is called something."""
    if not NO_MESSAGE.isdisjoint(value):
        return None
    if "sender_name" in value:
        value = {key: _repaired(said) for key, said in value.items()}
    author = next(filter(None, (_person(value.get(key)) for key in AUTHORS)), "")
    if not author:
        return None
    text = next(filter(None, (_text(value.get(key)) for key in TEXTS)), "")
    if not text:
        return None
    stamps = (value[key] for key in TIMES if value.get(key))
    return Message(author, text, _time(next(stamps, "")))


def _repaired(said: Any) -> Any:
    """A text of Messenger, which exports the bytes of UTF-8 as letters of Latin-1."""
    try:
        if not isinstance(said, str):
            return said
        return said.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return said


def _person(value: Any) -> str:
    said = [value]
    if isinstance(value, dict):
        said = [value.get(key) for key in PERSON]
    for name in said:
        if isinstance(name, str) and name:
            return one_line(name)[:HEADING_CHARS]
    return ""


def _text(value: Any, depth: int = 4) -> str:
    """The words of a text that may be a string, a list of parts, or an object around either."""
    if isinstance(value, str):
        return value.strip()
    if not depth:
        return ""
    if isinstance(value, list):
        return _joined(value, depth - 1)
    if isinstance(value, dict):
        inner = (_text(value.get(key), depth - 1) for key in TEXTS)
        return next(filter(None, inner), "")
    return ""


def _joined(values: list[Any], depth: int) -> str:
    parts = []
    between = "\n"
    for value in values:
        if isinstance(value, str):
            # Telegram parts a sentence at its links: such parts go on where the last one ended.
            between = ""
            parts.append(value)
        else:
            parts.append(_text(value, depth))
    return between.join(filter(None, parts)).strip()


def _title(value: Object) -> str:
    for key in TITLES:
        match value.get(key):
            case {"name": str(said)} | str(said):
                if said.strip():
                    return one_line(said)
    return ""


def _time(stamp: Any) -> str:
    """A moment as "2026-05-07 10:00": of seconds or milliseconds since 1970 in UTC, or ISO as it stands."""
    try:
        seconds = float(stamp)
    except (TypeError, ValueError):
        words = stamp if isinstance(stamp, str) else ""
        return words.replace("T", " ")[:16]
    if seconds >= MILLISECONDS:
        seconds /= 1000
    if not FIRST_SECOND < seconds < MILLISECONDS:
        return ""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%d %H:%M")

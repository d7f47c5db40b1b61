"""Letters that a text writes by name, as Markdown and HTML let it: "&shy;", "&nbsp;", "&eacute;", "&#8203;".

Text is kept as it was written; what is looked for, and shown as a title or a heading, is the letter. Leaves out parsing
HTML, which knows its own. Serves `terms` and the readers.
"""

from __future__ import annotations

import re
from html import unescape

# Semicolon included: "a&b" and "?x=1&copy=2" name no letter.
_NAMED = r"&(?:[A-Za-z][A-Za-z\d]{1,31}|\#\d{1,7}|\#[xX][\da-fA-F]{1,6});"
_ENTITY = re.compile(_NAMED)
# In a word or at one: elsewhere, as in code that is about them, the name itself is what is looked for.
_AT_WORD = re.compile(rf"(?<=\w)(?:{_NAMED})+|(?:{_NAMED})+(?=\w)")
# Soft hyphen, zero-width space, word joiner, byte order mark: nobody sees them in a title.
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))


def in_letters(text: str) -> str:
    """A text with its entities as the letters that they name.

    >>> in_letters("Caf&eacute; &amp; bar, R&D; &notit;")
    'Café & bar, R&D; &notit;'
    """
    if "&" not in text:
        return text
    return _ENTITY.sub(_letter, text)


def words_in_letters(text: str) -> str:
    """The same where an entity stands at a word, and only there.

    >>> words_in_letters('Haft&shy;pflicht') == 'Haft\\u00adpflicht'
    True
    >>> words_in_letters('print("&nbsp;")')
    'print("&nbsp;")'
    """
    if "&" not in text:
        return text
    return _AT_WORD.sub(_letters, text)


def _letters(match: re.Match[str]) -> str:
    return in_letters(match.group())


def _letter(match: re.Match[str]) -> str:
    name = match.group()
    if name[1] == "#":
        return unescape(name)
    from html.entities import html5

    return html5.get(name[1:], name)


def as_seen(text: str) -> str:
    """A text without the signs that say where a word may be parted."""
    if text.isascii():
        return text
    return text.translate(_UNSEEN)

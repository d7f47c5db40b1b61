"""What a text puts in quotation marks, and whether those words stand in another text.

Word for word: case, white space, the shape of quotation marks and emphasis may differ; an ellipsis or an insertion in
brackets parts what must stand there in order. Leaves out whose words they are. Serves `verify`.
"""

from __future__ import annotations

import re

from brain.types import Span

# Straight and typographic marks; English, German, French and East Asian ones.
_PAIRED = re.compile(
    r"“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|»([^«]+)«|‹([^›]+)›|「([^」]+)」|『([^』]+)』|\"([^\"]+)\"|"
    r"(?<!\w)‘(.+?)’(?!\w)|(?<!\w)'(?=\S)([^']+ [^']*?)(?<=\S)'(?!\w)",
    re.DOTALL,
)
# A quote of several sentences, of which this is the first, or the last.
_OPEN = re.compile(r"(?:[“„«「『]|(?:^|(?<=\s))\"(?=\S))(.+)\Z", re.DOTALL)
_CLOSED = re.compile(
    r"\A(.+?)(?:[”»」』]|(?<=[^\s\d])\"(?=\s|[.,;:!?)\[]|\Z))", re.DOTALL
)
_LEFT_OUT = re.compile(r"\[[^\]\n]{0,80}\]|\(?(?:…|\.{3,}|\. \. \.)\)?")
_MARKS = str.maketrans(
    {**dict.fromkeys("’‘‚‹›`´", "'"), **dict.fromkeys("“”„«»", '"')}
    | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("*_#|\u00ad", None)
)
_AROUND = " \t\"'.,;:!?。"


def spans(text: str) -> list[Span]:
    """Where quotations stand in a text, their marks with them."""
    return [match.span() for match in _PAIRED.finditer(text)]


def quoted(text: str) -> list[str]:
    """The words in quotation marks, in order; a quote that is not closed goes on to the end of the text.

    >>> quoted("The note says: “pets are allowed”.")
    ['pets are allowed']
    """
    found = []
    for match in _PAIRED.finditer(text):
        found.append(next(filter(None, match.groups())))
    rest = _PAIRED.sub(" ", text)
    unclosed = filter(None, (_OPEN.search(rest), _CLOSED.search(rest)))
    return found + [match.group(1) for match in unclosed]


def stands_in(words: str, text: str) -> bool:
    """Whether quoted words stand in a text, word for word.

    >>> stands_in("Pets … in the flat", "The rule: pets are not allowed in the flat.")
    True
    >>> stands_in("The rent is 95", "The rent is 950.")
    False
    """
    written = _plain(text)
    place = 0
    for part in _LEFT_OUT.split(words):
        sought = _plain(part).strip(_AROUND)
        if not sought:
            continue
        whole = re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(sought)}(?!\w|[.,]\d)")
        match = whole.search(written, place)
        if match is None:
            return False
        place = match.end()
    return True


def _plain(text: str) -> str:
    """One kind of marks, no emphasis, single spaces, small letters."""
    return " ".join(text.translate(_MARKS).casefold().split())

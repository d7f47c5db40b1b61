"""How confidential a text is, as every room says it: three labels, and a text that carries its own.

Leaves out how the label of a file is found (`brain.governance.labels`) and what may follow from it. Serves every room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

# In the store, of a text for which nobody and no rule chose a label.
UNLABELLED = "unlabelled"


class Label(IntEnum):
    """How confidential a text is. What is made of several texts has the highest label of them."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2

    def __str__(self) -> str:
        """As it stands in the store, in front matter and on the command line."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Label:
        """The label of that name, in any case.

        Raises `ValueError` where there is none.
        """
        try:
            return cls[word.strip().upper()]
        except KeyError as error:
            raise ValueError(f"no label: {word}") from error


def join(labels: Iterable[Label]) -> Label:
    """The label of what is made of texts with these labels: the highest; of nothing, `PUBLIC`.

    >>> str(join([Label.PUBLIC, Label.CONFIDENTIAL, Label.INTERNAL]))
    'confidential'
    """
    return max(labels, default=Label.PUBLIC)


NOT_WALKED = (
    "what has no label counts as confidential until the folders were walked once: "
    "brain label folders"
)
# The words of the store by how strict they are, where it is not known whether the folders were walked.
_STRICTNESS = ("public", "internal", UNLABELLED, "confidential")


def _strictness(stored: str) -> int:
    """A word that is no label counts as the last."""
    if stored in _STRICTNESS:
        return _STRICTNESS.index(stored)
    return len(_STRICTNESS) - 1


def highest(stored: Iterable[str]) -> str:
    """The strictest of these words of the store; of none, that nobody chose one.

    >>> highest(["public", "unlabelled", "internal"]), highest([])
    ('unlabelled', 'unlabelled')
    """
    return max(stored, key=_strictness, default=UNLABELLED)


def lowest(stored: Iterable[str]) -> str:
    """The least strict of these words of the store; of none, that nobody chose one.

    >>> lowest(["confidential", "unlabelled"]), lowest([])
    ('unlabelled', 'unlabelled')
    """
    return min(stored, key=_strictness, default=UNLABELLED)


def no_stricter(stored: str) -> tuple[str, ...]:
    """The words of the store that are not stricter than this one.

    >>> no_stricter("internal")
    ('public', 'internal')
    """
    return _STRICTNESS[: _strictness(stored) + 1]


def raised(stored: str, said: str) -> str:
    """The label of a text that had one when another is said: the stricter. That nobody said one says nothing.

    >>> raised("public", "confidential"), raised("confidential", "public")
    ('confidential', 'confidential')
    >>> raised("public", "unlabelled"), raised("unlabelled", "public")
    ('public', 'unlabelled')
    """
    if said == UNLABELLED:
        return stored
    return highest([stored, said])


def lowers(before: str, after: str, *, walked: bool) -> bool:
    """Whether `after` in place of `before`, both words of the store, makes a text less confidential."""
    return effective(after, walked=walked) < effective(before, walked=walked)


def effective(stored: str, *, walked: bool) -> Label:
    """What counts for a text whose label in the store is `stored`.

    Without one it is confidential until a person has been shown every folder once (`walked`), internal from then on. A
    word that is no label counts as confidential.

    >>> str(effective("unlabelled", walked=False)), str(effective("unlabelled", walked=True))
    ('confidential', 'internal')
    """
    if stored == UNLABELLED:
        return Label.INTERNAL if walked else Label.CONFIDENTIAL
    try:
        return Label.of(stored)
    except ValueError:
        return Label.CONFIDENTIAL


@dataclass(frozen=True, slots=True)
class Labeled:
    """A text with its label. `origins`: ids of the chunks, episodes or skills that it was made of; a person's own words
    have none.
    """

    text: str
    label: Label
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderLabel:
    """Everything below the path `source` is at least that confidential, be it a folder or a file of many documents;
    "note:" stands for what was written here.

    `label`: a word of the store; `at`: since when, ISO 8601; `why`: who said so.
    """

    source: str
    label: str
    at: str = ""
    why: str = ""

    def covers(self, source: str) -> bool:
        """Whether a document of that source lies below it.

        >>> FolderLabel("/n", "public").covers("/n/a.md"), FolderLabel("/n", "public").covers("/notes/a.md")
        (True, False)
        >>> FolderLabel("/n/a.mbox", "public").covers("/n/a.mbox#3")
        True
        """
        begins = self.source
        if not begins.endswith((":", "/")):
            begins = f"{begins}/"
        part = f"{self.source}#"
        return source == self.source or source.startswith((begins, part))


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A document with its label. `counts_as`: what follows from the label today; `why`: what speaks for it."""

    id: str
    source: str
    title: str
    label: str
    counts_as: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """What was asked for by name, or found."""

    labels: tuple[LabelledText, ...]


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """How much there is: table ("documents", "episodes", "skills") -> label -> number. `walked`: when a person was
    shown every folder, "" while nobody was.
    """

    counts: Mapping[str, Mapping[str, int]]
    folders: tuple[FolderLabel, ...] = ()
    walked: str = ""


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What would get the label, or got it (`done`). `texts` as they were before; `lowered`: how many of them and of
    the folders it makes less confidential.
    """

    label: str
    texts: tuple[LabelledText, ...] = ()
    folders: tuple[str, ...] = ()
    lowered: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class FolderRow:
    """A folder with all that lies below it. `label`: its own, else the strictest of its files; `matter`: what its files
    seem to be, "" where it is not proposed as confidential; `words`: those that said so.
    """

    source: str
    files: int
    label: str
    matter: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderTable:
    """The folders that a person is asked about. `walked`: when they were last, "" while nobody was."""

    rows: tuple[FolderRow, ...] = ()
    walked: str = ""

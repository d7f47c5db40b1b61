"""What label a document is found to have, and why: the strictest of all that speaks.

Its own front matter (`label:` or `privacy:`), the folders that it lies in, a person who adds it, and secrets in it.
Leaves out what the store does with it (a label sticks: `brain.store.labels`), and lowering one, which only a person
may. Serves taking in, and `brain label show`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from brain.governance.detect import findings
from brain.labels import UNLABELLED, FolderLabel, Label, highest
from ingest.document import Document

CONFIDENTIAL = str(Label.CONFIDENTIAL)
WORDS = tuple(str(label) for label in Label)
LABEL_KEY = "label"
PRIVACY_KEY = "privacy"


@dataclass(frozen=True, slots=True)
class Reason:
    """What makes a text that confidential; `why` as a person is told."""

    label: str
    why: str


def label_of(reasons: Iterable[Reason]) -> str:
    """The label that follows, a word of the store."""
    return highest(reason.label for reason in reasons)


def reasons(
    document: Document, source: str, folders: Iterable[FolderLabel], given: str
) -> list[Reason]:
    """Everything that speaks for a label. `source`: its place as shown; `given`: what a person said on adding it."""
    texts = (
        document.title,
        *document.aliases,
        *document.metadata.values(),
        document.text,
    )
    found = reasons_of(texts, document.metadata, source, folders)
    if given != UNLABELLED:
        found.append(Reason(given, "given when it was added"))
    return found


def reasons_of(
    texts: Iterable[str],
    metadata: Mapping[str, str],
    source: str,
    folders: Iterable[FolderLabel],
) -> list[Reason]:
    """The same of a stored document: whether a person said it is not known any more."""
    found = list(stated(metadata))
    for folder in folders:
        if folder.covers(source):
            found.append(Reason(folder.label, f"the folder {folder.source}"))
    return [*found, *secrets(texts)]


def stated(metadata: Mapping[str, str]) -> Iterator[Reason]:
    """What a file says of itself. A word of `label:` that is none of ours means something else and says nothing; of
    `privacy:` it is taken for the strictest.
    """
    for key, value in metadata.items():
        name = key.strip().lower()
        if name not in (LABEL_KEY, PRIVACY_KEY):
            continue
        for part in value.lower().split(","):
            word = part.strip()
            why = f"its front matter says {name}: {word}"
            if word in WORDS:
                yield Reason(word, why)
            elif word and name == PRIVACY_KEY:
                yield Reason(CONFIDENTIAL, why)


def secrets(texts: Iterable[str]) -> list[Reason]:
    """One reason for each kind of secret that stands in the texts."""
    kinds = {one.kind: None for text in texts for one in findings(text)}
    return [Reason(CONFIDENTIAL, f"{kind} in it") for kind in kinds]

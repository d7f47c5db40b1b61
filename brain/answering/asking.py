"""What an answer is made with beside the question and the passages: readers, models' facts, and where it is said.

Values only. Serves `answer`, which writes or quotes, and `generate`, which lets a model write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from brain import confidence
from brain.answering.verify import Reader
from brain.protocols import Embedder
from brain.types import Measures, Span


class Say(Protocol):
    """Hears what is certain, as soon as it is. `kind`: "quote" (a sentence of the notes, cited), "sentence" (of the
    model) or "notice"; `answer`: from where to where in the text of a quote the answer stands.
    """

    def __call__(self, kind: str, text: str, answer: Span | None = None, /) -> None: ...


def quiet(_kind: str, _text: str, _answer: Span | None = None, /) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What `answer` is handed beside question and passages.

    `read`: (passage id, start, end) -> stored text, offsets within the passage. `count`: tokens of a text. `found`: the
    probability from retrieval, None when unknown. `speed`: prompt tokens a second, None when not measured. `previous`:
    the question before, for a follow-up. `anyway`: answer below the floor. `signals`: of retrieval. `listed`:
    the passages are all of a time that was asked for, in its order. `floor`, `threshold`: of `found`, the person's own
    where feedback calibrated them. `nonce`: the code of the prompt's fences, "" for a new one.
    """

    read: Reader
    count: Callable[[str], int]
    say: Say = quiet
    embedder: Embedder | None = None
    found: float | None = None
    speed: float | None = None
    previous: str = ""
    anyway: bool = False
    signals: Measures | None = None
    listed: bool = False
    floor: float = confidence.FLOOR
    threshold: float = confidence.THRESHOLD
    nonce: str = ""

    @property
    def below_floor(self) -> bool:
        """Whether the notes probably do not hold it, and nothing should be said anyway."""
        absent = confidence.absent(self.found, self.signals, self.floor)
        return absent and not self.anyway

    @property
    def in_doubt(self) -> bool:
        """Whether it is neither absent nor surely there."""
        return confidence.in_doubt(self.found, self.threshold)

"""What shall leave, as a value: texts that carry their labels, and to whom they go; and what a person is shown before.

Leaves out whether it may (`gate`). Serves the router, which makes it, and the doors, which show it.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.errors import Refused
from brain.labels import Label, Labeled, join
from brain.types import Texts

MAX_TOKENS = 1_024  # of an answer, where nobody says otherwise
BETWEEN = "\n\n"  # parts
GENERATE = "cloud.generate"
COMPARE = "cloud.shadow"  # the answer is compared, and not given


@dataclass(frozen=True, slots=True)
class Outbound:
    """One text to be written elsewhere. `system`: what the model is told of its work; `parts`: what it is asked, in
    their order; `folders`: the top folders in which all that it is made of lies, () where something lies in none.
    Raises `TypeError` for a part without a label: nobody may forget one.
    """

    task: str
    provider: str
    model: str
    system: Labeled
    parts: tuple[Labeled, ...]
    max_tokens: int = MAX_TOKENS
    folders: Texts = ()
    action: str = GENERATE

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not self.parts:
            raise TypeError("what leaves is a tuple of labelled texts")
        for part in (self.system, *self.parts):
            if not isinstance(part, Labeled):
                raise TypeError(f"a {type(part).__name__} carries no label")

    @property
    def label(self) -> Label:
        """The highest of all that it is made of."""
        return join(part.label for part in (self.system, *self.parts))

    @property
    def origins(self) -> Texts:
        """Ids of everything that it was made of, each once."""
        ids = [one for part in (self.system, *self.parts) for one in part.origins]
        return tuple(dict.fromkeys(ids))

    @property
    def text(self) -> str:
        """What the model is asked."""
        return BETWEEN.join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Shown:
    """What would leave, byte for byte: `body`, where to, and what it may cost at most in micro-dollars. `digest`: the
    SHA-256 of the address and the body, for which a yes holds. `folders`: as in `Outbound`.
    """

    body: bytes
    digest: str
    provider: str
    model: str
    host: str
    label: Label
    usd_micro: int
    tokens: int
    folders: Texts = ()


class AsksFirst(Refused):
    """A rule wants a person to see it first. `approval`: the id that `brain approve` takes."""

    def __init__(self, message: str, shown: Shown, approval: str) -> None:
        super().__init__(
            message,
            f"a yes by `brain approve {approval}` holds 15 minutes, for the same question again",
        )
        self.shown = shown
        self.approval = approval

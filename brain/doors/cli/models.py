"""The commands over models: `models list`, `advise`, `pull`, `use`.

Leaves out which models there are: `Brain` knows the built-in ones and asks Ollama for its own.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

from brain.doors.cli import completion
from brain.doors.cli.app import MODELS, group, shown
from brain.doors.cli.options import argument
from brain.doors.cli.session import Session
from brain.doors.views.keeping import Message

if TYPE_CHECKING:
    from brain.app import Brain

models = group(
    "models",
    MODELS,
    "Which models search by meaning (embed) and answer. Built in, or in Ollama on this machine.",
)

Name = Annotated[str, argument("NAME", completion.models)]


class Role(enum.StrEnum):
    """What a model can be used for."""

    embed = "embed"
    ask = "ask"


@shown("list", group=models, examples=("brain models list",))
def list_(brain: Brain) -> object:
    """The models that are there, and which are in use."""
    return brain.models.table()


@shown(
    "advise",
    group=models,
    explains=True,
    examples=("brain models advise", "brain models advise --json | jq .command"),
)
def advise(brain: Brain) -> object:
    """Which models fit this machine, how fast they were measured to be here, and the one command to run next.

    Facts only: nothing is fetched. On a machine that is too small it says that quotes alone are the better answer.
    """
    return brain.models.advise()


@shown(
    "pull",
    group=models,
    examples=("brain models pull nomic-embed-text", "brain models pull qwen3:4b"),
)
def pull(run: Session, name: Name) -> object:
    """Let Ollama fetch a model: how much came, and how long the rest takes. Ctrl-C stops it; run again, it goes on."""

    def told(_layer: str, done: int, total: int) -> None:
        run.out.progress_bytes(f"fetching {name}", done, total)

    with run.brain() as brain:
        brain.models.pull(name, told)
    return Message(f"{name} is there; `brain models use` puts it to work")


@shown(
    "use",
    group=models,
    examples=(
        "brain models use embed nomic-embed-text",
        "brain models use ask builtin",
    ),
)
def use(
    brain: Brain,
    role: Annotated[Role, argument("embed|ask")],
    name: Annotated[str, argument("NAME|auto|builtin", completion.choices)],
) -> object:
    """Choose the model that searches by meaning (embed) or answers (ask). The old one serves until the new one has
    read everything.
    """
    return Message(brain.models.use(role.value, name))

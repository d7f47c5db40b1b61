"""The commands over models: `models list`, `pull`, `use`.

Leaves out which models there are: `Brain` knows the built-in ones and asks Ollama for its own.
"""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from brain.doors.cli.app import MODELS, group, register
from brain.doors.cli.options import Json, argument
from brain.doors.cli.session import session
from brain.doors.views.keeping import Message

models = group(
    "models", MODELS, "Which models embed and answer. Built in, or in Ollama on this machine."
)

Name = Annotated[str, argument("NAME")]


class Role(enum.StrEnum):
    """What a model can be used for."""

    embed = "embed"
    ask = "ask"


@register("list", group=models, examples=("brain models list",))
def list_(context: typer.Context, as_json: Json = False) -> None:
    """The models that are there, and which are in use."""
    run = session(context)
    with run.brain() as brain:
        table = brain.models.table()
    run.show(table, as_json=as_json)


@register(
    "pull",
    group=models,
    examples=("brain models pull nomic-embed-text", "brain models pull qwen3:4b"),
)
def pull(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let Ollama fetch a model. Interrupted, it goes on where it stopped."""
    run = session(context)
    with run.brain() as brain:
        brain.models.pull(name, run.out.progress_bytes)
    message = f"{name} is there; `brain models use` puts it to work"
    run.show(Message(message), as_json=as_json)


@register(
    "use",
    group=models,
    examples=("brain models use embed nomic-embed-text", "brain models use ask builtin"),
)
def use(
    context: typer.Context,
    role: Annotated[Role, argument("embed|ask")],
    name: Annotated[str, argument("NAME|auto|builtin")],
    as_json: Json = False,
) -> None:
    """Choose the model that embeds or answers. Vectors are made anew beside the old ones, which serve until then."""
    run = session(context)
    with run.brain() as brain:
        message = brain.models.use(role.value, name) or f"{role.value}: {name}"
    run.show(Message(message), as_json=as_json)

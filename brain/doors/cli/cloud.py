"""The commands over cloud models: `cloud enable`, `cloud disable`, `cloud status`.

Turning on asks for the key and for a typed word at the terminal (`person`). Leaves the wording to `views.cloud`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli.app import LEAVING, group, register, shown
from brain.doors.cli.labels import walked
from brain.doors.cli.options import Json, argument, flag, option
from brain.doors.cli.person import only_a_person, typed_secret, typed_word
from brain.doors.cli.session import session
from brain.errors import UsageError

if TYPE_CHECKING:
    from brain.app import Brain

cloud = group(
    "cloud",
    LEAVING,
    "A model outside this machine, off until you turn it on.",
)

NO_KEY = "missing"


@register(
    "enable",
    group=cloud,
    examples=(
        "brain cloud enable anthropic",
        "brain cloud enable http://192.168.1.4:8000/v1 --model qwen3:32b --price 0,0",
    ),
)
def enable(
    context: typer.Context,
    maker: Annotated[str, argument("anthropic|openai|URL")],
    model: Annotated[
        str, option("--model", "NAME", "Of an address of your own: its model.")
    ] = "",
    price: Annotated[
        str, option("--price", "IN,OUT", "And dollars for a million tokens.")
    ] = "",
    label: Annotated[
        str, option("--label", "LABEL", "The highest that may go there.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Turn a cloud model on: you go through your folders once, the key is asked for, a test without content is sent.

    A person types the word. Nothing confidential is ever sent, whatever the rules say.
    """
    run = session(context)
    with run.brain() as brain:
        only_a_person()
        plan = brain.cloud.plan(maker, model=model, price=_price(price), label=label)
        if not as_json:
            run.show(plan, as_json=False)
        if not plan.walked and as_json:
            raise UsageError(
                "the folders are gone through first, in words",
                "run `brain label folders`, or leave out --json",
            )
        if not plan.walked:
            walked(run, brain, brain.labels.folders())
        if plan.key == NO_KEY:
            key = typed_secret(f"the key of {plan.provider} (it is not shown): ")
            brain.cloud.keep_key(plan, key)
        brain.cloud.enable(plan, partial(typed_word, "enable"))
        tried = brain.cloud.try_out(plan)
    run.show(tried, as_json=as_json)


@shown(
    "disable",
    group=cloud,
    examples=("brain cloud disable", "brain cloud disable --forget"),
)
def disable(
    brain: Brain,
    forget: Annotated[
        bool, flag("--forget", "Take the keys out of the keyring as well.")
    ] = False,
) -> object:
    """Turn every cloud model off, at once. Rules, hosts and prices stay as they are."""
    return brain.cloud.disable(forget=forget)


@shown(
    "status", group=cloud, examples=("brain cloud status", "brain cloud status --json")
)
def status(brain: Brain) -> object:
    """Whether anything may leave, where to, with whose key, what is kept there, and what is spent of each limit."""
    return brain.cloud.status()


def _price(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        reading, writing = map(float, text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no price", "as --price 3,15: for what it reads, and writes"
        ) from None
    if reading < 0 or writing < 0:
        raise UsageError("a price is not less than nothing", "as --price 0,0")
    return reading, writing

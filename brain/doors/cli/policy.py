"""The commands over the rules: `policy …`, `approve`, `halt`, `resume`.

What only a person may do asks for a typed word at the terminal (`person`). Leaves the wording to `views.policy`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli import consent
from brain.doors.cli.app import LEAVING, group, register, shown
from brain.doors.cli.evaluation import Embedder, Vectors
from brain.doors.cli.options import Json, argument, flag, option
from brain.doors.cli.person import typed_word
from brain.doors.cli.session import session
from brain.doors.views.keeping import Message

if TYPE_CHECKING:
    from brain.app import Brain

policy = group(
    "policy",
    LEAVING,
    "The rules of what may leave. One file, policy.toml, that you read, change and publish.",
)

PUBLISH = partial(typed_word, "publish")
NO_REASON = "a person stopped it"
APPROVED = "approved: ask the same again within 15 minutes, and it leaves once"


@shown("show", group=policy, explains=True, examples=("brain policy show",))
def show(brain: Brain) -> object:
    """Read the policy aloud: limits, rules with their reasons, which model serves what. Writes policy.toml at first."""
    return brain.policy.show()


@shown("check", group=policy, examples=("brain policy check",))
def check(brain: Brain) -> object:
    """Look for mistakes: names, kinds, ids, routes, models without a price. Exit 1 with the line of the first."""
    return brain.policy.check()


@shown("test", group=policy, examples=("brain policy test",))
def test(brain: Brain) -> object:
    """Hold the file against the cases of policy.test.toml: given facts, the outcome and the rule that must come."""
    return brain.policy.test()


@shown("diff", group=policy, examples=("brain policy diff",))
def diff(brain: Brain) -> object:
    """What the file says otherwise than what is in force, and which past decisions it would make otherwise."""
    return brain.policy.diff()


@shown("publish", group=policy, examples=("brain policy publish",))
def publish(brain: Brain) -> object:
    """Put the file into force: checked, tested, past decisions shown. A person types the word."""
    return brain.policy.publish(PUBLISH)


@shown(
    "set",
    group=policy,
    examples=("brain policy set cloud_usd_per_day 2", "brain policy set cloud false"),
)
def set_(
    brain: Brain,
    name: Annotated[str, argument("NAME")],
    value: Annotated[str, argument("VALUE")],
) -> object:
    """Change one limit or switch and publish it, past decisions shown. A person types the word."""
    return brain.policy.set(name, value, PUBLISH)


@shown("adopt", group=policy, examples=("brain policy adopt",))
def adopt(brain: Brain) -> object:
    """Take the rules and routes that this brain comes with; numbers, switches and addresses stay yours.

    What changes is shown, past decisions as well. A person types the word.
    """
    return brain.policy.adopt(PUBLISH)


@shown(
    "history",
    group=policy,
    kind="policies",
    examples=("brain policy history",),
)
def history(brain: Brain) -> object:
    """The policies that were in force, newest first."""
    return brain.policy.history()


@shown(
    "rollback",
    group=policy,
    examples=("brain policy rollback", "brain policy rollback 3"),
)
def rollback(brain: Brain, number: Annotated[int, argument("[NUMBER]")] = 0) -> object:
    """Put an earlier policy into force, byte for byte: the one before, or that of a number. A person types the word."""
    return brain.policy.rollback(number, PUBLISH)


@shown(
    "explain",
    group=policy,
    explains=True,
    examples=("brain policy explain", "brain policy explain 17"),
)
def explain(brain: Brain, row: Annotated[int, argument("[ID]")] = 0) -> object:
    """Why something was decided: the rules that matched, and what was known. The last one, or a row of the ledger."""
    return brain.policy.explain(row)


@shown(
    "simulate",
    group=policy,
    kind="routing",
    explains=True,
    examples=(
        "brain policy simulate",
        "brain policy simulate --answers ~/sets/ans_dev --plot curve.svg",
    ),
)
def simulate(
    brain: Brain,
    answers: Annotated[
        Path | None,
        option("--answers", "DIR", "A folder of judged questions with answers."),
    ] = None,
    embedder: Embedder = "builtin",
    vectors: Vectors = None,
    plot: Annotated[
        Path | None, option("--plot", "FILE", "Write the curve as SVG.")
    ] = None,
) -> object:
    """How much would leave, and how much better the answers would be: judged questions, a stand-in for the cloud.

    Your own questions, of `brain eval init` and `brain feedback`, over your notes; with --answers a set in stores of
    its own. Nothing leaves. The stand-in knows every answer that stands in what would be sent, so that the curve is
    the most that a cloud can add.
    """
    return brain.judge.simulate(answers, embedder=embedder, vectors=vectors, plot=plot)


@register(
    "approve",
    LEAVING,
    examples=(
        "brain approve",
        "brain approve 1a2b3c4d --view",
        "brain approve 1a2b3c4d --json",
    ),
)
def approve(
    context: typer.Context,
    approval: Annotated[str, argument("[ID]")] = "",
    view: Annotated[
        bool, flag("--view", "Also the very bytes, before you say.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let what waits leave, once, within 15 minutes; without an id what waits is listed.

    Receiver, model, price, label and sources are shown first; then a person types the word. --json shows it, and
    approves nothing.
    """
    run = session(context)
    with run.brain() as brain:
        if not approval:
            run.show(brain.policy.waiting(), "waiting", as_json=as_json)
            return
        if as_json:
            run.show(brain.policy.to_approve(approval), as_json=True)
            return
        brain.policy.approve(approval, consent.approving(run.out, view=view))
    run.show(Message(APPROVED), as_json=False)


@shown("halt", LEAVING, examples=("brain halt", 'brain halt "on holiday"'))
def halt(brain: Brain, why: Annotated[str, argument("[WHY]")] = NO_REASON) -> object:
    """Stop everything that leads out, at once and until `brain resume`. Search and local answers go on."""
    if brain.policy.halt(why):
        return Message("halted: nothing leaves this machine until `brain resume`")
    return Message("it was halted before")


@shown("resume", LEAVING, examples=("brain resume",))
def resume(brain: Brain) -> object:
    """Let go on what was halted. A person types the word."""
    if brain.policy.resume(partial(typed_word, "resume")):
        return Message("it goes on, as the policy says")
    return Message("nothing was halted")

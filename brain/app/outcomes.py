"""Every answer is an outcome: its task, who gave it, how sure it was, what it cost and how long it took.

Leaves the figures to `brain.governance.quality`, and rating to a person (`brain feedback`). Serves `ask` and
`brain quality`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from brain import prompts
from brain.app.resources import Resources
from brain.errors import BrainError
from brain.types import Answer

if TYPE_CHECKING:
    from brain.governance.complexity import Complexity

    # What `.judge` hands to the doors
    from brain.governance.quality import Figure as Figure
    from brain.governance.quality import Proposal as Proposal
    from brain.governance.quality import Share as Share

LOCAL = "local"  # `OutcomeRow.provider` of any model of this machine
MICRO = 1_000_000  # micro-dollars of a dollar
THOUSAND = 1_000
DIGEST = 12  # hex digits


@dataclass(frozen=True, slots=True)
class Made:
    """How an answer was made, beside what it says. `milliseconds`: from the question to its end; `policy`: digest of
    the one in force, "" where none was asked.
    """

    task: str
    complexity: Complexity
    milliseconds: int
    policy: str = ""


def note(resources: Resources, asked: Answer, made: Made, episode: str) -> None:
    """Keep the outcome of an answer, by the id of its episode."""
    from brain.store.spending import OutcomeRow

    now = resources.moment()
    here = asked.route != "cloud"
    cited = [citation.verified for citation in asked.citations]
    resources.store.outcomes.keep(
        OutcomeRow(
            at=int(now.timestamp()),
            day=now.date().isoformat(),
            episode=episode,
            task=made.task,
            complexity=made.complexity,
            label=asked.label or "",
            provider=LOCAL if here else asked.provider or "",
            model=asked.model or "",
            model_digest=_digest_of(resources, asked),
            prompt_digest=_prompt_digest(asked),
            policy=made.policy,
            grade=asked.sure or asked.state,
            found=_thousandths(asked.confidence.found),
            supported=_thousandths(asked.confidence.supported),
            verified=_thousandths(sum(cited) / len(cited) if cited else None),
            usd_micro=round((asked.cost_usd or 0) * MICRO),
            tokens_in=asked.context.tokens,
            tokens_out=0,
            milliseconds=made.milliseconds,
        )
    )


def _digest_of(resources: Resources, asked: Answer) -> str:
    """The digest of the model of Ollama that wrote, "" for any other."""
    if asked.provider != "ollama" or not asked.model:
        return ""
    with suppress(BrainError):  # it may have stopped since
        return resources.ollama.prove(asked.model).digest
    return ""


def _prompt_digest(asked: Answer) -> str:
    """Of the rules that stand at the head of the prompt, "" where no model wrote."""
    if asked.provider == "builtin":
        return ""
    return sha256(prompts.ANSWER_SYSTEM.encode()).hexdigest()[:DIGEST]


def _thousandths(share: float | None) -> int | None:
    return None if share is None else round(share * THOUSAND)

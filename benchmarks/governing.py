"""What governing costs: a decision of the shipped policy, and an `ask` whose answer is weak, with the cloud off.

    python -m benchmarks.governing

The decision is timed warm, against the budget of 2 ms that a person would not notice. The second figure is a ratio: the
same questions over sample_corpus with the look for a way outside, and with that look taken out, alternately in one
process. Nothing leaves.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from brain.app import Brain, outside
from brain.config import Config, Models
from brain.governance.facts import Facts, RequestFacts
from brain.governance.in_force import shipped
from brain.governance.policy import Policy
from brain.types import Request

DECISIONS = 500
ROUNDS = 6
QUESTIONS = (
    "who wants a roof over the bicycles?",
    "what did the dentist say of the harbour?",
    "when was the second invoice for the oven paid?",
    "how many tiles were broken in the lift?",
)


def decision() -> tuple[float, float]:
    """(median, 95th percentile) of a warm decision, in milliseconds of processor."""
    policy = Policy.parse(shipped()).with_flags({"cloud": True})
    facts = Facts(request=RequestFacts(label="public", usd_estimate=4_000))
    policy.decide("cloud.generate", facts)
    took = []
    for number in range(DECISIONS):
        asked = replace(facts, request=replace(facts.request, usd_estimate=number))
        began = time.process_time()
        policy.decide("cloud.generate", asked)
        took.append(1_000 * (time.process_time() - began))
    took.sort()
    return statistics.median(took), took[int(0.95 * len(took))]


def with_and_without(brain: Brain) -> tuple[float, float]:
    """Processor seconds of QUESTIONS with the look for a way outside, and without it; medians of ROUNDS."""
    looked = outside.opened
    spent: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS):
        governed = number % 2 == 0
        outside.opened = looked if governed else _shut
        began = time.process_time()
        for question in QUESTIONS:
            brain.ask(Request(question, look=False, record=False))
        spent[governed].append(time.process_time() - began)
    outside.opened = looked
    return statistics.median(spent[True]), statistics.median(spent[False])


def _shut(*_given: object) -> None:
    """No way outside is looked for."""


def main() -> None:
    """Print both figures."""
    middle, late = decision()
    print(f"a warm decision: {middle:.2f} ms, 95 of 100 within {late:.2f} ms [2 ms]")
    with tempfile.TemporaryDirectory() as home:
        models = Models(embed="wordllama", ask="builtin", reader="off")
        with Brain(Config(home=Path(home), models=models)) as brain:
            brain.add([Path("sample_corpus")])
            for question in QUESTIONS:  # loads what the first question loads
                brain.ask(Request(question, look=False, record=False))
            governed, bare = with_and_without(brain)
    print(f"weak answers with the cloud off: x {governed / bare:.3f} [1.03]")


if __name__ == "__main__":
    main()

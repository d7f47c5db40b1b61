"""The last step of recall: what retrieval found, put in the order in which a person would want to be reminded.

Relevance decides; recency and importance only settle what is close. Leaves out retrieval itself (`brain.retrieval`
works over memory as over knowledge) and any model. Serves `Brain.recall`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from brain.types import Episode, Passages

DEPTH = 50  # of the passages that retrieval found; those behind them are left out
# Shares of the best passage's score: together they cannot lift a round over one that is a twelfth of the best score
# better. Small until an evaluation with a "now" chooses them: the sets at hand have none.
RECENCY = 0.04
IMPORTANCE = 0.04
CORRECTED = (
    0.08  # off a round that a later one corrects: the correction stands above it
)
HALF_LIFE = timedelta(days=60)  # of recency
# a round dated further ahead has a wrong clock and gets no recency
FUTURE_SLACK = timedelta(days=1)

IMPORTANT_TAGS = frozenset(
    "decision decided promise starred star important correction pinned".split()
)
_IMPORTANT_WORDS = re.compile(
    r"\b(?:we|i|they)(?:'ve| have)?\s+(?:decided|chose|agreed|settled on|promised)\b|\bdecision:|\bi promise\b|"
    r"\bcorrection:|\b(?:that|it) was wrong\b",
    re.I,
)
LOOKED_AT = 2_000  # characters of a round that are looked at for such words


def rerank(
    passages: Passages,
    episodes: Mapping[str, Episode],
    *,
    now: datetime,
    corrected: Collection[str] = (),
    timed: bool = False,
) -> list[tuple[Episode, float]]:
    """(episode, score), best first, of the first DEPTH passages whose id is in `episodes`; scores keep their scale.

    `corrected`: ids that a later round supersedes. `timed`: the question named a time, so recency counts nothing.
    """
    found = [
        (episodes[passage.id], passage.score)
        for passage in passages[:DEPTH]
        if passage.id in episodes
    ]
    best = max((abs(score) for _, score in found), default=0.0)
    ranked = []
    for episode, score in found:
        extra = IMPORTANCE * importance(episode) - CORRECTED * (episode.id in corrected)
        if not timed:
            extra += RECENCY * recency(episode.at, now)
        ranked.append((episode, score + best * extra))
    # stable: equal ones stay in the order of retrieval
    return sorted(ranked, key=lambda item: -item[1])


def recency(at: str, now: datetime) -> float:
    """1 for now, one half after HALF_LIFE, towards 0; 0 for what has no readable date or one in the future."""
    try:
        moment = datetime.fromisoformat(at)
        zone = now.tzinfo or moment.tzinfo
        if not moment.tzinfo:
            moment = moment.replace(tzinfo=zone)
        age = now.replace(tzinfo=zone) - moment
    except (ValueError, OverflowError, TypeError):
        return 0.0
    if age < -FUTURE_SLACK:
        return 0.0
    return float(0.5 ** (max(age, timedelta(0)) / HALF_LIFE))


def importance(episode: Episode) -> float:
    """1 for a decision, a correction, a promise or a starred round, else 0: by rule, never by a model."""
    tags = map(str.lower, episode.tags)
    if episode.supersedes or not IMPORTANT_TAGS.isdisjoint(tags):
        return 1.0
    if _IMPORTANT_WORDS.search(episode.text[:LOOKED_AT]):
        return 1.0
    return 0.0

"""How sure: `found` (is it in the notes at all?) and `supported` (does the answer follow?), and the checkable grade.

Logistic models with shipped coefficients; that of the search is refitted toward them on a person's feedback (maximum a
posteriori with a Gaussian prior: few answers move it little). Leaves out measuring: signals come from retrieval and
reading, features of an answer from the answerer, all as named numbers. Fitted by benchmarks/fit_confidence.py and
fit_answers.py, figures in benchmarks/CONFIDENCE.md. Serves `ask` and `search`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from brain.fitted import FITTED
from brain.types import AnswerState, Measures

INTERCEPT = "intercept"
# Of `found` from the search alone: below it "not in your notes"; at most 2 % false absences on the sets left out.
FLOOR = 0.035
# Of `found`: from here on at most one in five topics is absent, with 90 % confidence; below it: unsure.
THRESHOLD = 0.32
# Of `supported`: from here on an answer is called *answered*, and *likely*; of those called so about 85, and 60, of 100
# are right where half of all questions have no answer in the notes (benchmarks/CONFIDENCE.md).
ANSWERED_AT = 0.70
LIKELY_AT = 0.40
# The same where nothing was read: by words alone a near miss looks like an answer.
ANSWERED_BY_WORDS = 0.89
LIKELY_BY_WORDS = 0.57
# Of `found` where passages were read as well: below it "not in your notes"; at most 2 % false absences.
READ_FLOOR = 0.12
# Of the answer reader's best margin over all passages, in logits: from there on its passage may answer.
MAY_ANSWER = 0.0
# Of its best relevance: from there on the passage is shown, whatever it may lack. A list or the head of a mail holds no
# span that the reader would name, and of near misses half lie there too.
RELEVANT = 2.0
MAX_UNCITED = 0.25  # share of uncited sentences from which an answer is weak
# Share of the idf, of a question without English function words, from which the search never calls it absent.
FOREIGN_COVERAGE = 0.4
# Of the signal `matched`: 12 nats, three or four rare words; from there on the search never calls it absent.
MUCH_MATCHED = 0.6
# Of the questions that the notes cannot answer: the topic is there, the fact is not.
NEAR_MISSES = 1 / 3
TINY = 1e-9  # of a probability or of odds: no division by nothing
MOST_LOG_ODDS = 8.0  # one in three thousand: beyond it nothing was measured
# Of a coefficient around the shipped one: 30 rows move the probability by about .1.
PRIOR_VARIANCE = 0.25
NEWTON_STEPS = 25  # at most; three to six are enough
NEWTON_CLOSE = 1e-8  # change of a coefficient at which it stops
# feature -> coefficient: with vectors, without, and for the first quoted sentence
FOUND: Measures = FITTED["found"]
FOUND_BY_WORDS: Measures = FITTED["found_by_words"]
# The same where the answer reader read the passages and its "no answer here" counts.
FOUND_BY_READING: Measures = FITTED["found_by_reading"]
SUPPORTED: Measures = FITTED["supported"]
ANSWERS: Measures = FITTED["answers"]  # the same where the answer reader read


def found(signals: Measures, coefficients: Measures | None = None) -> float:
    """The probability that the notes hold it, 0 to 1, from `Retrieved.signals`.

    Never below FLOOR when every rare term of the question stands in one chunk, nor when much of it does. Always below
    it when no word of the question, no relative and no misspelling of one stands in what was read, and vectors are
    those of the built-in embedder, which knows little more than words: of 9,642 answerable questions none is like
    that.
    """
    shipped = FOUND if signals.get("has_dense") else FOUND_BY_WORDS
    chance = among_near_misses(probability(signals, coefficients or shipped))
    if signals.get("rare_together") or much_there(signals):
        return max(chance, FLOOR)
    nothing = signals.get("matched") == 0 and not signals.get("sentence_cosine")
    if not nothing:
        return chance
    return min(chance, FLOOR / 2)


def much_there(signals: Measures) -> bool:
    """Whether one passage holds so much of the question that the search never calls it absent: a long claim has words
    that stand nowhere, and still its topic is there. Of other languages, whose function words weigh too, a share is
    enough.
    """
    if signals.get("foreign"):
        return signals.get("coverage_best", 0.0) >= FOREIGN_COVERAGE
    return signals.get("matched", 0.0) >= MUCH_MATCHED


def supported(features: Measures) -> float:
    """The probability that the first quoted sentence answers the question; for the extractive answerer only.

    By what the answer reader says, where it read the passages, else by words.
    """
    return probability(features, ANSWERS if features.get("read") else SUPPORTED)


def after_reading(
    chance: float | None,
    signals: Measures,
    floor: float,
    coefficients: Measures = FOUND_BY_READING,
) -> float | None:
    """The probability that the notes hold it, when the first passages were read as well. `chance`: from the search
    alone. It stands where the reader cannot tell; where it lies below the floor and no passage seems to answer, reading
    does not raise it.
    """
    if chance is None or not signals.get("tells_absence"):
        return chance
    read = probability(signals, coefficients)
    nothing = chance < floor and signals["margin_anywhere"] < MAY_ANSWER
    return min(chance, read) if nothing else read


def floor_of(signals: Measures | None, floor: float) -> float:
    """Below which `found` a question is absent. `floor`: where only the search can tell."""
    tells = (signals or {}).get("tells_absence")
    return READ_FLOOR if tells else floor


def absent(chance: float | None, signals: Measures | None, floor: float) -> bool:
    """Whether the notes probably do not hold it: `found` lies below its floor, and no passage that was read seems to
    answer, or is so near to the question that a person should see it.
    """
    if chance is None or chance >= floor_of(signals, floor):
        return False
    known = signals or {}
    if not known.get("read"):
        return True
    may_answer = known["margin_anywhere"] >= MAY_ANSWER
    return not may_answer and known["relevance_anywhere"] < RELEVANT


def in_words(chance: float | None, *, read: bool) -> AnswerState:
    """How sure an answer is, from the probability that it is right. `read`: the answer reader read the passage."""
    answered, likely = ANSWERED_BY_WORDS, LIKELY_BY_WORDS
    if read:
        answered, likely = ANSWERED_AT, LIKELY_AT
    if chance is None or chance < likely:
        return "check"
    return "answered" if chance >= answered else "likely"


def in_doubt(chance: float | None, threshold: float = THRESHOLD) -> bool:
    """Whether `found` lies in the unsure band: not absent, not surely there. Unknown is no doubt."""
    return chance is not None and chance < threshold


def grade(
    *, claims: int, uncited: int, unverified: int, found: float | None
) -> Literal["strong", "weak"]:
    """The checkable grade of a written answer: weak when a sentence is not borne out by its citation, when more than
    one in four has none, when there is no claim at all, or when `found` is in doubt.
    """
    weak = (
        unverified > 0
        or claims == 0
        or uncited > MAX_UNCITED * claims
        or in_doubt(found)
    )
    return "weak" if weak else "strong"


def probability(features: Measures, coefficients: Measures) -> float:
    """The logistic function of the weighted sum; a feature that is not there counts as 0."""
    known = {**features, INTERCEPT: 1.0}
    z = sum(weight * known.get(name, 0.0) for name, weight in coefficients.items())
    # Of the two ways to write it the one that cannot overflow.
    small = math.exp(-abs(z))
    return (1 if z >= 0 else small) / (1 + small)


def among_near_misses(chance: float) -> float:
    """The probability when one absent fact in three is a near miss, which retrieval cannot tell from a present one.

    `chance` knows only topics that are absent. With odds r for those, the odds become r / (2/3 + r/3): at most 3 to 1.
    """
    r = chance / max(1 - chance, TINY)
    return r / (r + (1 - NEAR_MISSES) + NEAR_MISSES * r)


def topic_log_odds(chance: float | None) -> float:
    """The log odds that `among_near_misses` was given, from what it gave; 0 when unknown. Within ±MOST_LOG_ODDS."""
    if chance is None:
        return 0.0
    rest = 1 - chance * (1 + NEAR_MISSES)
    r = (1 - NEAR_MISSES) * chance / max(rest, TINY)
    log_odds = math.log(max(r, TINY))
    return min(max(log_odds, -MOST_LOG_ODDS), MOST_LOG_ODDS)


def refit(rows: Sequence[tuple[Measures, bool]], shipped: Measures) -> dict[str, float]:
    """Coefficients moved toward a person's feedback: the maximum a posteriori under a Gaussian prior around `shipped`.

    `rows`: (features, was it right). Newton's method on the penalised log-likelihood, which is convex; no rows, no
    change.
    """
    import numpy as np

    names = list(shipped)
    prior = np.array(list(shipped.values()))
    tightness = np.eye(len(names)) / PRIOR_VARIANCE
    x = np.zeros((len(rows), len(names)))
    right = np.zeros(len(rows))
    for row, (features, was_right) in enumerate(rows):
        known = {**features, INTERCEPT: 1.0}
        x[row] = [known.get(name, 0.0) for name in names]
        right[row] = was_right
    coefficients = prior.copy()
    for _ in range(NEWTON_STEPS):
        z = x @ coefficients
        chances = np.exp(-np.logaddexp(0.0, -z))
        doubt = chances * (1 - chances)
        slope = x.T @ (chances - right) + (coefficients - prior) / PRIOR_VARIANCE
        curve = (x.T * doubt) @ x + tightness
        change = np.linalg.solve(curve, slope)
        coefficients -= change
        if np.abs(change).max() < NEWTON_CLOSE:
            break
    return dict(zip(names, coefficients.tolist(), strict=True))

"""`brain policy simulate`: what the router would send away, and what that is worth, on questions with known answers.

Every question is asked here, and a weak answer a second time, as the router does it. A stand-in cloud then answers from
the gold: it is right wherever the notes hold the answer. A threshold on the probability of the local answer gives a
point of the curve: which share of the questions is sent, which share is right; random routing is a straight line
between the same two ends. Leaves out every real cloud, the rules and the money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.evaluation import retrieval
from brain.evaluation.answerability import ANSWERABLE
from brain.evaluation.answers import Asked, asked
from brain.evaluation.folder import read_set
from brain.evaluation.metrics import mean
from brain.evaluation.retrieval import Setup
from brain.reports import Figures

LEVELS = ("check", "likely", "answered")  # how sure an answer must be, from any to most
NOT_FOUND = "not_found"
STEPS = 20  # points of the curve besides its ends
WIDTH, HEIGHT, EDGE = 640, 420, 56  # of the picture, in pixels


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold. `sent`: share of the answerable questions that go to the cloud; `right`: share answered right;
    `random`: the same where as many were sent by chance; `absent`: kind -> share of those questions that go.
    """

    threshold: float
    sent: float
    right: float
    random: float
    absent: dict[str, float]


def simulate(directory: Path, setup: Setup, least: float = 0.0) -> Figures:
    """The report: the curve, and the point of each word that a route may ask for. `least`: of `found`, below which
    nothing is sent.
    """
    judged = read_set(directory)
    rows = []
    for part, brain, _names in setup.stores(judged, retrieval.fill):
        for number, query in enumerate(part.queries, 1):
            rows.append(asked(brain, query, second=True))
            setup.progress("questions", number, len(part.queries))
    return {"set": judged.name} | figures(rows, least)


def figures(rows: Sequence[Asked], least: float = 0.0) -> Figures:
    """All figures of these questions."""
    chances = sorted(row.supported for row in rows if row.word != NOT_FOUND)
    every = max(len(chances) // STEPS, 1)
    thresholds = [0.0, *chances[::every], 1.01]
    levels = {}
    for level in LEVELS[1:]:
        weaker = LEVELS[: LEVELS.index(level)]
        sent = [row.word in weaker and row.found >= least for row in rows]
        levels[level] = _told(_point(rows, sent, 0.0))
    return {
        "queries": len(rows),
        "least": least,
        "curve": [_told(_at(rows, at, least)) for at in dict.fromkeys(thresholds)],
        "levels": levels,
    }


def _at(rows: Sequence[Asked], threshold: float, least: float) -> Point:
    """The point of one threshold. What the notes hardly hold is never sent."""
    sent = []
    for row in rows:
        held = row.word != NOT_FOUND and row.found >= least
        sent.append(held and row.supported < threshold)
    return _point(rows, sent, threshold)


def _point(rows: Sequence[Asked], sent: Sequence[bool], threshold: float) -> Point:
    pairs = list(zip(rows, sent, strict=True))
    present = [(row, goes) for row, goes in pairs if row.kind == ANSWERABLE]
    share = mean([float(goes) for _row, goes in present])
    local = mean([float(row.right) for row, _goes in present])
    kinds = sorted({row.kind for row in rows} - {ANSWERABLE})
    absent = {}
    for kind in kinds:
        absent[kind] = mean([float(goes) for row, goes in pairs if row.kind == kind])
    return Point(
        threshold,
        share,
        mean([float(row.right or goes) for row, goes in present]),
        local + share * (1 - local),
        absent,
    )


def _told(point: Point) -> Figures:
    return {
        "threshold": round(point.threshold, 4),
        "sent": round(point.sent, 4),
        "right": round(point.right, 4),
        "random": round(point.random, 4),
        "absent": {kind: round(share, 4) for kind, share in point.absent.items()},
    }


def picture(report: Figures) -> str:
    """The curve as SVG: share sent to the right, share right upwards, random routing as a dashed line."""
    curve = report["curve"]
    lowest = min(point["right"] for point in curve)
    routed = _line([(point["sent"], point["right"]) for point in curve], lowest)
    chance = _line([(point["sent"], point["random"]) for point in curve], lowest)
    marks = []
    for name, point in report["levels"].items():
        x, y = _place(point["sent"], point["right"], lowest)
        marks.append(
            f'<circle cx="{x}" cy="{y}" r="4"/><text x="{x + 8}" y="{y + 4}">{name}</text>'
        )
    left, bottom = _place(0, lowest, lowest)
    right, top = _place(1, 1, lowest)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>',
            f'<path d="{chance}" fill="none" stroke="gray" stroke-dasharray="4 4"/>',
            f'<path d="{routed}" fill="none" stroke="black" stroke-width="2"/>',
            *marks,
            f'<text x="{left}" y="{bottom + 32}">share sent to a cloud, 0 to 100 %</text>',
            f'<text x="{left}" y="{top - 16}">share right, {lowest:.0%} to 100 %; dashed: sent at random</text>',
            "</svg>",
            "",
        ]
    )


def _line(points: Sequence[tuple[float, float]], lowest: float) -> str:
    places = [_place(sent, right, lowest) for sent, right in sorted(points)]
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _place(sent: float, right: float, lowest: float) -> tuple[int, int]:
    """Pixels of a point."""
    room = max(1 - lowest, 0.01)
    x = EDGE + round(sent * (WIDTH - 2 * EDGE))
    y = HEIGHT - EDGE - round((right - lowest) / room * (HEIGHT - 2 * EDGE))
    return x, y

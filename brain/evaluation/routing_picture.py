"""The curve of routing as SVG: share sent to the right, share right upwards, random routing as a dashed line.

Handed the report of `routing`. Serves `brain policy simulate --plot`.
"""

from __future__ import annotations

from collections.abc import Iterable

from brain.reports import Figures

WIDTH, HEIGHT, EDGE = 640, 420, 56  # of the picture, in pixels
OPENING = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    'font-family="sans-serif" font-size="12">'
)


def picture(report: Figures) -> str:
    """The whole picture. The points of the words, and of the policy, are marked."""
    curve = report["curve"]
    lowest = min(min(point["right"], point["random"]) for point in curve)
    frame = _Frame(lowest)
    routed = frame.line((point["sent"], point["right"]) for point in curve)
    chance = frame.line((point["sent"], point["random"]) for point in curve)
    left, bottom = frame.place(0, lowest)
    right, top = frame.place(1, 1)
    across = "share sent to a cloud, 0 to 100 %"
    upward = f"share right, {lowest:.0%} to 100 %; dashed: sent at random"
    lines = [
        OPENING,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>',
        f'<path d="{chance}" fill="none" stroke="gray" stroke-dasharray="4 4"/>',
        f'<path d="{routed}" fill="none" stroke="black" stroke-width="2"/>',
    ]
    marked = {**report["levels"], "policy": report["policy"]}
    for name, point in marked.items():
        lines.append(frame.mark(name, point["sent"], point["right"]))
    lines.append(f'<text x="{left}" y="{bottom + 32}">{across}</text>')
    lines.append(f'<text x="{left}" y="{top - 16}">{upward}</text>')
    return "\n".join([*lines, "</svg>", ""])


class _Frame:
    """Where a point stands. `lowest`: the share right at the bottom."""

    def __init__(self, lowest: float) -> None:
        self._lowest = lowest
        self._room = max(1 - lowest, 0.01)

    def place(self, sent: float, right: float) -> tuple[int, int]:
        """Pixels of a point."""
        x = EDGE + round(sent * (WIDTH - 2 * EDGE))
        up = (right - self._lowest) / self._room
        return x, HEIGHT - EDGE - round(up * (HEIGHT - 2 * EDGE))

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """A path through the points, from left to right."""
        places = [self.place(sent, right) for sent, right in sorted(points)]
        return "M" + "L".join(f"{x} {y}" for x, y in places)

    def mark(self, name: str, sent: float, right: float) -> str:
        """A point with its name."""
        x, y = self.place(sent, right)
        dot = f'<circle cx="{x}" cy="{y}" r="4"/>'
        return f'{dot}<text x="{x + 8}" y="{y + 4}">{name}</text>'

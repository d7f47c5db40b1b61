"""A conditional logit over the candidates of each question: what is right against the others of the same question.

Every set has the same mass, whatever its size. Serves fit_answers.py (sentences) and fit_reading.py (passages).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

TINY = 1e-12  # of a share: no logarithm of nothing
Row = tuple[str, Any, Any]
"""(the set, the signs of each candidate, whether each is right)."""


def fit(rows: Sequence[Row], *, ridge: float, mass: float) -> Any:
    """Coefficients in the units of the signs. `ridge`: of standardised signs; `mass`: of each set."""
    telling = [row for row in rows if len(row[1]) and row[2].any()]
    counts = Counter(name for name, _signs, _right in telling)
    spread = np.concatenate([signs for _name, signs, _right in telling]).std(0) + 1e-9

    def loss(w: Any) -> tuple[float, Any]:
        cost, slope = ridge * w @ w / 2, ridge * w
        for name, signs, right in telling:
            x = signs / spread
            raised = np.exp(x @ w - (x @ w).max())
            share = raised / raised.sum()
            held = share * right
            weight = mass / counts[name]
            cost -= weight * np.log(held.sum() + TINY)
            slope = slope - weight * x.T @ (held / (held.sum() + TINY) - share)
        return float(cost), slope

    start = np.zeros(len(spread))
    return minimize(loss, start, jac=True, method="L-BFGS-B").x / spread

"""The head that computes `found`: the person's calibrated one, or the shipped one.

Apart from `judging`, so that a search by words loads nothing of feedback. Leaves out fitting it.
"""

from __future__ import annotations

from brain.app.parts import Parts
from brain.evaluation import calibrate as calibration
from brain.evaluation.calibrate import Head

HEAD = "confidence_head"  # setting: the head that `brain eval calibrate` fitted, as JSON


def head(parts: Parts) -> Head:
    """What `found` computes with."""
    return calibration.loaded(parts.store.library.setting(HEAD))

"""The doctor's check of files that could not be read: D19. Warns, names each with its reason, and repairs nothing.

Leaves trying again to `sync`, and what a rule leaves out to `status --skipped`.
"""

from __future__ import annotations

from brain.keeping.findings import Examined, Finding
from brain.store.skipped import LeftOut

FAILURES = ("unreadable", "refused", "cut")
HINT = "`brain add FILE` reads it again, `brain sync` what may be well by itself; all: `brain status --skipped`"


def not_read(examined: Examined) -> Finding:
    """D19: every file that was looked at could be read whole."""
    left_out = examined.store.skipped.all()
    faults = [_said(left) for left in left_out if left.why.kind in FAILURES]
    return Finding(faults, HINT, error=False)


def _said(left: LeftOut) -> str:
    said = f"{left.why.source}: {left.why.reason}"
    if left.tries > 1:
        said += f", tried {left.tries} times"
    if left.older:
        said += ", its older text is what is found"
    return said

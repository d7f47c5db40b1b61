"""What a look at the registered folders would read, and what did not go in and why. Reads and writes nothing of them.

Serves `status` and `.library.left_out`. Leaves looking to `brain.app.look` and taking in to `brain.app.sync`.
"""

from __future__ import annotations

from pathlib import Path

from brain.app.file_facts import path_of
from brain.app.intake import Intake
from brain.app.resources import Resources
from brain.reports import NotRead

FAILURES = ("unreadable", "refused")
# Kinds that a rule of walking gives, in the order in which a person wants to see them behind the rest
LAST = ("ignored", "hidden", "generated", "temporary", "template", "export", "link")


def newer_files(resources: Resources) -> int:
    """How many files of the registered folders are new or changed since they were read."""
    count = 0
    for path in _folders(resources):
        look = Intake.of(resources).look(path, question=True)
        count += len(look.surely(look.changed()))
    return count


def noted(resources: Resources) -> list[NotRead]:
    """What the looks until now left out and noted, in the order of the paths."""
    found = []
    for left in resources.store.skipped.all():
        why = left.why
        found.append(
            NotRead(
                why.source,
                why.kind,
                why.reason,
                why.hint,
                retried=left.passing,
                tries=left.tries,
                older=left.older,
                seen_at=left.seen_at,
            )
        )
    return found


def left_out(resources: Resources) -> list[NotRead]:
    """The same, and what the rules leave out of the registered folders as they are now."""
    found = noted(resources)
    known = {item.source for item in found}
    for path in _folders(resources):
        intake = Intake.of(resources)
        intake.look(path).changed()
        for why in intake.tally.skipped:
            if why.source not in known:
                known.add(why.source)
                found.append(NotRead(why.source, why.kind, why.reason, why.hint))
    return sorted(found, key=lambda item: (item.kind in LAST, item.kind, item.source))


def _folders(resources: Resources) -> list[Path]:
    """The registered folders that are there."""
    roots = resources.store.library.roots()
    paths = [Path(path_of(str(root["uri"]))) for root in roots]
    return [path for path in paths if path.exists()]

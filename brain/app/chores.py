"""What a server does every night: look at all folders, compute the vectors that are missing, back up, examine.

Each says in one line what came of it; no text of a note is in it. Leaves when they are run to the door, and the work
to the modules of each verb. Serves `brain.app.service`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from brain.app.folders import Folders
from brain.app.keep import Keep
from brain.app.resources import Resources
from brain.app.sync import look_at, sync
from brain.keeping import backup as backups
from brain.types import AddReport

Outcome = tuple[bool, str]
"""Whether it went well, and what came of it."""

CHANGED = ("added", "updated", "renamed", "removed")
NO_RULE = (
    "no backup was made: no rule is kept; give one once: brain backup --keep 7d,4w,12m"
)
SEALED = (
    "no backup was made: the last one is encrypted, and nobody is there to type the passphrase; "
    "let your own timer run: brain backup --recipient KEY --keep RULE"
)


def folders(resources: Resources) -> Outcome:
    """What was missed while nobody watched."""
    report = look_at(resources, Folders(resources).places())
    counts = [(getattr(report, name), name) for name in CHANGED]
    said = ", ".join(f"{count:,} {name}" for count, name in counts if count)
    missing = [root.path for root in Folders(resources).all() if root.state != "ok"]
    if missing:
        return False, f"not there: {', '.join(missing)}; nothing of it was forgotten"
    return True, said or "nothing had changed"


def vectors(resources: Resources) -> Outcome:
    """The vectors that no command had the time for, and the files of the index."""
    report: AddReport = sync(resources)
    if report.waiting is None:
        return False, "how many passages wait is not known until the model answers"
    if report.waiting:
        return False, f"{report.waiting:,} passages wait; `brain status` says for what"
    return True, "nothing waits"


def backup(resources: Resources) -> Outcome:
    """One more, where the last one lies, and older ones out by the rule that was kept."""
    store = resources.store
    rule = store.library.setting(backups.KEEP)
    if not rule:
        return False, NO_RULE
    made = [one for one in backups.made(store, resources.config) if not one.aside]
    newest = made[0] if made else None
    if newest and newest.sealed:
        return False, SEALED
    folder = newest.path.parent if newest else None
    report = Keep(resources).backup(folder, keep=rule)
    return True, f"{report.path} is proven"


def doctor(resources: Resources) -> Outcome:
    """Every check that is quick."""
    checks = Keep(resources).doctor()
    found = Counter(check.level for check in checks)
    wrong = [f"{check.id} {check.title}" for check in checks if check.level == "error"]
    if wrong:
        return False, f"{', '.join(wrong)}: run `brain doctor`"
    warnings = found["warning"]
    if warnings:
        return True, f"{warnings} warning{'s' * (warnings != 1)}: see `brain doctor`"
    return True, "all is well"


# In the order in which they are done: the backup holds what the first two brought.
CHORES: dict[str, Callable[[Resources], Outcome]] = {
    "folders": folders,
    "vectors": vectors,
    "backup": backup,
    "doctor": doctor,
}

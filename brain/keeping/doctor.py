"""The doctor: every check in its order, with an id that stays (docs/FAULTS.md).

It reads; with `repair` it makes derived things anew and never edits what a person put in. A check that cannot be done
is a finding of its own. Leaves out what each check does (the modules `check_…`) and the exit code. Ids that are missing
between are not given to anything. Serves `brain doctor`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from brain.errors import BrainError
from brain.keeping import (
    check_erasures,
    check_files,
    check_index,
    check_not_read,
    check_store,
)
from brain.keeping.findings import RESTORE, Examined, Finding
from brain.reports import Check

Examine = Callable[[Examined], Finding]
DEEP = ("D04", "D06", "D06R")  # the checks that read every byte
# What a row that cannot be leads to: a damaged page may bring one without its id.
NONSENSE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)

CHECKS: tuple[tuple[str, str, Examine], ...] = (
    ("D01", "home folder", check_files.permissions),
    ("D02", "database file and leftovers", check_files.leftovers),
    ("D03", "structure of the database", check_store.structure),
    ("D04", "indexes of the database", check_store.structure_deep),
    ("D05", "search by words", check_store.full_text),
    ("D06", "checksums of texts and of the search by meaning", check_store.hashes),
    ("D06R", "checksums of rows", check_store.rows),
    ("D07", "passages cover their documents", check_store.tiles),
    ("D09", "changes that wait for the search by meaning", check_index.outbox),
    ("D10", "search by meaning", check_index.generations),
    ("D11", "leftovers of the search by meaning", check_index.litter),
    ("D12", "labels", check_store.labels),
    ("D13", "rules of what may leave", check_store.policy),
    ("D14", "Ollama", check_index.models),
    ("D15", "keys in the open", check_files.keys),
    ("D16", "backups", check_files.backups),
    ("D17", "clock", check_store.clock),
    ("D18", "erasures", check_erasures.erasures),
    ("D19", "files that could not be read", check_not_read.not_read),
    ("D20", "models that ship with brain", check_index.shipped),
    ("D21", "ledger of what left this machine", check_store.ledger),
)


def examine(examined: Examined) -> list[Check]:
    """All checks, in order; those that read every byte only when `deep`."""
    done = []
    for identity, title, check in CHECKS:
        if examined.deep or identity not in DEEP:
            finding = _found(check, examined)
            done.append(finding.check(identity, title))
    return done


def _found(check: Examine, examined: Examined) -> Finding:
    """What the check found; that it could not be done, when it could not."""
    try:
        return check(examined)
    except BrainError as error:
        said = error.message
        hint = error.hint
    except sqlite3.Error as error:
        said = f"the database reported: {error}"
        hint = RESTORE
    except OSError as error:
        name = ""
        if error.filename:
            name = f"{error.filename}: "
        said = f"{name}{error.strerror}"
        hint = "check its permissions"
    except NONSENSE as error:
        said = f"what is stored makes no sense ({type(error).__name__})"
        hint = RESTORE
    return Finding((f"could not be checked: {said}",), hint)


def unopened(error: BrainError, newest_backup: str) -> list[Check]:
    """What can be said when the database does not open at all."""
    hint = error.hint
    if newest_backup and "damaged" in error.message:
        hint = f"`brain restore {newest_backup}` brings back the newest backup"
    return [Check("D03", "structure of the database", "error", error.message, hint)]

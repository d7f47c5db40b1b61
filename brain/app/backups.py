"""Where backups of this store lie and which rule thins them out: what backing up notes and erasing needs to know.

Leaves making, proving and removing copies to `brain.keeping.backup`.
"""

from __future__ import annotations

import json
from pathlib import Path

from brain.app.resources import Resources
from brain.errors import StoreError
from brain.keeping.backup import Backup, found, parse_keep, put_aside

BACKUPS = "backups"  # the folder in the home, and the setting that lists every folder used
KEEP = "backup_keep"  # setting: the last rule given to `--keep`


def backup_folders(resources: Resources) -> tuple[Path, ...]:
    """Where backups of this store were ever put."""
    kept = json.loads(resources.store.library.setting(BACKUPS) or "[]")
    folders = [resources.config.home / BACKUPS, *(Path(folder) for folder in kept)]
    return tuple(dict.fromkeys(folders))


def keep_rule(resources: Resources) -> dict[str, int] | None:
    """The last rule of retention that was given."""
    text = resources.store.library.setting(KEEP)
    return parse_keep(text) if text else None


def copies_of(resources: Resources) -> list[Backup]:
    """Every backup that can be reached, and databases put aside."""
    made = [backup for folder in backup_folders(resources) for backup in found(folder)]
    return [*made, *put_aside(resources.config.database)]


def note_folder(resources: Resources, folder: Path, keep: str) -> tuple[str, ...]:
    """Keep folder and rule in mind for erasing. A store that cannot be written needs its backup most: that is a notice."""
    own = str(resources.config.home / BACKUPS)
    folders = {str(known) for known in (*backup_folders(resources), folder)} - {own}
    wanted = {BACKUPS: json.dumps(sorted(folders)) if folders else None, KEEP: keep or None}
    library = resources.store.library
    try:
        for name, value in wanted.items():
            if value and value != library.setting(name):
                library.keep_setting(name, value)
    except StoreError as error:
        return (
            f"{error.message}: `forget --erase` will not look into {folder} until a backup was made there again",
        )
    return ()

"""What a shell may complete: names in the store, models. Nothing is opened for writing, and no model server is asked.

Leaves out the shell and how a name is written there. Serves the command line.
"""

from __future__ import annotations

from brain.app.serving import SHIPPED
from brain.config import load
from brain.store.names import names

Row = tuple[str, ...]


def stored(kind: str) -> list[Row]:
    """The names of one kind in the person's own store: "documents" (id, source, title), "tags", "folders", …"""
    return names(load().database, kind)


def models(role: str = "") -> list[str]:
    """Models that were used here, then those that can be advised: for one role, or for both."""
    from brain.models.library import EMBEDDERS, WRITERS

    advised = {"embed": EMBEDDERS, "ask": WRITERS}
    # A speed is kept of the model that ships as well, which is nobody's to fetch
    found = [name for (name,) in stored("models") if not name.startswith(SHIPPED)]
    for serves, listed in advised.items():
        if role in ("", serves):
            found += [item.name for item in listed]
    return list(dict.fromkeys(found))

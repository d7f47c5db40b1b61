"""The HTTP door over a store of a few notes, in this process: what it answers, without a port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.testclient import TestClient

from brain.app.pool import Pool
from brain.config import load
from brain.doors.http.access import Access
from brain.doors.http.app import application
from brain.doors.http.settings import Settings
from tests.end_to_end import brain

TOKEN = "a-token-of-the-home-for-tests-0123456789"
ADDRESS = "http://127.0.0.1:8420"
BEARER = {"authorization": f"Bearer {TOKEN}"}
NOTES = {
    "tea.md": "# Tea\n\nBlack tea wants water at 96 °C and four minutes.\n",
    "lease.md": "# Lease\n\nThe lease ends on 28 February 2029.\n",
}


@dataclass
class Door:
    """`client` asks with whatever headers a test gives, `own` as a program that shows the token."""

    client: TestClient
    own: TestClient
    access: Access
    pool: Pool


@contextmanager
def http_door(folder: Path, settings: Settings | None = None) -> Iterator[Door]:
    """The door over a store with `NOTES`."""
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    assert brain("add", folder).code == 0
    access = Access(TOKEN)
    with Pool(load, workers=2) as pool:
        app = application(pool, settings or Settings(), access)
        plain = TestClient(app, base_url=ADDRESS, follow_redirects=False)
        own = TestClient(app, base_url=ADDRESS, headers=BEARER)
        yield Door(plain, own, access, pool)

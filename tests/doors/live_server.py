"""The HTTP door on a free port of this machine, for clients that are programs of others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from brain.app.pool import Pool
from brain.doors.http.access import Access
from brain.doors.http.app import application, listening, server
from brain.doors.http.settings import Settings

FREE = Settings(port=0)


@contextmanager
def live_server(
    pool: Pool, access: Access, settings: Settings = FREE
) -> Iterator[Settings]:
    """Answers over the pool until the block is left; its settings, with the port that it has."""
    with listening(settings) as listens:
        settings = replace(settings, port=listens.getsockname()[1])
        running = server(application(pool, settings, access), settings)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listens]})
        thread.start()
        while thread.is_alive() and not running.started:
            time.sleep(0.01)
        try:
            yield settings
        finally:
            running.should_exit = True
            thread.join()

"""The tests of the store are those of its migrations: every store is made anew."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def empty_store() -> bytes:
    return b""

"""Writes what a fit found into brain/fitted.json: its own entries, and nothing else. Serves the fit_* scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_fitted(path: Path, **entries: Any) -> None:
    """Replace these entries of the file; the others stay as they are."""
    stored = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(stored | entries, indent=1) + "\n", encoding="utf-8")

"""The fitted numbers of ranking, confidence and quoting, as they stand in fitted.json; read once.

The file is written by benchmarks/fit_fusion.py and fit_confidence.py, each its own entries; `extract` is what
fit_extract.py prints, and `first_look` was chosen by hand, flat around its values. Leaves out what the numbers
are multiplied with. Serves `retrieval.fusion`, `confidence` and the extractive answerer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("fitted.json")
FITTED: dict[str, Any] = json.loads(FILE.read_text("utf-8"))

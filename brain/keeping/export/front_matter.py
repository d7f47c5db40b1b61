"""Writes YAML front matter so that every program reads it and the same values give the same bytes.

Written by hand, value by value, since the bytes of YAML libraries differ between versions. Leaves out what the keys
mean, and reading (`ingest.readers.front_matter`). Serves the export of documents, episodes, feedback and skills.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KEY_CHARACTERS = (
    1_000  # YAML allows 1,024 in a simple key; longer ones are written as `? key`
)
_PLAIN = re.compile(r"[A-Za-z_](?:[\w ./()-]*[\w/()])?", re.A)
_WORDS = frozenset(
    "y n yes no on off true false null".split()
)  # something else to YAML 1.1
_HIDDEN = re.compile(
    "[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


def dump(values: Mapping[str, Any]) -> str:
    """The block with its two `---` lines. Values: text, numbers, lists of text, mappings of these; what is empty is
    left out, except inside a mapping.

    >>> print(dump({"title": "Tea: how hot", "tags": ["tea", "2026"], "brain": {"label": "public"}}), end="")
    ---
    title: "Tea: how hot"
    tags: [tea, "2026"]
    brain:
      label: public
    ---
    """
    return "---\n" + "".join(f"{line}\n" for line in lines_of(values)) + "---\n"


def lines_of(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The lines between, without line ends."""
    for key, value in values.items():
        if value is None:
            continue
        if not indent and not value and isinstance(value, Mapping | Sequence):
            continue
        name = _scalar(key)
        if len(name) > KEY_CHARACTERS:
            name = f"? {name}\n{indent}"
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from lines_of(value, indent + "  ")
        else:
            yield f"{indent}{name}: {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        items = ", ".join(_scalar(str(item)) for item in value)
        return f"[{items}]"
    if isinstance(value, str):
        return _scalar(value)
    return json.dumps(value)


def _scalar(text: str) -> str:
    """Plain where nobody can misread it, else in double quotes with JSON's escapes, which are YAML's too."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _HIDDEN.sub(
        lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False)
    )

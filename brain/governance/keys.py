"""The keys of cloud models: in the keyring of this machine, else in the variable that the maker's own tools read.

A key enables nothing by itself; the policy does. A key of one maker is never handed to another: an address that a
person named has none but its own. Leaves out sending it (`brain.models.cloud_wire`). Serves the gate and `brain cloud`.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from brain.errors import BrainError, Refused
from brain.models.makers import COMPATIBLE_KIND, Maker

SERVICE = "brain"  # under which the keyring keeps them


def key_of(maker: Maker) -> str:
    """The key. "" for an address of one's own that needs none. Raises `Refused` where a maker's is missing."""
    found = kept(maker) or os.environ.get(maker.key_variable, "").strip()
    if found or maker.kind == COMPATIBLE_KIND:
        return found
    raise Refused(
        f"there is no key for {maker.name}",
        f"`brain cloud enable {maker.name}` asks for it, or set {maker.key_variable}",
    )


def kept(maker: Maker) -> str:
    """The key in the keyring, "" where there is none, or no keyring."""
    keyring = _keyring()
    if keyring is None:
        return ""
    try:
        return keyring.get_password(SERVICE, maker.name) or ""
    except Exception:  # of whatever kind the keyring of this machine raises
        return ""


def keep(maker: Maker, key: str) -> None:
    """Put the key into the keyring. Raises `BrainError` where this machine has none that takes it."""
    keyring = _keyring()
    try:
        if keyring is None:
            raise LookupError
        keyring.set_password(SERVICE, maker.name, key)
    except Exception:
        where = maker.key_variable or "no variable serves an address of one's own"
        raise BrainError(
            "this machine has no keyring that keeps the key",
            f"put it into the environment instead: {where}",
        ) from None


def forget(maker: Maker) -> bool:
    """Take the key out of the keyring; False where none was there."""
    keyring = _keyring()
    if keyring is None or not kept(maker):
        return False
    keyring.delete_password(SERVICE, maker.name)
    return True


def _keyring() -> Any | None:
    """The library, None where the extra `cloud` is not installed."""
    try:
        module: ModuleType = importlib.import_module("keyring")
    except ImportError:
        return None
    return module

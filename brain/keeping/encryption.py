"""Backups that only their owner can read: age files, by a passphrase or for a public key, made and opened by pyrage.

`age --decrypt` opens them too. Leaves out where a passphrase comes from. Serves `brain backup` and `brain restore`.
A passphrase file is made and opened in memory (the library has no other way): about twice the backup's size.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from brain.config.secret import Secret
from brain.errors import BrainError, UsageError
from brain.keeping.files import FILE_MODE, flush

SUFFIX = ".age"
PASSPHRASE = "BRAIN_BACKUP_PASSPHRASE"  # the variable of the environment that holds one
MAGIC = b"age-encryption.org/"
ASCII_ARMOUR = b"-----BEGIN AGE"
HEADER_BYTES = 65_536


def is_sealed(path: Path) -> bool:
    """Whether it is an age file. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)).startswith((MAGIC, ASCII_ARMOUR))


def _locks(path: Path) -> list[bytes]:
    """What opens an age file: ["scrypt"] for a passphrase, "X25519" for each key (age-encryption.org/v1, "Header")."""
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    if start.startswith(ASCII_ARMOUR):
        text = b"".join(start.splitlines()[1:])
        start = base64.b64decode(text[: len(text) // 4 * 4])
    header, _, _payload = start.partition(b"\n---")
    return re.findall(rb"^-> (\S+)", header, re.MULTILINE)


def keys_of(path: Path) -> int:
    """For how many keys it is encrypted; 0 for a passphrase."""
    return _locks(path).count(b"X25519")


def seal(path: Path, target: Path, secret: Secret) -> None:
    """Encrypt `path` into the new file `target`, for keys where there are any. Raises `BrainError`."""
    pyrage = _pyrage()
    target.touch(FILE_MODE, exist_ok=False)
    try:
        if secret.recipients or secret.identity:
            pyrage.encrypt_file(str(path), str(target), _recipients(pyrage, secret))
        else:
            target.write_bytes(
                pyrage.passphrase.encrypt(path.read_bytes(), secret.passphrase)
            )
    except (pyrage.RecipientError, pyrage.IdentityError, pyrage.EncryptError) as error:
        raise UsageError(
            f"the backup cannot be encrypted: {error}",
            "a recipient is a public key, age1…",
        ) from None
    flush(target)


def unseal(path: Path, target: Path, secret: Secret) -> None:
    """Decrypt `path` into the new file `target`. Raises `BrainError`."""
    for_passphrase = b"scrypt" in _locks(path)
    if for_passphrase and not secret.passphrase:
        raise UsageError(
            f"{path} is encrypted with a passphrase", f"give it in {PASSPHRASE}"
        )
    if not for_passphrase and secret.identity is None:
        raise UsageError(
            f"{path} is encrypted for a key",
            "give --identity with the file of the secret key",
        )
    pyrage = _pyrage()
    target.touch(FILE_MODE, exist_ok=False)
    try:
        if secret.identity is not None and not for_passphrase:
            pyrage.decrypt_file(
                str(path), str(target), _identities(pyrage, secret.identity)
            )
        else:
            target.write_bytes(
                pyrage.passphrase.decrypt(path.read_bytes(), secret.passphrase)
            )
    except (pyrage.DecryptError, pyrage.IdentityError) as error:
        raise BrainError(
            f"{path} does not open: {error}", "check the passphrase or the key"
        ) from None
    flush(target)


def _recipients(pyrage: Any, secret: Secret) -> list[Any]:
    """The public keys named, or those that belong to the secret keys: a backup that is rewritten keeps its reader."""
    if secret.recipients:
        return [pyrage.x25519.Recipient.from_str(key) for key in secret.recipients]
    return [
        identity.to_public()
        for identity in _identities(pyrage, secret.identity or Path())
    ]


def _identities(pyrage: Any, path: Path) -> list[Any]:
    lines = [line.strip() for line in path.read_text("utf-8", "replace").splitlines()]
    return [
        pyrage.x25519.Identity.from_str(line)
        for line in lines
        if line and not line.startswith("#")
    ]


def _pyrage() -> Any:
    try:
        import pyrage  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional, and has no stubs
    except ImportError:
        hint = "install it with: pip install 'sovereign-brain[backup]'"
        raise BrainError("encrypted backups need the package pyrage", hint) from None
    return pyrage

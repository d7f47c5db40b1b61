"""An age file for a passphrase that opens at once: `sealed(data, "correct horse")`, and `closed(backup, …)` of a file.

pyrage makes a passphrase as costly as a second of this machine, each time it closes or opens a file. The format states
the cost in the file, so a test whose subject is what is done with a backup, and not how it is closed, makes its own
(age-encryption.org/v1: "The scrypt recipient type", "Header MAC", "Payload").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LOG_COST = 4  # of scrypt; pyrage takes 16 to 19
KEY_BYTES = 32
NONCE_BYTES = 16
PIECE_BYTES = 2**16  # of the payload, each sealed by itself


def sealed(data: bytes, passphrase: str) -> bytes:
    """The data as an age file."""
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(NONCE_BYTES)
    wrapping = hashlib.scrypt(
        passphrase.encode(),
        salt=b"age-encryption.org/v1/scrypt" + salt,
        n=2**LOG_COST,
        r=8,
        p=1,
        dklen=KEY_BYTES,
    )
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    header = f"age-encryption.org/v1\n-> scrypt {text(salt)} {LOG_COST}\n{text(wrapped)}\n---"
    proof = hmac.digest(
        derived(file_key, b"", b"header"), header.encode(), hashlib.sha256
    )
    payload = pieces(data, derived(file_key, nonce, b"payload"))
    return f"{header} {text(proof)}\n".encode() + nonce + payload


def closed(backup: Path, passphrase: str) -> Path:
    """The encrypted backup that takes the place of this one."""
    target = backup.with_name(f"{backup.name}.age")
    target.touch(0o600)
    target.write_bytes(sealed(backup.read_bytes(), passphrase))
    backup.unlink()
    return target


def pieces(data: bytes, key: bytes) -> bytes:
    """The payload: every piece under a nonce of its number and whether it is the last."""
    cipher, out = ChaCha20Poly1305(key), b""
    starts = range(0, len(data), PIECE_BYTES)
    for number, start in enumerate(starts):
        last = bytes([number == len(starts) - 1])
        nonce = number.to_bytes(11, "big") + last
        out += cipher.encrypt(nonce, data[start : start + PIECE_BYTES], None)
    return out


def derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, purpose).derive(key)


def text(data: bytes) -> str:
    """Base64 without the signs that fill it up."""
    return base64.b64encode(data).decode().rstrip("=")

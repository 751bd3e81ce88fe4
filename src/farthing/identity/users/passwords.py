"""Passwords: hashed with argon2id, and checked in the same time whether or not there is somebody to check."""

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 8  # characters
LONGEST: Final = 256

# 19 MiB, two passes: about 20 ms, and several at once do not exhaust a small machine (OWASP's parameters)
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NOBODYS: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$5sMWKYy8dhrQrsiInX1Cpg"
    "$wpCUbGc9MNLLy7O2fmQOJnIOJNnhugrFphHAzADElig"
)  # of a password that nobody knows


def hashed(password: str) -> str:
    """The hash to store, with a salt of its own."""
    return HASHER.hash(_normal(password))


def is_password(hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; None takes as long as a hash does, and never is."""
    try:
        HASHER.verify(hash or NOBODYS, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return hash is not None


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)

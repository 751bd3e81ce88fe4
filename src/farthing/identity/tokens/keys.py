"""The Ed25519 keys that sign access tokens: PEM files in one folder, which all processes of a home share."""

import base64
import json
import os
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from farthing.kernel.clock import Clock
from farthing.kernel.problems import Conflict, Misconfigured, NotFound

LOOK_AGAIN: Final = timedelta(seconds=30)  # for keys that came or went
KNOWN_FIRST: Final = timedelta(seconds=60)  # before a key that came later signs: by then all processes have it
FIRST: Final = "0001.pem"
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger("farthing")


class NoSuchKey(NotFound):
    """No key of this name among our own."""


class OnlyKey(Conflict):
    """Without any key nobody could log in."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and its name; `jwk` is the public part as the key set publishes it (RFC 8037)."""

    kid: str  # its RFC 7638 thumbprint
    private: Ed25519PrivateKey = field(repr=False)
    public: Ed25519PublicKey = field(repr=False)
    x: str  # the public key, base64url

    @property
    def jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig", "alg": "EdDSA"}


@dataclass(frozen=True, slots=True)
class _Known:
    """The keys as they were found, oldest first, and since when this process knows each."""

    keys: tuple[SigningKey, ...]
    since: dict[str, datetime]
    looked_at: datetime


class KeyRing:
    """All keys of the folder: the newest by file name signs, each of them verifies.

    To rotate, add a key; withdraw the old one once the last token it signed has expired. A key that comes while
    the process runs signs a minute later, when every process has loaded it.
    """

    def __init__(self, folder: Path, now: Clock) -> None:
        """Load the keys, making the first one where there is none; raises Misconfigured."""
        self._folder = folder
        self._now = now
        self._lock = threading.Lock()
        keys = self._loaded()
        self._known = _Known(keys, {key.kid: ALWAYS for key in keys}, now(""))

    def signing(self) -> SigningKey:
        """The key that new tokens are signed with."""
        known = self._looked()
        ripe = [key for key in known.keys if known.since[key.kid] <= self._now("") - KNOWN_FIRST]
        return (ripe or known.keys)[-1]

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """The public part of the key of this name among our own; a name is only ever compared."""
        return next((key.public for key in self._looked().keys if key.kid == kid), None)

    def all(self) -> tuple[SigningKey, ...]:
        """Oldest first."""
        return self._looked().keys

    def rotate(self) -> Path:
        """Add a key, which this process loads when it looks again."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(path.stem) for path in self._folder.glob("*.pem") if path.stem.isdigit()]
        path = self._folder / f"{max(numbers, default=0) + 1:04d}.pem"
        _write_new(path)
        return path

    def read(self, path: Path) -> SigningKey:
        """The key in a file; raises Misconfigured."""
        return _read(path)

    def withdraw(self, kid: str) -> None:
        """Take a key away for good; raises NoSuchKey, OnlyKey."""
        paths = {_read(path).kid: path for path in sorted(self._folder.glob("*.pem"))}
        if kid not in paths:
            raise NoSuchKey(f"There is no key {kid[:80]}; there are {', '.join(paths)}.")
        if len(paths) == 1:
            raise OnlyKey(f"{kid} is the only key: make another first, with farthing identity rotate.")
        paths[kid].unlink()
        _sync(self._folder)

    def _looked(self) -> _Known:
        now = self._now("")
        if not self._known.looked_at <= now < self._known.looked_at + LOOK_AGAIN:
            with self._lock:
                self._look(now)
        return self._known

    def _look(self, now: datetime) -> None:
        try:
            keys = self._loaded()
        except (Misconfigured, OSError) as error:  # requests go on with the keys there were
            log.error("keys cannot be read", error=str(error))
            keys = self._known.keys
        since = {key.kid: self._known.since.get(key.kid, now) for key in keys}
        self._known = _Known(keys, since, now)

    def _loaded(self) -> tuple[SigningKey, ...]:
        if not (paths := sorted(self._folder.glob("*.pem"))):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(self._folder / FIRST)  # under one name for all who find none at once, so that one is first
            paths = sorted(self._folder.glob("*.pem"))
        return tuple(_read(path) for path in paths)


def _write_new(path: Path) -> None:
    """Put a new key under this name, whole or not at all; one that another process put there first stays."""
    pem = _generated().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never takes another file's place
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _generated() -> Ed25519PrivateKey:
    """A new key whose name begins with no dash, which a command line would take for an option."""
    while True:
        key = Ed25519PrivateKey.generate()
        if not _named(key).kid.startswith("-"):
            return key


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> SigningKey:
    """Raises Misconfigured naming the file."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"{path} is not a private key in PEM without a password: {error}.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Misconfigured(f"{path} holds a key of another kind; access tokens are signed with Ed25519.")
    return _named(private)


def _named(private: Ed25519PrivateKey) -> SigningKey:
    public = private.public_key()
    x = _base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))  # in RFC 7638's order
    return SigningKey(_base64url(sha256(members.encode()).digest()), private, public, x)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")

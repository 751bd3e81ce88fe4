"""The folder of signing keys: made once, whole, private, and read again."""

import hashlib
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from farthing.identity.tokens.keys import KeyRing
from farthing.kernel.problems import Misconfigured

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self, organization: str) -> datetime:
        return self.at

    def pass_(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_the_first_start_makes_a_key_that_only_its_owner_reads(folder: Path, clock: Clock) -> None:
    [key] = KeyRing(folder, clock).all()
    [path] = folder.iterdir()
    assert path.name == "0001.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [again.kid for again in KeyRing(folder, clock).all()] == [key.kid]


def test_processes_that_start_at_once_agree(folder: Path) -> None:
    """Whoever is first makes the key; nobody's takes its place, and nothing half-written is left."""
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path;"
        "from farthing.identity.tokens.keys import KeyRing; sys.stdin.readline();"
        "print(KeyRing(Path(sys.argv[1]), lambda _: datetime(2026, 1, 1, tzinfo=UTC)).signing().kid)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    kids = {process.communicate(timeout=60)[0] for process in started}
    assert len(kids) == 1
    assert kids != {b""}
    assert [path.name for path in folder.iterdir()] == ["0001.pem"]


def test_a_kid_is_the_thumbprint_of_the_key(folder: Path, clock: Clock) -> None:
    """RFC 7638: so a key has one name wherever it is loaded, and computed by whoever has it."""
    key = KeyRing(folder, clock).signing()
    assert key.jwk.items() >= {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}.items()
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{key.jwk["x"]}"}}'
    assert key.kid == jwt.utils.base64url_encode(hashlib.sha256(members.encode()).digest()).decode()


def test_no_name_looks_like_an_option(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator names it on the command line."""
    ring = KeyRing(folder, clock)
    keys = [Ed25519PrivateKey.from_private_bytes(number.to_bytes(32)) for number in range(1, 400)]
    monkeypatch.setattr(Ed25519PrivateKey, "generate", iter(keys).__next__)
    kids = [ring.read(ring.rotate()).kid for _ in range(300)]
    assert not [kid for kid in kids if kid.startswith("-")]
    assert len(set(kids)) == 300


def test_the_newest_signs_and_all_verify(folder: Path, clock: Clock) -> None:
    ring = KeyRing(folder, clock)
    first = ring.signing().kid
    assert ring.rotate().name == "0002.pem"
    other = KeyRing(folder, clock)  # started later: knows both from the beginning
    second = other.signing().kid
    assert second != first
    assert [key.kid for key in other.all()] == [first, second]
    assert {kid for kid in (first, second, "nonsense") if other.public(kid)} == {first, second}


def test_a_key_that_comes_later_signs_when_everybody_has_it(folder: Path, clock: Clock) -> None:
    ring = KeyRing(folder, clock)
    first = ring.signing().kid
    ring.rotate()
    clock.pass_(29)
    assert len(ring.all()) == 1
    clock.pass_(1)
    assert len(ring.all()) == 2
    assert ring.signing().kid == first
    clock.pass_(59)
    assert ring.signing().kid == first
    clock.pass_(1)
    assert ring.signing().kid != first


def test_a_key_that_was_taken_away_verifies_no_longer(folder: Path, clock: Clock) -> None:
    ring = KeyRing(folder, clock)
    first = ring.signing().kid
    ring.rotate()
    (folder / "0001.pem").unlink()
    clock.pass_(30)
    assert ring.public(first) is None
    assert ring.signing().kid != first


def test_without_any_key_there_is_a_new_one(folder: Path, clock: Clock) -> None:
    """T42: the signing key deleted while requests are answered."""
    ring = KeyRing(folder, clock)
    first = ring.signing().kid
    (folder / "0001.pem").unlink()
    clock.pass_(30)
    assert ring.signing().kid != first
    assert (folder / "0001.pem").exists()


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize("content", [
    b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    _pem(ec.generate_private_key(ec.SECP256R1())), _pem(Ed25519PrivateKey.generate(), b"secret"),
])
def test_a_file_that_is_no_key_of_ours_is_named(folder: Path, clock: Clock, content: bytes) -> None:
    folder.mkdir()
    (folder / "0007.pem").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"0007\.pem"):
        KeyRing(folder, clock)


def test_a_bad_file_that_comes_later_stops_nobody(folder: Path, clock: Clock) -> None:
    ring = KeyRing(folder, clock)
    first = ring.signing().kid
    (folder / "0002.pem").write_bytes(b"half of a k")
    clock.pass_(100)
    assert ring.signing().kid == first
    (folder / "0002.pem").write_bytes(_pem(Ed25519PrivateKey.generate()))
    clock.pass_(30)
    assert len(ring.all()) == 2


def test_a_secret_key_is_not_printed(folder: Path, clock: Clock) -> None:
    key = KeyRing(folder, clock).signing()
    assert "Private" not in repr(key)
    assert set(key.jwk) == {"kty", "crv", "x", "kid", "use", "alg"}

"""Access tokens and API keys as credentials: what is refused, what is cached, what is published."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from farthing.app import open_farthing, web_application
from farthing.identity.tokens.access import access_token
from farthing.identity.tokens.keys import KeyRing
from farthing.identity.tokens.service import Tokens
from farthing.identity.users.service import Users
from farthing.identity.users.values import User
from farthing.kernel.credentials import Scope
from tests.service.conftest import Api, api_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_VALID = "The access token is not valid or has expired."


@dataclass(frozen=True)
class Forger:
    """Knows the right key and everything that a token of ours says, and changes one thing at a time."""

    api: Api
    user: User

    @property
    def key(self) -> Any:
        return self.api.farthing[Tokens].signer.keys.signing()

    @property
    def claims(self) -> dict[str, Any]:
        now = (self.api.clock.at - EPOCH) // timedelta(seconds=1)
        return {
            "iss": "farthing", "aud": "farthing", "sub": self.user.id, "org": self.api.organization,
            "scopes": ["read"], "iat": now, "exp": now + 900, "jti": "once",
        }

    def signed(self, header: dict[str, Any] | None = None, without: str = "", **claims: Any) -> str:
        said = {name: value for name, value in (self.claims | claims).items() if name != without}
        return jwt.encode(said, self.key.private, "EdDSA", {"kid": self.key.kid, "typ": "at+jwt"} | (header or {}))

    def by_hand(self, header: object, claims: object = None, sign: Callable[[bytes], bytes] | None = None) -> str:
        """A token whose parts are put together without a library."""
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode()
                 for part in (header, self.claims if claims is None else claims)]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = (sign or self.key.private.sign)(signed)
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"alg": "EdDSA", "kid": self.key.kid, "typ": "at+jwt"} | changes


@pytest.fixture
def forger(api: Api) -> Forger:
    name = f"Ann.{api.organization}"
    return Forger(api, api.farthing[Users].create(api.organization, name, "a long password", [Scope.READ]))


def status(api: Api, token: str) -> int:
    answer = api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert (answer.json or {})["detail"] == NOT_VALID
        assert (answer.json or {})["title"] == "Unauthorized"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return answer.status_code


def test_the_forger_could_do_it(api: Api, forger: Forger) -> None:
    """Otherwise the refusals below would prove nothing."""
    assert status(api, forger.signed()) == 200
    assert status(api, forger.by_hand(forger.header())) == 200


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "None", "", None, 5, ["EdDSA"], "eddsa", "Ed25519", "HS256"])
def test_the_algorithm_is_pinned(api: Api, forger: Forger, algorithm: object) -> None:
    """T39: whatever the header says, and also where the signature would be right."""
    assert status(api, forger.by_hand(forger.header(alg=algorithm))) == 401
    assert status(api, forger.by_hand(forger.header(alg=algorithm), sign=lambda _: b"")) == 401


def test_no_other_key_signs(api: Api, forger: Forger) -> None:
    """T39: HS256 with the public key as its secret, ES256 and another Ed25519 key under our kid."""
    pem = forger.key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = forger.key.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    for secret in (pem, raw):
        def mac(data: bytes, secret: bytes = secret) -> bytes:
            return hmac.new(secret, data, hashlib.sha256).digest()

        assert status(api, forger.by_hand(forger.header(alg="HS256"), sign=mac)) == 401
        assert status(api, forger.by_hand(forger.header(), sign=mac)) == 401
    elliptic = ec.generate_private_key(ec.SECP256R1())
    headers = {"kid": forger.key.kid, "typ": "at+jwt"}
    assert status(api, jwt.encode(forger.claims, elliptic, "ES256", headers)) == 401
    assert status(api, jwt.encode(forger.claims, Ed25519PrivateKey.generate(), "EdDSA", headers)) == 401


def test_a_signature_is_needed_and_only_one(api: Api, forger: Forger) -> None:
    """T39."""
    token = forger.signed()
    head, body, signature = token.split(".")
    for broken in (
        f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature}.{signature}", f"{head}..{signature}",
        f".{body}.{signature}", "..", ".", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}.!!!",
        json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]}),
    ):
        assert status(api, broken) == 401, broken


@pytest.mark.parametrize("kid", [
    "../../x", "0001.pem", "' OR 1=1", "https://evil.example/jwks.json", "x" * 2000, "", None, 5, ["k"], {"k": 1}, "\0",
])
def test_a_kid_is_only_compared(api: Api, forger: Forger, kid: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """T40: no file, query or network access, and no look at the folder."""
    def refused(*_: object) -> None:
        raise AssertionError("a token made us look")

    monkeypatch.setattr(KeyRing, "_loaded", refused)
    assert status(api, forger.by_hand(forger.header(kid=kid))) == 401


@pytest.mark.parametrize("member", [
    {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example/cert"}, {"x5c": ["MII"]},
    {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": False},
    {"cty": "JWT"}, {"typ": "JWT"}, {"typ": "rt+jwt"}, {"typ": None}, {"typ": "AT+JWT "},
])
def test_the_header_says_nothing_but_ours(api: Api, forger: Forger, member: dict[str, Any]) -> None:
    """T40 and T41: also where the signature is right."""
    assert status(api, forger.by_hand(forger.header(**member))) == 401


@pytest.mark.parametrize("header", [b"[]", b"null", b"5", b'"x"', b"{", b"\xff\xfe", b"[" * 2500])
def test_a_header_that_is_none(api: Api, forger: Forger, header: bytes) -> None:
    assert status(api, forger.by_hand(header)) == 401


@pytest.mark.parametrize("claims", [
    {"aud": "other"}, {"aud": ["farthing"]}, {"aud": ["farthing", "other"]}, {"aud": None}, {"iss": "elsewhere"},
    {"iss": ["farthing"]}, {"sub": 5}, {"sub": None}, {"org": 5}, {"org": None}, {"scopes": "admin"},
    {"scopes": ["everything"]}, {"scopes": [["admin"]]}, {"scopes": None}, {"jti": 5},
    {"exp": "1e400"}, {"exp": "9999999999"}, {"exp": 1e18}, {"exp": 10**30}, {"exp": -1}, {"exp": True},
    {"iat": "now"}, {"iat": 1.5}, {"nbf": "soon"},
])
def test_a_claim_of_another_kind_is_none(api: Api, forger: Forger, claims: dict[str, Any]) -> None:
    """T41."""
    assert status(api, forger.by_hand(forger.header(), forger.claims | claims)) == 401


def test_an_exp_beyond_all_numbers(api: Api, forger: Forger) -> None:
    """T41: 1e400, which JSON readers take for infinity, and NaN."""
    text = json.dumps(forger.claims)
    for value in ("1e400", "NaN", "Infinity"):
        raw = text.replace(f'"exp": {forger.claims["exp"]}', f'"exp": {value}')
        assert raw != text
        assert status(api, forger.by_hand(forger.header(), raw.encode())) == 401


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "org", "scopes", "iat", "exp", "jti"])
def test_every_claim_is_required(api: Api, forger: Forger, claim: str) -> None:
    assert status(api, forger.signed(without=claim)) == 401


@pytest.mark.parametrize(("claim", "seconds", "expected"), [
    ("exp", -60, 401), ("exp", -59, 200), ("exp", 1, 200),
    ("nbf", 60, 200), ("nbf", 61, 401), ("nbf", -1, 200),
    ("iat", 60, 200), ("iat", 61, 401),
])
def test_clocks_may_differ_by_a_minute(api: Api, forger: Forger, claim: str, seconds: int, expected: int) -> None:
    """T41."""
    now = (api.clock.at - EPOCH) // timedelta(seconds=1)
    assert status(api, forger.by_hand(forger.header(), forger.claims | {claim: now + seconds})) == expected


def test_a_token_expires_though_it_is_remembered(api: Api, forger: Forger) -> None:
    token = forger.signed()
    assert status(api, token) == 200
    api.clock.at += timedelta(seconds=959)
    assert status(api, token) == 200
    api.clock.at += timedelta(seconds=1)
    assert status(api, token) == 401


def test_a_token_of_another_deployment_is_none(api: Api, forger: Forger, tmp_path: Any) -> None:
    """T41: the same issuer's name, but keys of its own."""
    other = KeyRing(tmp_path / "keys", api.clock).signing()
    headers = {"kid": other.kid, "typ": "at+jwt"}
    assert status(api, jwt.encode(forger.claims, other.private, "EdDSA", headers)) == 401
    headers = {"kid": forger.key.kid, "typ": "at+jwt"}
    assert status(api, jwt.encode(forger.claims, other.private, "EdDSA", headers)) == 401


def test_a_token_larger_than_ours_is_not_even_read(api: Api, forger: Forger) -> None:
    assert status(api, forger.signed(jti="x" * 4096)) == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "bearer", "Token x"])
def test_a_call_needs_a_bearer_token(api: Api, header: str) -> None:
    answer = api.get("/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_any_service_verifies_offline(api: Api, forger: Forger) -> None:
    """By the published document alone, with a library that knows nothing of us."""
    answer = api.client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert "max-age" in answer.headers["Cache-Control"]
    document = dict(answer.json or {})
    assert "d" not in document["keys"][0]
    token = access_token(api.farthing[Tokens].signer, forger.user)
    key = jwt.PyJWKSet.from_dict(document)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, ["EdDSA"], {"verify_exp": False, "verify_iat": False}, audience="farthing", issuer="farthing"
    )
    assert (claims["sub"], claims["org"]) == (forger.user.id, api.organization)


def test_a_rotated_key_is_accepted_until_it_is_taken_away(api: Api, tmp_path: Any) -> None:
    """T42: both are published while one rotates; without the old one its tokens end within the cache time."""
    farthing = open_farthing(replace(api.farthing.settings, home=tmp_path), api.clock)
    other = api_of(farthing, web_application(farthing).test_client(), api.clock)
    user = farthing[Users].create(other.organization, f"rot.{other.organization}", "password", [Scope.READ])
    try:
        tokens = farthing[Tokens]
        [first] = tokens.key_set()
        before = access_token(tokens.signer, user)
        (old,) = (tmp_path / "keys").glob("*.pem")
        tokens.signer.keys.rotate()
        api.clock.at += timedelta(seconds=31)
        assert [key["kid"] for key in (other.client.get("/.well-known/jwks.json").json or {})["keys"]] == [
            key.kid for key in tokens.key_set()
        ]
        assert len(tokens.key_set()) == 2
        assert tokens.signer.keys.signing().kid == first.kid
        api.clock.at += timedelta(seconds=60)
        after = access_token(tokens.signer, user)
        assert jwt.get_unverified_header(after)["kid"] != first.kid
        assert [status(other, token) for token in (before, after)] == [200, 200]
        old.unlink()
        api.clock.at += timedelta(seconds=30)
        assert [status(other, token) for token in (before, after)] == [401, 200]
    finally:
        farthing.close()

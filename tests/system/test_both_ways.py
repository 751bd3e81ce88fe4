"""The same calls get the same answers from one process on SQLite and from services apart behind the gateway."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from farthing.calls import ENDPOINTS
from tests.ports import free_port
from tests.servers import NoServer
from tests.system.client import Answer, Caller, until
from tests.system.deployments import Apart, Deployment, OneProcess, Organization, new_organization
from tests.system.test_deployment_files import tool
from tests.topology import DEPLOY

PASSWORD = "correct-horse-battery"
NOT_VALID = "The access token is not valid or has expired."
LISTS = {  # one for each room
    "identity": "/v1/me", "customers": "/v1/customers", "catalog": "/v1/meters", "usage": "/v1/events",
    "billing": "/v1/invoices", "payments": "/v1/payments",
}
MONTH = "from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z"
PLAN = {
    "name": "Pro", "currency": "USD", "interval": "month", "prices": [
        {"key": "base", "name": "Base fee", "model": "flat", "amount": "10.00", "billing": "in_arrears"},
        {"key": "calls", "name": "Calls", "model": "per_unit", "unit_amount": "0.10", "meter": "calls",
         "billing": "in_arrears"},
    ],
}


@pytest.fixture(scope="module", params=["one", "apart"])
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Either way to run everything; each starts once."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "apart":
        tool("nginx", "Debian: nginx-light")
        tool("redis-server", "Debian: redis-server")
    try:
        running: Deployment = Apart(folder) if request.param == "apart" else OneProcess(folder)
    except NoServer as error:
        pytest.skip(str(error))
    yield running
    running.close()


@pytest.fixture(scope="module")
def ours(deployment: Deployment) -> Organization:
    return new_organization(deployment)


@pytest.fixture(scope="module")
def theirs(deployment: Deployment) -> Organization:
    return new_organization(deployment)


@pytest.fixture(scope="module")
def owner(ours: Organization) -> str:
    """The name of a user."""
    return ours.user(PASSWORD)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """An address that no other test asks from: failed log-ins are counted by it."""
    number = next(places)
    return f"127.0.4.{number}"


places = iter(range(2, 250))


def log_in(caller: Caller, name: str, password: str = PASSWORD) -> Any:  # Any: JSON
    answer = caller.with_token("").post("/v1/login", {"username": name, "password": password})
    assert answer.status == 200, answer.body
    return answer.json


def billed(caller: Caller, key: str) -> Any:  # Any: JSON
    """The open invoice of a new customer who used three calls in September."""
    caller.made("/v1/customers", {"key": key, "name": key.title(), "currency": "USD"})
    if caller.get("/v1/meters/calls").status == 404:
        meter = {"key": "calls", "name": "Calls", "event_type": "call", "aggregation": "count"}
        caller.made("/v1/meters", meter)
        caller.made("/v1/plans", PLAN | {"key": "pro"})
    begin = {"starts_at": "2026-09-01T00:00:00Z", "anchor": "calendar"}
    caller.made("/v1/subscriptions", begin | {"customer": key, "plan": "pro"})
    events = [
        {"id": f"{key}-{number}", "type": "call", "subject": key, "time": "2026-09-10T12:00:00Z"} for number in range(3)
    ]
    assert caller.made("/v1/events", events)["accepted"] == 3
    run = caller.made("/v1/bill-runs", {"as_of": "2026-10-02T00:00:00Z"})["id"]
    until(lambda: caller.found(f"/v1/bill-runs/{run}")["status"] == "completed")
    assert caller.found(f"/v1/bill-runs/{run}")["parked"] == []
    [invoice] = caller.found(f"/v1/invoices?customer={key}")["data"]
    return invoice


def test_from_a_log_in_to_a_paid_invoice(deployment: Deployment, ours: Organization, owner: str) -> None:
    grant = log_in(ours.admin, owner)
    caller = ours.admin.with_token(grant["access_token"])
    assert caller.found("/v1/me")["organization"] == ours.id
    invoice = billed(caller, "acme")
    assert deployment.has_customer(invoice["customer"]["id"])
    assert (invoice["total"], invoice["status"]) == ("10.30", "open")
    assert caller.found(f"/v1/usage?customer=acme&meter=calls&{MONTH}&window=none")["data"][0]["value"] == "3"

    path = f"/v1/invoices/{invoice['id']}"
    first, second = caller.get(path), caller.get(path)
    assert (first.headers["cache-status"], second.headers["cache-status"]) == ("farthing; fwd=miss", "farthing; hit")
    assert (first.status, second.status, first.body) == (200, 200, second.body)
    unchanged = caller.get(path, If_None_Match=first.headers["etag"])
    assert (unchanged.status, unchanged.headers["cache-status"]) == (304, "farthing; hit")

    whole = {"invoice": invoice["id"], "amount": "10.30", "currency": "USD", "method": "wire"}
    caller.made("/v1/payments", whole)
    for address in [deployment.url, *deployment.addresses("billing")]:
        read = caller.at(address).found(path)
        assert (read["status"], read["amount_due"]) == ("paid", "0.00"), address


def test_a_request_is_found_by_its_id_in_every_log(deployment: Deployment, ours: Organization) -> None:
    """T-numbers aside: whoever asks for help with one id finds all that it did."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    made = ours.admin.post(
        "/v1/customers", {"key": "traced", "name": "Traced"}, X_Request_ID="find-me",
        traceparent=f"00-{trace}-b7ad6b7169203331-01",
    )
    assert (made.status, made.headers["x-request-id"]) == (201, "find-me")
    rooms = ["customers", "usage"]  # who is told the new name
    for room in rooms:
        until(lambda room=room: '"find-me"' in deployment.log(room))  # type: ignore[misc]
        line = next(line for line in deployment.log(room).splitlines() if '"find-me"' in line)
        assert json.loads(line)["trace"] == trace


def test_the_health_check_of_the_image_tells_who_is_ready(deployment: Deployment) -> None:
    """It is run in the container, with the port that the service listens on."""
    def status(port: str) -> int:
        check = [sys.executable, str(DEPLOY / "healthy.py")]
        return subprocess.run(check, env=os.environ | {"FARTHING_PORT": port}, check=False).returncode

    assert {status(url.rpartition(":")[2]) for url in deployment.addresses("billing")} == {0}
    assert status(str(free_port())) == 1


@dataclass(frozen=True)
class Forger:
    """Knows the right key and everything that a token of ours says, and changes one thing at a time."""

    deployment: Deployment
    organization: str
    user: str

    @property
    def key(self) -> Any:
        path = sorted((self.deployment.home("identity") / "keys").glob("*.pem"))[-1]
        return load_pem_private_key(path.read_bytes(), None)

    @property
    def kid(self) -> str:
        x = base64.urlsafe_b64encode(self.raw).rstrip(b"=").decode()
        members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
        return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()

    @property
    def raw(self) -> bytes:
        return bytes(self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": "farthing", "aud": "farthing", "sub": self.user, "org": self.organization, "scopes": ["admin"],
            "iat": now, "exp": now + 900, "jti": "once",
        }

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"alg": "EdDSA", "kid": self.kid, "typ": "at+jwt"} | changes

    def by_hand(self, header: object, claims: object = None, sign: Callable[[bytes], bytes] | None = None) -> str:
        """A token whose parts are put together without a library."""
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode()
                 for part in (header, self.claims if claims is None else claims)]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        return (signed + b"." + base64.urlsafe_b64encode((sign or self.key.sign)(signed)).rstrip(b"=")).decode()


@pytest.fixture(scope="module")
def forger(deployment: Deployment, ours: Organization, owner: str) -> Forger:
    token = log_in(ours.admin, owner)["access_token"]
    return Forger(deployment, ours.id, jwt.decode(token, options={"verify_signature": False})["sub"])


def refused_everywhere(caller: Caller, token: str) -> None:
    """401 in the same words, whoever is asked."""
    for room, path in LISTS.items():
        answer = caller.with_token(token).get(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), (room, token[:200], answer.body)
        assert answer.json["detail"] == NOT_VALID, room


def test_the_forger_could_do_it(ours: Organization, forger: Forger) -> None:
    """Otherwise the refusals below would prove nothing."""
    for path in LISTS.values():
        assert ours.admin.with_token(forger.by_hand(forger.header())).get(path).status == 200


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["none", "nOnE", "HS256", "ES256", "", None, ["EdDSA"]])
def test_the_algorithm_is_pinned(ours: Organization, forger: Forger, algorithm: object) -> None:
    """T39: also where the signature would be right, or is a MAC with the public key, or is empty."""
    head = forger.header(alg=algorithm)
    refused_everywhere(ours.admin, forger.by_hand(head))
    refused_everywhere(ours.admin, forger.by_hand(head, sign=lambda _: b""))
    mac: Callable[[bytes], bytes] = lambda data: hmac.new(forger.raw, data, hashlib.sha256).digest()  # noqa: E731
    refused_everywhere(ours.admin, forger.by_hand(head, sign=mac))


@pytest.mark.slow
def test_no_other_key_signs_and_only_once(ours: Organization, forger: Forger) -> None:
    """T39 and T41: another deployment's key under our name, another kind of key, none or two signatures."""
    names = {"kid": forger.kid, "typ": "at+jwt"}
    for key, algorithm in ((Ed25519PrivateKey.generate(), "EdDSA"), (ec.generate_private_key(ec.SECP256R1()), "ES256")):
        refused_everywhere(ours.admin, jwt.encode(forger.claims, key, algorithm, names))
    head, body, signature = forger.by_hand(forger.header()).split(".")
    for broken in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature}.{signature}", "..", f".{body}."):
        refused_everywhere(ours.admin, broken)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [
    {"kid": "../../x"}, {"kid": "' OR 1=1"}, {"kid": "https://evil.example/jwks.json"}, {"kid": "x" * 2000},
    {"kid": None}, {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example"}, {"crit": ["exp"]},
    {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}, {"typ": "JWT"}, {"typ": "rt+jwt"}, {"typ": "svc+jwt"},
])
def test_a_header_chooses_nothing(ours: Organization, forger: Forger, changes: dict[str, Any]) -> None:
    """T40 and T41."""
    refused_everywhere(ours.admin, forger.by_hand(forger.header(**changes)))


@pytest.mark.slow
def test_a_token_longer_than_any_header_is_refused(ours: Organization, forger: Forger) -> None:
    """T40: a name of a megabyte."""
    answer = ours.admin.with_token("x" * 1_000_000).get("/v1/customers")
    assert answer.status in (401, 431)


@pytest.mark.slow
def test_unknown_keys_make_no_storm(deployment: Deployment, ours: Organization, forger: Forger) -> None:
    """T40: however many names tokens come with, identity is asked for its keys once in ten seconds at most."""
    def asked() -> int:
        return deployment.log("identity").count('"/.well-known/jwks.json"')

    before, began = asked(), time.monotonic()
    tokens = [forger.by_hand(forger.header(kid=f"unknown-{number}")) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: ours.admin.with_token(token).get("/v1/customers"), tokens))
    assert {answer.status for answer in answers} == {401}
    assert asked() - before <= 6 * (2 + (time.monotonic() - began) / 10)  # there are six others who may ask


@pytest.mark.slow
@pytest.mark.parametrize("claims", [
    {"aud": "other"}, {"aud": ["farthing"]}, {"iss": "elsewhere"}, {"sub": None}, {"org": 5},
    {"scopes": ["everything"]}, {"exp": 1}, {"exp": "9999999999"}, {"exp": 10**30}, {"nbf": 9_999_999_999},
    {"iat": 9_999_999_999},
])
def test_a_claim_of_another_kind_is_none(ours: Organization, forger: Forger, claims: dict[str, Any]) -> None:
    """T41."""
    refused_everywhere(ours.admin, forger.by_hand(forger.header(), forger.claims | claims))


@pytest.mark.slow
def test_an_exp_beyond_all_numbers(ours: Organization, forger: Forger) -> None:
    """T41: 1e400, which JSON readers take for infinity."""
    claims = forger.claims
    raw = json.dumps(claims).replace(f'"exp": {claims["exp"]}', '"exp": 1e400').encode()
    refused_everywhere(ours.admin, forger.by_hand(forger.header(), raw))


@pytest.mark.slow
def test_a_refresh_token_is_no_access_token(ours: Organization, owner: str) -> None:
    """T41."""
    refused_everywhere(ours.admin, log_in(ours.admin, owner)["refresh_token"])


def test_no_update_is_lost(ours: Organization) -> None:
    """T37: one of two with the same ETag wins; the rules of RFC 9110 for the others."""
    caller = ours.key("read", "write")
    made = caller.post("/v1/customers", {"name": "Twice"})
    path, tag = f"/v1/customers/{made.json['id']}", made.headers["etag"]
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append(
            caller.call("PATCH", path, {"name": name}, If_Match=tag)
        ))
        for name in ("A", "B")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 412]
    current = caller.get(path).headers["etag"]
    assert caller.call("PATCH", path, {"name": "C"}, If_Match=f"W/{current}").status == 412
    assert caller.call("DELETE", path, If_Match=tag).status == 412
    assert caller.call("PATCH", path, {"name": "D"}, If_Match=f'"x", {current}').status == 200
    assert caller.call("PATCH", path, {"name": "E"}, If_Match="*").status == 200
    assert caller.call("DELETE", path, If_Match=caller.get(path).headers["etag"]).status == 204
    assert caller.get(path).status == 404


@pytest.mark.slow
def test_a_refresh_token_is_used_once(ours: Organization, owner: str) -> None:
    """T43: two tabs at once, then a thief, then a log-out."""
    nobody = ours.admin.with_token("")

    def traded(token: str) -> Answer:
        return nobody.post("/v1/refresh", {"refresh_token": token})

    first = log_in(ours.admin, owner)["refresh_token"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: traded(first), range(6)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 5
    current = [next(answer for answer in answers if answer.status == 200).json["refresh_token"]]

    def revoked() -> bool:  # once the first token comes after its ten seconds
        assert traded(first).status == 401
        answer = traded(current[0])
        if answer.status == 200:
            current[0] = answer.json["refresh_token"]
        return answer.status == 401

    until(revoked, 30)
    grant = log_in(ours.admin, owner)
    caller = ours.admin.with_token(grant["access_token"])
    assert caller.post("/v1/logout", {"refresh_token": grant["refresh_token"]}).status == 204
    assert traded(grant["refresh_token"]).status == 401


BODIES: dict[str, object] = {  # of calls that would be refused for a missing one first
    "PATCH": {"name": "B"}, "/cancel": {"at": "period_end"}, "/versions": PLAN, "/void": {},
    "/coupons": {"coupon": "ten"},
    "/v1/subscriptions/<reference>": {"metadata": {}}, "/v1/invoices/<reference>": {},
}


@pytest.mark.slow
def test_what_belongs_to_others_is_not_there(ours: Organization, theirs: Organization) -> None:
    """T44: every call with an id, also in queries and bodies, in the words for what was never there (I12)."""
    caller, stranger = ours.admin, theirs.admin
    invoice = billed(caller, "secret-customer")
    subscription = caller.found("/v1/subscriptions?customer=secret-customer")["data"][0]["id"]
    payment = caller.made("/v1/payments", {
        "invoice": invoice["id"], "amount": "1.00", "currency": "USD", "method": "wire",
    })["id"]
    run = caller.made("/v1/bill-runs", {"as_of": "2026-10-02T00:00:00Z"})["id"]
    ids = {
        "customers": invoice["customer"]["id"], "meters": caller.found("/v1/meters/calls")["id"],
        "plans": caller.found("/v1/plans/pro")["id"], "subscriptions": subscription, "invoices": invoice["id"],
        "bill-runs": run, "payments": payment, "api-keys": caller.found("/v1/api-keys")["data"][0]["id"],
    }
    coupon = {"key": "ten", "name": "Ten", "percent": "10", "duration": "once"}
    ids["coupons"] = caller.made("/v1/coupons", coupon)["id"]
    caller.made("/v1/customers/secret-customer/coupons", {"coupon": "ten"})
    ids["tax-rates"] = caller.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": "20"})["id"]
    tried = 0
    for one in ENDPOINTS:
        noun = one.path.split("/")[2]
        if "<" not in one.path or noun not in ids:
            continue
        known, unknown = (asked(stranger, one.method, one.path, id, invoice["lines"][0]["id"])
                          for id in (ids[noun], ids[noun][:-6] + "zzzzzz"))
        sure = one.method != "POST" or one.body is None or body_for(one.path) is not None
        assert known.status in ((404,) if sure else (404, 422)), (one.method, one.path, known.body)
        assert known.status == unknown.status, (one.method, one.path, unknown.body)
        assert words(known, ids[noun]) == words(unknown, ids[noun][:-6] + "zzzzzz"), one.path
        tried += 1
    assert tried >= 29
    for query in (
        f"/v1/invoices?customer={ids['customers']}", f"/v1/events?customer={ids['customers']}",
        f"/v1/payments?customer={ids['customers']}", f"/v1/usage?customer={ids['customers']}&meter=calls&{MONTH}",
    ):
        assert stranger.get(query).status == 404, query
    assert stranger.found("/v1/customers?q=secret")["data"] == []
    begin = {"starts_at": "2026-09-01T00:00:00Z", "anchor": "calendar"}
    both = {"customer": ids["customers"], "plan": ids["plans"]}
    assert stranger.post("/v1/subscriptions", begin | both).status == 404
    pay = {"invoice": ids["invoices"], "amount": "1.00", "currency": "USD", "method": "wire"}
    assert stranger.post("/v1/payments", pay).status == 404


def body_for(path: str) -> object:
    """A body that this call would take; None where it needs none, or where none is known here."""
    return next((body for end, body in BODIES.items() if path.endswith(end)), None)


def asked(caller: Caller, method: str, path: str, id: str, line: str) -> Answer:
    """A call with this id in its path, and a body that would do; an empty one says the same of every id too."""
    filled = path.replace("<line>", line).replace("<migration>", "mig_none")
    filled = filled[:filled.index("<")] + id + filled[filled.index(">") + 1:]
    body = body_for(path) or (BODIES["PATCH"] if method == "PATCH" else {})
    return caller.call(method, filled, body if method in ("PATCH", "POST") else None)


def words(answer: Answer, id: str) -> dict[str, Any]:
    """What is told, but for the id that was asked for and the request's own."""
    return {name: str(value).replace(id, "ID") for name, value in answer.json.items() if name != "request_id"}


@pytest.mark.slow
def test_a_scope_is_what_a_key_may_do(ours: Organization) -> None:
    """T46: 403 where the scope is missing, and 401 everywhere once the key is deleted."""
    reader, writer, ingester = ours.key("read"), ours.key("write"), ours.key("ingest")
    invoice = billed(ours.admin, "scoped")
    assert ingester.get(f"/v1/invoices/{invoice['id']}").status == 403
    assert reader.get(f"/v1/invoices/{invoice['id']}").status == 200
    for path, body in (
        ("/v1/customers", {"name": "X"}), ("/v1/meters", {}), ("/v1/plans", {}), ("/v1/events", []),
        ("/v1/subscriptions", {}), ("/v1/invoices", {}), ("/v1/payments", {}), ("/v1/api-keys", {"scopes": ["read"]}),
    ):
        assert reader.post(path, body).status == 403, path
    assert writer.get("/v1/customers").status == 403
    assert writer.post("/v1/customers", {"name": "X"}).status == 201
    event = {"id": "scoped-once", "type": "call", "subject": "scoped", "time": "2026-09-11T12:00:00Z"}
    assert ingester.post("/v1/events", [event]).status == 200


@pytest.mark.slow
def test_a_deleted_key_stops_everywhere(ours: Organization) -> None:
    """T46: at once where keys are kept, and within 30 seconds where they are remembered."""
    made = ours.admin.made("/v1/api-keys", {"scopes": ["read"]})
    caller = ours.admin.with_token(made["secret"])
    for path in LISTS.values():
        assert caller.get(path).status == 200
    assert ours.admin.call("DELETE", f"/v1/api-keys/{made['id']}").status == 204
    assert caller.get("/v1/me").status == 401
    for path in LISTS.values():
        until(lambda path=path: caller.get(path).status == 401, 31)  # type: ignore[misc]


def test_guessing_a_password_is_slowed(ours: Organization, owner: str, place: str) -> None:
    """T47: the same words whether or not the user exists, then 429; the owner logs in from where he is known."""
    log_in(ours.admin, owner)
    guesser = ours.admin.with_token("").coming_from(place)
    answers = [
        guesser.post("/v1/login", {"username": name, "password": "wrong-password"})
        for _ in range(3) for name in (owner, "nobody-of-this-name")
    ]
    told = {json.dumps({k: v for k, v in answer.json.items() if k != "request_id"}) for answer in answers[:5]}
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert len(told) == 1
    assert answers[0].json["error"] == "Invalid credentials"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert guesser.announced("/v1/login", 1_000_000) == 413
    log_in(ours.admin, owner)

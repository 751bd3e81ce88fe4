"""Rooms that run apart: what they do for each other, what they believe, and how they go on without one."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from farthing.app import Farthing
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.tokens.access import access_token
from farthing.identity.tokens.service import Tokens
from farthing.identity.tokens.services import SCOPES, ServiceTokens, service_token
from farthing.identity.users.service import Users
from farthing.kernel.clock import ticks
from farthing.kernel.credentials import Scope, operator
from farthing.kernel.ids import new_id
from farthing.kernel.remote import CALLER
from tests.service.apart import Services, open_services
from tests.service.books import CALLS, Books
from tests.service.conftest import Api, TestClock, api_of

pytestmark = pytest.mark.apart

CUSTOMER = {"key": "acme", "name": "Acme"}


@dataclass
class Seen:
    """What reached a service: paths and headers."""

    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def note(self) -> None:
        self.calls.append((request.path, dict(request.headers)))

    def paths(self, part: str = "") -> list[str]:
        return [path for path, _ in self.calls if part in path]


@pytest.fixture
def services(api: Api) -> Services:
    return cast(Services, api.farthing)


@pytest.fixture
def watched(services: Services) -> Iterator[Callable[[str], Seen]]:
    """What reaches a room from now on."""
    noted: list[tuple[str, Callable[[], None]]] = []

    def watch(room: str) -> Seen:
        seen = Seen()
        services.apps[room].before_request_funcs.setdefault(None, []).append(seen.note)
        noted.append((room, seen.note))
        return seen

    yield watch
    for room, function in noted:
        services.apps[room].before_request_funcs[None].remove(function)


@pytest.fixture
def away(services: Services, api: Api) -> Iterator[Callable[[str], None]]:
    """Takes rooms away until the test has ended."""
    gone: list[str] = []

    def stop(room: str) -> None:
        services.stop(room)
        gone.append(room)

    yield stop
    for room in gone:
        services.serve(room)
    for farthing in services.farthings.values():
        for remote in (*farthing.away.values(), cast(Any, farthing.identity.passport)):
            wire = getattr(remote, "wire", None) or getattr(remote, "_wire", None)
            if wire is not None:
                wire.breaker.succeeded()


def token_of(api: Api, *scopes: Scope) -> str:
    """An access token, as a log-in gives it."""
    user = api.farthing[Users].create(
        api.organization, f"ann.{new_id('usr', api.clock.at)}", "a long password", scopes or [Scope.ADMIN]
    )
    return access_token(api.farthing[Tokens].signer, user)


def by(api: Api, secret: str) -> Api:
    return replace(api, secret=secret)


def unavailable(answer: TestResponse) -> bool:
    """503 with Retry-After, as problem+json."""
    assert answer.content_type == "application/problem+json"
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1


def test_tokens_are_verified_offline(api: Api, away: Callable[[str], None]) -> None:
    """With identity stopped the others go on, also for a token that they have never seen."""
    paths = ("/v1/customers", "/v1/meters", "/v1/events", "/v1/invoices", "/v1/payments")
    first, second = token_of(api), token_of(api)
    assert {by(api, first).get(path).status_code for path in paths} == {200}
    away("identity")
    assert {by(api, second).get(path).status_code for path in paths} == {200}


def test_api_keys_that_were_seen_go_on_for_ten_minutes(api: Api, away: Callable[[str], None]) -> None:
    _, unseen = api.farthing[ApiKeys].create(operator(api.organization), [Scope.READ])
    assert api.get("/v1/customers").status_code == 200
    away("identity")
    for minutes in (1, 4, 4):
        api.clock.at += timedelta(minutes=minutes)
        assert api.get("/v1/customers").status_code == 200
    assert unavailable(by(api, unseen).get("/v1/customers"))
    api.clock.at += timedelta(minutes=1)
    assert unavailable(api.get("/v1/customers"))


def test_without_identity_customers_are_still_made(api: Api, away: Callable[[str], None]) -> None:
    """What its organisation defaults to is known from the last time."""
    api.made("/v1/customers", CUSTOMER)
    away("identity")
    assert api.made("/v1/customers", {"key": "bcme", "name": "Bcme"})["currency"] == "USD"


def test_a_deleted_key_stops_within_30_seconds_in_other_services(api: Api) -> None:
    """T46."""
    key, secret = api.farthing[ApiKeys].create(operator(api.organization), [Scope.READ])
    other = by(api, secret)
    assert [other.get(path).status_code for path in ("/v1/customers", "/v1/meters", "/v1/invoices")] == [200] * 3
    assert api.delete(f"/v1/api-keys/{key.id}").status_code == 204
    assert other.get("/v1/me").status_code == 401
    api.clock.at += timedelta(seconds=30)
    assert [other.get(path).status_code for path in ("/v1/customers", "/v1/meters", "/v1/invoices")] == [401] * 3


def test_an_old_token_works_until_its_key_is_withdrawn(clock: TestClock, tmp_path: Path) -> None:
    """T42: also in services that only know the published keys."""
    services = open_services(tmp_path, clock)
    try:
        check_rotation(api_of(cast(Farthing, services), cast(FlaskClient, services.test_client()), clock))
    finally:
        services.close()


def check_rotation(api: Api) -> None:
    ring = api.farthing[Tokens].signer.keys
    before = token_of(api, Scope.READ)
    old = ring.signing().kid
    ring.rotate()
    api.clock.at += timedelta(seconds=31)
    ring.all()
    api.clock.at += timedelta(seconds=60)
    after = token_of(api, Scope.READ)
    assert jwt.get_unverified_header(after)["kid"] != old
    assert [by(api, token).get("/v1/customers").status_code for token in (before, after)] == [200, 200]
    ring.withdraw(old)
    api.clock.at += timedelta(seconds=91)
    assert [by(api, token).get("/v1/customers").status_code for token in (before, after)] == [401, 200]
    assert by(api, before).get("/v1/me").status_code == 401


def test_unknown_keys_fetch_the_key_set_once(api: Api, watched: Callable[[str], Seen]) -> None:
    """T40: whatever names tokens come with, nobody makes a storm of them."""
    api.clock.at += timedelta(seconds=61)
    assert by(api, token_of(api)).get("/v1/customers").status_code == 200
    api.clock.at += timedelta(seconds=11)
    seen = watched("identity")
    for kid in ("../../x", "' OR 1=1", "http://127.0.0.1:1/keys", "k" * 1000, *map(str, range(20))):
        claims = {"iss": "farthing", "aud": "farthing", "sub": "usr_1", "org": api.organization}
        forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", {"kid": kid, "typ": "at+jwt"})
        assert by(api, forged).get("/v1/customers").status_code == 401
    assert len(seen.paths("jwks")) == 1


def test_what_a_token_may_not_be_in_any_service(api: Api) -> None:
    """T39 and T41: other algorithms, kinds, audiences and issuers, and times that are over."""
    signer = api.farthing[Tokens].signer
    key = signer.keys.signing()
    good = jwt.decode(token_of(api), options={"verify_signature": False})

    def forged(header: dict[str, Any], private: Any = key.private, algorithm: str = "EdDSA", **claims: Any) -> str:
        return jwt.encode(good | claims, private, algorithm, {"kid": key.kid, "typ": "at+jwt"} | header)

    assert by(api, forged({})).get("/v1/customers").status_code == 200
    bad = [
        forged({}, private=None, algorithm="none"), forged({}, private="x" * 32, algorithm="HS256"),
        forged({"typ": "svc+jwt"}), forged({"typ": "JWT"}), forged({"jku": "http://127.0.0.1:1"}),
        forged({}, aud="farthing-internal"), forged({}, iss="other"), forged({}, exp=good["iat"] - 61),
        forged({}, iat=good["iat"] + 120), forged({}, nbf=good["iat"] + 120), forged({}, exp=str(good["exp"])),
        forged({}, private=Ed25519PrivateKey.generate()),
        service_token(signer, "billing", SCOPES["billing"]),
    ]
    for path in ("/v1/customers", "/v1/meters", "/v1/events", "/v1/invoices", "/v1/payments"):
        answers = [by(api, token).get(path) for token in bad]
        assert {answer.status_code for answer in answers} == {401}
        assert {(answer.json or {})["detail"] for answer in answers} == {
            "The access token is not valid or has expired."
        }


def inside(api: Api, room: str, call: str, token: str, body: Any, **headers: str) -> TestResponse:
    app = cast(Services, api.farthing).apps[room]
    return app.test_client().post(
        f"/internal/{room}/{call}", json=body, headers={"Authorization": f"Bearer {token}"} | headers
    )


def test_only_services_with_the_scope_are_answered(api: Api) -> None:
    """A person's token or key opens nothing between services, and a service's only what it needs."""
    signer = api.farthing[Tokens].signer
    body = {"organization": api.organization, "reference": "acme"}
    api.made("/v1/customers", CUSTOMER)
    billing, customers = (service_token(signer, name, SCOPES[name]) for name in ("billing", "customers"))
    assert inside(api, "customers", "get", billing, body).status_code == 200
    assert inside(api, "customers", "get", customers, body).status_code == 403
    for credential in (token_of(api), api.secret, "nonsense"):
        assert inside(api, "customers", "get", credential, body).status_code == 401
    wrongs: list[Any] = [{}, [], {"organization": api.organization}, body | {"more": 1}, body | {"reference": [1]}]
    for wrong in wrongs:
        assert inside(api, "customers", "get", billing, wrong).status_code == 400
    for call in ("__init__", "create", "delete", "nothing"):
        assert inside(api, "customers", call, billing, body).status_code == 404


def test_nobody_is_asked_for_on_behalf_of_another_organisations_caller(api: Api) -> None:
    """I12."""
    api.made("/v1/customers", CUSTOMER)
    token = service_token(api.farthing[Tokens].signer, "billing", SCOPES["billing"])
    body = {"organization": api.organization, "reference": "acme"}
    stranger = api.stranger()
    for caller, status in ((api.secret, 200), (token_of(api), 200), (stranger.secret, 403), ("nonsense", 401)):
        assert inside(api, "customers", "get", token, body, **{CALLER: caller}).status_code == status


def test_a_service_gets_its_token_for_its_own_secret_alone(api: Api, services: Services) -> None:
    tokens = api.farthing[ServiceTokens]
    assert tokens.secrets is not None
    secret = (tokens.secrets / "billing").read_text()
    client = services.apps["identity"].test_client()

    def ask(service: object, secret: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {secret}"}
        return client.post("/internal/identity/token", json={"service": service}, headers=headers)

    given = (ask("billing", secret).json or {})["access_token"]
    assert jwt.decode(given, options={"verify_signature": False})["scopes"] == list(SCOPES["billing"])
    for service, shown in (("usage", secret), ("billing", "x"), ("../billing", secret), ("operator", secret)):
        assert ask(service, shown).status_code == 401
    assert ask(5, secret).status_code == 422


def test_request_id_trace_and_caller_go_along(api: Api, watched: Callable[[str], Seen]) -> None:
    """W3C Trace Context: the same trace, each service its own parent."""
    seen = watched("usage")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"X-Request-ID": "mine-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = api.post("/v1/customers", CUSTOMER, headers=headers)
    assert answer.headers["X-Request-ID"] == "mine-1"
    [(_, got)] = [call for call in seen.calls if call[0].endswith("/bind")]
    assert got["X-Request-Id"] == "mine-1"
    assert got["Traceparent"].split("-")[1] == trace
    assert got["Traceparent"].split("-")[2] != "00f067aa0ba902b7"
    assert got[CALLER] == api.secret
    assert jwt.decode(got["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})["sub"] == (
        "svc_customers"
    )


def test_without_customers_billing_answers_what_it_can(api: Api, books: Books, away: Callable[[str], None]) -> None:
    """And 503 with Retry-After where it cannot; then it recovers by itself."""
    books.customer_on(CALLS)
    books.use("1", "2026-09-10T00:00:00Z", "12")
    [invoice] = books.billed("2026-10-02T00:00:00Z")
    away("customers")
    assert api.get(f"/v1/invoices/{invoice['id']}").status_code == 200
    assert api.get("/v1/invoices").status_code == 200
    listed = api.get("/v1/subscriptions")
    assert (listed.status_code, (listed.json or {})["data"][0]["customer_key"]) == (200, "acme")
    subscription = books.subscription(own_usage=True, starts_at="2026-10-01T00:00:00Z")
    for _ in range(5):  # the breaker opens meanwhile, and says the same
        assert unavailable(api.post("/v1/subscriptions", subscription))
    assert api.get("/v1/invoices?customer=acme").status_code == 503
    cast(Services, api.farthing).serve("customers")
    wait_until(lambda: api.post("/v1/subscriptions", subscription).status_code == 201)
    cast(Services, api.farthing).stop("customers")


def wait_until(condition: Callable[[], bool]) -> None:
    """Until the breaker lets somebody try again: a second or a little more."""
    end = ticks() + 15
    while not condition():
        assert ticks() < end


def test_what_ingest_needs_of_the_catalogue_is_remembered(api: Api, books: Books, away: Callable[[str], None]) -> None:
    books.meter()
    books.customer()
    books.use("1", "2026-11-01T00:00:00Z", "2")
    away("catalog")
    books.use("2", "2026-11-01T00:00:00Z", "3")
    bad = {"id": "3", "type": "call", "subject": "acme", "data": {"quantity": "much"}}
    assert api.post("/v1/events", [bad]).status_code == 422
    asked = "/v1/usage?customer=acme&meter=calls&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&window=none"
    assert (api.get(asked).json or {})["data"][0]["value"] == "5"
    assert unavailable(api.get(asked.replace("meter=calls", "meter=other")))


def test_without_usage_what_is_stored_can_be_read(api: Api, books: Books, away: Callable[[str], None]) -> None:
    books.customer_on(CALLS)
    away("usage")
    assert api.get("/v1/customers/acme").status_code == 200
    assert api.get("/v1/subscriptions").status_code == 200
    run = api.made("/v1/bill-runs", {"as_of": "2026-10-02T00:00:00Z"})
    assert (api.get(f"/v1/bill-runs/{run['id']}").json or {})["status"] == "failed"
    assert api.every("/v1/invoices") == []


def test_readiness_names_who_is_away(services: Services, away: Callable[[str], None]) -> None:
    client = services.apps["billing"].test_client()
    told = client.get("/readyz")
    assert (told.status_code, json.loads(told.data)["status"]) == (200, "ok")
    away("customers")
    told = client.get("/readyz")
    body = json.loads(told.data)
    assert (told.status_code, body["status"], body["dependencies"]["customers"]["status"]) == (
        200, "degraded", "unavailable"
    )
    assert client.get("/healthz").status_code == 200

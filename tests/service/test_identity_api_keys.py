"""API keys over HTTP: made once, never wider than their maker, gone at once."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from farthing.app import Farthing, open_farthing, web_application
from farthing.identity.api_keys.service import ApiKeys, ScopesTooWide, hashed
from farthing.identity.callers import MOST, CallerCache
from farthing.kernel.credentials import Caller, Scope, operator
from tests.service.conftest import Api

CUSTOMER = {"name": "Acme"}


def with_secret(api: Api, secret: str) -> Api:
    return Api(api.farthing, api.client, api.organization, secret, api.clock)


def test_the_secret_is_shown_once(api: Api) -> None:
    answer = api.post("/v1/api-keys", {"name": "Meter", "scopes": ["read", "ingest"]})
    made = dict(answer.json or {})
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/api-keys/{made['id']}")
    assert made["secret"].startswith("fk_")
    assert len(made["secret"]) == 3 + 43  # 256 bits in base64url
    assert made["scopes"] == ["ingest", "read"]
    assert made["secret"].endswith(made["hint"])
    listed = [key for key in api.every("/v1/api-keys") if key["id"] == made["id"]]
    assert listed == [{name: value for name, value in made.items() if name != "secret"}]
    assert with_secret(api, made["secret"]).get("/v1/customers").status_code == 200


@pytest.mark.together
def test_the_secret_is_stored_as_a_hash(api: Api) -> None:
    secret = api.made("/v1/api-keys", {"scopes": ["read"]})["secret"]
    with api.farthing.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM api_keys").all())
    assert secret not in rows
    assert hashed(secret) in rows


def test_a_replay_hides_the_secret(api: Api) -> None:
    headers = {"Idempotency-Key": "one"}
    first = api.post("/v1/api-keys", {"scopes": ["read"]}, headers=headers)
    again = api.post("/v1/api-keys", {"scopes": ["read"]}, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, (again.json or {})["id"]) == (201, (first.json or {})["id"])
    assert (again.json or {})["secret"] is None
    with api.farthing.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT body FROM idempotent_answers").all())
    assert (first.json or {})["secret"] not in kept


@pytest.mark.parametrize(("body", "field"), [
    ({}, "scopes"), ({"scopes": []}, "scopes"), ({"scopes": ["everything"]}, "scopes[0]"),
    ({"scopes": "admin"}, "scopes"), ({"scopes": ["read"], "id": "key_1"}, "id"),
    ({"scopes": ["read"], "secret": "fk_mine"}, "secret"), ({"scopes": ["read"], "hint": "abcd"}, "hint"),
    ({"scopes": ["read"], "organization": "org_1"}, "organization"), ({"scopes": ["read"], "name": 5}, "name"),
])
def test_what_cannot_be_is_refused_by_name(api: Api, body: dict[str, Any], field: str) -> None:
    """T45."""
    answer = api.post("/v1/api-keys", body)
    assert answer.status_code == 422
    assert {error["field"] for error in (answer.json or {})["errors"]} == {field}


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["ingest"], ["read", "write", "ingest"]])
def test_only_an_administrator_makes_keys(api: Api, scopes: list[str]) -> None:
    narrow = api.with_scopes(*scopes)
    assert narrow.post("/v1/api-keys", {"scopes": ["read"]}).status_code == 403
    assert narrow.get("/v1/api-keys").status_code == 403


def test_a_key_is_never_wider_than_its_maker(api: Api) -> None:
    writer = Caller(api.organization, "usr_1", "user", frozenset({Scope.READ, Scope.WRITE}))
    keys = api.farthing[ApiKeys]
    assert keys.create(writer, [Scope.WRITE])[0].scopes == {Scope.WRITE}
    for wider in (Scope.INGEST, Scope.ADMIN):
        with pytest.raises(ScopesTooWide):
            keys.create(writer, [Scope.READ, wider])
    assert keys.create(operator(api.organization), [Scope.ADMIN])[0].scopes == {Scope.ADMIN}


@pytest.mark.parametrize(("scopes", "statuses"), [
    (["ingest"], (403, 403, 403)), (["read"], (200, 403, 403)), (["write"], (403, 201, 403)),
    (["read", "write"], (200, 201, 403)), (["admin"], (200, 201, 200)),
])
def test_a_scope_is_what_a_key_may_do(api: Api, scopes: list[str], statuses: tuple[int, int, int]) -> None:
    """T46."""
    key = api.with_scopes(*scopes)
    assert key.get("/v1/customers").status_code == statuses[0]
    assert key.post("/v1/customers", CUSTOMER).status_code == statuses[1]
    assert key.get("/v1/api-keys").status_code == statuses[2]


def test_the_scope_is_checked_before_the_body(api: Api) -> None:
    answer = api.with_scopes("read").post("/v1/customers", data=b"{", content_type="application/json")
    assert answer.status_code == 403


@pytest.mark.together
def test_a_deleted_key_stops_at_once(api: Api) -> None:
    """T46: also though it was remembered a moment ago."""
    made = api.made("/v1/api-keys", {"scopes": ["read"]})
    key = with_secret(api, made["secret"])
    assert [key.get("/v1/customers").status_code for _ in range(3)] == [200] * 3
    assert api.delete(f"/v1/api-keys/{made['id']}").status_code == 204
    answer = key.get("/v1/customers")
    assert (answer.status_code, (answer.json or {})["title"]) == (401, "Unauthorized")
    assert api.delete(f"/v1/api-keys/{made['id']}").status_code == 404
    assert made["id"] not in {row["id"] for row in api.every("/v1/api-keys")}


@pytest.fixture
def neighbour(api: Api) -> Iterator[Farthing]:
    """Another process on the same store."""
    opened = open_farthing(api.farthing.settings, api.clock)
    yield opened
    opened.close()


@pytest.mark.together
def test_a_deleted_key_stops_within_30_seconds_elsewhere(api: Api, neighbour: Farthing) -> None:
    """T46."""
    made = api.made("/v1/api-keys", {"scopes": ["read"]})
    elsewhere = Api(neighbour, web_application(neighbour).test_client(), api.organization, made["secret"], api.clock)
    assert elsewhere.get("/v1/customers").status_code == 200
    assert api.delete(f"/v1/api-keys/{made['id']}").status_code == 204
    api.clock.at += timedelta(seconds=30)
    assert elsewhere.get("/v1/customers").status_code == 401


def test_a_key_deleted_while_it_is_being_checked_is_not_remembered(api: Api) -> None:
    key, secret = api.farthing[ApiKeys].create(operator(api.organization), [Scope.READ])
    cache = CallerCache(api.clock)
    found, deleted = threading.Event(), threading.Event()

    def check(given: str) -> tuple[Caller, None]:
        answer = api.farthing[ApiKeys].holder(given)
        found.set()
        assert deleted.wait(10)
        return answer

    first = threading.Thread(target=cache.caller, args=(secret, check))
    first.start()
    assert found.wait(10)
    cache.forget(key.id)
    deleted.set()
    first.join()
    asked: list[str] = []

    def again(given: str) -> tuple[Caller, None]:
        asked.append(given)
        return api.farthing[ApiKeys].holder(given)

    cache.caller(secret, again)
    cache.caller(secret, again)
    assert asked == [secret]


def test_the_cache_is_bounded(api: Api) -> None:
    cache = CallerCache(api.clock)
    caller = operator(api.organization)
    asked: list[str] = []

    def check(secret: str) -> tuple[Caller, None]:
        asked.append(secret)
        return caller, None

    for number in range(MOST + 1):
        cache.caller(str(number), check)
    cache.caller(str(MOST), check)
    assert len(asked) == MOST + 1
    cache.caller("0", check)
    assert len(asked) == MOST + 2


def test_another_organisation_sees_and_deletes_nothing(api: Api) -> None:
    """T44: the same answer as for a key that never was."""
    made = api.made("/v1/api-keys", {"scopes": ["read"]})
    stranger = api.stranger()
    answers = [stranger.delete(f"/v1/api-keys/{key}") for key in (made["id"], "key_nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert made["id"] not in {row["id"] for row in stranger.every("/v1/api-keys")}
    assert with_secret(api, made["secret"]).get("/v1/customers").status_code == 200


@pytest.mark.parametrize("secret", ["fk_", "fk_nothing", "fk_" + "x" * 8000, "fk_'; DROP TABLE api_keys; --", "FK_x"])
def test_a_secret_that_is_none(api: Api, secret: str) -> None:
    assert with_secret(api, secret).get("/v1/customers").status_code == 401

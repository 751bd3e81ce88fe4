"""A retry has one effect and the same answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.conftest import Api

pytestmark = pytest.mark.customers

ACME = {"name": "Acme", "metadata": {"n": 1}}


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def test_the_same_request_gives_the_first_answer_again(api: Api) -> None:
    """T32: spacing and the order of keys say nothing."""
    first = api.post("/v1/customers", ACME, **with_key("k1"))
    spaced = b'{ "metadata" : {"n": 1.0},\n "name": "Acme" }'
    again = api.post("/v1/customers", data=spaced, content_type="application/json", **with_key('"k1"'))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api.every("/v1/customers")) == 1


@pytest.mark.together
def test_another_request_with_the_key_is_refused(api: Api) -> None:
    """T32."""
    api.post("/v1/customers", ACME, **with_key("k1"))
    assert api.post("/v1/customers", {"name": "Bcme"}, **with_key("k1")).status_code == 422


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True, scope="session")
def test_the_key_at_another_call_is_refused(api: Api) -> None:
    """T33, where both are answered from one store: an answer is kept where its work is."""
    api.post("/v1/customers", ACME, **with_key("k1"))
    assert api.post("/v1/events", [], **with_key("k1")).status_code == 422


def test_another_organisations_key_is_its_own(api: Api) -> None:
    """T33."""
    api.post("/v1/customers", ACME, **with_key("k1"))
    stranger = api.stranger()
    assert stranger.post("/v1/customers", {"name": "Bcme"}, **with_key("k1")).status_code == 201


def test_refused_work_is_not_kept(api: Api) -> None:
    """A validation failure leaves the key free for the request that is right."""
    assert api.post("/v1/customers", {"name": ""}, **with_key("k1")).status_code == 422
    assert api.post("/v1/customers", ACME, **with_key("k1")).status_code == 201


def test_credentials_come_first(api: Api) -> None:
    api.post("/v1/customers", ACME, **with_key("k1"))
    reader = api.with_scopes("read")
    assert reader.post("/v1/customers", ACME, **with_key("k1")).status_code == 403


@pytest.mark.parametrize("key", ["", '""', "a" * 256, "a" * 10_000, "a\x7fb", "caf\u00e9", "a,b", '"a","b"'])
def test_a_key_has_its_form(api: Api, key: str) -> None:
    """T34: the rule is told."""
    answer = api.post("/v1/customers", ACME, **with_key(key))
    assert answer.status_code == 400
    assert "255" in str(answer.json)


def test_a_long_key_is_good(api: Api) -> None:
    assert api.post("/v1/customers", ACME, **with_key("a" * 255)).status_code == 201
    assert api.post("/v1/customers", ACME, **with_key('"a,b"')).status_code == 201


def test_a_secret_is_not_told_again(api: Api) -> None:
    first = api.post("/v1/api-keys", {"scopes": ["read"]}, **with_key("k1"))
    again = api.post("/v1/api-keys", {"scopes": ["read"]}, **with_key("k1"))
    assert first.json is not None
    assert again.json == first.json | {"secret": None}


def test_keys_are_forgotten_after_a_day(api: Api) -> None:
    api.post("/v1/customers", {"name": "Acme"}, **with_key("k1"))
    api.clock.to("2026-11-21T12:00:01Z")
    answer = api.post("/v1/customers", {"name": "Bcme"}, **with_key("k1"))
    assert answer.status_code == 201


def test_fifty_at_once_have_one_effect(api: Api) -> None:
    """T31 (I9)."""
    start = threading.Barrier(10)

    def send(number: int) -> tuple[int, bytes]:
        if number < 10:
            start.wait()
        answer = api.farthing_client().post("/v1/customers", ACME, **with_key("k1"))
        return answer.status_code, answer.data

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(50)))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({body for status, body in answers if status == 201}) == 1
    assert len(api.every("/v1/customers")) == 1

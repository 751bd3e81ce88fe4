"""What every call has in common, whatever its room."""

import re

import pytest

from farthing.calls import ENDPOINTS, LATER
from farthing.kernel.credentials import Scope
from farthing.kernel.web import Endpoint
from farthing.usage.events.bodies import MEDIA_TYPES
from tests.service.conftest import Api

JSON = "application/json"
SCOPED = [one for one in ENDPOINTS if isinstance(one.scope, Scope)]
WITH_REFERENCE = [one for one in ENDPOINTS if "<" in one.path]


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def is_problem(answer: object, status: int) -> bool:
    """RFC 9457, with what the interface adds."""
    body = getattr(answer, "json", None) or {}
    return (
        getattr(answer, "status_code", None) == status
        and getattr(answer, "content_type", None) == "application/problem+json"
        and {"type", "title", "status", "detail", "error", "request_id"} <= set(body)
        and body["status"] == status and body["error"] == body["title"]
    )


def test_a_path_that_is_not_there(api: Api) -> None:
    answer = api.get("/v1/nothing")
    assert is_problem(answer, 404)
    assert answer.json is not None
    assert answer.json["error"] == "Resource not found"


def test_a_method_that_is_not_allowed(api: Api) -> None:
    answer = api.call("PUT", "/v1/customers")
    assert is_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(("body", "media_type", "status"), [
    (b'{"name": "A"', JSON, 400),
    (b"", JSON, 400),
    (b'{"name": "\xff"}', JSON, 400),
    ('{"name": "A"}'.encode("utf-16"), JSON, 400),
    (b'\xef\xbb\xbf{"name": "A"}', JSON, 400),
    (b'{"name": "A"}', "text/plain", 415),
    (b'{"name": "A"}', None, 415),
    (b'[{"name": "A"}]', JSON, 422),
    (b'"A"', JSON, 422),
    (b'{"name": "' + b"a" * 1_100_000 + b'"}', JSON, 413),
    (b"[" * 100_000, JSON, 400),
])
def test_a_body_that_cannot_be_read(api: Api, body: bytes, media_type: str | None, status: int) -> None:
    """T10, T12: a clear answer, and nothing stored."""
    answer = api.call("POST", "/v1/customers", data=body, content_type=media_type)
    assert is_problem(answer, status), answer.get_data(as_text=True)
    assert api.every("/v1/customers") == []


def test_what_is_wrong_is_named_with_its_rule(api: Api) -> None:
    answer = api.post("/v1/customers", {"name": "", "currency": "usd", "nmae": "A", "payment_terms_days": True})
    assert is_problem(answer, 422)
    assert answer.json is not None
    assert {one["field"] for one in answer.json["errors"]} == {"name", "currency", "nmae", "payment_terms_days"}
    assert all(one["message"] for one in answer.json["errors"])


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer fk_wrong", "Basic YTpi", "Bearer a.b.c", "fk_wrong"])
def test_no_or_bad_credentials(api: Api, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}
    answer = api.client.get("/v1/customers", headers=headers)
    assert is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("endpoint", SCOPED, ids=named)
def test_a_key_without_the_scope(api: Api, endpoint: Endpoint) -> None:
    """T46: every call asks for its scope, before it looks at anything else."""
    others = {"read", "write", "ingest"} - {str(endpoint.scope)}
    narrow = api.with_scopes(*others)
    path = re.sub(r"<\w+>", "x", endpoint.path)
    answer = narrow.call(endpoint.method, path, data=b"{", content_type=JSON)
    assert is_problem(answer, 403), answer.get_data(as_text=True)


@pytest.mark.parametrize("endpoint", WITH_REFERENCE, ids=named)
def test_what_is_not_there(api: Api, endpoint: Endpoint) -> None:
    """T44: an unknown reference is 404, whatever the call; another organisation's looks the same."""
    path = re.sub(r"<\w+>", "nobody", endpoint.path)
    body: object = {} if endpoint.method in ("PATCH", "POST") else None
    answer = api.call(endpoint.method, path, body)
    assert answer.status_code in (404, 422), answer.get_data(as_text=True)
    if answer.status_code == 422:
        assert answer.json is not None
        assert all("required" in one["message"] for one in answer.json["errors"])


@pytest.mark.parametrize(("method", "path"), LATER)
def test_what_is_not_built_says_so(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path.replace("<one>", "x"))
    assert is_problem(answer, 422)
    assert answer.json is not None
    assert "not available yet" in answer.json["detail"].lower()
    assert api.client.open(path.replace("<one>", "x"), method=method).status_code == 401


def test_request_ids_are_echoed_or_made(api: Api) -> None:
    assert api.get("/v1/organization", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    made = api.get("/v1/organization", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"]
    assert made.startswith("req_")
    problem = api.get("/v1/customers/nobody", headers={"X-Request-ID": "abc-2"})
    assert problem.json is not None
    assert problem.json["request_id"] == "abc-2"


@pytest.mark.parametrize("query", [
    *("limit=0", "limit=-1", "limit=201", "limit=abc", "limit=", "after=forged", "colour=red"),
])
def test_a_query_that_is_wrong(api: Api, query: str) -> None:
    """T59."""
    assert is_problem(api.get(f"/v1/customers?{query}"), 422)


def test_a_query_that_says_two_things(api: Api) -> None:
    assert is_problem(api.get("/v1/customers?limit=1&limit=2"), 400)


def test_the_interface_describes_itself(api: Api) -> None:
    document = api.client.get("/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.1")
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(one.method, re.sub(r"<(\w+)>", r"{\1}", one.path)) for one in ENDPOINTS}
    text = api.client.get("/openapi.json").get_data(as_text=True)
    named_schemas = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named_schemas <= set(document["components"]["schemas"])
    page = api.client.get("/docs")
    assert page.status_code == 200
    for asset in re.findall(r'(?:href|src)="([^"]+)"', page.get_data(as_text=True)):
        assert asset.startswith("/docs/")
        assert api.client.get(asset).status_code == 200


def test_every_media_type_of_events_is_told() -> None:
    [ingest] = [one for one in ENDPOINTS if (one.method, one.path) == ("POST", "/v1/events")]
    assert set(ingest.raw) == set(MEDIA_TYPES)


def test_health_readiness_and_metrics(api: Api) -> None:
    assert api.client.get("/healthz").json == {"status": "ok"}
    ready = api.client.get("/readyz").json
    assert ready is not None
    assert ready["dependencies"]["database"]["status"] == "ok"
    assert "farthing_requests_total" in api.client.get("/metrics").get_data(as_text=True)

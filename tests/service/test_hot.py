"""What is answered in front of Flask is what Flask answers: the same requests through both."""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from farthing.app import served, web_application
from farthing.hot import Environ, Hot, Start, Taking
from farthing.identity.callers import CallerCache
from farthing.kernel.access_log import AccessLog
from farthing.kernel.cache.answers import Answers
from farthing.kernel.telemetry import configure_logs
from farthing.usage.events.bodies import MOST_BYTES
from farthing.usage.events.routes import taken
from farthing.usage.events.service import Events
from tests.service.books import Books
from tests.service.conftest import Api, TestClock

TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Both:
    """The same application with Flask alone and with the hot path in front of it."""

    def __init__(self, api: Api, log_level: str = "error") -> None:
        self.api = api
        self.flask: Flask = web_application(api.farthing)
        self.passed_on = 0
        self.hot = Hot(
            self._behind, api.farthing[CallerCache].known, api.farthing[Answers],
            Taking(MOST_BYTES, partial(taken, api.farthing[Events])), api.farthing.telemetry,
            AccessLog(log_level, "json"),
        )

    def _behind(self, environ: Environ, start: Start) -> Iterable[bytes]:
        self.passed_on += 1
        return self.flask(environ, start)

    def send(self, body: str, media_type: str = "application/json", **headers: str) -> tuple[Any, Any]:
        """Both answers to events, under identifiers that differ by one letter."""
        answers = []
        for letter, application in (("f", self.flask), ("h", self.hot)):
            said = {"Authorization": f"Bearer {self.api.secret}", "X-Request-ID": "r", "Content-Type": media_type}
            said |= {name: text.format(letter) for name, text in headers.items()}
            environ = EnvironBuilder(
                path="/v1/events", method="POST", headers=list(said.items()), data=body.format(letter).encode()
            ).get_environ()
            found, status, told = run_wsgi_app(application, environ)
            answers.append((status, dict(told), b"".join(found)))
        return answers[0], answers[1]

    def ask(self, path: str, method: str = "GET", data: bytes = b"", **headers: str) -> tuple[Any, Any]:
        """Both answers, without what differs between any two: the moment, and an id that was made."""
        headers = {"Authorization": f"Bearer {self.api.secret}", "X-Request-ID": 'r"1'} | headers
        said = {name: value for name, value in headers.items() if value}
        answers = []
        for application in (self.flask, self.hot):
            environ = EnvironBuilder(path=path, method=method, headers=list(said.items()), data=data).get_environ()
            body, status, told = run_wsgi_app(application, environ)
            fields = {name: value for name, value in told if name != "Date"}
            if said.get("X-Request-ID") != fields["X-Request-ID"]:
                assert fields.pop("X-Request-ID").startswith("req_")
            text = b"".join(body)
            if text.startswith(b"{") and '"request_id"' in text.decode():
                text = json.dumps(json.loads(text) | {"request_id": ""}).encode()
            answers.append((status, fields, text))
        return answers[0], answers[1]


@pytest.fixture
def both(api: Api) -> Both:
    return Both(api)


@pytest.fixture
def invoice(books: Books) -> dict[str, Any]:
    books.customer()
    return books.one_off("30.00")


@pytest.mark.parametrize("headers", [
    {}, {"If-None-Match": '"2"'}, {"If-None-Match": '"1"'}, {"traceparent": TRACE}, {"X-Request-ID": ""},
    {"X-Request-ID": "\x7f"}, {"Accept": "text/html"}, {"User-Agent": "curl"},
], ids=str)
@pytest.mark.parametrize("reference", ["id", "number"])
def test_what_is_in_hand_is_answered_without_flask(
    both: Both, invoice: dict[str, Any], reference: str, headers: dict[str, str]
) -> None:
    path = f"/v1/invoices/{invoice[reference]}"
    for _ in range(2):
        both.api.get(path)
    by_flask, by_hot = both.ask(path, "GET", b"", **headers)
    assert by_hot == by_flask
    assert both.passed_on == 0
    assert by_hot[1]["Cache-Status"] == "farthing; hit"


@pytest.mark.parametrize(("path", "headers"), [
    ("/v1/invoices/{id}?a=1", {}), ("/v1/invoices/{id}/", {}), ("/v1/invoices/{id}.pdf", {}), ("/v1/invoices/", {}),
    ("/v1/invoices/{id}%00", {}), ("/v1/invoices/inv_nothing", {}), ("/v1/invoices/INV-1999-000001", {}),
    ("/v1/invoices/{id}/lines/x/explain", {}), ("/v1/invoices", {}), ("/v1/customers/acme", {}), ("/healthz", {}),
    ("/v1/invoices/{id}", {"Authorization": ""}), ("/v1/invoices/{id}", {"Authorization": "Bearer nonsense"}),
    ("/v1/invoices/{id}", {"Authorization": "Basic eDp5"}), ("/v1/invoices/{id}", {"If-None-Match": "*"}),
    ("/v1/invoices/{id}", {"If-None-Match": 'W/"2"'}), ("/v1/invoices/{id}", {"If-None-Match": '"1", "2"'}),
    ("/v1/invoices/{id}", {"If-None-Match": "2"}), ("/v1/invoices/{id}", {"If-Match": '"1"'}),
    ("/v1/invoices/{id}", {"If-Match": '"2"'}), ("/v1/invoices/{id}", {"Range": "bytes=0-9"}),
    ("/v1/invoices/{id}", {"If-Modified-Since": "Mon, 23 Nov 2099 00:00:00 GMT"}),
], ids=str)
def test_what_is_unusual_is_left_to_flask(
    both: Both, invoice: dict[str, Any], path: str, headers: dict[str, str]
) -> None:
    both.api.get(f"/v1/invoices/{invoice['id']}")
    by_flask, by_hot = both.ask(path.format(**invoice), "GET", b"", **headers)
    assert both.passed_on == 1
    assert by_hot == by_flask


def test_a_body_is_left_to_flask(both: Both, invoice: dict[str, Any]) -> None:
    both.api.get(f"/v1/invoices/{invoice['id']}")
    by_flask, by_hot = both.ask(f"/v1/invoices/{invoice['id']}", data=b"12345")
    assert (both.passed_on, by_hot) == (1, by_flask)


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE", "OPTIONS"])
def test_other_methods_are_left_to_flask(both: Both, invoice: dict[str, Any], method: str) -> None:
    both.api.get(f"/v1/invoices/{invoice['id']}")
    by_flask, by_hot = both.ask(f"/v1/invoices/{invoice['id']}", method)
    assert (both.passed_on, by_hot) == (1, by_flask)


def test_a_key_counts_for_its_scopes_and_only_as_long_as_it_is_good(
    both: Both, invoice: dict[str, Any], clock: TestClock
) -> None:
    """T46, also through the cache: no scope 403, deleted 401 at once, and checked anew after 30 seconds."""
    path = f"/v1/invoices/{invoice['id']}"
    both.api.get(path)
    narrow = both.api.with_scopes("ingest")
    narrow.get("/v1/me")
    assert both.ask(path, Authorization=f"Bearer {narrow.secret}")[1][0] == "403 FORBIDDEN"
    reader = both.api.with_scopes("read")
    reader.get(path)
    before = both.passed_on
    assert both.ask(path, Authorization=f"Bearer {reader.secret}")[1][0] == "200 OK"
    assert both.passed_on == before
    clock.to("2026-11-20T12:00:31Z")
    both.ask(path, Authorization=f"Bearer {reader.secret}")
    keys = both.api.every("/v1/api-keys")
    both.api.delete(f"/v1/api-keys/{keys[-1]['id']}")
    assert both.ask(path, Authorization=f"Bearer {reader.secret}")[1][0] == "401 UNAUTHORIZED"
    stranger = both.api.stranger()
    stranger.get("/v1/me")
    assert both.ask(path, Authorization=f"Bearer {stranger.secret}")[1][0] == "404 NOT FOUND"


def test_a_payment_is_seen(both: Both, invoice: dict[str, Any]) -> None:
    path = f"/v1/invoices/{invoice['id']}"
    both.api.get(path)
    assert json.loads(both.ask(path)[1][2])["amount_paid"] == "0.00"
    both.api.made("/v1/payments", {"invoice": invoice["id"], "amount": "30.00", "currency": "USD", "method": "wire"})
    environ = EnvironBuilder(path=path, headers=[("Authorization", f"Bearer {both.api.secret}")]).get_environ()
    body, _, _ = run_wsgi_app(both.hot, environ)
    assert json.loads(b"".join(body))["status"] == "paid"
    assert both.passed_on == 1


def test_it_is_counted_and_logged_alike(
    api: Api, invoice: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"/v1/invoices/{invoice['id']}"
    api.get(path)
    both = Both(api, "info")
    before = counted(api)
    configure_logs("info", "json")
    try:
        both.ask(path, traceparent=TRACE)
    finally:
        configure_logs("error", "json")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    moving = ("ms", "timestamp")
    by_flask, by_hot = [{name: value for name, value in line.items() if name not in moving} for line in lines]
    assert by_hot == by_flask
    assert [len(line["timestamp"]) for line in lines] == [27, 27]
    assert [type(line["ms"]) for line in lines] == [float, float]
    assert (both.passed_on, counted(api) - before) == (0, 2)


def counted(api: Api) -> float:
    labels = {"method": "GET", "route": "/v1/invoices/<reference>", "status": "200"}
    return api.farthing.telemetry.registry.get_sample_value("farthing_requests_total", labels) or 0


def test_a_server_runs_it(api: Api) -> None:
    assert isinstance(served(api.farthing), Hot)


GOOD = '{{"id": "{0}1", "type": "api.request", "subject": "acme", "data": {{"quantity": "1.50"}}}}'


@pytest.mark.parametrize("body", [
    GOOD, f"[{GOOD}, {GOOD}]", '{{"events": [' + GOOD + "]}}", "[]",
], ids=["one", "twice", "wrapped", "none"])
@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8"])
def test_events_of_plain_json_are_taken_without_flask(both: Both, body: str, media_type: str) -> None:
    both.api.get("/v1/me")
    by_flask, by_hot = both.send(body, media_type)
    assert by_hot == by_flask
    assert both.passed_on == 0


@pytest.mark.parametrize(("body", "headers"), [
    (GOOD, {"Idempotency-Key": "a{0}"}), (GOOD, {"Content-Type": "application/cloudevents+json"}),
    (GOOD, {"Content-Type": "text/plain"}), (GOOD, {"ce-id": "{0}"}), (GOOD, {"Content-Encoding": "gzip"}),
    (GOOD, {"Authorization": "Bearer nonsense"}), (GOOD, {"Expect": "100-continue"}),
    ("{{", {}), ("", {}), ('{{"id": 1}}', {}), ('[{{"id": "{0}", "type": "t", "subject": "\\u0000"}}]', {}),
    ('{{"events": 1}}', {}), ('{{"id": "{0}", "id": "{0}"}}', {}),
], ids=str)
def test_what_is_unusual_or_wrong_about_events_is_told_by_flask(
    both: Both, body: str, headers: dict[str, str]
) -> None:
    both.api.get("/v1/me")
    by_flask, by_hot = both.send(body, **headers)
    assert by_hot == by_flask
    assert both.passed_on == 1


def test_a_key_that_only_reads_sends_no_events(both: Both) -> None:
    reader = both.api.with_scopes("read")
    reader.get("/v1/me")
    by_flask, by_hot = both.send(GOOD, Authorization=f"Bearer {reader.secret}")
    assert (by_hot[0], both.passed_on) == ("403 FORBIDDEN", 1)
    assert by_hot == by_flask


def test_a_body_that_is_cut_off_is_told_by_flask(both: Both) -> None:
    both.api.get("/v1/me")
    answers = []
    for application in (both.flask, both.hot):
        environ = EnvironBuilder(
            path="/v1/events", method="POST", data=GOOD.format("x").encode(), content_type="application/json",
            headers=[("Authorization", f"Bearer {both.api.secret}")],
        ).get_environ() | {"CONTENT_LENGTH": "1000"}
        answers.append(run_wsgi_app(application, environ)[1])
    assert answers == ["400 BAD REQUEST"] * 2
    assert both.api.every("/v1/events") == []

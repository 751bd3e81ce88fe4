"""Services apart, one of them gone: the others answer what they can, say what they cannot, and recover alone."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.system.client import Answer, Caller, until
from tests.system.deployments import Apart, Organization, new_organization
from tests.system.test_both_ways import LISTS, PASSWORD, billed, log_in
from tests.system.test_deployment_files import tool
from tests.topology import Topology

pytestmark = pytest.mark.slow
BEGIN = {"starts_at": "2026-09-01T00:00:00Z", "anchor": "calendar"}


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    tool("nginx", "Debian: nginx-light")
    tool("redis-server", "Debian: redis-server")
    running = Apart(tmp_path_factory.mktemp("apart"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def ours(apart: Apart) -> Organization:
    return new_organization(apart)


@pytest.fixture(scope="module")
def invoice(ours: Organization) -> str:
    """The path of an open invoice."""
    return f"/v1/invoices/{billed(ours.admin, 'acme')['id']}"


@contextmanager
def without(topology: Topology, *instances: str, sign: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """While these are gone (SIGTERM, SIGKILL) or hang (SIGSTOP); afterwards they are back."""
    for instance in instances:
        one = topology.processes[instance]
        one.send(signal.SIGSTOP) if sign == signal.SIGSTOP else one.stop() if sign == signal.SIGTERM else one.kill()
    try:
        yield
    finally:
        for instance in instances:
            if sign == signal.SIGSTOP:
                topology.processes[instance].send(signal.SIGCONT)
            else:
                topology.restart(instance)


def away(answer: Answer) -> None:
    """503 in the words of all problems, with when to come back."""
    assert answer.status == 503, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json["error"] == "Service unavailable"


OTHERS = {room: path for room, path in LISTS.items() if room != "identity"}


def test_without_identity_tokens_and_known_keys_go_on(apart: Apart, ours: Organization, invoice: str) -> None:
    """Tokens are verified offline, also ones never seen; a key that was seen goes on; one that was not is 503."""
    name = ours.user(PASSWORD)
    token = ours.admin.with_token(log_in(ours.admin, name)["access_token"])
    seen, unseen = ours.key("admin"), ours.key("admin")
    for room, path in OTHERS.items():
        for address in apart.addresses(room):
            assert seen.at(address).get(path).status == 200, address
    with without(apart.topology, "identity", sign=signal.SIGKILL):
        for path in (*OTHERS.values(), invoice):
            assert token.get(path).status == 200, path
            assert seen.get(path).status == 200, path
        away(ours.admin.with_token("").post("/v1/login", {"username": name, "password": PASSWORD}))
        away(unseen.get("/v1/customers"))
        assert ours.admin.with_token("nonsense").get("/v1/customers").status == 401
        made = token.made("/v1/customers", {"name": "Made without identity"})
    until(lambda: unseen.get("/v1/customers").status == 200)
    assert token.found(f"/v1/customers/{made['id']}") == made
    log_in(ours.admin, name)


def test_without_customers_billing_answers_what_it_can(apart: Apart, ours: Organization, invoice: str) -> None:
    ours.admin.made("/v1/customers", {"key": "waiting", "name": "Waiting", "currency": "USD"})
    for address in apart.addresses("billing"):  # lists show customers by the keys that were seen last
        ours.admin.at(address).found("/v1/subscriptions")
    with without(apart.topology, "customers"):
        away(ours.admin.get("/v1/customers"))
        for path in ("/v1/invoices", invoice, "/v1/subscriptions", "/v1/payments", "/v1/plans", "/v1/bill-runs"):
            assert ours.admin.get(path).status == 200, path
        away(ours.admin.post("/v1/subscriptions", BEGIN | {"customer": "waiting", "plan": "pro"}))
    subscribed: list[Answer] = []

    def again() -> bool:
        subscribed.append(ours.admin.post("/v1/subscriptions", BEGIN | {"customer": "waiting", "plan": "pro"}))
        return subscribed[-1].status != 503

    until(again)
    assert subscribed[-1].status == 201, subscribed[-1].body


def test_a_customer_service_that_hangs_is_not_waited_for_long(apart: Apart, ours: Organization, invoice: str) -> None:
    """SIGSTOP: connections are taken and nothing comes; what does not need it goes on meanwhile."""
    body = BEGIN | {"customer": "acme", "plan": "pro"}
    with without(apart.topology, "customers", sign=signal.SIGSTOP):
        away(ours.admin.post("/v1/subscriptions", body))
        assert ours.admin.get(invoice).status == 200
    until(lambda: ours.admin.post("/v1/subscriptions", body).status == 409)


def test_without_usage_the_rest_goes_on(apart: Apart, ours: Organization, invoice: str) -> None:
    """A customer made meanwhile is known to usage as soon as it is back, and so are the events for it."""
    event = {"type": "call", "subject": "meanwhile", "time": "2026-09-12T12:00:00Z"}
    with without(apart.topology, "usage"):
        away(ours.admin.post("/v1/events", [event | {"id": "lost"}]))
        assert ours.admin.get(invoice).status == 200
        assert ours.admin.get("/v1/subscriptions").status == 200
        customer = ours.admin.made("/v1/customers", {"key": "meanwhile", "name": "Meanwhile", "currency": "USD"})
    assert ours.admin.made("/v1/events", [event | {"id": "kept"}])["accepted"] == 1
    query = f"/v1/usage?customer={customer['id']}&meter=calls&from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z"

    def counted() -> bool:
        answer = ours.admin.get(f"{query}&window=none")
        return answer.status == 200 and [row["value"] for row in answer.json["data"]] == ["1"]

    until(counted)


def test_a_bill_run_that_lost_a_service_is_made_good(apart: Apart, ours: Organization) -> None:
    """Nobody is billed without usage, and nobody twice, however the run ended."""
    caller = ours.admin
    caller.made("/v1/customers", {"key": "late", "name": "Late", "currency": "USD"})
    caller.made("/v1/subscriptions", BEGIN | {"customer": "late", "plan": "pro"})
    events = [{"id": f"late-{n}", "type": "call", "subject": "late", "time": "2026-09-10T12:00:00Z"} for n in range(4)]
    caller.made("/v1/events", events)

    def ran() -> str:
        run = caller.made("/v1/bill-runs", {"as_of": "2026-10-02T00:00:00Z"})["id"]
        until(lambda: caller.found(f"/v1/bill-runs/{run}")["status"] in ("completed", "failed"), 90)
        return str(caller.found(f"/v1/bill-runs/{run}")["status"])

    with without(apart.topology, "usage", sign=signal.SIGKILL):
        ran()
        assert caller.found("/v1/invoices?customer=late")["data"] == []
    until(lambda: ran() == "completed" and caller.found("/v1/invoices?customer=late")["data"], 60)
    [invoice] = caller.found("/v1/invoices?customer=late")["data"]
    assert invoice["total"] == "10.40"


@contextmanager
def emptied(apart: Apart) -> Iterator[None]:
    """Redis forgets everything."""
    url = Path(apart.topology.processes["billing-1"].environment["FARTHING_CACHE_URL_FILE"]).read_text("utf-8")
    with redis.Redis.from_url(url.strip()) as client:
        client.flushall()
    yield


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSTOP", "emptied"])
def test_without_the_cache_nothing_fails_and_nothing_is_stale(apart: Apart, ours: Organization, how: str) -> None:
    """F05, I11: reads and payments go on, and each read shows every payment acknowledged before it."""
    caller, key = ours.admin, f"cache-{how.lower()}"
    path = f"/v1/invoices/{billed(caller, key)['id']}"
    addresses = [apart.url, *apart.addresses("billing")]
    paid = 0

    def pay_and_read() -> None:
        nonlocal paid
        caller.made("/v1/payments", {"invoice": path[13:], "amount": "0.10", "currency": "USD", "method": "wire"})
        paid += 1
        for address in addresses:
            assert caller.at(address).found(path)["amount_paid"] == f"{paid / 10:.2f}", address

    pay_and_read()
    lost = emptied(apart) if how == "emptied" else without(apart.topology, "redis", sign=signal.Signals[how])
    with lost:
        for _ in range(3):
            pay_and_read()
    for _ in range(3):
        pay_and_read()
    until(lambda: caller.get(path).headers["cache-status"] == "farthing; hit")  # it is believed again


def test_one_billing_instance_is_enough(apart: Apart, ours: Organization, invoice: str) -> None:
    """The gateway asks the other for what may be asked twice, and the first again once it is back."""
    for instance in ("billing-1", "billing-2"):
        with without(apart.topology, instance, sign=signal.SIGKILL):
            assert [ours.admin.get(invoice).status for _ in range(10)] == [200] * 10
        before, place = len(apart.log("gateway")), f'"upstream":"127.0.0.1:{apart.topology.processes[instance].port}"'

        def asked(before: int = before, place: str = place) -> bool:
            assert ours.admin.get(invoice).status == 200
            return place in apart.log("gateway")[before:]

        until(asked)


def test_after_a_rotation_old_tokens_work_until_their_key_is_withdrawn(apart: Apart, ours: Organization) -> None:
    """T42."""
    name = ours.user(PASSWORD)
    old = ours.admin.with_token(log_in(ours.admin, name)["access_token"])
    [kid] = json.loads(apart.run("identity", "identity", "keys", "--json"))["data"]
    new_kid = json.loads(apart.run("identity", "identity", "rotate", "--json"))["kid"]
    apart.topology.processes["identity"].stop()
    apart.topology.restart("identity")  # which signs with the newest key at once; without it, after a minute
    new = ours.admin.with_token(log_in(ours.admin, name)["access_token"])
    published = [key["kid"] for key in ours.admin.found("/.well-known/jwks.json")["keys"]]
    assert published == [kid, new_kid]
    for path in LISTS.values():
        assert old.get(path).status == 200, path
        until(lambda path=path: new.get(path).status == 200)  # type: ignore[misc]
    apart.run("identity", "identity", "withdraw", kid)
    for path in LISTS.values():
        until(lambda path=path: old.get(path).status == 401, 125)  # type: ignore[misc]
        assert new.get(path).status == 200, path


def test_services_ask_each_other_only_with_their_own_tokens(apart: Apart, ours: Organization) -> None:
    """Inside, too, nobody is believed for where the call comes from."""
    for room in LISTS:
        [address, *_] = apart.addresses(room)
        for token in ("", ours.admin.token, "nonsense"):
            for path in ("/internal/customers/get", "/internal/usage/bind", "/internal/identity/token"):
                answer = Caller(address, token).post(path, {})
                assert answer.status in (401, 403, 404, 422), (room, path, answer.body)

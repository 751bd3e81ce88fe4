"""The server as an operator meets it."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.ports import free_port
from tests.system.program import Program


def test_it_is_ready_on_an_empty_home(program: Program) -> None:
    """No account, no variable, no second process: a key, and it answers."""
    program.start()
    assert program.get("/v1/organization")["name"] == "My organization"


def test_a_taken_port_is_told_in_one_line(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program.run("serve", "--port", str(port), status=1)


def test_a_database_that_is_not_there_is_told_in_one_line(program: Program) -> None:
    program.url = "postgresql://nobody@127.0.0.1:1/none"
    program.run("serve", status=1)
    program.run("invoices", "list", status=1)


def test_what_was_written_survives_kill(program: Program) -> None:
    """`kill -9` takes the whole server, and what was acknowledged is there when it comes back."""
    program.start()
    made = program.post("/v1/customers", {"key": "acme", "name": "Acme"})
    program.kill()
    program.start()
    assert program.get("/v1/customers/acme") == made


def test_told_to_stop_it_stops(program: Program) -> None:
    program.start()
    assert program.server is not None
    os.kill(program.server.pid, signal.SIGTERM)
    assert program.server.wait(20) == 0


def test_wrong_usage_is_status_two(program: Program) -> None:
    program.run("keys", "create", "--scopes", "everything", status=2)
    program.run("import", "nothing.csv", status=2)
    program.run("nonsense", status=2)


def test_keys_work_as_bearer_tokens(program: Program) -> None:
    made = program.json("keys", "create", "--scopes", "read,ingest")
    program.secret = made["secret"]
    program.start()
    assert program.call("GET", "/v1/customers")[0] == 200
    assert program.call("POST", "/v1/customers", {"name": "A"})[0] == 403


def test_prices_can_be_tried(program: Program) -> None:
    charge = '"model": "package", "package_size": "10", "package_amount": "1"'
    price = f'{{"key": "a", "name": "A", "billing": "in_arrears", {charge}}}'
    told = program.run("rate", f'{{"currency": "USD", "quantity": "11", "price": {price}}}')
    assert '"amount": "2.00"' in told
    assert program.run("rate", "-", text=f'{{"currency": "USD", "quantity": "11", "price": {price}}}') == told
    program.run("rate", '{"currency": "usd"}', status=1)


def test_signing_keys_are_rotated_and_withdrawn(program: Program) -> None:
    """The only key is never taken away, and a withdrawn one is gone."""
    [first] = program.json("identity", "keys")["data"]
    program.run("identity", "withdraw", first, status=1)
    made = program.json("identity", "rotate")
    assert made["old"] == [first]
    assert program.json("identity", "keys")["data"] == [first, made["kid"]]
    program.run("identity", "withdraw", first)
    program.run("identity", "withdraw", first, status=1)
    assert program.json("identity", "keys")["data"] == [made["kid"]]


def test_what_a_service_alone_needs_is_told_in_one_line(program: Program) -> None:
    program.run("serve", "--only", "nonsense", status=1)
    program.environment["FARTHING_IDENTITY_AT"] = "http://127.0.0.1:1"
    program.run("serve", "--only", "usage", status=1)
    program.run("users", "create", "--username", "ann", "--password", "a long password", status=1)
    program.environment["FARTHING_IDENTITY_AT"] = "not an address"
    program.run("serve", "--only", "usage", status=1)


def test_a_secret_may_stand_in_a_file(program: Program) -> None:
    place = program.home.parent / "url"
    place.write_text(f"sqlite:///{program.home.parent}/other.db\n")
    program.environment["FARTHING_DATABASE_URL_FILE"] = str(place)
    program.run("migrate")
    assert (program.home.parent / "other.db").exists()
    place.unlink()
    program.run("migrate", status=1)


ALONE = """
import sys, threading, granian
started, start = [], threading.Thread.start
def told(thread):
    started.append(thread.name)
    start(thread)
threading.Thread.start = told
class Nobody:
    def __init__(self, *arguments, **options): pass
    def serve(self): print(started)
granian.Granian = Nobody
from farthing.__main__ import main
sys.argv = ["farthing", "serve"]
main()
"""


def test_the_worker_is_forked_by_a_process_without_threads(program: Program) -> None:
    """A lock that another thread held at the fork stays taken for ever: the server would be there and not answer."""
    home = program.home
    environment = os.environ | {
        "FARTHING_HOME": str(home), "FARTHING_PORT": str(free_port()), "FARTHING_CACHE_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run([sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_normal_stop_loses_no_line_of_the_log(program: Program, form: str) -> None:
    """Also of those that are written beside the requests."""
    program.environment["FARTHING_LOG_FORMAT"] = form
    program.start()
    for number in range(20):
        event = {"id": str(number), "type": "api.request", "subject": "acme", "data": {"quantity": "1"}}
        program.call("POST", "/v1/events", event, X_Request_ID=f"mine-{number}")
    program.stop()
    log = (program.home.parent / "server.log").read_text()
    assert [number for number in range(20) if f"mine-{number}" not in log] == []
    assert all(json.loads(line) for line in log.splitlines() if form == "json" and "mine-" in line)

"""The invoice cache as a caller and an operator meet it, over sockets."""

import json
import urllib.request
from pathlib import Path

from tests.caches import cache_server
from tests.system.program import Program


def read(program: Program, path: str) -> tuple[str, str]:
    """How the cache answered, and the status."""
    request = urllib.request.Request(f"http://127.0.0.1:{program.port}{path}")
    request.add_header("Authorization", f"Bearer {program.secret}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Cache-Status"], json.loads(answer.read())["status"]


def test_read_twice_and_paid_with_redis_and_without(program: Program, tmp_path: Path) -> None:
    """First `fwd=miss`, then `hit`; once paid, the next read shows it."""
    with cache_server(tmp_path / "valkey") as server:
        program.environment["FARTHING_CACHE_URL"] = server.url
        program.start()
        program.post("/v1/customers", {"key": "acme", "name": "Acme"})
        for url in (server.url, ""):
            line = {"description": "Setup", "quantity": "1", "unit_amount": "30"}
            draft = program.post("/v1/invoices", {"customer": "acme", "currency": "USD", "lines": [line]})
            path = f"/v1/invoices/{draft['id']}"
            program.post(f"{path}/finalize", None)
            assert read(program, path) == ("farthing; fwd=miss", "open")
            assert read(program, path) == ("farthing; hit", "open")
            payment = {"invoice": draft["id"], "amount": "30.00", "currency": "USD", "method": "wire"}
            program.post("/v1/payments", payment)
            assert [read(program, path) for _ in range(2)] == [
                ("farthing; fwd=miss", "paid"), ("farthing; hit", "paid"),
            ]
            if url:
                program.stop()
                program.environment.clear()
                program.start()


def test_doctor_names_it(program: Program, tmp_path: Path) -> None:
    """Its absence is told, and nothing that is wrong."""
    with cache_server(tmp_path / "valkey") as server:
        program.environment["FARTHING_CACHE_URL"] = server.url
        assert "ok    cache: valkey 9" in program.run("doctor")
    told = program.json("doctor")
    [cache] = [one for one in told["findings"] if one["what"] == "cache"]
    assert (cache["found"], cache["problem"]) == ("does not answer", None)
    assert {one["value"] for one in told["settings"] if one["name"] == "cache_url"} == {"***"}
    program.environment["FARTHING_CACHE_URL"] = "nonsense"
    program.run("doctor", status=1)

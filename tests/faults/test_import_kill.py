"""`kill -9` of the server in the middle of an import; the next one goes on where the last batch was stored."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Servers, needs
from tests.system.program import Program

ROWS = 60_000
BOUNDARY = "farthing-test"


@pytest.fixture(params=["sqlite", "postgresql"])
def program(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Iterator[Program]:
    started = Program(tmp_path / "home", needs(request.param, servers))
    yield started
    started.stop()


def uploaded(program: Program, text: str) -> Any:
    form = io.BytesIO()
    form.write(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="u.csv"\r\n\r\n'.encode())
    form.write(text.encode())
    form.write(f"\r\n--{BOUNDARY}--\r\n".encode())
    status, answer = program.call(
        "POST", "/v1/imports", form.getvalue(), Content_Type=f"multipart/form-data; boundary={BOUNDARY}"
    )
    assert status == 202, answer
    return answer


def test_an_import_goes_on_after_kill(program: Program) -> None:
    """Each row once, whatever was stored before the kill; a second kill comes before the first is made good."""
    program.start()
    program.post("/v1/meters", {"key": "sent", "name": "S", "event_type": "t", "aggregation": "sum", "value": "v"})
    rows = [f"e{number},t,acme,2026-10-05T00:00:00Z,{number % 7}\n" for number in range(ROWS)]
    one = uploaded(program, "id,type,subject,time,v\n" + "".join(rows))
    seen = 0
    for _ in range(2):
        found = waited(program, one["id"], lambda found, seen=seen: found["position"] > seen)
        assert found["status"] == "running", "it was over before it could be killed"
        program.kill()
        program.start()
        seen = found["position"]
    done = waited(program, one["id"], lambda found: found["status"] in ("completed", "failed"))
    assert (done["status"], done["accepted"], done["duplicates"], done["rejected"]) == ("completed", ROWS, 0, 0)
    [usage] = program.get("/v1/usage?meter=sent&from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z")["data"]
    assert usage["value"] == str(sum(number % 7 for number in range(ROWS)))
    assert list((program.home / "imports").iterdir()) == []
    program.run("verify")


def waited(program: Program, id: str, ready: Any) -> Any:
    deadline = time.monotonic() + 90
    while not ready(found := program.get(f"/v1/imports/{id}")):
        assert time.monotonic() < deadline, found
    return found

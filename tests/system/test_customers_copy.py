"""`farthing customers copy` from outside."""

from pathlib import Path

import pytest

from tests.servers import Servers, needs
from tests.system.program import Program


@pytest.fixture
def mongo(servers: Servers) -> str:
    return needs("mongodb", servers)


@pytest.mark.slow
def test_a_book_moves_to_mongodb_and_is_served_from_there(tmp_path: Path, mongo: str) -> None:
    before = Program(tmp_path / "home")
    before.start()
    before.post("/v1/customers", {"key": "acme", "name": "Acme", "email": "a@acme.example", "metadata": {"a.b": 7}})
    told = before.get("/v1/customers/acme")
    before.stop()
    file = f"sqlite:///{tmp_path / 'home' / 'farthing.db'}"
    first = before.run("customers", "copy", "--from", file, "--to", mongo)
    assert first == "1 added, 0 replaced, 0 left as they were\n"
    again = before.json("customers", "copy", "--from", file, "--to", mongo)
    assert (again["added"], again["left"], again["complete"]) == (0, 1, True)
    after = Program(tmp_path / "home", environment={"FARTHING_CUSTOMERS_URL": mongo}, secret=before.secret)
    after.start()
    try:
        assert after.get("/v1/customers/acme") == told
        assert after.get("/readyz")["dependencies"]["mongodb"]["status"] == "ok"
        assert after.call("DELETE", "/v1/customers/acme")[0] == 204
    finally:
        after.stop()
    back = before.run("customers", "copy", "--from", mongo, "--to", file, status=1)
    assert back == "0 added, 0 replaced, 0 left as they were\n"
    found = {one["what"]: one["found"] for one in after.json("doctor")["findings"]}
    assert found["mongodb write concern"] == "w: majority, j: true"
    assert found["mongodb read concern"] == "majority"


@pytest.mark.parametrize(("source", "target"), [
    ("", "sqlite:///{home}/b.db"), ("sqlite:///{home}/nobody.db", "sqlite:///{home}/b.db"),
    ("oracle://x/y", "sqlite:///{home}/b.db"), ("sqlite:///{home}/b.db", "sqlite:///{home}/b.db"),
])
def test_what_cannot_be_copied_is_told(tmp_path: Path, source: str, target: str) -> None:
    program = Program(tmp_path / "home")
    places = [one.format(home=tmp_path) for one in (source, target)]
    program.run("customers", "copy", "--from", places[0], "--to", places[1], status=2)
    assert not (tmp_path / "nobody.db").exists()

"""Units of work on MongoDB: all or nothing, again where somebody was faster, and what is told when it goes away."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel, MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from farthing.app import Farthing
from farthing.customers.owed_mongo import MongoOwedNames
from farthing.customers.places import mongo_place
from farthing.customers.store_mongo import CUSTOMERS, INDEXES, MongoCustomerStore
from farthing.kernel.answers_mongo import ANSWERS, MongoAnswers
from farthing.kernel.mongo import Document, DocumentStoreAway, Mongo, OutcomeUnknown, open_mongo, prepare, refusing
from farthing.kernel.problems import Conflict, Misconfigured, Overtaken
from tests.servers import MongoServer, Servers, needs
from tests.service.conftest import Api

with_mongodb = pytest.mark.parametrize("engine", ["mongodb"], indirect=True, scope="session")


class Taken(Conflict):
    """A name that is somebody's."""


@pytest.fixture
def mongo(servers: Servers) -> Iterator[Mongo]:
    opened = open_mongo(needs("mongodb", servers))
    prepare(opened, "things", {}, [IndexModel([("name", ASCENDING)], name="things_name", unique=True)])
    yield opened
    opened.client.close()


@contextmanager
def failing(mongo: Mongo, times: int, *commands: str, **how: Any) -> Iterator[None]:
    """The server fails these commands, in this way, so many times."""
    place = mongo.client.address
    assert place is not None
    point = {"configureFailPoint": "failCommand"}
    with MongoClient[Document](*place, directConnection=True) as operator:
        try:
            operator.admin.command(point | {"mode": {"times": times}, "data": {"failCommands": commands, **how}})
        except OperationFailure:
            pytest.skip("this server does not fail on demand: start it with enableTestCommands")
        try:
            yield
        finally:
            operator.admin.command(point | {"mode": "off"})


def add(mongo: Mongo, name: str) -> None:
    mongo["things"].insert_one({"name": name}, session=mongo.session)


def names(mongo: Mongo) -> list[str]:
    return sorted(one["name"] for one in mongo["things"].find())


def counted(work: Callable[[], object]) -> tuple[Callable[[], object], list[int]]:
    """The work, and how often it was begun."""
    begun: list[int] = []

    def counting() -> object:
        begun.append(1)
        return work()

    return counting, begun


def test_what_follows_a_commit_follows_only_a_commit(mongo: Mongo) -> None:
    done: list[str] = []

    def work(name: str) -> None:
        mongo.after_commit(lambda: done.append(f"{name} {len(names(mongo))}"))
        mongo.write(lambda: add(mongo, name))
        assert len(names(mongo)) == len(done)

    mongo.write(lambda: work("a"))
    assert done == ["a 1"]
    with pytest.raises(DuplicateKeyError):
        mongo.write(lambda: work("a"))
    mongo.after_commit(lambda: done.append("at once"))
    assert done == ["a 1", "at once"]


def test_only_the_index_that_is_meant_is_named(mongo: Mongo) -> None:
    mongo.write(lambda: add(mongo, "a"))
    for index, expected in (("things_name", Taken), ("things_other", DuplicateKeyError)):
        with pytest.raises(expected), refusing(index, Taken("a")):
            mongo.write(lambda: add(mongo, "a"))


def test_whoever_is_overtaken_begins_again(mongo: Mongo) -> None:
    mongo.write(lambda: add(mongo, "a"))

    def rename() -> None:
        [thing] = mongo["things"].find(session=mongo.session)
        if len(begun) == 1:
            mongo["things"].update_one({"_id": thing["_id"]}, {"$set": {"name": "b"}})
        changed = {"$set": {"name": thing["name"] + "!"}}
        mongo["things"].update_one({"_id": thing["_id"]}, changed, session=mongo.session)

    work, begun = counted(rename)
    mongo.write(work)
    assert (names(mongo), len(begun)) == (["b!"], 2)


def test_patience_ends(mongo: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farthing.kernel.mongo.work.PATIENCE_SECONDS", 0.05)
    with failing(mongo, 1000, "insert", errorCode=112, errorLabels=["TransientTransactionError"]):
        work, begun = counted(lambda: add(mongo, "a"))
        with pytest.raises(Overtaken):
            mongo.write(work)
    assert len(begun) > 1
    assert names(mongo) == []


def test_a_connection_that_drops_is_tried_once_more(mongo: Mongo) -> None:
    work, begun = counted(lambda: add(mongo, "a"))
    with failing(mongo, 1, "insert", closeConnection=True):
        mongo.write(work)
    assert (names(mongo), len(begun)) == (["a"], 2)
    with failing(mongo, 2, "insert", closeConnection=True), pytest.raises(DocumentStoreAway):
        mongo.write(lambda: add(mongo, "b"))
    assert names(mongo) == ["a"]


def test_a_commit_is_asked_for_again_and_the_work_is_not_done_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, begun = counted(lambda: add(mongo, "a"))
    with failing(mongo, 1, "commitTransaction", closeConnection=True):
        mongo.write(work)
    assert (names(mongo), len(begun)) == (["a"], 1)
    monkeypatch.setattr("farthing.kernel.mongo.work.ANSWER_SECONDS", 0.3)
    work, begun = counted(lambda: add(mongo, "b"))
    with failing(mongo, 100_000, "commitTransaction", closeConnection=True), pytest.raises(OutcomeUnknown):
        mongo.write(work)
    assert len(begun) == 1


@pytest.mark.parametrize("code", [91, 189, 10107, 11600, 13435])
def test_a_server_that_is_going_is_told_as_503(mongo: Mongo, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farthing.kernel.mongo.work.ANSWER_SECONDS", 0.2)
    with failing(mongo, 100, "find", errorCode=code), pytest.raises(DocumentStoreAway), mongo.read():
        mongo["things"].find_one()


def test_a_wrong_question_is_no_503(mongo: Mongo) -> None:
    with failing(mongo, 1, "find", errorCode=2), pytest.raises(OperationFailure), mongo.read():
        mongo["things"].find_one()


def test_the_url_lowers_no_promise(servers: Servers) -> None:
    url = needs("mongodb", servers)
    opened = open_mongo(f"{url}{'&' if '?' in url else '?'}w=1&journal=false&readConcernLevel=local")
    assert opened.client.write_concern.document == {"w": "majority", "j": True}
    assert opened.client.read_concern.level == "majority"
    opened.client.close()


@pytest.mark.parametrize("url", ["mongodb://", "mongodb://h:port/x", "mongodb://u:p@:x@h/", "mongodb+srv://localhost"])
def test_a_url_that_cannot_be_read_is_told(url: str) -> None:
    with pytest.raises(Misconfigured, match="customers_url cannot be read"):
        open_mongo(url)


def test_a_server_that_stands_alone_is_told(tmp_path: Path) -> None:
    """It has no transactions."""
    server = MongoServer(tmp_path / "mongo", replica_set=False)
    server.start()
    try:
        with pytest.raises(Misconfigured, match="--replSet"):
            open_mongo(server.url)
    finally:
        server.kill()


def test_without_its_driver_the_rest_works_and_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pymongo'] = None\n"
        "from farthing import app\n"
        "from farthing.customers.places import mongo_place\n"
        "mongo_place('mongodb://localhost/x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "customers_url needs a driver: pip install 'farthing[mongodb]'" in done.stderr


@with_mongodb
def test_every_query_has_its_index(farthing: Farthing, servers: Servers) -> None:
    """And who starts next changes nothing, or mends what somebody broke."""
    place = mongo_place(needs("mongodb", servers))
    assert place.mongo is not None
    documents = place.mongo[CUSTOMERS]
    beginning = {"$gte": "ac", "$lt": "ad"}
    for asked in ({"key": "acme"}, {"_id": {"$gt": "cus_"}}, {"folded_name": beginning}, {"folded_email": beginning}):
        assert "COLLSCAN" not in str(documents.find({"organization": "org_1"} | asked).explain())
    expected = {index.document["name"] for index in INDEXES} | {"_id_"}
    assert set(documents.index_information()) == expected
    validator = documents.options()["validator"]
    documents.drop_index("customers_key")
    place.mongo.database.command("collMod", CUSTOMERS, validator={})
    for _ in range(2):
        MongoCustomerStore(place.mongo).prepare()
    assert set(documents.index_information()) == expected
    assert documents.options()["validator"] == validator
    place.close()


@pytest.mark.parametrize("change", [
    {"organization": None}, {"version": "1"}, {"created_at": 1.5}, {"metadata": {}}, {"more": 1}, {"changing": "x"},
])
@with_mongodb
def test_a_document_of_another_form_is_refused(farthing: Farthing, api: Api, change: dict[str, object]) -> None:
    """Whoever writes it."""
    mongo = farthing.customers.mongo
    assert mongo is not None
    made = api.made("/v1/customers", {"name": "Acme"})
    with pytest.raises(WriteError):
        mongo[CUSTOMERS].update_one({"_id": made["id"]}, {"$set": change})
    assert api.get(f"/v1/customers/{made['id']}").json == made


@with_mongodb
def test_answers_and_names_have_their_form_too(farthing: Farthing) -> None:
    mongo = farthing.customers.mongo
    assert mongo is not None
    for prepared, name in ((MongoAnswers(mongo), ANSWERS), (MongoOwedNames(mongo), "owed_names")):
        prepared.prepare()
        with pytest.raises(WriteError):
            mongo[name].insert_one({"_id": "x"})


@pytest.mark.slow
def test_a_key_whose_request_died_is_free_again(tmp_path: Path, api_on: Callable[[str], Api]) -> None:
    """T35: its transaction ends with the server's patience, until then 409 with Retry-After."""
    server = MongoServer(tmp_path / "mongo", transaction_seconds=5)
    server.start()
    try:
        api = api_on(server.url)
        mongo = api.farthing.customers.mongo
        assert mongo is not None
        dead = mongo.client.start_session()
        dead.start_transaction()
        claim = {"_id": {"organization": api.organization, "key": "k1"}, "organization": api.organization,
                 "fingerprint": "x", "status": 0, "headers": "[]", "body": "", "created_at": 0}
        mongo.database.command("collMod", ANSWERS, validator={})
        mongo[ANSWERS].insert_one(claim, session=dead)
        key = {"headers": {"Idempotency-Key": "k1"}}
        running = api.post("/v1/customers", {"name": "Acme"}, **key)
        assert (running.status_code, running.headers["Retry-After"]) == (409, "1")
        while running.status_code == 409:
            running = api.post("/v1/customers", {"name": "Acme"}, **key)
        assert running.status_code == 201
        assert len(api.every("/v1/customers")) == 1
    finally:
        server.kill()


@pytest.fixture
def api_on(tmp_path: Path, clock: Any) -> Iterator[Callable[[str], Api]]:
    """The application with its customers on this server."""
    from farthing.app import open_farthing, web_application
    from farthing.kernel.settings import load_settings
    from tests.service.conftest import api_of

    opened: list[Farthing] = []

    def api(url: str) -> Api:
        settings = load_settings({}, home=str(tmp_path / "home"), customers_url=url, log_level="error")
        opened.append(open_farthing(settings, clock))
        return api_of(opened[0], web_application(opened[0]).test_client(), clock)

    yield api
    for one in opened:
        one.close()

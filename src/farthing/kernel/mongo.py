"""The document store: one client from one URL, and one unit of work, joined and left like the relational store's.

What is acknowledged lies on the disks of most of the replica set (w: majority, j: true), and what is read was
acknowledged like that. MongoDB does not let writers of one document wait for each other: it sends the later one
away, and the unit of work is done again from its beginning.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pymongo import MongoClient, WriteConcern, timeout
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as DocumentDatabase
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidURI,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.operations import IndexModel
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from farthing.kernel.breaker import Breaker
from farthing.kernel.clock import ticks
from farthing.kernel.problems import Misconfigured, Overtaken, Unavailable

T = TypeVar("T")
Document = dict[str, Any]  # Any: whatever BSON holds

CONNECT_MS: Final = 2_000
LOOK_MS: Final = 2_000  # between two looks at which member writes; and the wait for one where nothing else limits it
ANSWER_SECONDS: Final = 5.0  # until a transaction, or a read, must have been answered by the server
PATIENCE_SECONDS: Final = 5.0  # that a writer goes on against others before it answers 503
LONGEST_PAUSE: Final = 0.05  # seconds between two attempts
DURABLE: Final = WriteConcern(w="majority", j=True)
ACKNOWLEDGED: Final = ReadConcern("majority")
SNAPSHOT: Final = ReadConcern("snapshot")  # of what is acknowledged by the majority, and the same for every read
WRITE_CONFLICT: Final = 112
DUPLICATE: Final = (11000, 65)  # the second is the driver's own, for one of many writes
BUSY: Final = frozenset({  # codes of a server that is going, is overloaded or is not the one that writes any more
    *(24, 50, 64, 91, 100, 112, 189, 246, 251, 262, 290), *(10107, 11600, 11602, 13435, 13436),
})


class DocumentStoreAway(Unavailable):
    """MongoDB is gone or busy; nothing was stored."""

    def __init__(self) -> None:
        super().__init__("MongoDB does not answer or is busy; nothing was stored.")


class _Dropped(DocumentStoreAway):
    """A connection ended before anything was committed: the next one may be good."""


class OutcomeUnknown(Unavailable):
    """MongoDB went away between being asked to commit and saying that it had."""

    def __init__(self) -> None:
        super().__init__(
            "MongoDB went away while this was being stored. Send it again with the same Idempotency-Key, or look."
        )


@dataclass(slots=True)
class _Unit:
    """The transaction under way in this context, and what waits for its commit."""

    session: ClientSession
    afterwards: list[Callable[[], object]] = field(default_factory=list)


_unit: ContextVar[_Unit | None] = ContextVar("farthing_document_unit_of_work", default=None)


@dataclass(frozen=True, slots=True)
class Mongo:
    """Reads and writes of one database of a replica set.

    breaker  leaves a server that does not answer alone for a while, so that nobody waits for it in turn
    """

    client: MongoClient[Document]
    database: DocumentDatabase[Document]
    breaker: Breaker = field(default_factory=Breaker)

    def write(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction, all of it or nothing; inside another one it joins it.

        Where somebody else was faster it is done again from its beginning. Raises Overtaken when that goes on
        for PATIENCE_SECONDS, DocumentStoreAway, OutcomeUnknown.
        """
        if _unit.get() is not None:
            return work()
        result, afterwards = self._patiently(work)
        for action in afterwards:
            action()
        return result

    @contextmanager
    def read(self) -> Iterator[None]:
        """A look at the store; inside a unit of work it sees what that has written. Raises DocumentStoreAway."""
        if _unit.get() is not None:
            yield
            return
        try:
            with self._asking():
                yield
        except _Dropped as error:
            raise DocumentStoreAway from error

    @property
    def session(self) -> ClientSession | None:
        """That of the unit of work under way, which every call of the driver is handed."""
        unit = _unit.get()
        return None if unit is None else unit.session

    def after_commit(self, action: Callable[[], object]) -> None:
        """Run `action` once the unit of work under way has committed; at once when there is none."""
        unit = _unit.get()
        if unit is None:
            action()
        else:
            unit.afterwards.append(action)

    def version(self) -> str:
        """What the server is, when it answers; raises DocumentStoreAway."""
        with self.read():
            return f"mongodb {self.client.server_info()['version']}"

    def storage_is_durable(self) -> bool | None:
        """Whether the server keeps its data on disk; None where its user may not ask. Raises DocumentStoreAway."""
        try:
            with self.read():
                engine = self.client.admin.command("serverStatus").get("storageEngine", {})
        except OperationFailure:
            return None
        return bool(engine.get("persistent", True))

    def __getitem__(self, name: str) -> Collection[Document]:
        return self.database[name]

    def _patiently(self, work: Callable[[], T]) -> tuple[T, list[Callable[[], object]]]:
        began, attempt = ticks(), 0
        while True:
            try:
                return self._once(work)
            except Overtaken:
                if ticks() - began > PATIENCE_SECONDS:
                    raise
            except _Dropped as error:
                if attempt > 0:
                    raise DocumentStoreAway from error
            attempt += 1
            time.sleep(random.uniform(0, min(0.001 * 2**attempt, LONGEST_PAUSE)))

    def _once(self, work: Callable[[], T]) -> tuple[T, list[Callable[[], object]]]:
        with self._asking(), self.client.start_session() as session:
            unit = _Unit(session)
            token = _unit.set(unit)
            try:
                session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
                result = work()
            except BaseException:
                if session.in_transaction:
                    session.abort_transaction()
                raise
            finally:
                _unit.reset(token)
            _commit(session)
        return result, unit.afterwards

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """The server has ANSWER_SECONDS for all in this block; raises DocumentStoreAway at once while it is let be."""
        if not self.breaker.admits():
            raise DocumentStoreAway
        try:
            with answering(), timeout(ANSWER_SECONDS):
                yield
        except (DocumentStoreAway, OutcomeUnknown):
            self.breaker.failed()
            raise
        except BaseException:
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()


def _commit(session: ClientSession) -> None:
    """Raises Overtaken where nothing was stored for sure, OutcomeUnknown where nobody can tell."""
    try:
        session.commit_transaction()  # which the driver asks for a second time by itself
    except OperationFailure as error:
        if error.code == WRITE_CONFLICT:
            raise Overtaken from error
        raise OutcomeUnknown from error
    except PyMongoError as error:
        raise OutcomeUnknown from error


@contextmanager
def answering() -> Iterator[None]:
    """Give what the driver raises when the server is gone or busy its name, and let every other error pass."""
    try:
        yield
    except PyMongoError as error:
        if (named := _named(error)) is not None:
            raise named from error
        raise


def _named(error: PyMongoError) -> Unavailable | None:
    if isinstance(error, ConnectionFailure):
        lasting = isinstance(error, NetworkTimeout | ServerSelectionTimeoutError)
        return _Dropped() if isinstance(error, AutoReconnect) and not lasting else DocumentStoreAway()
    if isinstance(error, OperationFailure) and error.has_error_label("TransientTransactionError"):
        return Overtaken()
    return DocumentStoreAway() if isinstance(error, OperationFailure) and error.code in BUSY else None


@contextmanager
def refusing(index: str, refusal: Exception) -> Iterator[None]:
    """Give the violation of this one unique index its name, and let every other pass."""
    try:
        yield
    except (DuplicateKeyError, BulkWriteError) as error:
        if error.code in DUPLICATE and f" index: {index} " in _told(error):
            raise refusal from error
        raise


def _told(error: DuplicateKeyError | BulkWriteError) -> str:
    """What the server said of the write that it refused first."""
    details: Mapping[str, Any] = error.details or {}  # Any: BSON
    first: Mapping[str, Any] = next(iter(details.get("writeErrors", ())), details)  # Any: BSON
    return str(first.get("errmsg", error))


def open_mongo(url: str, setting: str = "customers_url") -> Mongo:
    """The database that `url` names, or `farthing` when it names none; raises Misconfigured, DocumentStoreAway.

    setting  where the URL came from, for what is told when it cannot be right
    """
    try:
        client: MongoClient[Document] = MongoClient(
            url, w="majority", journal=True, readConcernLevel="majority", readPreference="primary",
            retryWrites=True, retryReads=True, connectTimeoutMS=CONNECT_MS, heartbeatFrequencyMS=LOOK_MS,
            serverSelectionTimeoutMS=LOOK_MS, maxPoolSize=64, appname="farthing",
        )
        database = client.get_default_database("farthing")
    except (InvalidURI, ConfigurationError, ValueError, TypeError) as error:
        example = "mongodb://user:password@host/name?replicaSet=rs0"
        raise Misconfigured(f"{setting} cannot be read: {error}; it must look like {example}.") from error
    mongo = Mongo(client, database)
    try:
        _demand_replica_set(mongo, setting)
    except BaseException:
        client.close()
        raise
    return mongo


def _demand_replica_set(mongo: Mongo, setting: str) -> None:
    with mongo.read():
        told = mongo.client.admin.command("hello")
    if "setName" not in told and told.get("msg") != "isdbgrid":
        raise Misconfigured(
            f"{setting} names a MongoDB server that stands alone, and transactions need a replica set: start mongod "
            "with --replSet rs0, also where it is the only one, and run rs.initiate() once."
        )


def prepare(mongo: Mongo, name: str, validator: Mapping[str, object], indexes: list[IndexModel]) -> None:
    """Bring a collection to this version's validator and indexes; raises DocumentStoreAway.

    What is there already as it should be is left alone, so that every start may ask.
    """
    with mongo.read():
        try:
            mongo.database.create_collection(name, validator=dict(validator))
        except (CollectionInvalid, OperationFailure) as error:  # another one who starts may be making it now
            if isinstance(error, OperationFailure) and error.code != 48:
                raise
        if mongo[name].options().get("validator") != dict(validator):
            mongo.database.command("collMod", name, validator=dict(validator))
        mongo[name].create_indexes(indexes)

"""The document store: one client from one URL, and one unit of work, joined and left like the relational store's.

What is acknowledged lies on the disks of most of the replica set (w: majority, j: true), and what is read was
acknowledged like that. MongoDB does not let writers of one document wait for each other: it sends the later one
away, and the unit of work is done again from its beginning.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pymongo import MongoClient, WriteConcern, timeout
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as DocumentDatabase
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from farthing.kernel.breaker import Breaker
from farthing.kernel.clock import ticks
from farthing.kernel.mongo.errors import WRITE_CONFLICT, DocumentStoreAway, Dropped, OutcomeUnknown, answering
from farthing.kernel.problems import Overtaken

T = TypeVar("T")
Document = dict[str, Any]  # Any: whatever BSON holds

ANSWER_SECONDS: Final = 5.0  # until a transaction, or a read, must have been answered by the server
PATIENCE_SECONDS: Final = 5.0  # that a writer goes on against others before it answers 503
SOON_SECONDS: Final = 1.0
LONGEST_PAUSE: Final = 0.02  # seconds between two attempts
DURABLE: Final = WriteConcern(w="majority", j=True)
SNAPSHOT: Final = ReadConcern("snapshot")  # of what is acknowledged by the majority, and the same for every read


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
    turn: threading.Lock = field(default_factory=threading.Lock)  # of those in this process who were overtaken

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
        except Dropped as error:
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
        began = ticks()
        try:
            return self._once(work)
        except Dropped as error:  # an old connection does so at once; later it is the server that is gone
            if ticks() - began > SOON_SECONDS:
                raise DocumentStoreAway from error
        except Overtaken:
            pass
        mine = self.turn.acquire(timeout=PATIENCE_SECONDS)  # one after the other, or all would overtake each other
        try:
            return self._against_others(work, began + PATIENCE_SECONDS)
        finally:
            if mine:
                self.turn.release()

    def _against_others(self, work: Callable[[], T], deadline: float) -> tuple[T, list[Callable[[], object]]]:
        """Again and again until nobody is faster, or the deadline is over."""
        while True:
            try:
                return self._lasting(work)
            except Overtaken:
                if ticks() > deadline:
                    raise
            time.sleep(random.uniform(0, LONGEST_PAUSE))

    def _lasting(self, work: Callable[[], T]) -> tuple[T, list[Callable[[], object]]]:
        """Once, where a connection that drops is no reason to begin again."""
        try:
            return self._once(work)
        except Dropped as error:
            raise DocumentStoreAway from error

    def _once(self, work: Callable[[], T]) -> tuple[T, list[Callable[[], object]]]:
        with self.client.start_session() as session:
            unit = _Unit(session)
            token = _unit.set(unit)
            try:
                with self._asking():
                    session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
                    result = work()
                    _commit(session)
            except BaseException:
                _abort(session)
                raise
            finally:
                _unit.reset(token)
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


def _abort(session: ClientSession) -> None:
    """Let go of what it holds, also where its time is over: else that is held until the server has had enough."""
    if session.in_transaction:
        with timeout(SOON_SECONDS):
            session.abort_transaction()  # which raises nothing where the server is gone


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

"""Group commit: requests that arrive while a transaction commits share the next one.

There is no thread of its own: the first request that finds nobody at work leads, stores what all have brought so far,
and hands the lead to the first of those that came meanwhile. Nobody is answered before the commit of his events.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from sqlalchemy.exc import OperationalError

from farthing.kernel.database import Database, in_unit_of_work
from farthing.kernel.problems import Unavailable
from farthing.usage.events.appending import Outcome, append
from farthing.usage.events.keyset.values import KeySet
from farthing.usage.events.prepared import Prepared
from farthing.usage.events.store import EventStore
from farthing.usage.events.streams import StreamStore
from farthing.usage.events.values import KeptRejection
from farthing.usage.subjects.known import KnownSubjects

MOST_TOGETHER: Final = 20_000  # events in one transaction of several requests
MOST_WAITING: Final = 200_000  # events that wait in one process; more are refused before memory grows


class IntakeFull(Unavailable):
    """More events wait to be stored than a process should hold."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} events wait to be stored already; send these again in a moment.")


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Request:
    """What one request brings, and what became of it.

    turn  held until that is known, or until it has to lead; a bare lock, because each request waits for one
    """

    batch: Prepared
    rejections: Sequence[KeptRejection]
    turn: threading.Lock = field(default_factory=_held)
    outcome: Outcome | None = None
    error: BaseException | None = None

    @property
    def over(self) -> bool:
        return self.outcome is not None or self.error is not None


@dataclass(slots=True)
class Intake:
    """Stores prepared events, durably before it returns; one for each process."""

    database: Database
    keys: KeySet
    names: KnownSubjects = field(default_factory=KnownSubjects)
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Request] = field(default_factory=list)
    waiting_events: int = 0
    led: bool = False  # whether some request is at work

    def store(self, batch: Prepared, rejections: Sequence[KeptRejection] = ()) -> Outcome:
        """Store a batch with what was rejected of it, all of it or nothing.

        Inside a unit of work it becomes part of that. Raises IntakeFull, and whatever storing raises.
        """
        request = _Request(batch, rejections)
        if in_unit_of_work():
            self._together([request], None)
        else:
            self._queued(request)
        if request.error is not None:
            raise request.error
        assert request.outcome is not None
        return request.outcome

    def close(self) -> None:
        """Nothing comes any more."""
        self.keys.close()

    def _queued(self, request: _Request) -> None:
        with self.lock:
            if self.waiting and self.waiting_events + len(request.batch.rows) > MOST_WAITING:
                raise IntakeFull(self.waiting_events)
            self.waiting.append(request)
            self.waiting_events += len(request.batch.rows)
            leads, self.led = not self.led, True
        if not leads:
            request.turn.acquire()
        if not request.over:
            self._lead()

    def _lead(self) -> None:
        """Store what waits, the leader's own first among it, and hand on the lead."""
        with self.lock:
            group = self._next_group()
        try:
            self._settle(group)
        finally:
            with self.lock:
                if self.waiting:
                    self.waiting[0].turn.release()
                else:
                    self.led = False
            for request in group[1:]:
                request.turn.release()

    def _next_group(self) -> list[_Request]:
        count = size = 0
        for request in self.waiting:
            size += len(request.batch.rows)
            if count and size > MOST_TOGETHER:
                break
            count += 1
        group = self.waiting[:count]
        del self.waiting[:count]
        self.waiting_events -= sum(len(request.batch.rows) for request in group)
        return group

    def _settle(self, group: list[_Request]) -> None:
        """Each request gets its outcome or its error; what one of several breaks does not fail the others."""
        try:
            self._together(group, self.names)
        except (Unavailable, OperationalError) as error:
            _fail(group, error)
        except Exception as error:
            if len(group) == 1:
                _fail(group, error)
            else:
                for request in group:
                    self._settle([request])
        except BaseException as error:
            _fail(group, error)
            raise

    def _together(self, group: Sequence[_Request], names: KnownSubjects | None) -> None:
        by_organization = sorted(group, key=lambda request: request.batch.organization)  # each stream held in one order
        outcomes: list[tuple[_Request, Outcome]] = []
        with self.database.write() as connection:
            streams, store = StreamStore(connection), EventStore(connection)
            for organization, requests in groupby(by_organization, lambda request: request.batch.organization):
                some = list(requests)
                stream = streams.held(organization)
                now, found = append(connection, stream, self.keys, [one.batch for one in some], names)
                if now != stream:
                    streams.save(now)
                store.reject(organization, [one for request in some for one in request.rejections])
                outcomes += zip(some, found, strict=True)
        for request, outcome in outcomes:
            request.outcome = outcome


def _fail(group: Sequence[_Request], error: BaseException) -> None:
    for request in group:
        request.error = error

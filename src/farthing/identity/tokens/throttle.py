"""Guessing passwords is slowed down, by username and by client address, without locking anybody out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final

from sqlalchemy.exc import IntegrityError

from farthing.identity.tokens.store import FailureStore
from farthing.identity.tokens.values import Failures, TooManyFailures
from farthing.identity.users.store import folded
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database

FREE: Final = 5  # failures before anybody has to wait
LONGEST_SECONDS: Final = 900
REMEMBERED: Final = timedelta(hours=24)  # after the last failure
KNOWN: Final = timedelta(days=90)  # that a person has logged in from an address


@dataclass(frozen=True, slots=True)
class Throttle:
    """Counts failures in the store, so that they outlive restarts and hold for all processes.

    An attempt counts as a failure before the password is looked at, in a transaction of its own: many at once
    get no further than one after the other, and a refusal does not take the count back. After 5 failures the
    wait doubles from two seconds up to 15 minutes; attempts made while waiting are not counted. Who has logged
    in from this address before is only slowed by failures for that name from that address, so that nobody
    else's guessing keeps the owner out.
    """

    database: Database
    now: Clock

    def admit(self, username: str, address: str) -> None:
        """Count an attempt; raises TooManyFailures while there is a wait."""
        subjects = _Subjects.of(username, address)
        with self.database.read() as connection:  # whoever waits writes nothing
            _refuse_waiting(subjects, FailureStore(connection).find(subjects.all), self.now(""))
        try:
            self._count(subjects)
        except IntegrityError:  # another attempt counted the same subject first
            self._count(subjects)

    def succeeded(self, username: str, address: str) -> None:
        """Forget the name's failures, take the attempt off the address's, and know the two together."""
        subjects = _Subjects.of(username, address)
        try:
            self._know(subjects)
        except IntegrityError:  # another log-in made the two known first
            self._know(subjects)

    def _count(self, subjects: "_Subjects") -> None:
        now = self.now("")
        with self.database.write() as connection:
            store = FailureStore(connection)
            store.forget(now)
            found = store.find(subjects.all, lock=True)
            _refuse_waiting(subjects, found, now)
            for subject in subjects.counted(found):
                known = found.get(subject)
                if known is None:
                    store.add(Failures(subject, 1, now, now + REMEMBERED))
                else:
                    forgotten = max(known.forgotten_at, now + REMEMBERED)
                    store.save(Failures(subject, known.failures + 1, now, forgotten))

    def _know(self, subjects: "_Subjects") -> None:
        now = self.now("")
        with self.database.write() as connection:
            store = FailureStore(connection)
            found = store.find(subjects.all, lock=True)
            store.remove(subjects.name)
            known = Failures(subjects.both, 0, now, now + KNOWN)
            if subjects.both in found:
                store.save(known)
                return
            store.add(known)
            if (place := found.get(subjects.place)) and place.failures:
                store.save(replace(place, failures=place.failures - 1))


@dataclass(frozen=True, slots=True)
class _Subjects:
    """What is counted, hashed: the name, the address, and the name at that address."""

    name: str
    place: str
    both: str

    @classmethod
    def of(cls, username: str, address: str) -> "_Subjects":
        name, place = f"name {folded(username)}", f"address {_network(address)}"
        return cls(_hashed(name), _hashed(place), _hashed(f"{place} {name}"))

    @property
    def all(self) -> tuple[str, ...]:
        return self.name, self.place, self.both

    def counted(self, found: Mapping[str, Failures]) -> Iterable[str]:
        return (self.both,) if self.both in found else (self.name, self.place)


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, which is what one subscriber has."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(known) if known.version == 4 else str(ip_network((known, 64), strict=False))


def _hashed(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _refuse_waiting(subjects: _Subjects, found: Mapping[str, Failures], now: datetime) -> None:
    waits = [_wait(found[subject], now) for subject in subjects.counted(found) if subject in found]
    if any(waits):
        raise TooManyFailures(max(waits))


def _wait(failures: Failures, now: datetime) -> int:
    """Whole seconds still to wait; 0 for none."""
    if failures.failures < FREE:
        return 0
    seconds = min(1 << min(failures.failures - FREE + 1, 10), LONGEST_SECONDS)
    left = failures.failed_at + timedelta(seconds=seconds) - now
    return min(seconds, max(0, -(-left // timedelta(seconds=1))))

"""Who calls: one answer for every credential, remembered for a moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.problems import Unavailable

MOST: Final = 10_000  # callers remembered by one process
LONGEST: Final = timedelta(seconds=30)  # a credential withdrawn elsewhere works no longer than that
AWAY: Final = timedelta(minutes=10)  # that an API key goes on while whoever knows it cannot be asked
KEY_PREFIX: Final = "fk_"

Check = Callable[[str], tuple[Caller, datetime | None]]  # the caller, and until when; None: no end known


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    since: datetime
    until: datetime


class CallerCache:
    """The callers of a short while, by a hash of their credential; never more than `MOST`, the oldest go first."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[bytes, _Remembered] = {}
        self._forgotten = 0  # how often anybody was

    def caller(self, credential: str, check: Check) -> Caller:
        """The holder of a credential, from `check` when it is not remembered; raises what `check` raises.

        An API key that was good less than ten minutes ago stays so while it cannot be checked.
        """
        now = self._now("")
        mark = sha256(credential.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(mark)
        if known is not None and known.since <= now < known.until:
            return known.caller
        forgotten = self._forgotten
        try:
            caller, until = check(credential)
        except Unavailable:
            if known is None or known.caller.kind != "key" or not known.since <= now < known.since + AWAY:
                raise
            return known.caller
        end = now + LONGEST if until is None else min(until, now + LONGEST)
        with self._lock:
            if forgotten == self._forgotten:  # else it may be this one that has been withdrawn meanwhile
                self._remember(mark, _Remembered(caller, now, end))
        return caller

    def known(self, credential: str) -> Caller | None:
        """The holder of a credential that need not be checked now."""
        known = self._known.get(sha256(credential.encode("utf-8", "surrogatepass")).digest())
        return known.caller if known is not None and known.since <= self._now("") < known.until else None

    def forget(self, caller_id: str) -> None:
        """From now on this user or key is checked anew."""
        with self._lock:
            self._forgotten += 1
            self._known = {mark: known for mark, known in self._known.items() if known.caller.id != caller_id}

    def _remember(self, mark: bytes, remembered: _Remembered) -> None:
        self._known.pop(mark, None)
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[mark] = remembered


@dataclass(frozen=True, slots=True)
class Callers:
    """Tells users by their access tokens and programs by their API keys."""

    cache: CallerCache
    token: Check
    key: Check

    def authenticate(self, credential: str) -> Caller:
        """Whoever holds this credential; raises Unauthenticated, and Unavailable where nobody can tell."""
        return self.cache.caller(credential, self.key if credential.startswith(KEY_PREFIX) else self.token)

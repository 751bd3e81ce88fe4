"""Answers kept in Redis, which all processes share, and what they cost when it fails: a load each, nothing else."""

import secrets
import time
from collections.abc import Callable
from typing import Final

from farthing.kernel.cache.beliefs import Beliefs
from farthing.kernel.cache.bodies import Flights
from farthing.kernel.cache.mending import Mending
from farthing.kernel.cache.server import Gone, Server
from farthing.kernel.cache.shelf import FILLING, Shelf, answer_in
from farthing.kernel.cache.values import Found, Keeper, Kept, Key, Load

LOOKS: Final = 20  # at an answer that another process is loading
BETWEEN_SECONDS: Final = 0.005

Pause = Callable[[float], object]


class SharedKeeper(Keeper):
    """An answer is current when it lies in the believed server under the current epoch: writers see to that."""

    def __init__(self, beliefs: Beliefs, server: Server, mending: Mending, pause: Pause = time.sleep) -> None:
        self._beliefs = beliefs
        self._server = server
        self._mending = mending
        self._pause = pause
        self._flights = Flights()

    def begin(self) -> None:
        self._mending.begin()

    def get(self, key: Key, load: Load) -> Found:
        shelf = self._shelf()
        if shelf is None:
            return Found(load(), False)
        if (kept := self._looked(shelf, key)) is not None:
            return Found(kept, True)
        leads = self._flights.leads(key)
        try:
            return self._claimed(shelf, key, load)
        finally:
            if leads:
                self._flights.landed(key)

    def peek(self, key: Key) -> Kept | None:
        shelf = self._shelf()
        return None if shelf is None else self._looked(shelf, key)

    def _shelf(self) -> Shelf | None:
        belief = self._beliefs.current()
        if belief.server is None:
            self._mending.due(belief)
        return Shelf.under(belief, self._server)

    def _looked(self, shelf: Shelf, key: Key) -> Kept | None:
        try:
            return shelf.look(key.name)
        except Gone:
            self._mending.due(self._beliefs.current())
            return None

    def _claimed(self, shelf: Shelf, key: Key, load: Load) -> Found:
        """Load and fill, unless somebody else is at it, who is waited for a little."""
        token = FILLING + secrets.token_bytes(12)
        for _ in range(LOOKS):
            try:
                lies = shelf.claim(key.name, token)
            except Gone:
                break
            if lies == token:
                return Found(self._filled(shelf, key, token, load), False)
            if (kept := answer_in(lies)) is not None:
                return Found(kept, True)
            if not lies.startswith(FILLING):  # it is being changed
                break
            self._pause(BETWEEN_SECONDS)
        return Found(load(), False)

    def _filled(self, shelf: Shelf, key: Key, token: bytes, load: Load) -> Kept:
        kept: Kept | None = None
        try:
            kept = load()
            return kept
        finally:
            try:
                shelf.fill(key.name, token, kept)
            except Gone:
                pass  # the next reader loads again

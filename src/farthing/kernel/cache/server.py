"""The Redis server: a few commands, little patience, and certainty about who answered."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from farthing.kernel.breaker import FAILURES, Breaker
from farthing.kernel.clock import ticks
from farthing.kernel.problems import Misconfigured

PATIENCE_SECONDS: Final = 0.05  # for each piece of an answer
LONGEST_SECONDS: Final = 0.2  # for all of it: one that comes by drops is as bad as none
WHO: Final = ("INFO", "replication")

Command = tuple[str | bytes | int, ...]


class Gone(Exception):
    """The server did not answer in time or refused; nobody knows what it has done."""


class Another(Gone):
    """A server answered, but not the one that was meant, or no longer as what it was."""


class Server(Protocol):
    """One that answers commands in order, and says who it is."""

    def identity(self) -> str:
        """What tells this server, and its life since its data were last replaced, from all others; raises Gone."""

    def ask(self, identity: str, commands: Sequence[Command]) -> list[Any]:  # Any: replies
        """The replies, all of them given by this server; raises Gone, Another."""


@dataclass(slots=True)
class _Line:
    """A connection, and the process at its other end."""

    connection: Any  # Any: the driver's connections are not typed
    run: str


class RedisServer:
    """Redis or Valkey at a URL.

    A server is told by its `run_id`, asked for once on each connection, and by its `master_replid`, asked for with
    each command: a server whose data were replaced, because it followed another for a while, has a new one.
    """

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        """patience  seconds to wait for each piece of an answer"""
        try:
            from redis.backoff import NoBackoff
            from redis.connection import ConnectionPool
            from redis.exceptions import RedisError
            from redis.retry import Retry
        except ModuleNotFoundError as error:
            raise Misconfigured("cache_url needs a driver: pip install 'farthing[redis]'.") from error
        try:
            pool = ConnectionPool.from_url(
                url, socket_timeout=patience, socket_connect_timeout=patience, protocol=2,
                retry=Retry(NoBackoff(), 0), driver_info=None,
            )
        except ValueError as error:
            raise Misconfigured("cache_url cannot be read; it must look like redis://host:6379/0.") from error
        self._new: Callable[[], Any] = lambda: pool.connection_class(**pool.connection_kwargs)
        self._errors = (RedisError, OSError)
        self._idle: deque[_Line] = deque()
        self._breaker = Breaker()

    def identity(self) -> str:
        return self._exchanged([])[0]

    def ask(self, identity: str, commands: Sequence[Command]) -> list[Any]:  # Any: replies
        found, replies = self._exchanged(commands)
        if found != identity:
            raise Another(found)
        return replies

    def version(self) -> str:
        """In words; raises Gone."""
        told = _fields(self._exchanged([("INFO", "server")])[1][0])
        return f"{told.get('server_name', 'redis')} {told.get('valkey_version') or told.get('redis_version')}"

    def close(self) -> None:
        """Let go of the connections that nobody uses."""
        while self._idle:
            self._idle.pop().connection.disconnect()

    def _exchanged(self, commands: Sequence[Command]) -> tuple[str, list[Any]]:  # Any: replies
        if not self._breaker.admits():
            raise Gone("left alone for a while")
        began = ticks()
        try:
            # sent once only: a claim that arrives a second time, and late, would let an old answer in
            found = self._over(self._kept() or self._opened(), commands)
        except self._errors as error:
            self._breaker.failed()
            raise Gone(str(error)) from error
        self._breaker.succeeded()
        if ticks() - began > LONGEST_SECONDS:
            for _ in range(FAILURES):
                self._breaker.failed()
        return found

    def _kept(self) -> _Line | None:
        """A connection that was used before and is still open."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return None
            try:
                if not line.connection.can_read(0):  # else it was closed, or says what nobody asked for
                    return line
            except self._errors:
                pass
            line.connection.disconnect()

    def _opened(self) -> _Line:
        connection = self._new()
        try:
            connection.connect()
            connection.send_command("INFO", "server")
            return _Line(connection, _fields(connection.read_response())["run_id"])
        except BaseException:
            connection.disconnect()
            raise

    def _over(self, line: _Line, commands: Sequence[Command]) -> tuple[str, list[Any]]:  # Any: replies
        try:
            packed = line.connection.pack_commands([*commands, WHO])
            line.connection.send_packed_command(packed)
            *replies, who = [line.connection.read_response() for _ in range(len(commands) + 1)]
        except BaseException:
            line.connection.disconnect()  # an answer that nobody has read would be taken for the next one
            raise
        self._idle.append(line)
        told = _fields(who)
        return f"{told['role']} {line.run} {told['master_replid']}", replies


def _fields(info: bytes) -> dict[str, str]:
    """What INFO says."""
    lines = info.decode("utf-8", "replace").split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)

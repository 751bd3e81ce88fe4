"""A world in which everything that can go wrong between processes, a database and Redis goes wrong in any order.

Each process is a thread that runs only when it is its turn, and gives its turn back before and after everything that
others can see. A tape of numbers says whose turn it is, what happens meanwhile, and how each command ends.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection

from farthing.kernel.cache import shelf
from farthing.kernel.cache.beliefs import Belief, Beliefs, BeliefStore
from farthing.kernel.cache.guard import SharedGuard
from farthing.kernel.cache.mending import Mending
from farthing.kernel.cache.server import Another, Command, Gone
from farthing.kernel.cache.shared import SharedKeeper
from farthing.kernel.cache.values import Found, Kept, Key
from farthing.kernel.database import Database

KEY = Key("org_1", "inv_1")
STUCK = 2_000  # turns after which a world will not end any more


class Killed(BaseException):
    """`kill -9`: nothing that comes after it is done."""


class Lost(Exception):
    """The database was gone at the commit: who knows whether it is done."""


@dataclass
class Redis:
    """One server's data, and which life of which server it is."""

    world: "World"
    identity_now: str = "master 1"
    data: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    saved: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    late: list[Sequence[Command]] = field(default_factory=list)

    def identity(self) -> str:
        if self.world.turn() % 16 == 7:
            raise Gone
        return self.identity_now

    def ask(self, identity: str, commands: Sequence[Command]) -> list[Any]:
        fate = self.world.turn() % 24
        if fate == 9:
            raise Gone("it never arrived")
        if fate == 10:
            self.late.append(commands)
            raise Gone("it arrives after everybody has given up")
        replies = [self.run(command) for command in commands]
        found = self.identity_now
        self.world.turn()
        if fate == 11:
            raise Gone("the answer was lost")
        if found != identity:
            raise Another(found)
        return replies

    def run(self, command: Command) -> object:
        """GET, and the four scripts, as Redis runs them."""
        if command[0] == "GET":
            return self._get(str(command[1]))
        count = cast(int, command[2])
        values: list[Any]
        keys, values = [str(key) for key in command[3 : 3 + count]], list(command[3 + count :])
        return self._script(str(command[1]), keys, values)

    def _script(self, script: str, keys: list[str], values: list[Any]) -> object:
        lies = self._get(keys[0])
        if script == shelf.CLAIM:
            if lies is None or (lies[:1] == b"=" and lies[1 : len(values[2]) + 1] != values[2]):
                self._set(keys[0], values[0], values[1])
                return values[0]
            return lies
        if script == shelf.FILL:
            if lies == values[0]:
                self._set(keys[0], values[1], values[2])
        elif script == shelf.MARK:
            self._set(keys[0], values[0], values[1])
        elif lies is not None and (lies == values[0] or lies[:1] != b"!"):
            assert script == shelf.CLEAR
            del self.data[keys[0]]
        return 1

    def _get(self, key: str) -> bytes | None:
        value, until = self.data.get(key, (None, 0.0))
        return value if until > self.world.clock else None

    def _set(self, key: str, value: bytes, milliseconds: int) -> None:
        self.data[key] = (value, self.world.clock + milliseconds / 1000)


@dataclass(eq=False)
class Transaction:
    """What one does in the database, unseen until it commits; also a connection as far as guards know one."""

    world: "World"
    belief: Belief | None = None
    version: int | None = None

    def begin(self) -> Any:
        return self.world.transaction(self)

    def lock(self, exclusive: bool) -> None:
        """Hold the row of the belief; waits for those who may not hold it at the same time."""
        world = self.world
        world.turn(until=lambda: not (world.writing - {self}) and not (exclusive and world.sharing - {self}))
        (world.writing if exclusive else world.sharing).add(self)

    def commit(self) -> None:
        fate = self.world.turn() % 24
        if fate == 10:
            raise Lost
        if self.version is not None:
            self.world.version = self.version
        if self.belief is not None:
            self.world.belief = self.belief
        self.over()
        self.world.turn()
        if fate == 11:
            raise Lost

    def over(self) -> None:
        self.belief = self.version = None
        self.world.writing.discard(self)
        self.world.sharing.discard(self)


@dataclass(frozen=True)
class Row(BeliefStore):
    """The row of the belief as transactions of this world see it."""

    transaction: Transaction

    def find(self, lock: bool = False) -> Belief:
        if lock:
            self.transaction.lock(exclusive=False)
        self.transaction.world.turn()
        return self.transaction.belief or self.transaction.world.belief

    def _replace(self, old: Belief, new: Belief) -> None:
        world, mine = self.transaction.world, self.transaction
        mine.lock(exclusive=True)
        if (mine.belief or world.belief) != old:
            world.writing.discard(mine)  # a row that is not the one looked for is not held
        else:
            mine.belief = Belief(next(world.epochs) if new.server else new.epoch, new.server)


class RowBeliefs(Beliefs):
    def on(self, connection: Connection) -> Row:
        return Row(connection, cast(Transaction, connection))


class Process(threading.Thread):
    """One process, which does some things one after another."""

    def __init__(self, world: "World", acts: Sequence[str], has_redis: bool) -> None:
        super().__init__(daemon=True)
        self.world = world
        self.acts = acts
        self.go = threading.Semaphore(0)
        self.until: Callable[[], bool] | None = None
        self.killed = self.over = False
        self.fate = 0
        self.after: list[Callable[[], object]] = []
        self.transaction: Transaction | None = None
        self.beliefs = RowBeliefs(cast(Database, self), lambda: world.clock)
        redis = world.redis if has_redis else None
        self.guard = SharedGuard(self.beliefs, redis, world.pause)
        self.keeper = SharedKeeper(
            self.beliefs, world.redis, Mending(self.beliefs, world.redis, lambda work: work(), world.pause), world.pause
        ) if has_redis else None

    def run(self) -> None:
        self.go.acquire()
        try:
            for act in self.acts:
                self.world.turn()
                {"read": self.look, "write": self.change, "again": self.tell_again}[act]()
        except Killed:
            pass
        except BaseException as error:
            self.world.errors.append(error)
        finally:
            if self.transaction is not None:
                self.transaction.over()
            self.world.holders.discard(self)
            self.over = True
            self.world.back.release()

    def look(self) -> None:
        acknowledged = self.world.acknowledged
        found = self.keeper.get(KEY, self.load) if self.keeper else Found(self.load(), False)
        version = found.kept.version
        assert version >= acknowledged, f"read {version} after {acknowledged} was acknowledged"
        self.world.hits += found.hit

    def load(self) -> Kept:
        self.world.turn()
        version = self.world.version
        self.world.turn()
        return Kept(b"", version)

    def change(self) -> None:
        self._written(lambda connection: setattr(connection, "version", self.world.version + 1))

    def tell_again(self) -> None:
        """Answer for what was written already, by somebody who may have died over it."""
        self._written(lambda connection: None)

    def _written(self, work: Callable[[Transaction], object]) -> None:
        self.world.turn(until=lambda: not self.world.holders)
        self.world.holders.add(self)  # the invoice's own row
        try:
            with self.write() as connection:
                work(connection)
                said = connection.version or self.world.version
        except Lost:
            return
        finally:
            self.world.holders.discard(self)
        self.world.turn()
        self.world.acknowledged = max(self.world.acknowledged, said)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield self.transaction or Transaction(self.world)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As `Database.write` does it; what mending writes shows nobody anything new."""
        self.transaction = connection = Transaction(self.world)
        names = frozenset({KEY.name}) if self in self.world.holders else frozenset()
        try:
            if names:
                guarded = self.guard(names, cast(Connection, connection))
                yield connection
                with guarded:
                    connection.commit()
                    self.world.holders.discard(self)
            else:
                yield connection
                connection.commit()
        finally:
            connection.over()
            self.transaction = None
        after, self.after = self.after, []
        for action in after:
            action()

    def after_commit(self, action: Callable[[], object]) -> None:
        self.after.append(action)


class World:
    """The tape runs it; when the tape has ended, whoever can goes on and nothing more goes wrong."""

    def __init__(self, tape: Sequence[int]) -> None:
        self.tape = list(reversed(tape))
        self.clock = 0.0
        self.version = self.acknowledged = 1
        self.belief = Belief(0, None)
        self.epochs = itertools.count(1)
        self.sharing: set[Transaction] = set()
        self.writing: set[Transaction] = set()
        self.holders: set[Process] = set()
        self.redis = Redis(self)
        self.lives = itertools.count(2)
        self.processes: list[Process] = []
        self.current: Process | None = None
        self.back = threading.Semaphore(0)
        self.errors: list[BaseException] = []
        self.hits = 0

    def run(self, *acts: tuple[Sequence[str], bool]) -> None:
        """Let processes do these things; raises what one of them failed with."""
        self.processes = [Process(self, some, has_redis) for some, has_redis in acts]
        for process in self.processes:
            process.start()
        for _ in range(STUCK):
            if not (alive := [process for process in self.processes if not process.over]):
                break
            self._next(alive)
        else:
            raise AssertionError("the world does not end")
        if self.errors:
            raise self.errors[0]

    def turn(self, until: Callable[[], bool] | None = None) -> int:
        """Give the turn back, and go on when it comes again; a number says how what is done next ends."""
        me = self.current
        if me is None:
            return 0
        if me.killed:
            raise Killed
        me.until = until
        self.back.release()
        me.go.acquire()
        if me.killed:
            raise Killed
        return me.fate

    def pause(self, seconds: float) -> None:
        moment = self.clock + seconds
        self.turn(until=lambda: self.clock >= moment)

    @contextmanager
    def transaction(self, connection: Transaction) -> Iterator[Transaction]:
        yield connection
        connection.commit()

    def _next(self, alive: list[Process]) -> None:
        events: list[Callable[[], None]] = [
            lambda: self._tick(0.02), lambda: self._tick(0.3), lambda: self._tick(1.1), lambda: self._tick(31),
            self.redis.data.clear, self._save, self._restored, self._late,
            lambda: self._kill(alive[number // 256 % len(alive)]),
        ]
        ready = [process for process in alive if process.until is None or process.until()]
        number = self._draw()
        if not ready or number % 8 == 7:
            events[(number // 8) % len(events) if ready else 1]()
            return
        process = ready[number % len(ready)]
        process.fate = self._draw()
        self.current, process.until = process, None
        process.go.release()
        self.back.acquire()

    def _draw(self) -> int:
        return self.tape.pop() if self.tape else 0

    def _tick(self, seconds: float) -> None:
        self.clock += seconds

    def _save(self) -> None:
        self.redis.saved = dict(self.redis.data)

    def _restored(self) -> None:
        """Back with the data of an earlier time: whatever the way there, it is another life."""
        self.redis.data, self.redis.late = dict(self.redis.saved), []
        self.redis.identity_now = f"master {next(self.lives)}"

    def _late(self) -> None:
        late, self.redis.late = self.redis.late, []
        for commands in late:
            for command in commands:
                self.redis.run(command)

    def _kill(self, process: Process) -> None:
        process.killed = True
        process.until = None

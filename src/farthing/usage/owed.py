"""Names that usage has still to be told of, for whoever has no transaction in common with it.

What is owed is stored in the transaction that makes it true, and told after its commit. What could not be told then
is told later, in order, by whichever process looks next.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from sqlalchemy import BigInteger, Column, ColumnElement, PrimaryKeyConstraint, delete, func, insert, select, update

from farthing.kernel.clock import ticks
from farthing.kernel.columns import Identifier, Json, required, table
from farthing.kernel.database import Database, after_commit
from farthing.kernel.problems import Unavailable
from farthing.usage import Subjects

BIND: Final = "bind"
RELEASE: Final = "release"
PATIENCE_SECONDS: Final = 1.0  # that a request waits for those before its own to be told
HELD_SECONDS: Final = 60.0  # after which a process that holds one and does not end it is taken for dead
log = structlog.get_logger("farthing")

owed_names = table(
    "owed_names",
    required("organization", Identifier),
    required("number", BigInteger),
    required("token", Identifier),
    required("act", Identifier),
    required("names", Json),
    required("customer", Identifier),
    Column("subscription", Identifier),
    Column("held_by", Identifier),  # the process that is telling it
    PrimaryKeyConstraint("organization", "number", "token", name="owed_names_pk"),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """Names to be bound or released.

    number  above that of all that was owed to the organisation when this came: what concerns one name is made by
            transactions that follow each other, so that it is told in their order; the token tells the others apart
    """

    organization: str
    number: int
    token: str
    act: str
    names: tuple[str, ...]
    customer: str
    subscription: str | None
    held_by: str | None = None


class OwedStore(Protocol):
    """Where the room that owes names keeps them."""

    def add(self, owed: Owed) -> None:
        """Inside the unit of work that makes it true."""

    def last_number(self, organization: str) -> int:
        """The highest of what is owed, as the unit of work under way sees it; 0 when it is nothing."""

    def after_commit(self, action: Callable[[], object]) -> None: ...

    def first(self, organization: str) -> Owed | None:
        """What is to be told next."""

    def hold(self, owed: Owed, holder: str) -> bool:
        """Say who is telling it; False when somebody else has said so since it was read."""

    def let_go(self, owed: Owed) -> None:
        """Nobody is telling it any more."""

    def remove(self, owed: Owed) -> None:
        """It was told."""

    def organizations(self) -> list[str]:
        """Those to whom anything is owed."""


@dataclass(frozen=True, slots=True)
class OwedSubjects:
    """Binds and releases names as `Subjects` does, in a unit of work that usage has no part in.

    seen  by organisation: a token, who else holds it, and since when this process has seen that
    """

    store: OwedStore
    subjects: Subjects
    holder: str = field(default_factory=lambda: secrets.token_hex(12))
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    seen: dict[str, tuple[str, str, float]] = field(default_factory=dict)

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        self._owe(organization, BIND, names, customer, subscription)

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        self._owe(organization, RELEASE, names, customer, None)

    def deliver_all(self) -> None:
        """Tell everything that is owed; what cannot be told now stays owed."""
        for organization in self.store.organizations():
            try:
                self.deliver(organization)
            except Unavailable as error:
                log.warning("names are still owed to usage", organization=organization, reason=str(error))
            except Exception:  # one that usage does not take must not hold up the other organisations
                log.exception("names cannot be told to usage", organization=organization)

    def deliver(self, organization: str, upto: int | None = None, patience: float = 0.0) -> None:
        """Tell what is owed to one organisation, in order; raises Unavailable, and the rest stays owed.

        upto      the last number of interest; everything unless told
        patience  seconds to wait where another thread or process is telling it
        """
        deadline = ticks() + patience
        lock = self.locks.setdefault(organization, threading.Lock())
        if not lock.acquire(timeout=patience):
            return
        try:
            while (owed := self.store.first(organization)) is not None and (upto is None or owed.number <= upto):
                if self._hold(owed):
                    self._tell(owed)
                elif ticks() > deadline or self._stands_still(owed):
                    return
                else:
                    time.sleep(0.02)
        finally:
            lock.release()

    def _owe(
        self, organization: str, act: str, names: Sequence[str], customer: str, subscription: str | None
    ) -> None:
        number = self.store.last_number(organization) + 1
        token = secrets.token_hex(12)
        self.store.add(Owed(organization, number, token, act, tuple(names), customer, subscription))
        # usage may take part in a unit of work around this one: what it was told must not be undone with that
        self.store.after_commit(lambda: after_commit(lambda: self._deliver_now(organization, number)))

    def _deliver_now(self, organization: str, number: int) -> None:
        """Whatever happens here, what made the names true is stored, and must not be answered as if it were not."""
        try:
            self.deliver(organization, number, PATIENCE_SECONDS)
        except Unavailable as error:
            log.warning("names are owed to usage", organization=organization, reason=str(error))
        except Exception:
            log.exception("names cannot be told to usage", organization=organization)

    def _hold(self, owed: Owed) -> bool:
        """Whether it is this process that tells it now."""
        if owed.held_by == self.holder:
            return True
        if owed.held_by is not None:
            token, holder, since = self.seen.get(owed.organization, ("", "", 0.0))
            if (token, holder) != (owed.token, owed.held_by):
                self.seen[owed.organization] = (owed.token, owed.held_by, ticks())
                return False
            if ticks() - since < HELD_SECONDS:
                return False
        return self.store.hold(owed, self.holder)

    def _stands_still(self, owed: Owed) -> bool:
        """Whether the one who holds it has had time enough: nobody waits for one that may be dead."""
        _, _, since = self.seen.get(owed.organization, ("", "", ticks()))
        return ticks() - since > PATIENCE_SECONDS

    def _tell(self, owed: Owed) -> None:
        try:
            if owed.act == BIND:
                self.subjects.bind(owed.organization, owed.names, owed.customer, owed.subscription)
            else:
                self.subjects.release(owed.organization, owed.names, owed.customer)
        except BaseException:
            with suppress(Unavailable):  # still held by this process, which will come back to it
                self.store.let_go(owed)
            raise
        self.store.remove(owed)


@dataclass(frozen=True, slots=True)
class SqlOwedNames:
    """What is owed, beside the rows that made it so."""

    database: Database

    def add(self, owed: Owed) -> None:
        with self.database.write() as connection:
            values = {name: getattr(owed, name) for name in Owed.__dataclass_fields__}
            connection.execute(insert(owed_names).values(values | {"names": list(owed.names)}))

    def last_number(self, organization: str) -> int:
        highest = select(func.max(owed_names.c.number)).where(owed_names.c.organization == organization)
        with self.database.write() as connection:
            return int(connection.execute(highest).scalar() or 0)

    def after_commit(self, action: Callable[[], object]) -> None:
        self.database.after_commit(action)

    def first(self, organization: str) -> Owed | None:
        mine = select(owed_names).where(owed_names.c.organization == organization)
        with self.database.read() as connection:
            row = connection.execute(mine.order_by(owed_names.c.number, owed_names.c.token).limit(1)).mappings().first()
        return None if row is None else Owed(**{**row, "names": tuple(row["names"])})

    def hold(self, owed: Owed, holder: str) -> bool:
        held = owed_names.c.held_by
        unchanged = held.is_(None) if owed.held_by is None else held == owed.held_by
        held_now = update(owed_names).where(_is(owed), unchanged).values(held_by=holder)
        with self.database.write() as connection:
            return connection.execute(held_now).rowcount == 1

    def let_go(self, owed: Owed) -> None:
        with self.database.write() as connection:
            connection.execute(update(owed_names).where(_is(owed)).values(held_by=None))

    def remove(self, owed: Owed) -> None:
        with self.database.write() as connection:
            connection.execute(delete(owed_names).where(_is(owed)))

    def organizations(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(select(owed_names.c.organization).distinct()).scalars())


def _is(owed: Owed) -> ColumnElement[bool]:
    mine = (owed_names.c.organization == owed.organization) & (owed_names.c.number == owed.number)
    return mine & (owed_names.c.token == owed.token)

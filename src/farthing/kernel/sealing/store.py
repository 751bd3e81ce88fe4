"""Rows of sealed logs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, insert, select, update

from farthing.kernel.database import insert_unless_there
from farthing.kernel.sealing.models import chains, seals, unsealed

NOTHING: Final = "0" * 64  # the hash before the first


@dataclass(frozen=True, slots=True)
class Seal:
    """A record's place in its chain, and the hash of it and all before it."""

    number: int
    record: str
    hash: str


def sealed(before: str, number: int, record: str, content: bytes) -> Seal:
    """The seal of a record that follows one with the hash `before`."""
    head = f"{before}\n{number}\n{record}\n".encode()
    return Seal(number, record, sha256(head + content).hexdigest())


def to_be_sealed(connection: Connection, log: str, records: Iterable[tuple[str, str]]) -> None:
    """Note new records of a log, each with its organisation, in the transaction that writes them."""
    rows = [{"log": log, "organization": organization, "record": record} for organization, record in records]
    if rows:
        connection.execute(insert(unsealed), rows)


@dataclass(frozen=True, slots=True)
class SealStore:
    connection: Connection

    def waiting(self) -> list[tuple[str, str]]:
        """Logs and organisations with something to seal."""
        query = select(unsealed.c.log, unsealed.c.organization).distinct()
        return [(log, organization) for log, organization in self.connection.execute(query)]

    def held(self, log: str, organization: str) -> Seal:
        """The end of a chain, no other follower's until the transaction ends."""
        mine = _of(chains, log, organization)
        query = select(chains.c.number, chains.c.hash).where(mine).with_for_update()
        while (row := self.connection.execute(query).one_or_none()) is None:
            first = {"log": log, "organization": organization, "number": 0, "hash": NOTHING}
            insert_unless_there(self.connection, chains, first)
        return Seal(row.number, "", row.hash)

    def head(self, log: str, organization: str) -> Seal:
        """The end of a chain as it is."""
        query = select(chains.c.number, chains.c.hash).where(_of(chains, log, organization))
        row = self.connection.execute(query).one_or_none()
        return Seal(0, "", NOTHING) if row is None else Seal(row.number, "", row.hash)

    def next(self, log: str, organization: str, limit: int) -> Sequence[str]:
        """Committed records that wait, the oldest first."""
        query = select(unsealed.c.record).where(_of(unsealed, log, organization))
        return self.connection.execute(query.order_by(unsealed.c.record).limit(limit)).scalars().all()

    def add(self, log: str, organization: str, made: Sequence[Seal]) -> None:
        """Seal records, which wait no more; the chain ends with the last of them."""
        place = {"log": log, "organization": organization}
        rows = [place | {"number": one.number, "record": one.record, "hash": one.hash} for one in made]
        self.connection.execute(insert(seals), rows)
        # each by its whole key: MariaDB would look through its neighbours too, and wait for those not committed yet
        done = _of(unsealed, log, organization) & (unsealed.c.record == bindparam("sealed"))
        self.connection.execute(delete(unsealed).where(done), [{"sealed": one.record} for one in made])
        last = {"number": made[-1].number, "hash": made[-1].hash}
        self.connection.execute(update(chains).where(_of(chains, log, organization)).values(last))

    def pages(self, log: str, organization: str, size: int) -> Iterator[list[Seal]]:
        """The chain from its beginning."""
        after = 0
        query = select(seals.c.number, seals.c.record, seals.c.hash).where(_of(seals, log, organization))
        while True:
            later = query.where(seals.c.number > after).order_by(seals.c.number).limit(size)
            page = [Seal(*row) for row in self.connection.execute(later)]
            if not page:
                return
            yield page
            after = page[-1].number


def _of(table: Table, log: str, organization: str) -> ColumnElement[bool]:
    return (table.c.log == log) & (table.c.organization == organization)

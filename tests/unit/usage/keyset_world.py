"""A stream of rows that are nothing but hashes, and what a set of keys must say of them, worked out naively."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from farthing.kernel.database import Database
from farthing.usage.events.keyset.models import event_hashes, event_key_positions
from farthing.usage.events.keyset.values import Claim, KeySet, Suspect
from farthing.usage.events.streams import Stream

rows = Table(
    "keyset_rows", MetaData(), Column("organization", String(40), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False), Column("hash", BigInteger),
)

TABLES = (rows, event_hashes, event_key_positions)


class Undo(Exception):
    """Ends a unit of work without its effect."""


def make_tables(database: Database) -> None:
    with database.write() as connection:
        for one in TABLES:
            one.create(connection, checkfirst=True)


def stream_of(organization: str, last_seq: int) -> Stream:
    values: dict[str, Any] = dict.fromkeys((one.name for one in fields(Stream)), 0)
    return Stream(**values | {"organization": organization, "last_seq": last_seq})


def rows_after(connection: Connection, stream: Stream, after: int) -> Iterator[tuple[int, int]]:
    mine = (rows.c.organization == stream.organization) & (rows.c.seq > after)
    query = select(rows.c.seq, rows.c.hash).where(mine).order_by(rows.c.seq)
    return ((seq, hash) for seq, hash in connection.execute(query))


def held(connection: Connection, organization: str) -> Stream:
    """The stream as its last row says; SQLite lets one write at a time anyway."""
    last = connection.execute(select(func.max(rows.c.seq)).where(rows.c.organization == organization)).scalar()
    return stream_of(organization, last or 0)


@dataclass
class World:
    """One organisation's rows, and the same in a list."""

    database: Database
    organization: str
    hashes: list[int] = field(default_factory=list)  # that of row n at n - 1

    def send(self, keys: KeySet, *batches: Sequence[int], anyway: bool = False, commit: bool = True) -> None:
        """Claim and add batches in one transaction, and see that each claim is right.

        anyway  suspects are stored too, as different events of the same hash are
        """
        before = list(self.hashes)
        try:
            with self.database.write() as connection:
                for batch in batches:
                    self._send(keys, connection, list(dict.fromkeys(batch)), anyway)
                if not commit:
                    raise Undo
        except Undo:
            self.hashes = before

    def _send(self, keys: KeySet, connection: Connection, batch: list[int], anyway: bool) -> None:
        stream = held(connection, self.organization)
        assert stream.last_seq == len(self.hashes)
        claim = keys.claim(connection, stream, batch)
        assert Claim(claim.new, sorted(claim.suspects)) == self.expected(batch)
        added = batch if anyway else [batch[place] for place in claim.new]
        first = len(self.hashes) + 1
        self.append(connection, added)
        if added:
            keys.add(connection, stream, added, first)

    def append(self, connection: Connection, added: Sequence[int]) -> None:
        first = len(self.hashes) + 1
        if added:
            connection.execute(insert(rows), [
                {"organization": self.organization, "seq": seq, "hash": hash} for seq, hash in enumerate(added, first)
            ])
        self.hashes += added

    def expected(self, batch: Sequence[int]) -> Claim:
        suspects = [
            Suspect(place, seq) for place, hash in enumerate(batch)
            for seq, other in enumerate(self.hashes, start=1) if other == hash
        ]
        return Claim([place for place, hash in enumerate(batch) if hash not in self.hashes], suspects)

    def kept(self) -> "Kept":
        """A copy of the database's state, to be restored later."""
        with self.database.read() as connection:
            return Kept(list(self.hashes), {
                one: [dict(row) for row in connection.execute(select(one).where(self._mine(one))).mappings()]
                for one in TABLES
            })

    def restore(self, kept: "Kept") -> None:
        self.hashes = list(kept.hashes)
        with self.database.write() as connection:
            for one, before in kept.rows.items():
                connection.execute(delete(one).where(self._mine(one)))
                if before:
                    connection.execute(insert(one), before)

    def _mine(self, one: Table) -> ColumnElement[bool]:
        return one.c.organization == self.organization


@dataclass(frozen=True)
class Kept:
    hashes: list[int]
    rows: dict[Table, list[dict[str, Any]]]

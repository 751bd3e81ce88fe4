"""Events under one number, and without an index of their names. Reversible as long as there are none.

The hashes of the names and the checksums are made here from the rows, as the application makes them.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from xxhash import xxh3_64_intdigest

from farthing.kernel.columns import PADDED_ENGINE, Digest, Identifier, Instant, LongText, Name, RowNumber

revision = "0028_events"
down_revision = "0028_event_keys"
PAGE = 1_000
PLACES = 2**40  # of a stream

COLUMNS = ("organization", "seq", "source", "id", "type", "subject_ref", "time", "received_at", "data", "extensions")
old = sa.table("events_before", *(sa.column(name) for name in (*COLUMNS, "voids")))
subjects = sa.table("event_subjects", *(sa.column(name) for name in ("organization", "ref", "subject")))
streams = sa.table("event_streams", *(sa.column(name) for name in ("organization", "number", "seed", "stored")))
Row = Mapping[str, Any]  # Any: a row's columns


def upgrade() -> None:
    op.rename_table("events", "events_before")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE events_before RENAME CONSTRAINT events_pk TO events_before_pk")
    for name in ("number", "seed", "stored"):
        op.add_column("event_streams", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    _create_events()
    op.create_table(
        "event_voids",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("organization", "event", name="event_voids_pk"),
        **PADDED_ENGINE,
    )
    if not op.get_context().as_sql:
        _move()
    with op.batch_alter_table("event_streams") as change:
        for name, kind in (("number", sa.Integer()), ("seed", sa.BigInteger()), ("stored", sa.BigInteger())):
            change.alter_column(
                name, type_=kind, existing_type=sa.BigInteger(), existing_nullable=False, server_default=None
            )
        change.create_unique_constraint("event_streams_number", ["number"])
    op.drop_table("events_before")
    op.drop_table("event_keys")


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("place", RowNumber, autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("data", LongText, nullable=True),
        sa.Column("extensions", LongText, nullable=True),
        sa.Column("voids", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("place", name="events_pk"),
        **PADDED_ENGINE,
    )


def _move() -> None:
    connection = op.get_bind()
    events = sa.table("events", *(sa.column(name) for name in (
        "place", "hash", "checksum", *COLUMNS[2:], "voids",
    )))
    voids = sa.table("event_voids", *(sa.column(name) for name in ("organization", "event", "seq", "received_at")))
    found = connection.execute(sa.select(streams.c.organization).order_by(streams.c.organization)).scalars().all()
    for number, organization in enumerate(found, start=1):
        seed, stored = secrets.randbits(63), 0
        for page in _pages(connection, organization):
            stored += len(page)
            connection.execute(sa.insert(events), [_moved(row, number, seed) for row in page])
            taken_out = [
                {"organization": organization, "event": row["voids"], "seq": row["seq"],
                 "received_at": row["received_at"]}
                for row in page if row["voids"] is not None
            ]
            if taken_out:
                connection.execute(sa.insert(voids), taken_out)
        mine = streams.c.organization == organization
        connection.execute(sa.update(streams).where(mine).values(number=number, seed=seed, stored=stored))


def _pages(connection: sa.Connection, organization: str) -> Iterator[list[Row]]:
    named = (subjects.c.organization == old.c.organization) & (subjects.c.ref == old.c.subject_ref)
    query = select_old().join(subjects, named).where(old.c.organization == organization).order_by(old.c.seq).limit(PAGE)
    after = -1
    while page := connection.execute(query.where(old.c.seq > after)).mappings().all():
        yield [dict(row) for row in page]
        after = page[-1]["seq"]


def select_old() -> sa.Select[Any]:  # Any: as above
    return sa.select(*old.c, subjects.c.subject)


def _moved(row: Row, number: int, seed: int) -> Row:
    said = f"{row['type']}\0{row['subject']}\0{row['time']}\0{row['data'] or ''}\0{row['extensions'] or ''}"
    name = f"{len(row['source'])}:{row['source']}{row['id']}"
    kept = {name: row[name] for name in (*COLUMNS[2:], "voids")}
    return kept | {
        "place": number * PLACES + row["seq"], "hash": _signed(xxh3_64_intdigest(name.encode(), seed)),
        "checksum": _signed(xxh3_64_intdigest(said.encode())),
    }


def _signed(unsigned: int) -> int:
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


def downgrade() -> None:
    """Raises where there are events: what their names' index held is not known any more."""
    if not op.get_context().as_sql and op.get_bind().execute(sa.text("SELECT place FROM events LIMIT 1")).first():
        raise RuntimeError("0028_events can be taken back only while there are no events.")
    op.drop_table("event_voids")
    op.drop_table("events")
    op.create_table(
        "events",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("data", LongText, nullable=True),
        sa.Column("extensions", LongText, nullable=True),
        sa.Column("voids", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "seq", name="events_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_keys",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("hash", Digest, nullable=False),
        sa.Column("content", Digest, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "hash", name="event_keys_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("event_streams") as change:
        change.drop_constraint("event_streams_number", type_="unique")
        for name in ("number", "seed", "stored"):
            change.drop_column(name)

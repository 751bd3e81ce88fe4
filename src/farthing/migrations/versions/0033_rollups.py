"""Quarter hours with 64-bit numbers, and days beside them. Reversible; writes all rollups once, holding up usage."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import ENGINE, Digest, Identifier, LongText, Name

revision = "0033_rollups"
down_revision = "0031_no_padding"
SCALE = 9
DAY = 86_400_000_000
PAGE = 5_000
KEY = ("organization", "meter", "subject_ref", "slot", "group_hash")
NUMBERS = ("total", "least", "greatest", "latest_value")
LATEST = ("latest_time", "latest_id", "latest_source")
Row = dict[str, Any]  # Any: a row's columns, as a database has them


def upgrade() -> None:
    quarters, days = (_table(name) for name in ("usage_quarter_hours", "usage_days"))
    old = _old_table("usage_rollups")
    day: dict[tuple[Any, ...], Row] = {}
    with localcontext(prec=400):
        for page in _pages(old):
            rows = [row | dict(zip(NUMBERS, map(_decimal, _of(row, NUMBERS)), strict=True)) for row in page]
            _insert(quarters, [_scaled(row) for row in rows])
            for row in rows:
                _into_day(day, row)
            last = _day_key(rows[-1])[:4]
            done = [key for key in day if key[:4] != last]  # pages come in order of the key, groups within a quarter
            _insert(days, [_scaled(day.pop(key)) for key in done])
        _insert(days, [_scaled(row) for row in day.values()])
    op.drop_table("usage_rollups")


def downgrade() -> None:
    old = _old_table("usage_rollups")
    old.create(op.get_bind())
    with localcontext(prec=400):
        for page in _pages(_table("usage_quarter_hours", made=True)):
            _insert(old, [_unscaled(row) for row in page])
    op.drop_table("usage_quarter_hours")
    op.drop_table("usage_days")


def _table(name: str, made: bool = False) -> sa.Table:
    number = [sa.Column(one, sa.BigInteger()) for one in NUMBERS]
    table = sa.Table(
        name, sa.MetaData(), *_key(), sa.Column("group_values", LongText, nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False), sa.Column("counted", sa.BigInteger(), nullable=False),
        *number, sa.Column("beyond", LongText), sa.Column("latest_time", sa.BigInteger()),
        sa.Column("latest_id", Name), sa.Column("latest_source", Name),
        sa.Column("seq", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint(*KEY, name=f"{name}_pk"),
        sqlite_with_rowid=False, **ENGINE,
    )
    if not made:
        table.create(op.get_bind())
    return table


def _old_table(name: str) -> sa.Table:
    texts = [sa.Column(one, sa.String(500), nullable=one != "total") for one in NUMBERS]
    return sa.Table(
        name, sa.MetaData(), *_key(), sa.Column("group_values", LongText, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False), sa.Column("counted", sa.Integer(), nullable=False), *texts,
        sa.Column("latest_time", sa.BigInteger()), sa.Column("latest_id", Name), sa.Column("latest_source", Name),
        sa.PrimaryKeyConstraint(*KEY, name=f"{name}_pk"), sqlite_with_rowid=False, **ENGINE,
    )


def _key() -> list[sa.Column[Any]]:  # Any: any column's type
    kinds: tuple[Any, ...] = (Identifier, Identifier, sa.BigInteger(), sa.BigInteger(), Digest)
    return [sa.Column(name, kind, nullable=False) for name, kind in zip(KEY, kinds, strict=True)]


def _pages(table: sa.Table) -> Iterator[list[Row]]:
    """Rows in order of their key, each with how far its meter had read."""
    positions = sa.table("meter_positions", *(sa.column(name) for name in ("organization", "meter", "seq")))
    keys = [table.c[name] for name in KEY]
    same = (positions.c.organization == table.c.organization) & (positions.c.meter == table.c.meter)
    query = sa.select(*table.c, positions.c.seq.label("position")).join(positions, same).order_by(*keys).limit(PAGE)
    page = op.get_bind().execute(query).mappings().all()
    while page:
        yield [dict(row) for row in page]
        beyond = sa.or_(*(
            sa.and_(*(keys[n] == page[-1][KEY[n]] for n in range(place)), keys[place] > page[-1][KEY[place]])
            for place in range(len(keys))
        ))
        page = op.get_bind().execute(query.where(beyond)).mappings().all()


def _into_day(days: dict[tuple[Any, ...], Row], row: Row) -> None:
    known = days.get(_day_key(row))
    if known is None:
        days[_day_key(row)] = row | {"slot": row["slot"] - row["slot"] % DAY}
        return
    known["events"] += row["events"]
    known["counted"] += row["counted"]
    known["total"] += row["total"]
    if not row["counted"]:
        return
    fresh = not known["least"] and known["latest_time"] is None
    known["least"] = row["least"] if fresh else min(known["least"], row["least"])
    known["greatest"] = row["greatest"] if fresh else max(known["greatest"], row["greatest"])
    latest = (*LATEST, "latest_value")
    if fresh or _of(row, latest) > _of(known, latest):
        known.update(zip(latest, _of(row, latest), strict=True))


def _day_key(row: Row) -> tuple[Any, ...]:
    return (*_of(row, KEY[:3]), row["slot"] - row["slot"] % DAY, bytes(row["group_hash"]))


def _of(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple([row[name] for name in names])


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _scaled(row: Row) -> Row:
    """Numbers in units of 10**-9, or all of them as text where one does not fit."""
    numbers = _of(row, NUMBERS)
    scaled = [None if one is None else one.scaleb(SCALE) for one in numbers]
    fits = all(one is None or (one == int(one) and -(2**63) <= one < 2**63) for one in scaled)
    texts = [None if one is None else _plain(one) for one in numbers]
    beyond = None if fits else json.dumps(texts, separators=(",", ":"))
    kept = [int(one) if fits and one is not None else None for one in scaled]
    whole = {name: row[name] for name in (*KEY, "group_values", "events", "counted", *LATEST)}
    return whole | dict(zip(NUMBERS, kept, strict=True)) | {"beyond": beyond, "seq": row["position"]}


def _unscaled(row: Row) -> Row:
    texts = (
        json.loads(row["beyond"]) if row["beyond"] is not None
        else [None if one is None else _plain(Decimal(one).scaleb(-SCALE)) for one in _of(row, NUMBERS)]
    )
    whole = {name: row[name] for name in (*KEY, "group_values", "events", "counted", *LATEST)}
    return whole | dict(zip(NUMBERS, texts, strict=True))


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def _insert(table: sa.Table, rows: Sequence[Row]) -> None:
    if rows:
        op.get_bind().execute(table.insert(), rows)

"""Column types that keep every digit and every microsecond on SQLite, PostgreSQL and MariaDB alike."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Dialect, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import BINARY, LONGTEXT
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

metadata: Final = MetaData(
    naming_convention={"pk": "%(table_name)s_pk", "fk": "%(table_name)s_%(column_0_name)s_fk"}
)


def stored_instant(value: datetime) -> int:
    """Whole microseconds since 1970, as `Instant` stores it: for whoever hands rows over as they are stored."""
    return (value - EPOCH) // MICROSECOND


def instant_stored(value: int) -> datetime:
    """What `stored_instant` was made of, in UTC."""
    return EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """A UTC instant as whole microseconds since 1970: sorts, compares and survives alike everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else stored_instant(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant_stored(value)


class Exact(TypeDecorator[Decimal]):
    """A decimal as its own text: numeric columns of SQLite would turn it into a binary float."""

    impl = String(500)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):  # Any: whatever JSON holds
    """A JSON document; only ever read and written whole."""

    impl = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        return None if value is None else json.loads(value)


PADDED_ENGINE: Final[dict[str, Any]] = {  # Any: as below; of the steps before 0031, which rewrites what they made
    f"{server}_{name}": value for server in ("mariadb", "mysql")
    for name, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}
ENGINE: Final[dict[str, Any]] = {  # Any: keyword arguments of SQLAlchemy and Alembic
    # collations that do not take "r1 " for "r1"; each of the two servers has its own name for that
    "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin", "mariadb_engine": "InnoDB",
    "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_0900_bin", "mysql_engine": "InnoDB",
}
Identifier: Final = String(40)
Name: Final = String(255)
Digest: Final = LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb")  # 128 bits
Hash: Final = String(64)  # SHA-256 in hexadecimal digits
RowNumber: Final = BigInteger().with_variant(Integer(), "sqlite")  # as a primary key, SQLite's own number of a row
LongText: Final = Text().with_variant(LONGTEXT(), "mysql", "mariadb")


def table(name: str, *items: SchemaItem) -> Table:
    """A table whose texts compare byte by byte on every engine, as keys must."""
    return Table(name, metadata, *items, **ENGINE)


def required(name: str, kind: Any, *items: SchemaItem) -> Column[Any]:  # Any: any column type
    """A column that always has a value."""
    return Column(name, kind, *items, nullable=False)

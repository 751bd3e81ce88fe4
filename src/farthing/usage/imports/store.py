"""Rows of imports and of their reports."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.kernel.database import refusing
from farthing.usage.imports.models import import_errors, imports
from farthing.usage.imports.values import OUTCOMES, QUEUED, RUNNING, BadRow, ContentKnown, Counts, Import


@dataclass(frozen=True, slots=True)
class ImportStore:
    connection: Connection

    def add(self, one: Import) -> None:
        """Raises ContentKnown; the first one stays."""
        with refusing("imports_content", ContentKnown()):
            self.connection.execute(insert(imports).values(_row(one)))

    def save(self, one: Import) -> None:
        mine = (imports.c.organization == one.organization) & (imports.c.id == one.id)
        self.connection.execute(update(imports).where(mine).values(_row(one)))

    def find(self, organization: str, id: str, lock: bool = False) -> Import | None:
        query = select(imports).where(imports.c.organization == organization, imports.c.id == id)
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def of_content(self, organization: str, content: str) -> Import | None:
        query = select(imports).where(imports.c.organization == organization, imports.c.content == content)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(self, organization: str, after: str, limit: int) -> list[Import]:
        mine = (imports.c.organization == organization) & (imports.c.id > after)
        rows = self.connection.execute(select(imports).where(mine).order_by(imports.c.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def unfinished(self) -> list[Import]:
        """Imports that were begun, or waiting, when their process went away."""
        begun = imports.c.status.in_([QUEUED, RUNNING])
        rows = self.connection.execute(select(imports).where(begun).order_by(imports.c.id)).mappings()
        return [_value(row) for row in rows]

    def report(self, one: Import, bad: Sequence[BadRow]) -> None:
        """Keep these for the report."""
        if bad:
            mine = {"import_id": one.id, "organization": one.organization}
            self.connection.execute(insert(import_errors), [mine | row._asdict() for row in bad])

    def reported(self, organization: str, id: str, after: int, limit: int) -> list[BadRow]:
        """The bad rows of an import after this line, in the file's order."""
        mine = (import_errors.c.organization == organization) & (import_errors.c.import_id == id)
        query = select(import_errors.c.line, import_errors.c.message).where(mine, import_errors.c.line > after)
        rows = self.connection.execute(query.order_by(import_errors.c.line).limit(limit))
        return [BadRow(line, message) for line, message in rows]


def _row(one: Import) -> dict[str, Any]:  # Any: a row's columns
    columns = asdict(one)
    counts = columns.pop("counts")
    return {**columns, **counts}


def _value(row: RowMapping) -> Import:
    columns = dict(row)
    return Import(counts=Counts(*(columns.pop(name) for name in OUTCOMES)), **columns)

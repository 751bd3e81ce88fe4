"""Rows of the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from farthing.kernel.audit.models import audit_log
from farthing.kernel.clock import instant_text
from farthing.kernel.sealing import to_be_sealed
from farthing.kernel.strict_json import dumps

LOG: Final = "audit"  # its name among the logs that are sealed


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction made of one row.

    before, after  the columns that changed, as JSON; None for a row that was not there, or is not any more
    """

    id: str
    organization: str
    at: datetime
    actor_kind: str
    actor: str
    call: str
    object: str
    row: str
    before: Mapping[str, Any] | None  # Any: JSON
    after: Mapping[str, Any] | None  # Any: JSON


COLUMNS: Final = tuple(each.name for each in fields(Change))


@dataclass(frozen=True, slots=True)
class AuditStore:
    connection: Connection

    def add(self, changes: Sequence[Change]) -> None:
        if changes:
            self.connection.execute(insert(audit_log), [_row(one) for one in changes])
            to_be_sealed(self.connection, LOG, ((one.organization, one.id) for one in changes))

    def page(self, organization: str, row: str | None, before: str | None, limit: int) -> list[Change]:
        """The newest first, of one row or all; those older than the change `before`."""
        wanted = [audit_log.c.organization == organization]
        wanted += [] if row is None else [audit_log.c.row == row]
        wanted += [] if before is None else [audit_log.c.id < before]
        query = select(audit_log).where(*wanted).order_by(audit_log.c.id.desc()).limit(limit)
        return [Change(**found) for found in self.connection.execute(query).mappings()]


def _row(one: Change) -> dict[str, Any]:  # Any: a row's columns
    return {name: getattr(one, name) for name in COLUMNS}


def contents(connection: Connection, organization: str, ids: Sequence[str]) -> Mapping[str, bytes]:
    """What changes are sealed as: all their columns, by id."""
    mine = (audit_log.c.organization == organization) & audit_log.c.id.in_(list(ids))
    rows = connection.execute(select(audit_log).where(mine)).mappings()
    return {row["id"]: dumps(dict(row) | {"at": instant_text(row["at"])}) for row in rows}

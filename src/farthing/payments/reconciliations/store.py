"""Rows of reconciliations."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.payments.reconciliations.models import reconciliation_proposals, reconciliations
from farthing.payments.reconciliations.values import Proposed, Reconciliation

table, proposed = reconciliations.c, reconciliation_proposals.c


@dataclass(frozen=True, slots=True)
class ReconciliationStore:
    connection: Connection

    def add(self, one: Reconciliation) -> None:
        self.connection.execute(insert(reconciliations).values(
            id=one.id, organization=one.organization, kind=one.kind, proposals=one.looked, applied=one.applied,
            more=one.more, created_at=one.created_at, undone_at=one.undone_at,
        ))
        if one.proposals:
            rows = [_proposed_row(one, number, each) for number, each in enumerate(one.proposals)]
            self.connection.execute(insert(reconciliation_proposals), rows)

    def find(self, organization: str, id: str, lock: bool = False) -> Reconciliation | None:
        """With its proposals."""
        query = select(reconciliations).where((table.organization == organization) & (table.id == id))
        rows = self.connection.execute(query.with_for_update() if lock else query)
        row = rows.mappings().one_or_none()
        if row is None:
            return None
        mine = (proposed.organization == organization) & (proposed.reconciliation == id)
        found = self.connection.execute(select(reconciliation_proposals).where(mine).order_by(proposed.position))
        return replace(_value(row), proposals=tuple(_proposed(each) for each in found.mappings()))

    def page(self, organization: str, after: str, limit: int) -> list[Reconciliation]:
        """Without their proposals."""
        mine = (table.organization == organization) & (table.id > after)
        rows = self.connection.execute(select(reconciliations).where(mine).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def undo(self, one: Reconciliation) -> None:
        """Note when one that is held was taken back."""
        mine = (table.organization == one.organization) & (table.id == one.id)
        self.connection.execute(update(reconciliations).where(mine).values(undone_at=one.undone_at))


def _proposed_row(of: Reconciliation, number: int, one: Proposed) -> dict[str, Any]:  # Any: a row's columns
    return {
        "organization": of.organization, "reconciliation": of.id, "position": number,
        "bank_transaction": one.transaction, "kind": one.kind, "ambiguous": one.ambiguous, "reason": one.reason,
        "candidates": [list(each) for each in one.candidates], "applied": one.applied,
    }


def _value(row: RowMapping) -> Reconciliation:
    return Reconciliation(
        row["id"], row["organization"], row["kind"], row["proposals"], row["applied"], bool(row["more"]),
        row["created_at"], row["undone_at"],
    )


def _proposed(row: RowMapping) -> Proposed:
    return Proposed(
        row["bank_transaction"], row["kind"], bool(row["ambiguous"]), row["reason"], row["candidates"],
        bool(row["applied"]),
    )

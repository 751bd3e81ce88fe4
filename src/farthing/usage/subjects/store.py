"""Rows of subjects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from farthing.usage.subjects.models import event_subjects

AT_ONCE: Final = 1_000  # names asked for in one query


@dataclass(frozen=True, slots=True)
class Subject:
    """A name under which usage arrives or arrived, and whose it is; `current` answers for new events."""

    organization: str
    ref: int
    subject: str
    customer: str | None = None
    subscription: str | None = None
    bound_seq: int | None = None
    current: int | None = 1


@dataclass(frozen=True, slots=True)
class SubjectStore:
    connection: Connection

    def current(self, organization: str, names: Sequence[str]) -> dict[str, int]:
        """The numbers of the rows that answer for these names now."""
        found: dict[str, int] = {}
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            wanted = _of(organization) & event_subjects.c.subject.in_(some) & (event_subjects.c.current == 1)
            rows = self.connection.execute(select(event_subjects.c.subject, event_subjects.c.ref).where(wanted))
            found.update((subject, ref) for subject, ref in rows)
        return found

    def named(self, organization: str, names: Sequence[str]) -> list[Subject]:
        """Every row that ever answered for one of these names."""
        wanted = _of(organization) & event_subjects.c.subject.in_(names)
        return [Subject(**row) for row in self.connection.execute(select(event_subjects).where(wanted)).mappings()]

    def add(self, subjects: Iterable[Subject]) -> None:
        rows = [
            {name: getattr(subject, name) for name in Subject.__dataclass_fields__} for subject in subjects
        ]
        if rows:
            self.connection.execute(insert(event_subjects), rows)

    def bind(self, organization: str, ref: int, customer: str, subscription: str | None, seq: int) -> None:
        """Say whose a row is from this position on."""
        mine = _of(organization) & (event_subjects.c.ref == ref)
        values = {"customer": customer, "subscription": subscription, "bound_seq": seq}
        self.connection.execute(update(event_subjects).where(mine).values(values))

    def retire(self, organization: str, refs: Sequence[int]) -> None:
        """These answer for new events no longer; what they have they keep."""
        mine = _of(organization) & event_subjects.c.ref.in_(refs)
        self.connection.execute(update(event_subjects).where(mine).values(current=None))

    def of_customers(self, organization: str, customers: Sequence[str]) -> Mapping[str, list[Subject]]:
        """The rows that belong to these customers or their subscriptions, by customer."""
        found: dict[str, list[Subject]] = {customer: [] for customer in customers}
        for start in range(0, len(customers), AT_ONCE):
            wanted = _of(organization) & event_subjects.c.customer.in_(customers[start : start + AT_ONCE])
            for row in self.connection.execute(select(event_subjects).where(wanted)).mappings():
                found[row["customer"]].append(Subject(**row))
        return found


def _of(organization: str) -> ColumnElement[bool]:
    return event_subjects.c.organization == organization

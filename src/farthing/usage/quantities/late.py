"""Rows of what came late."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select

from farthing.usage import Arrival
from farthing.usage.quantities.models import late_arrivals
from farthing.usage.subjects.models import event_subjects

AT_ONCE: Final = 1_000  # subjects asked for in one query
ANY: Final = ""  # meter
table = late_arrivals.c


@dataclass(frozen=True, slots=True)
class LateStore:
    connection: Connection

    def note_all(self, organization: str, ref: int, seq: int) -> None:
        """All that came for a subject counts from this position on, whatever its time."""
        row = {"organization": organization, "subject_ref": ref, "meter": ANY, "seq": seq}
        self.connection.execute(insert(late_arrivals).values(row))

    def of_subjects(
        self, organization: str, refs: Collection[int], after: int
    ) -> Mapping[int, list[tuple[int, Arrival]]]:
        """What came late for these subjects after a position, by subject, each with its own position."""
        found: dict[int, list[tuple[int, Arrival]]] = {}
        ordered = sorted(refs)
        columns = (table.subject_ref, table.seq, table.meter, table.earliest, table.latest)
        for start in range(0, len(ordered), AT_ONCE):
            some = table.subject_ref.in_(ordered[start : start + AT_ONCE])
            query = select(*columns).where(table.organization == organization, some, table.seq > after)
            for ref, seq, meter, earliest, latest in self.connection.execute(query):
                found.setdefault(ref, []).append((seq, Arrival(meter or None, earliest, latest)))
        return found

    def customers(self, organization: str, after: int) -> list[str]:
        """Those for whose subjects something came late after a position."""
        subject = event_subjects.c
        same = (subject.organization == table.organization) & (subject.ref == table.subject_ref)
        late = (table.organization == organization) & (table.seq > after) & subject.customer.is_not(None)
        query = select(subject.customer).join(late_arrivals, same).where(late).distinct()
        return sorted(self.connection.execute(query).scalars())

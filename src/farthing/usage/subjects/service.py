"""Whose the names are under which usage arrives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farthing.kernel.database import Database
from farthing.usage.events.streams import StreamStore
from farthing.usage.quantities.late import LateStore
from farthing.usage.subjects.store import Subject, SubjectStore


@dataclass(frozen=True, slots=True)
class SubjectBook:
    """Binds names to customers and subscriptions; see `Subjects` of this room."""

    database: Database

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        """From now on these names mean this customer or subscription (rule 16).

        What waits under a name that never was anybody's becomes theirs with it, in one row. Binding takes a
        sequence number like an event, so that what counted up to a position never changes afterwards.
        """
        with self.database.write() as connection:
            streams, subjects = StreamStore(connection), SubjectStore(connection)
            stream = streams.held(organization)
            rows = subjects.named(organization, list(names))
            seq, ref = stream.last_seq + 1, stream.last_ref
            for name in dict.fromkeys(names):
                current = next((row for row in rows if row.subject == name and row.current), None)
                was_owned = any(row.subject == name and row.customer for row in rows)
                if current is not None and current.customer:
                    continue  # somebody's already
                if current is not None and not was_owned:
                    subjects.bind(organization, current.ref, customer, subscription, seq)
                    LateStore(connection).note_all(organization, current.ref, seq)
                    continue
                if current is not None:
                    subjects.retire(organization, [current.ref])
                ref += 1
                subjects.add([Subject(organization, ref, name, customer, subscription, seq)])
            streams.save(replace(stream, last_seq=seq, last_ref=ref))

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        """Those of these names that mean this customer are nobody's from now on; what arrived before stays his.

        A name that a subscription had first was never the customer's, and is left alone.
        """
        with self.database.write() as connection:
            streams, subjects = StreamStore(connection), SubjectStore(connection)
            stream = streams.held(organization)
            rows = subjects.named(organization, list(names))
            subjects.retire(organization, [
                row.ref for row in rows if row.current and row.customer == customer and row.subscription is None
            ])
            streams.save(replace(stream, last_seq=stream.last_seq + 1))

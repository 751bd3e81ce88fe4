"""The stream of an organisation: whoever adds to it holds it, so that sequence numbers are in commit order."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from farthing.kernel.database import insert_unless_there
from farthing.usage.events.models import event_streams


@dataclass(frozen=True, slots=True)
class Stream:
    """How far a stream has come: its last sequence number, and the last number of a subject."""

    organization: str
    last_seq: int
    last_ref: int


@dataclass(frozen=True, slots=True)
class StreamStore:
    connection: Connection

    def held(self, organization: str) -> Stream:
        """The stream, nobody else's until this transaction ends."""
        while (stream := self._locked(organization)) is None:
            insert_unless_there(
                self.connection, event_streams, {"organization": organization, "last_seq": 0, "last_ref": 0}
            )
        return stream

    def save(self, stream: Stream) -> None:
        """How far a held stream has come now."""
        mine = event_streams.c.organization == stream.organization
        values = {"last_seq": stream.last_seq, "last_ref": stream.last_ref}
        self.connection.execute(update(event_streams).where(mine).values(values))

    def position(self, organization: str) -> int:
        """The sequence number of the last thing that is committed; 0 before the first."""
        mine = event_streams.c.organization == organization
        return self.connection.execute(select(event_streams.c.last_seq).where(mine)).scalar() or 0

    def all(self) -> list[str]:
        """The organisations that have a stream."""
        return list(self.connection.execute(select(event_streams.c.organization)).scalars())

    def _locked(self, organization: str) -> Stream | None:
        query = select(event_streams).where(event_streams.c.organization == organization).with_for_update()
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else Stream(**row)

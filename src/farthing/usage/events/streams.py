"""The stream of an organisation: whoever adds to it holds it, so that sequence numbers are in commit order.

An event's place is one number made of its stream's and its own in that stream: the table of all events has no other
key, and each stream lies in it by itself, in order.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, ScalarSelect, bindparam, cast, func, select, update

from farthing.kernel.database import insert_unless_there
from farthing.usage.events.models import event_streams

EVENTS_OF_A_STREAM: Final = 2**40  # at most; a stream has a million millions of places


@dataclass(frozen=True, slots=True)
class Stream:
    """How far a stream has come.

    number    its own, from 1
    seed      of the hashes of its events' names
    last_seq  the last sequence number that was given
    last_ref  the last number of a subject
    stored    how many events and voids were ever added
    """

    organization: str
    number: int
    seed: int
    last_seq: int
    last_ref: int
    stored: int

    @property
    def base(self) -> int:
        """What a sequence number is added to for the place of its event."""
        return self.number * EVENTS_OF_A_STREAM

    @property
    def bindings(self) -> int:
        """How many numbers were taken by what binds names: it rises with each."""
        return self.last_seq - self.stored


def base_of(organization: str) -> ScalarSelect[int]:
    """The same where only the organisation is known: null before its first event."""
    mine = event_streams.c.organization == organization
    return select(cast(event_streams.c.number, BigInteger) * EVENTS_OF_A_STREAM).where(mine).scalar_subquery()

_OF: Final = event_streams.c.organization == bindparam("of")
_HELD: Final = select(*(event_streams.c[name] for name in Stream.__dataclass_fields__)).where(_OF).with_for_update()
_SAVED: Final = update(event_streams).where(_OF).values(
    last_seq=bindparam("seq"), last_ref=bindparam("ref"), stored=bindparam("count")
)


@dataclass(frozen=True, slots=True)
class StreamStore:
    connection: Connection

    def held(self, organization: str) -> Stream:
        """The stream, nobody else's until this transaction ends."""
        while (stream := self._locked(organization)) is None:
            highest = self.connection.execute(select(func.max(event_streams.c.number))).scalar() or 0
            insert_unless_there(self.connection, event_streams, {
                "organization": organization, "number": highest + 1, "seed": secrets.randbits(63), "last_seq": 0,
                "last_ref": 0, "stored": 0,
            })
        return stream

    def save(self, stream: Stream) -> None:
        """How far a held stream has come now."""
        self.connection.execute(_SAVED, {
            "of": stream.organization, "seq": stream.last_seq, "ref": stream.last_ref, "count": stream.stored,
        })

    def position(self, organization: str) -> int:
        """The sequence number of the last thing that is committed; 0 before the first."""
        mine = event_streams.c.organization == organization
        return self.connection.execute(select(event_streams.c.last_seq).where(mine)).scalar() or 0

    def all(self) -> list[str]:
        """The organisations that have a stream."""
        return list(self.connection.execute(select(event_streams.c.organization)).scalars())

    def _locked(self, organization: str) -> Stream | None:
        row = self.connection.execute(_HELD, {"of": organization}).one_or_none()
        return None if row is None else Stream(*row)

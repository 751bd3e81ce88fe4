"""Tables of events: a stream for each organisation, and what it holds."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, UniqueConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, Name, RowNumber, required, table
from farthing.usage.events.keyset.models import event_hashes as event_hashes  # known with the rest

event_streams = table(  # its row is locked by whoever adds, so that sequence numbers are in the order of commits
    "event_streams",
    required("organization", Identifier),
    required("number", Integer),  # of the stream: the upper bits of its events' places
    required("seed", BigInteger),  # of the hashes of its events' names, nobody else's to know
    required("last_seq", BigInteger),
    required("last_ref", BigInteger),  # of event_subjects
    required("stored", BigInteger),  # how many events and voids were ever added
    PrimaryKeyConstraint("organization", name="event_streams_pk"),
    UniqueConstraint("number", name="event_streams_number"),
)

events = table(  # append only, and no other index: that is what makes adding cheap
    "events",
    Column("place", RowNumber, autoincrement=False, nullable=False),  # its stream's number and its own, see `streams`
    required("hash", BigInteger),  # of source and id, see `keyset`
    required("checksum", BigInteger),  # of the columns after it, as the database has them
    required("source", Name),
    required("id", Name),
    required("type", Name),
    required("subject_ref", BigInteger),
    required("time", Instant),
    required("received_at", Instant),
    Column("data", LongText),  # JSON, digit for digit
    Column("extensions", LongText),  # the same, for attributes of CloudEvents that mean nothing here
    Column("voids", BigInteger),  # the sequence number of the event that this row takes out and repeats
    PrimaryKeyConstraint("place", name="events_pk"),
)

event_voids = table(  # which events were taken out, each once
    "event_voids",
    required("organization", Identifier),
    required("event", BigInteger),  # its sequence number
    required("seq", BigInteger),  # of the void
    required("received_at", Instant),
    PrimaryKeyConstraint("organization", "event", name="event_voids_pk"),
)

rejected_events = table(
    "rejected_events",
    required("organization", Identifier),
    required("id", Identifier),  # made of what was sent, so that a repeat is kept once
    required("received_at", Instant),
    required("event", LongText),  # JSON in ASCII, because it may hold what no store can
    required("errors", Json),
    PrimaryKeyConstraint("organization", "id", name="rejected_events_pk"),
    Index("rejected_events_by_age", "organization", "received_at", "id"),
)

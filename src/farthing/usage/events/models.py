"""Tables of events: a stream for each organisation, what it holds, and apart from it what was ever sent."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String

from farthing.kernel.columns import Digest, Identifier, Instant, Json, LongText, Name, required, table
from farthing.usage.events.keyset.models import event_hashes as event_hashes  # known with the rest

event_streams = table(  # its row is locked by whoever adds, so that sequence numbers are in the order of commits
    "event_streams",
    required("organization", Identifier),
    required("last_seq", BigInteger),
    required("last_ref", BigInteger),  # of event_subjects
    PrimaryKeyConstraint("organization", name="event_streams_pk"),
)

events = table(  # append only, and no other index: that is what makes adding cheap
    "events",
    required("organization", Identifier),
    required("seq", BigInteger),
    required("kind", String(5)),  # "event", or "void" with type, subject and time of the event it takes out
    required("source", Name),
    required("id", Name),
    required("type", Name),
    required("subject_ref", BigInteger),
    required("time", Instant),
    required("received_at", Instant),
    Column("data", LongText),  # JSON, digit for digit
    Column("extensions", LongText),  # the same, for attributes of CloudEvents that mean nothing here
    Column("voids", BigInteger),  # the sequence number of the event that a void takes out
    PrimaryKeyConstraint("organization", "seq", name="events_pk"),
)

event_keys = table(  # kept for ever, whatever becomes of the events
    "event_keys",
    required("organization", Identifier),
    required("hash", Digest),  # of source and id
    required("content", Digest),  # of what the event says
    required("seq", BigInteger),
    PrimaryKeyConstraint("organization", "hash", name="event_keys_pk"),
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

for appended in (events, event_keys):  # SQLite: one B-tree each instead of two
    appended.dialect_options["sqlite"]["with_rowid"] = False

"""Adding prepared events to a stream that is held: names that are known are turned away, the rest is appended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from sqlalchemy import Connection

from farthing.kernel.bulk import insert_rows
from farthing.usage.events.keys import Said, same_content, same_name
from farthing.usage.events.keyset.values import KeySet, Suspect
from farthing.usage.events.models import events
from farthing.usage.events.prepared import COLUMNS, Prepared, seeded
from farthing.usage.events.store import EventStore
from farthing.usage.events.streams import Stream
from farthing.usage.subjects.known import KnownSubjects
from farthing.usage.subjects.store import Subject, SubjectStore

WRITTEN: Final = (*COLUMNS, "place", "subject_ref")


@dataclass(slots=True)
class Outcome:
    """What became of a batch, each event by its place in it: every one is in one of the three."""

    new: list[int] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)  # that say something else than the first of their name


def append(
    connection: Connection, stream: Stream, keys: KeySet, batches: Sequence[Prepared],
    known: KnownSubjects | None = None,
) -> tuple[Stream, list[Outcome]]:
    """Add some batches in their order to a held stream.

    known    what is remembered of names; None inside a transaction that may have bound some
    returns  how far the stream has come, to be saved with them, and what became of each batch
    """
    batches = [batch if batch.seed == stream.seed else seeded(batch, stream.seed) for batch in batches]
    hashes = [row[0] for batch in batches for row in batch.rows]
    once = list(dict.fromkeys(hashes))
    claim = keys.claim(connection, stream, once)
    if claim.suspects or len(once) < len(hashes):
        sorting = _Sorting(_suspected(connection, stream, once, claim.suspects))
        outcomes = [sorting.outcome(batch) for batch in batches]
    else:
        outcomes = [Outcome(new=list(range(len(batch.rows)))) for batch in batches]
    new = [(batch, place) for batch, outcome in zip(batches, outcomes, strict=True) for place in outcome.new]
    return (_stored(connection, stream, keys, new, known or KnownSubjects()) if new else stream), outcomes


def _suspected(
    connection: Connection, stream: Stream, hashes: Sequence[int], suspects: Sequence[Suspect]
) -> dict[int, list[Said]]:
    """What is stored under some hashes."""
    stored = EventStore(connection).said(stream, [suspect.seq for suspect in suspects])
    found: dict[int, list[Said]] = {}
    for suspect in suspects:
        if suspect.seq in stored:
            found.setdefault(hashes[suspect.place], []).append(stored[suspect.seq])
    return found


@dataclass(frozen=True, slots=True)
class _Sorting:
    """Tells new events from repeats; a new one is known to all that come after it.

    known    by hash, what has it, where that was looked at
    pending  by hash, the batch and place of an event that was the first to have it
    """

    known: dict[int, list[Said]]
    pending: dict[int, tuple[Prepared, int]] = field(default_factory=dict)

    def outcome(self, batch: Prepared) -> Outcome:
        outcome = Outcome()
        for place, row in enumerate(batch.rows):
            hash = row[0]
            if hash not in self.known and self.pending.setdefault(hash, (batch, place)) == (batch, place):
                outcome.new.append(place)
                continue
            said = batch.said(place)
            first = next((one for one in self._known(hash) if same_name(one, said)), None)
            if first is None:  # another name with the same hash
                self.known[hash].append(said)
                outcome.new.append(place)
            else:
                (outcome.duplicates if same_content(first, said) else outcome.conflicts).append(place)
        return outcome

    def _known(self, hash: int) -> list[Said]:
        if hash not in self.known:
            batch, place = self.pending[hash]
            self.known[hash] = [batch.said(place)]
        return self.known[hash]


def _stored(
    connection: Connection, stream: Stream, keys: KeySet, new: Sequence[tuple[Prepared, int]], known: KnownSubjects
) -> Stream:
    names = [batch.subjects[place] for batch, place in new]
    refs, last_ref = _refs(connection, stream, dict.fromkeys(names), known)
    rows = [batch.rows[place] for batch, place in new]
    first = stream.last_seq + 1
    places = count(stream.base + first)
    insert_rows(connection, events, WRITTEN, [
        (*row, place, refs[name]) for row, name, place in zip(rows, names, places, strict=False)
    ])
    keys.add(connection, stream, [row[0] for row in rows], first)
    return replace(
        stream, last_seq=stream.last_seq + len(rows), last_ref=last_ref, stored=stream.stored + len(rows)
    )


def _refs(
    connection: Connection, stream: Stream, names: Mapping[str, None], known: KnownSubjects
) -> tuple[Mapping[str, int], int]:
    """The numbers of these subjects; those never seen get new ones, and are nobody's yet."""
    remembered = known.of(stream)
    unknown = [name for name in names if name not in remembered]
    if not unknown:
        return remembered, stream.last_ref
    subjects = SubjectStore(connection)
    found = subjects.current(stream.organization, unknown)
    known.add(stream, found)
    unseen = {name: ref for ref, name in enumerate((n for n in unknown if n not in found), start=stream.last_ref + 1)}
    subjects.add(_nobodys(stream.organization, unseen))
    refs = {name: remembered[name] for name in names if name in remembered}
    return refs | found | unseen, stream.last_ref + len(unseen)


def _nobodys(organization: str, unseen: Mapping[str, int]) -> Iterable[Subject]:
    return (Subject(organization, ref, name) for name, ref in unseen.items())

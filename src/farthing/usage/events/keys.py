"""De-duplication: which source and id an organisation has ever sent, and what it said then (rule 16).

It stands apart from the events and is never expired. `KeyIndex` may be replaced by an engine that keeps its keys
elsewhere, as long as a claim is kept if and only if the transaction commits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection, insert, select

from farthing.kernel.clock import instant_text
from farthing.kernel.strict_json import JsonNumber, canonical
from farthing.usage.events.models import event_keys
from farthing.usage.events.values import Event

AT_ONCE: Final = 1_000  # keys asked for in one query
VOID: Final = b"void"
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """128 bits of who an event is, and 128 of what it says."""

    hash: bytes
    content: bytes


def key_of(event: Event) -> Key:
    """What tells an event from all others, and a repeat from another event under the same name (rule 16)."""
    said = [
        event.type, event.subject, None if event.time is None else instant_text(event.time),
        None if event.data is None else {name: _as_number(value) for name, value in event.data.items()},
        event.extensions,
    ]
    content = blake2b(canonical(said).encode("ascii"), digest_size=16).digest()
    return Key(hash_of(event.source, event.id), content)


def _as_number(value: object) -> object:
    """A quantity may be sent as a string: then it says the same as the number."""
    return JsonNumber(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value


def hash_of(source: str, id: str) -> bytes:
    """The name of an event; the length says where the source ends."""
    return blake2b(_named(source, id), digest_size=16).digest()


def void_hash_of(source: str, id: str) -> bytes:
    """The name of an event's void, which is no event's name."""
    return blake2b(_named(source, id), digest_size=16, person=VOID).digest()


def _named(source: str, id: str) -> bytes:
    start = source.encode("utf-8")
    return b"%d:%b%b" % (len(start), start, id.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of some keys, each by its place among them: every one is in one of the three."""

    new: Sequence[int]
    duplicates: Sequence[int]
    conflicts: Sequence[int]


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """All keys ever claimed, in the database itself; to be used while the organisation's stream is held."""

    connection: Connection

    def claim(self, organization: str, keys: Sequence[Key], first_seq: int) -> Claim:
        """Take those that nobody has; they get the sequence numbers from `first_seq` on, in their order."""
        known = self._contents(organization, [key.hash for key in keys])
        new: list[int] = []
        duplicates: list[int] = []
        conflicts: list[int] = []
        for place, key in enumerate(keys):
            first = known.setdefault(key.hash, None)
            if first is None:
                known[key.hash] = key.content
                new.append(place)
            else:
                (duplicates if first == key.content else conflicts).append(place)
        taken = [(keys[place], seq) for seq, place in enumerate(new, start=first_seq)]
        taken.sort(key=lambda one: one[0].hash)  # neighbours in the index are written together
        if taken:
            self.connection.execute(insert(event_keys), [
                {"organization": organization, "hash": key.hash, "content": key.content, "seq": seq}
                for key, seq in taken
            ])
        return Claim(new, duplicates, conflicts)

    def found(self, organization: str, hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """The sequence numbers of those that were claimed."""
        wanted = (event_keys.c.organization == organization) & event_keys.c.hash.in_(hashes)
        rows = self.connection.execute(select(event_keys.c.hash, event_keys.c.seq).where(wanted))
        return {bytes(hash): seq for hash, seq in rows}

    def _contents(self, organization: str, hashes: Sequence[bytes]) -> dict[bytes, bytes | None]:
        known: dict[bytes, bytes | None] = {}
        for start in range(0, len(hashes), AT_ONCE):
            some = hashes[start : start + AT_ONCE]
            wanted = (event_keys.c.organization == organization) & event_keys.c.hash.in_(some)
            rows = self.connection.execute(select(event_keys.c.hash, event_keys.c.content).where(wanted))
            known.update((bytes(hash), bytes(content)) for hash, content in rows)
        return known

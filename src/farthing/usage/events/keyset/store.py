"""Rows of keys, and of how far keepers of keys have come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from farthing.kernel.database import insert_unless_there
from farthing.usage.events.keyset.models import event_hashes, event_key_positions

AT_ONCE: Final = 1_000  # keys in one query


@dataclass(frozen=True, slots=True)
class KeyStore:
    connection: Connection

    def found(self, organization: str, hashes: Sequence[int]) -> list[tuple[int, int]]:
        """Hash and sequence number of all rows with one of these hashes, each hash's in order."""
        rows: list[tuple[int, int]] = []
        for start in range(0, len(hashes), AT_ONCE):
            wanted = event_hashes.c.hash.in_(hashes[start : start + AT_ONCE])
            query = select(event_hashes.c.hash, event_hashes.c.seq).where(
                event_hashes.c.organization == organization, wanted
            )
            rows += ((hash, seq) for hash, seq in self.connection.execute(query.order_by(event_hashes.c.seq)))
        return rows

    def append(self, organization: str, keys: Iterable[tuple[int, int]]) -> None:
        """Add these, each a hash and a sequence number."""
        ordered = sorted(keys)  # neighbours in the index are written together
        if ordered:
            self.connection.execute(insert(event_hashes), [
                {"organization": organization, "hash": hash, "seq": seq} for hash, seq in ordered
            ])

    def positions(self, organization: str) -> dict[str, int]:
        """How far each keeper of keys has come."""
        mine = event_key_positions.c.organization == organization
        query = select(event_key_positions.c.keeper, event_key_positions.c.upto_seq).where(mine)
        return {row.keeper: row.upto_seq for row in self.connection.execute(query)}

    def position(self, organization: str, keeper: str) -> int | None:
        """How far this one has come; None when nothing is known of it."""
        mine = (event_key_positions.c.organization == organization) & (event_key_positions.c.keeper == keeper)
        return self.connection.execute(select(event_key_positions.c.upto_seq).where(mine)).scalar()

    def save_position(self, organization: str, keeper: str, upto_seq: int) -> None:
        """It has come as far as that."""
        mine = (event_key_positions.c.organization == organization) & (event_key_positions.c.keeper == keeper)
        moved = self.connection.execute(update(event_key_positions).where(mine).values(upto_seq=upto_seq))
        if not moved.rowcount:
            row = {"organization": organization, "keeper": keeper, "upto_seq": upto_seq}
            self.connection.execute(insert(event_key_positions), row)

    def add_positions(self, organization: str, upto: Mapping[str, int]) -> None:
        """These keepers have come that far; those that are known stay as they are."""
        rows = [{"organization": organization, "keeper": keeper, "upto_seq": seq} for keeper, seq in upto.items()]
        insert_unless_there(self.connection, event_key_positions, *rows)

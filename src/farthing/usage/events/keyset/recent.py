"""Keys in memory: those that are in no file yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from farthing.usage.events.keyset.segment import Keys


@dataclass(slots=True)
class Recent:
    """The keys with `after < seq <= upto`; some 150 bytes each.

    last_hash  of the row numbered `upto`
    first      sequence number by hash
    more       the further ones of hashes that several rows have
    """

    after: int
    upto: int
    last_hash: int
    first: dict[int, int] = field(default_factory=dict)
    more: dict[int, list[int]] = field(default_factory=dict)
    count: int = 0

    def add(self, hashes: Sequence[int], seqs: Sequence[int]) -> None:
        """Add rows that follow those that are there, in their order."""
        if not hashes:
            return
        if self.first.keys().isdisjoint(hashes) and len(set(hashes)) == len(hashes):
            self.first.update(zip(hashes, seqs, strict=True))
        else:
            for hash, seq in zip(hashes, seqs, strict=True):
                if hash in self.first:
                    self.more.setdefault(hash, []).append(seq)
                else:
                    self.first[hash] = seq
        self.count += len(hashes)
        self.upto, self.last_hash = seqs[-1], hashes[-1]

    def find(self, hashes: Sequence[int]) -> list[tuple[int, int]]:
        """Place and sequence number of each row with one of these hashes."""
        if self.first.keys().isdisjoint(hashes):
            return []
        return [
            (place, seq) for place, hash in enumerate(hashes) if hash in self.first
            for seq in (self.first[hash], *self.more.get(hash, ()))
        ]

    def absorb(self, later: "Recent") -> None:
        """Add all of one that begins where this ends."""
        if not later.count:
            return
        upto, last_hash = later.upto, later.last_hash
        for hashes, seqs in ((list(later.first), list(later.first.values())), _flat(later.more)):
            self.add(hashes, seqs)
        self.upto, self.last_hash = upto, last_hash

    def beyond(self, seq: int) -> "Recent":
        """Only the keys after this sequence number."""
        hashes, seqs = self.keys()
        wanted = seqs > seq
        order = np.argsort(seqs[wanted], kind="stable")
        rest = Recent(seq, self.upto, self.last_hash)
        rest.add(hashes[wanted][order].tolist(), seqs[wanted][order].tolist())
        return rest

    def keys(self) -> tuple[Keys, Keys]:
        """Hashes and sequence numbers, sorted by both."""
        more_hashes, more_seqs = _flat(self.more)
        hashes = np.array([*self.first, *more_hashes], np.int64)
        seqs = np.array([*self.first.values(), *more_seqs], np.int64)
        order = np.lexsort((seqs, hashes))
        return hashes[order], seqs[order]


def _flat(more: dict[int, list[int]]) -> tuple[list[int], list[int]]:
    pairs = [(hash, seq) for hash, seqs in more.items() for seq in seqs]
    return [hash for hash, _ in pairs], [seq for _, seq in pairs]

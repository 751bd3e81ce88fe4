"""The name of an event as 64 bits: signed, as databases keep them."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from xxhash import xxh3_64_intdigest

VOID: Final = "void"  # no length begins with a letter, so the name of no event begins so


def hash_of(seed: int, source: str, id: str) -> int:
    """The hash of an event's name.

    seed  64 bits, unsigned, the store's secret: without it nobody can make names that collide
    """
    return _signed(xxh3_64_intdigest(_named(source, id), seed))


def void_hash_of(seed: int, source: str, id: str) -> int:
    """The hash of the name of an event's void, which is no event's name."""
    return _signed(xxh3_64_intdigest(f"{VOID}{len(source)}:{source}{id}".encode(), seed))


def hashes_of(seed: int, names: Iterable[tuple[str, str]]) -> list[int]:
    """`hash_of` for each source and id, in their order."""
    digest = xxh3_64_intdigest  # looked up once, not for each of many
    return signed([digest(f"{len(source)}:{source}{id}".encode(), seed) for source, id in names])


def signed(digests: Sequence[int]) -> list[int]:
    """64 bits each, as databases keep them."""
    found: list[int] = np.array(digests, np.uint64).view(np.int64).tolist()
    return found


def _named(source: str, id: str) -> bytes:
    """The length says where the source ends."""
    return f"{len(source)}:{source}{id}".encode()


def _signed(unsigned: int) -> int:
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned

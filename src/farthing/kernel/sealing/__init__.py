"""Logs that cannot be altered unseen: each record is sealed into a chain of hashes after it was committed."""

from farthing.kernel.sealing.follower import Contents, Sealing
from farthing.kernel.sealing.store import to_be_sealed

__all__ = ["Contents", "Sealing", "to_be_sealed"]

"""What an API key is."""

from dataclasses import dataclass
from datetime import datetime

from farthing.kernel.credentials import Scope


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's credential; the secret itself is shown once and kept nowhere."""

    id: str
    organization: str
    name: str | None
    hash: str  # SHA-256 of the secret, in hex
    hint: str  # the last four characters, to tell keys apart
    scopes: frozenset[Scope]
    created_at: datetime

"""What a user is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime

from farthing.kernel.credentials import Scope
from farthing.kernel.problems import Conflict


@dataclass(frozen=True, slots=True)
class User:
    """A person of one organisation; the name is unique across the installation, whatever its case."""

    id: str
    organization: str
    username: str
    hash: str  # argon2id, with its own salt and parameters
    scopes: frozenset[Scope]
    created_at: datetime


class UsernameTaken(Conflict):
    """A username names one user of the installation."""

    def __init__(self, username: str) -> None:
        super().__init__(f"The username {username} is taken.")

"""What a session is, and the refusals of log-ins."""

from dataclasses import dataclass
from datetime import datetime

from farthing.identity.organizations.values import Organization
from farthing.kernel.credentials import Caller
from farthing.kernel.problems import TooMany, Unauthenticated


@dataclass(frozen=True, slots=True)
class Session:
    """A family of refresh tokens that began with one log-in; each is used once and followed by the next."""

    id: str
    organization: str
    user_id: str
    created_at: datetime
    expires_at: datetime  # with its last refresh token
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token as it is stored: nothing can tell it again."""

    hash: str  # SHA-256, in hex
    session_id: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failures:
    """How often guessing went wrong for a name, an address, or a name at an address."""

    subject: str
    failures: int
    failed_at: datetime  # the last one
    forgotten_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a log-in or a refresh gives."""

    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Me:
    """Who is calling, and for whom."""

    caller: Caller
    organization: Organization
    username: str | None


class BadCredentials(Unauthenticated):
    """A wrong username or a wrong password, and never told which."""

    title = "Invalid credentials"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


class BadRefreshToken(Unauthenticated):
    """A refresh token that is unknown, used, expired or revoked, and never told which."""

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid or has expired; log in again.")


class TooManyFailures(TooMany):
    """Too many wrong passwords for this name or from this address."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed log-ins; try again in {seconds} seconds.")
        self.retry_after = seconds

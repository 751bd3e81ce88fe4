"""Identity: organisations, users, API keys and tokens. What other rooms may use stands here."""

from datetime import datetime
from typing import Protocol

from farthing.identity.organizations.values import Organization, OrganizationNotFound

__all__ = ["ClockBook", "Organization", "OrganizationBook", "OrganizationNotFound"]


class OrganizationBook(Protocol):
    """What other rooms ask of organisations."""

    def get(self, organization_id: str) -> Organization:
        """Raises OrganizationNotFound."""

    def named(self, reference: str) -> Organization:
        """By id or name; raises OrganizationNotFound, NameAmbiguous."""

    def first(self) -> Organization:
        """The oldest one: meant wherever nobody names another."""


class ClockBook(Protocol):
    """What other rooms ask of the clocks of sandboxes."""

    def time(self, organization: str) -> datetime | None:
        """Where a sandbox's clock stands; None for an organisation that is none."""

    def move(self, organization: str, to: datetime) -> datetime | None:
        """Forward to this moment, never back; where it stands then."""

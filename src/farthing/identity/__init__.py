"""Identity: organisations, users, API keys and tokens. What other rooms may use stands here."""

from typing import Protocol

from farthing.identity.organizations.values import Organization, OrganizationNotFound

__all__ = ["Organization", "OrganizationBook", "OrganizationNotFound"]


class OrganizationBook(Protocol):
    """What other rooms ask of organisations."""

    def get(self, organization_id: str) -> Organization:
        """Raises OrganizationNotFound."""

    def named(self, reference: str) -> Organization:
        """By id or name; raises OrganizationNotFound, NameAmbiguous."""

    def first(self) -> Organization:
        """The oldest one: meant wherever nobody names another."""

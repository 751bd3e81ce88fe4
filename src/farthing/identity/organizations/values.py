"""What an organisation is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farthing.kernel.problems import NotFound


class OrganizationNotFound(NotFound):
    """No such organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no organisation {reference}.")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What makes an organisation one to try things in: a clock of its own, from `time` on, None for the present."""

    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant: the seller on its invoices, and what its customers get unless they say otherwise."""

    id: str
    name: str
    legal_name: str | None
    address: Mapping[str, str] | None  # line1, line2, city, region, postal_code, country: those known
    tax_ids: tuple[Mapping[str, str], ...]  # type and value
    email: str | None
    timezone: str
    currency: str
    locale: str
    grace_seconds: int  # between a boundary and the finalising of its invoice
    payment_terms_days: int
    bank: Mapping[str, str] | None
    invoice_rules: str
    unique_emails: bool
    sandbox: bool
    version: int
    created_at: datetime
    updated_at: datetime

    def seller(self) -> dict[str, Any]:  # Any: JSON
        """The snapshot that drafts take of the seller."""
        return {
            "id": self.id, "name": self.name, "legal_name": self.legal_name, "address": self.address,
            "tax_ids": list(self.tax_ids), "email": self.email, "bank": self.bank, "locale": self.locale,
            "timezone": self.timezone,
        }

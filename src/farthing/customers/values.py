"""What a customer is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farthing.kernel.problems import Conflict, NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who is billed, in one currency and one time zone."""

    id: str
    organization: str
    key: str | None
    name: str
    email: str | None
    currency: str
    timezone: str
    address: Mapping[str, str] | None
    tax_ids: tuple[Mapping[str, str], ...]
    tax_treatment: str
    tax_reason: str | None
    payment_terms_days: int
    buyer_reference: str | None
    metadata: Mapping[str, object]
    version: int
    created_at: datetime
    updated_at: datetime

    def snapshot(self) -> dict[str, Any]:  # Any: JSON
        """What a draft keeps of the buyer."""
        return {
            "id": self.id, "key": self.key, "name": self.name, "email": self.email, "address": self.address,
            "tax_ids": list(self.tax_ids), "tax_treatment": self.tax_treatment, "tax_reason": self.tax_reason,
            "buyer_reference": self.buyer_reference, "timezone": self.timezone,
        }


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to."""

    prefix: str | None = None  # of name, e-mail or key, whatever their case
    email: str | None = None
    created_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that billing is being asked about; while it is on, no other change of the customer begins."""

    token: str
    since: datetime


class CustomerNotFound(NotFound):
    """No such customer in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no customer {reference[:120]}.")


class CustomerKeyTaken(Conflict):
    """A key names one customer of an organisation."""

    def __init__(self, key: str | None) -> None:
        super().__init__(f"The key {key} already names another customer.")


class EmailTaken(Conflict):
    """An e-mail address belongs to one customer, unless the organisation turned `unique_emails` off."""

    def __init__(self, email: str | None) -> None:
        super().__init__(f"The e-mail address {email} already belongs to another customer.")


class CustomerInUse(Conflict):
    """A customer with invoices or live subscriptions stays."""


class CurrencyFixed(Conflict):
    """A customer is billed in one currency at a time (rule 23)."""


class CustomerChanging(Unavailable):
    """Whether a customer goes or changes its currency is being decided; nothing else of it is, until then."""

    def __init__(self, customer: str) -> None:
        super().__init__(f"Customer {customer} is being changed at this moment; try again.")

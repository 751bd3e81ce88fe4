"""The customer book. What other rooms may use stands here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from farthing.customers.values import Customer, CustomerNotFound

__all__ = ["Customer", "CustomerBook", "CustomerNotFound", "CustomerUse", "CustomerUses"]


class CustomerBook(Protocol):
    """What billing and usage ask of customers."""

    def get(self, organization: str, reference: str) -> Customer:
        """By id or key; raises CustomerNotFound."""

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """By id or key, all of them in one question; raises CustomerNotFound for the first that is not there."""

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        """Those of these ids that exist, by id, in one question."""

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        """The keys of those of these ids that exist, to be shown beside them."""


@dataclass(frozen=True, slots=True)
class CustomerUse:
    """Why a customer cannot go or change its currency, in words; None where it can."""

    against_delete: str | None = None
    against_currency: str | None = None


class CustomerUses(Protocol):
    """What the customer book asks of billing, inside its own transaction."""

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        """What speaks against it now; for whoever asks inside a transaction with billing, until that ends."""

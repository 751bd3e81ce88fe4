"""The customer book. What other rooms may use stands here."""

from collections.abc import Collection, Mapping
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


class CustomerUse:
    """Why a customer cannot go or change its currency, in words; None where it can."""

    def __init__(self, against_delete: str | None = None, against_currency: str | None = None) -> None:
        self.against_delete = against_delete
        self.against_currency = against_currency


class CustomerUses(Protocol):
    """What the customer book asks of billing, inside its own transaction."""

    def use_of(self, organization: str, customer: str) -> CustomerUse: ...

"""What the customer book asks of its store, whichever it is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from farthing.customers.values import Change, Customer, Search

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy:
    """A customer on its way from one store to another; `claims_email`: nobody else of its organisation may have it."""

    customer: Customer
    claims_email: bool


class CustomerRows(Protocol):
    """The customers inside one unit of work, or as they are read outside one."""

    def add(self, customer: Customer, unique_email: bool) -> None:
        """Raises CustomerKeyTaken, EmailTaken; the first one stays."""

    def save(self, customer: Customer, unique_email: bool, change: Change | None = None) -> None:
        """Put this version in the place of the one before it, with this change on, which ends with it.

        raises CustomerKeyTaken, EmailTaken; Overtaken when the stored one is another
        """

    def remove(self, customer: Customer, change: Change | None = None) -> None:
        """Take out this version, with this change on; raises Overtaken when the stored one is another."""

    def begin_change(self, customer: Customer, change: Change) -> None:
        """Note that this version is about to change; raises Overtaken when the stored one is another."""

    def end_change(self, organization: str, id: str, change: Change) -> None:
        """Note that this change will not be; one that is over already stays so."""

    def find(self, organization: str, reference: str) -> Customer | None:
        """By id or key."""

    def current(self, organization: str, reference: str, lock: bool = False) -> tuple[Customer, Change | None] | None:
        """By id or key, with the change that is on.

        lock  nobody else changes it until the unit of work ends, or it is done again when somebody did
        """

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        """Those of these ids that exist, by id."""

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """Those there are, by the id or key that they were asked for by."""

    def page(self, organization: str, search: Search, after: str, limit: int) -> list[Customer]:
        """Up to `limit` customers by id, after this one ("" from the beginning)."""

    def counts(self) -> Mapping[str, int]:
        """How many customers each organisation has."""

    def copies(self, organization: str, after: str, limit: int) -> list[Copy]:
        """The same page with all that another store must know."""

    def versions(self, organization: str, ids: Collection[str]) -> Mapping[str, int]:
        """Those of these ids that exist, with their versions."""

    def add_copies(self, copies: Sequence[Copy]) -> None:
        """Customers of another store; raises CustomerKeyTaken, EmailTaken."""

    def replace_with_copies(self, copies: Sequence[Copy]) -> None:
        """Newer versions from another store, each in the place of an older one; raises CustomerKeyTaken, EmailTaken."""


class CustomerStore(Protocol):
    """A store of customers; a unit of work inside another one of the same store joins it."""

    def write(self, work: Callable[[CustomerRows], T]) -> T:
        """Do `work` in one transaction, all of it or nothing; it may be done again from its beginning.

        raises Overtaken when somebody else was always faster
        """

    def read(self) -> AbstractContextManager[CustomerRows]: ...


def folded(customer: Customer, unique_email: bool) -> dict[str, str | None]:
    """What searches and uniqueness look at, beside the fields themselves."""
    email = customer.email.casefold() if customer.email else None
    return {
        "folded_key": customer.key.casefold() if customer.key else None,
        "folded_name": customer.name.casefold()[:255],
        "folded_email": email,
        "email_claim": email if unique_email else None,
    }

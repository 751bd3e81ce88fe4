"""The use cases of customers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from farthing.customers import CustomerUses
from farthing.customers.schemas import CustomerIn
from farthing.customers.store import CustomerStore, Search
from farthing.customers.values import CurrencyFixed, Customer, CustomerInUse, CustomerNotFound
from farthing.identity import Organization, OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.schemas import merged, parsed, resent
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.usage import Subjects


@dataclass(frozen=True, slots=True)
class Customers:
    """The customer book: who is billed, and under which names usage arrives for them."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    subjects: Subjects
    uses: CustomerUses

    def create(self, caller: Caller, body: CustomerIn) -> Customer:
        """Raises CustomerKeyTaken, EmailTaken. Events that came before under its key count from now on."""
        now = self.now(caller.organization)
        with self.database.write() as connection:
            organization = self.organizations.get(caller.organization)
            customer = Customer(
                id=self.new_id("cus", now), organization=organization.id, version=1, created_at=now, updated_at=now,
                tax_treatment="standard", tax_reason=None, **_settable(body, organization),
            )
            CustomerStore(connection).add(customer, organization.unique_emails)
            self.subjects.bind(customer.organization, _names(customer), customer.id)
        return customer

    def get(self, organization: str, reference: str) -> Customer:
        """By id or key; raises CustomerNotFound."""
        with self.database.read() as connection:
            return _found(CustomerStore(connection).find(organization, reference), reference)

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        """Those of these ids that exist, by id."""
        with self.database.read() as connection:
            return CustomerStore(connection).many(organization, ids)

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        """The keys of those of these ids that exist, by id."""
        return {id: customer.key for id, customer in self.many(organization, ids).items()}

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """By id or key, in one question; raises CustomerNotFound."""
        with self.database.read() as connection:
            found = CustomerStore(connection).named(organization, references)
        for reference in references:
            _found(found.get(reference), reference)
        return found

    def page(self, caller: Caller, search: Search, listing: Listing) -> Page[Customer]:
        with self.database.read() as connection:
            store = CustomerStore(connection)
            rows = store.page(caller.organization, search, listing.position, listing.limit + 1)
        return listing.page(rows, lambda customer: customer.id)

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Customer:
        """Lay a JSON merge patch over a customer; raises CustomerNotFound, Stale, CurrencyFixed and the taken."""
        with self.database.write() as connection:
            store = CustomerStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            organization = self.organizations.get(caller.organization)
            body = parsed(CustomerIn, merged(resent(CustomerIn, current), patch))
            changed = replace(
                current, version=current.version + 1, updated_at=self.now(current.organization),
                **_settable(body, organization),
            )
            self._allow_currency(current, changed)
            store.save(changed, organization.unique_emails)
            self._rename(current, changed)
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raises CustomerNotFound, Stale, and CustomerInUse while invoices or live subscriptions exist."""
        with self.database.write() as connection:
            store = CustomerStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            if reason := self.uses.use_of(current.organization, current.id).against_delete:
                raise CustomerInUse(f"Customer {current.id} cannot be deleted: it has {reason}.")
            store.remove(current.organization, current.id)
            self.subjects.release(current.organization, _names(current), current.id)

    def _allow_currency(self, current: Customer, changed: Customer) -> None:
        if changed.currency == current.currency:
            return
        if reason := self.uses.use_of(current.organization, current.id).against_currency:
            raise CurrencyFixed(f"Customer {current.id} stays in {current.currency}: it has {reason}.")

    def _rename(self, current: Customer, changed: Customer) -> None:
        if changed.key == current.key:
            return
        if current.key:
            self.subjects.release(current.organization, [current.key], current.id)
        if changed.key:
            self.subjects.bind(changed.organization, [changed.key], changed.id)


def _names(customer: Customer) -> list[str]:
    return [name for name in (customer.id, customer.key) if name]


def _found(customer: Customer | None, reference: str) -> Customer:
    if customer is None:
        raise CustomerNotFound(reference)
    return customer


def _settable(body: CustomerIn, organization: Organization) -> dict[str, Any]:  # Any: the fields of Customer
    fields = body.model_dump()
    fields["currency"] = body.currency or organization.currency
    fields["timezone"] = body.timezone or organization.timezone
    if body.payment_terms_days is None:
        fields["payment_terms_days"] = organization.payment_terms_days
    fields["tax_ids"] = tuple(fields["tax_ids"])
    if body.address is not None:
        fields["address"] = body.address.model_dump(exclude_none=True)
    return fields

"""The use cases of customers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from farthing.customers import CustomerBalance, CustomerBalances, CustomerCoupons, CustomerUses, GivenCoupon
from farthing.customers.schemas import CustomerIn
from farthing.customers.stores import CustomerRows, CustomerStore
from farthing.customers.values import (
    Change,
    CurrencyFixed,
    Customer,
    CustomerChanging,
    CustomerInUse,
    CustomerNotFound,
    Search,
)
from farthing.identity import Organization, OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import Overtaken, Unavailable
from farthing.kernel.schemas import merged, parsed, resent
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.usage import Subjects

T = TypeVar("T")
ABANDONED: Final = timedelta(seconds=30)  # the age at which a change under way belongs to a request that died


@dataclass(frozen=True, slots=True)
class Customers:
    """The customer book: who is billed, and under which names usage arrives for them.

    apart  whether billing has transactions of its own, so that what it says holds only while a customer is marked
    """

    store: CustomerStore
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    subjects: Subjects
    uses: CustomerUses
    coupons: CustomerCoupons
    balances: CustomerBalances
    apart: bool = False

    def create(self, caller: Caller, body: CustomerIn) -> Customer:
        """Raises CustomerKeyTaken, EmailTaken. Events that came before under its key count from now on."""
        return self.store.write(lambda rows: self._create(rows, caller, body))

    def get(self, organization: str, reference: str, hold: bool = False) -> Customer:
        """By id or key; raises CustomerNotFound.

        hold  raises CustomerChanging while it is being decided whether the customer goes or changes its currency:
              whoever holds its account and gets an answer may count on it until the account is let go
        """
        with self.store.read() as rows:
            customer, change = _found(rows.current(organization, reference), reference)
        if hold and change is not None:
            self.store.write(lambda rows: self._give_up(rows, customer, change))
            return self.get(organization, reference, hold)
        return customer

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        """Those of these ids that exist, by id."""
        with self.store.read() as rows:
            return rows.many(organization, ids)

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        """The keys of those of these ids that exist, by id."""
        return {id: customer.key for id, customer in self.many(organization, ids).items()}

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """By id or key, in one question; raises CustomerNotFound."""
        with self.store.read() as rows:
            found = rows.named(organization, references)
        for reference in references:
            _found(found.get(reference), reference)
        return found

    def page(self, caller: Caller, search: Search, listing: Listing) -> Page[Customer]:
        with self.store.read() as rows:
            found = rows.page(caller.organization, search, listing.position, listing.limit + 1)
        return listing.page(found, lambda customer: customer.id)

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Customer:
        """Lay a JSON merge patch over a customer.

        raises CustomerNotFound, Stale, CurrencyFixed, CustomerChanging, CustomerKeyTaken, EmailTaken
        """

        def change(rows: CustomerRows) -> Customer | None:
            current = self._current(rows, caller.organization, reference, precondition)
            changed, organization = self._changed(current, patch)
            if changed.currency != current.currency:
                if self.apart:
                    return None
                self._allow_currency(current)
            return self._replace(rows, current, changed, organization)

        return self.store.write(change) or self._update_currency(caller, reference, patch, precondition)

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raises CustomerNotFound, Stale, CustomerChanging, CustomerInUse: it has invoices or live subscriptions."""
        if self.apart:
            with self._marked(caller, reference, precondition) as (customer, change):
                self._allow_delete(customer)
                self.store.write(lambda rows: self._remove(rows, customer, change))
            return

        def remove(rows: CustomerRows) -> None:
            current = self._current(rows, caller.organization, reference, precondition)
            self._allow_delete(current)
            self._remove(rows, current)

        self.store.write(remove)

    def give_coupon(self, caller: Caller, reference: str, coupon: str) -> tuple[Customer, GivenCoupon]:
        """Give a customer a coupon, by id or key; raises CustomerNotFound and what billing refuses.

        Billing decides in a transaction of its own where it has one.
        """
        customer = self.get(caller.organization, reference)
        return customer, self.coupons.give_coupon(customer.organization, customer.id, customer.currency, coupon)

    def balance(self, caller: Caller, reference: str) -> tuple[Customer, Sequence[CustomerBalance]]:
        """What a customer has, its own currency first; raises CustomerNotFound."""
        customer = self.get(caller.organization, reference)
        found = {one.currency: one for one in self.balances.balances_of(customer.organization, customer.id)}
        own = found.pop(customer.currency, CustomerBalance(customer.currency))
        return customer, [own, *found.values()]

    def _create(self, rows: CustomerRows, caller: Caller, body: CustomerIn) -> Customer:
        now = self.now(caller.organization)
        organization = self.organizations.get(caller.organization)
        customer = Customer(
            id=self.new_id("cus", now), organization=organization.id, version=1, created_at=now, updated_at=now,
            **_settable(body, organization),
        )
        rows.add(customer, organization.unique_emails)
        self.subjects.bind(customer.organization, _names(customer), customer.id)
        return customer

    def _update_currency(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition
    ) -> Customer:
        """The same where billing must be asked, which has transactions of its own (rule 23)."""
        with self._marked(caller, reference, precondition) as (current, change):
            changed, organization = self._changed(current, patch)
            self._allow_currency(current)
            return self.store.write(lambda rows: self._replace(rows, current, changed, organization, change))

    @contextmanager
    def _marked(
        self, caller: Caller, reference: str, precondition: Precondition
    ) -> Iterator[tuple[Customer, Change]]:
        """Mark a customer before billing is asked about it: from then on nobody adds to it, so that no answer is old.

        What is done in the block ends the mark; when it is refused, the mark is taken off.
        """
        now = self.now("")
        change = Change(self.new_id("mark", now), now)

        def begin(rows: CustomerRows) -> Customer:
            current = self._current(rows, caller.organization, reference, precondition)
            rows.begin_change(current, change)
            return current

        customer = self.store.write(begin)
        try:
            yield customer, change
        except BaseException:
            with suppress(Unavailable):  # left on, it is given up later by whoever meets it
                self.store.write(lambda rows: rows.end_change(customer.organization, customer.id, change))
            raise

    def _current(
        self, rows: CustomerRows, organization: str, reference: str, precondition: Precondition
    ) -> Customer:
        customer, change = _found(rows.current(organization, reference, lock=True), reference)
        if change is not None:
            self._give_up(rows, customer, change)
        precondition.demand(customer.version)
        return customer

    def _give_up(self, rows: CustomerRows, customer: Customer, change: Change) -> None:
        """End a change whose request died; raises CustomerChanging for one that may go on."""
        if self.now("") - change.since < ABANDONED:
            raise CustomerChanging(customer.id)
        rows.end_change(customer.organization, customer.id, change)

    def _changed(self, current: Customer, patch: object) -> tuple[Customer, Organization]:
        organization = self.organizations.get(current.organization)
        body = parsed(CustomerIn, merged(resent(CustomerIn, current), patch))
        changed = replace(
            current, version=current.version + 1, updated_at=self.now(current.organization),
            **_settable(body, organization),
        )
        return changed, organization

    def _replace(
        self, rows: CustomerRows, current: Customer, changed: Customer, organization: Organization,
        change: Change | None = None,
    ) -> Customer:
        with _still_on(change, current):
            rows.save(changed, organization.unique_emails, change)
        self._rename(current, changed)
        return changed

    def _remove(self, rows: CustomerRows, customer: Customer, change: Change | None = None) -> None:
        with _still_on(change, customer):
            rows.remove(customer, change)
        self.subjects.release(customer.organization, _names(customer), customer.id)

    def _allow_delete(self, customer: Customer) -> None:
        if reason := self.uses.use_of(customer.organization, customer.id).against_delete:
            raise CustomerInUse(f"Customer {customer.id} cannot be deleted: it has {reason}.")

    def _allow_currency(self, customer: Customer) -> None:
        if reason := self.uses.use_of(customer.organization, customer.id).against_currency:
            raise CurrencyFixed(f"Customer {customer.id} stays in {customer.currency}: it has {reason}.")

    def _rename(self, current: Customer, changed: Customer) -> None:
        if changed.key == current.key:
            return
        if current.key:
            self.subjects.release(current.organization, [current.key], current.id)
        if changed.key:
            self.subjects.bind(changed.organization, [changed.key], changed.id)


@contextmanager
def _still_on(change: Change | None, customer: Customer) -> Iterator[None]:
    """Raises CustomerChanging where the change was given up meanwhile: doing it again would not help."""
    try:
        yield
    except Overtaken as error:
        if change is None:
            raise
        raise CustomerChanging(customer.id) from error


def _names(customer: Customer) -> list[str]:
    return [name for name in (customer.id, customer.key) if name]


def _found(found: T | None, reference: str) -> T:
    if found is None:
        raise CustomerNotFound(reference)
    return found


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

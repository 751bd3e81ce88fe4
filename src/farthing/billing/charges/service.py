"""The use cases of one-off charges; which invoice one joins is for bill runs to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from farthing.billing.charges.schemas import ChargeIn
from farthing.billing.charges.store import ChargeStore
from farthing.billing.charges.values import BadCharge, Charge, ChargeBilled, ChargeNotFound
from farthing.billing.subscriptions.accounts import held_customer
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import one_off_line
from farthing.pricing.totalling import totals


@dataclass(frozen=True, slots=True)
class Charges:
    """Lines that wait for the customer's first invoice of a bill run (rule 26)."""

    database: Database
    now: Clock
    new_id: NewId
    customers: CustomerBook

    def create(self, caller: Caller, body: ChargeIn) -> Charge:
        """Put a line on the customer's next invoice (rules 23 and 26); raises CustomerNotFound, BadCharge."""
        now = self.now(caller.organization)
        with self.database.write() as connection:
            customer = held_customer(connection, self.customers, caller.organization, body.customer)
            if body.currency != customer.currency:
                message = f"must be {customer.currency}, in which the customer is billed (rule 23)"
                raise BadCharge(f"currency {message}.", [FieldError("currency", message)])
            charge = Charge(
                self.new_id("chg", now), caller.organization, customer.id, body.description, body.quantity,
                body.unit_amount, _amount(body), body.currency, body.tax_code, None, 1, now,
            )
            ChargeStore(connection).add(charge)
        return charge

    def get(self, organization: str, charge_id: str) -> Charge:
        """Raises ChargeNotFound."""
        with self.database.read() as connection:
            return _found(ChargeStore(connection).find(organization, charge_id), charge_id)

    def page(self, caller: Caller, customer: str | None, status: str | None, listing: Listing) -> Page[Charge]:
        """The charges, oldest first; raises CustomerNotFound."""
        owner = self.customers.get(caller.organization, customer).id if customer else None
        with self.database.read() as connection:
            store = ChargeStore(connection)
            rows = store.page(caller.organization, owner, status, listing.position, listing.limit + 1)
        return listing.page(rows, lambda charge: charge.id)

    def delete(self, caller: Caller, charge_id: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Take back a charge that waits; raises ChargeNotFound, ChargeBilled, Stale."""
        with self.database.write() as connection:
            store = ChargeStore(connection)
            charge = _found(store.find(caller.organization, charge_id, lock=True), charge_id)
            precondition.demand(charge.version)
            if charge.invoice is not None:
                raise ChargeBilled(charge)
            store.remove(charge)

    def customer_keys(self, caller: Caller, charges: Sequence[Charge]) -> Mapping[str, str | None]:
        """The keys of their customers, by id."""
        return self.customers.keys(caller.organization, {one.customer for one in charges})


def _amount(body: ChargeIn) -> Decimal:
    """What its line comes to; raises BadCharge where no invoice could hold it."""
    unit = currency(body.currency)
    line = one_off_line(body.description, body.quantity, body.unit_amount, unit, body.tax_code)
    try:
        check_invoice([line], totals([line]), unit)
    except UnsoundInvoice as error:
        raise BadCharge(str(error), [FieldError("unit_amount", str(error))]) from error
    return line.amount


def _found(charge: Charge | None, reference: str) -> Charge:
    if charge is None:
        raise ChargeNotFound(reference)
    return charge

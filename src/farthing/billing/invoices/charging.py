"""What coupons and taxes make of lines, by what one transaction finds and holds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.coupons.store import AttachedCouponStore
from farthing.billing.invoices.links import coupon_uses_of
from farthing.billing.invoices.values import BadInvoice, Invoice, Unbillable
from farthing.billing.wallets.spending import Credits, credits_of
from farthing.billing.wallets.values import GRANTED
from farthing.catalog import Catalog
from farthing.customers import Customer
from farthing.kernel.problems import FieldError
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.discounts import Coupon
from farthing.pricing.invoicing import Line
from farthing.pricing.taxes import Taxpayer, TaxRate, Untaxable
from farthing.pricing.totalling import Totalled, totalled, untaxed


@dataclass(frozen=True, slots=True)
class Charged:
    """The lines of an invoice with discounts and taxes.

    at       the moment that decided which credit has expired
    refused  why it cannot be finalised: nobody can tell its tax, and what there is has none; None where it can
    """

    done: Totalled
    at: datetime
    refused: str | None = None


@dataclass(slots=True)
class Charging:
    """Coupons and tax rates while a transaction makes invoices, one after the other; stores nothing.

    given    the coupons of subscriptions and customers, by whose they are, in the order in which they were applied
    used     the invoices from which each of them took something, by id
    credits  what remains of the customers' top-ups
    """

    rates: Sequence[TaxRate]
    given: Mapping[str, Sequence[Coupon]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    credits: Credits = field(default_factory=Credits)

    def charge(
        self, lines: Sequence[Line], buyer: Customer, currency: Currency, at: datetime,
        subscription: str | None = None, invoice: str | None = None,
    ) -> Charged:
        """Discount and tax lines as entered (rules 19, 27 and 28); raises UnsoundInvoice.

        at       when it is issued or, a draft, looked at: by then credit has expired or not
        invoice  the draft that they are of, where there is one already: its own use of a coupon does not count
        """
        coupons = self._lasting(subscription, buyer, invoice)
        granted, refused = self.credits.left(GRANTED, buyer.id, currency.code, at), None
        try:
            done = totalled(lines, coupons, self.rates, taxpayer(buyer), currency, granted)
        except Untaxable as error:
            done, refused = untaxed(lines, coupons, currency, granted), str(error)
        check_invoice(done.lines, done.totals, currency, done.taxes)
        return Charged(done, at, refused)

    def note(self, invoice: Invoice) -> None:
        """Remember which coupons an invoice takes now, for those made after it."""
        self.forget([invoice.id])
        for attached in invoice.coupons:
            self.used.setdefault(attached, set()).add(invoice.id)

    def spend(self, invoice: Invoice, at: datetime) -> None:
        """Let an invoice that is finalised at a moment take the granted credit that it shows (rule 28)."""
        self.credits.take(GRANTED, invoice, invoice.granted_credit, at)

    def forget(self, invoices: Iterable[str]) -> None:
        """Give back what these took."""
        for used in self.used.values():
            used.difference_update(invoices)

    def _lasting(self, subscription: str | None, buyer: Customer, invoice: str | None) -> list[Coupon]:
        given = [*self.given.get(subscription or "", ()), *self.given.get(buyer.id, ())]
        return [one for one in given if one.lasts(len(self.used.get(one.id, set()) - {invoice}))]


def charging(
    connection: Connection, catalog: Catalog, organization: str, customers: Collection[str],
    subscriptions: Collection[str] = (), hold: bool = True,
) -> Charging:
    """What invoices of these are charged by.

    hold  it stays so until the transaction ends: for whoever stores what comes of it
    """
    rates = catalog.tax_rates(organization, hold)
    attached = AttachedCouponStore(connection).of_owners(organization, {*customers, *subscriptions}, lock=hold)
    credits = credits_of(connection, organization, customers, hold)
    if not attached:
        return Charging(rates, credits=credits)
    coupons = catalog.coupons(organization, {one.coupon for one in attached})
    given: dict[str, list[Coupon]] = {}
    for one in attached:
        given.setdefault(one.owner, []).append(coupons[one.coupon].given_as(one.id))
    counted = [one.id for several in given.values() for one in several if one.invoices is not None]
    return Charging(rates, given, coupon_uses_of(connection, organization, counted), credits)


def charging_one(
    connection: Connection, catalog: Catalog, buyer: Customer, draft: Invoice | None = None
) -> Charging:
    """What one invoice is charged by, and stays charged by until the transaction ends."""
    subscriptions = [draft.subscription] if draft is not None and draft.subscription is not None else []
    return charging(connection, catalog, buyer.organization, [buyer.id], subscriptions)


def charged_one(
    of: Charging, lines: Sequence[Line], buyer: Customer, at: datetime, draft: Invoice | None = None
) -> Charged:
    """Lines with discounts and taxes as they are now; raises BadInvoice, or Unbillable for a draft that is there."""
    subscription = None if draft is None else draft.subscription
    unit = currency(buyer.currency if draft is None else draft.currency)
    try:
        return of.charge(lines, buyer, unit, at, subscription, None if draft is None else draft.id)
    except UnsoundInvoice as error:
        if draft is not None:
            raise Unbillable(f"Invoice {draft.id} cannot be made: {error}") from error
        raise BadInvoice(str(error), [FieldError("lines", str(error))]) from error


def taxpayer(customer: Customer) -> Taxpayer:
    """What of a customer decides its taxes."""
    address = customer.address or {}
    return Taxpayer(address.get("country"), address.get("region"), customer.tax_treatment, customer.tax_reason)

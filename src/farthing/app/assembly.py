"""The rooms, each made of what it needs of the others: the room itself, or its remote where it runs elsewhere."""

from dataclasses import dataclass
from typing import Any

from farthing.app.billing import billing_room
from farthing.app.ground import Ground
from farthing.app.usage import usage_room
from farthing.billing.balances.service import CustomersBalances
from farthing.billing.coupons.giving import CustomersCoupons, Giving
from farthing.billing.invoices.receivables import OpenInvoices
from farthing.billing.journal.store import LOG, contents
from farthing.billing.plan_migrations.service import NotedMigrations, PlanMigrations
from farthing.billing.remote import RemoteBalances, RemoteCoupons, RemoteMigrating, RemoteUses
from farthing.billing.uses import BillingUses
from farthing.catalog import MeterBook, Migrating
from farthing.catalog.coupons.service import Coupons
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.versions import PlanVersions
from farthing.catalog.remote import RemoteMeters
from farthing.catalog.service import LocalCatalog
from farthing.catalog.tax_rates.service import TaxRates
from farthing.customers import CustomerBalances, CustomerBook, CustomerCoupons, CustomerUses
from farthing.customers.remote import RemoteCustomers
from farthing.customers.service import Customers
from farthing.identity import ClockBook, OrganizationBook
from farthing.kernel import audit
from farthing.kernel.ids import new_id
from farthing.kernel.offers import Offer
from farthing.kernel.sealing import Sealing
from farthing.payments.bank_transactions.service import BankTransactions
from farthing.payments.reconciliations.service import Reconciliations
from farthing.payments.service import Payments
from farthing.usage import Metering, Subjects


@dataclass(frozen=True, slots=True)
class _Catalog:
    """The services of the catalogue."""

    meters: Meters
    plans: Plans
    coupons: Coupons
    tax_rates: TaxRates
    local: LocalCatalog


@dataclass(frozen=True, slots=True)
class _ForCustomers:
    """What customers ask of billing, as billing does it."""

    uses: BillingUses
    coupons: CustomersCoupons
    balances: CustomersBalances


def services(ground: Ground) -> tuple[dict[type, Any], list[Offer]]:  # Any: see Farthing
    """The services that this process keeps itself, by their class, and what it offers to others."""
    database, now, away = ground.database, ground.now, ground.away
    uses = BillingUses(database, now)
    catalog = _catalog(ground, uses)
    giving = Giving(catalog.local, now, new_id)
    asked = _ForCustomers(uses, CustomersCoupons(database, giving), CustomersBalances(database, now))
    customers = _customers(ground, asked)
    book: CustomerBook = RemoteCustomers(away["customers"]) if "customers" in away else customers
    meters: MeterBook = RemoteMeters(away["catalog"]) if "catalog" in away else catalog.local
    usage = usage_room(ground, meters, book)
    billing = billing_room(ground, catalog.local, book, usage.metering, giving)
    migrating: Migrating = RemoteMigrating(away["billing"]) if "billing" in away else billing.migrations
    versions = PlanVersions(database, catalog.plans, NotedMigrations(database, now, new_id), migrating)
    kept = {
        "identity": ground.identity.services,
        "customers": (customers,),
        "catalog": (catalog.meters, catalog.plans, versions, catalog.coupons, catalog.tax_rates, catalog.local),
        "usage": usage.kept,
        "billing": billing.kept,
        "payments": _payments(ground, billing.receivables, book),
    }
    found = {type(one): one for room, ones in kept.items() if room not in away for one in ones}
    found[Sealing] = Sealing(database, {LOG: contents, audit.LOG: audit.contents})
    offers = [
        *_of_identity(ground), Offer("customers", "customers", CustomerBook, customers),
        Offer("catalog", "meters", MeterBook, catalog.local), Offer("usage", "names", Subjects, ground.names.usage),
        Offer("usage", "metering", Metering, usage.quantities), *_of_billing(asked, billing.migrations),
    ]
    return found, [offer for offer in offers if offer.room not in away]


def _catalog(ground: Ground, uses: BillingUses) -> _Catalog:
    database, now = ground.database, ground.now
    meters, coupons = Meters(database, now, new_id), Coupons(database, now, new_id)
    plans, tax_rates = Plans(database, now, new_id, uses), TaxRates(database, now, new_id, uses)
    return _Catalog(meters, plans, coupons, tax_rates, LocalCatalog(meters, plans, coupons, tax_rates))


def _customers(ground: Ground, asked: _ForCustomers) -> Customers:
    place, billing = ground.place, ground.away.get("billing")
    uses: CustomerUses = RemoteUses(billing) if billing else asked.uses
    coupons: CustomerCoupons = RemoteCoupons(billing) if billing else asked.coupons
    balances: CustomerBalances = RemoteBalances(billing) if billing else asked.balances
    apart = place.mongo is not None or billing is not None
    return Customers(
        place.store, ground.now, new_id, ground.identity.organizations, ground.names.customers, uses, coupons,
        balances, apart,
    )


def _payments(
    ground: Ground, receivables: OpenInvoices, book: CustomerBook
) -> tuple[Payments, BankTransactions, Reconciliations]:
    database, now = ground.database, ground.now
    return (
        Payments(database, now, new_id, receivables, book), BankTransactions(database, now, new_id, book),
        Reconciliations(database, now, new_id, receivables),
    )


def _of_identity(ground: Ground) -> tuple[Offer, ...]:
    return (
        Offer("identity", "organizations", OrganizationBook, ground.identity.organizations),
        Offer("identity", "organizations", ClockBook, ground.identity.clocks),
    )


def _of_billing(asked: _ForCustomers, migrations: PlanMigrations) -> tuple[Offer, ...]:
    return (
        Offer("billing", "customer-uses", CustomerUses, asked.uses),
        Offer("billing", "coupons", CustomerCoupons, asked.coupons),
        Offer("billing", "balances", CustomerBalances, asked.balances),
        Offer("billing", "migrations", Migrating, migrations),
    )

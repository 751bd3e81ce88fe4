"""The room of billing, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from farthing.app.ground import Ground
from farthing.billing.balances.service import Balances
from farthing.billing.bill_runs.running import Running
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.charges.service import Charges
from farthing.billing.coupons.giving import Giving
from farthing.billing.credit_notes.beyond import BeyondInvoices
from farthing.billing.credit_notes.issuing import Issuing
from farthing.billing.credit_notes.service import CreditNotes
from farthing.billing.invoices.answers import InvoiceSource
from farthing.billing.invoices.explain import Explainer
from farthing.billing.invoices.finalizing import Finalizing
from farthing.billing.invoices.issuance import Issuance
from farthing.billing.invoices.issuing import OwnInvoices
from farthing.billing.invoices.rating import Rater
from farthing.billing.invoices.receivables import OpenInvoices
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.writing_off import WritingOff
from farthing.billing.issued import IssuedBooks
from farthing.billing.journal.crediting import CreditJournal
from farthing.billing.journal.exporting import JournalExport
from farthing.billing.journal.receiving import MoneyJournal
from farthing.billing.journal.releasing import Releases
from farthing.billing.journal.service import Journal
from farthing.billing.line_exports.service import LineExport
from farthing.billing.plan_migrations.comparing import Comparing
from farthing.billing.plan_migrations.service import PlanMigrations
from farthing.billing.previews.changes import ChangePreviews
from farthing.billing.previews.coming import ComingInvoices
from farthing.billing.previews.service import Previews
from farthing.billing.subscriptions.changing import Changes
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.test_clock.falling_due import DueBoundaries, DueExpiries, DueReleases
from farthing.billing.test_clock.service import TestClocks
from farthing.billing.wallets.expiring import Expiries, Expiry
from farthing.billing.wallets.service import Wallets
from farthing.billing.wallets.spending import Spending
from farthing.catalog.service import LocalCatalog
from farthing.customers import CustomerBook
from farthing.documents.service import Documents
from farthing.kernel.cache.keeping import kept_answers
from farthing.kernel.files import FolderFiles
from farthing.kernel.ids import new_id
from farthing.usage import Metering


@dataclass(frozen=True, slots=True)
class BillingRoom:
    """The services of billing, and what other rooms ask of it."""

    kept: Sequence[Any]  # Any: see Farthing
    migrations: PlanMigrations
    receivables: OpenInvoices


@dataclass(frozen=True, slots=True)
class _Means:
    """What several of its services work with: how invoices are rated, numbered, credited and entered in the books."""

    rater: Rater
    journal: Journal
    balances: Balances
    releases: Releases
    expiries: Expiries
    issuance: Issuance
    issuing: Issuing
    beyond: BeyondInvoices


def billing_room(
    ground: Ground, catalog: LocalCatalog, book: CustomerBook, metering: Metering, giving: Giving
) -> BillingRoom:
    """Subscriptions and what changes them, bill runs, invoices and what follows from them."""
    database, now, organizations = ground.database, ground.now, ground.identity.organizations
    means = _means(ground, Rater(database, catalog, metering))
    rater, issuance = means.rater, means.issuance
    finalizing = Finalizing(database, now, new_id, organizations, book, rater, issuance, means.beyond)
    changes = Changes(database, now, catalog, OwnInvoices(finalizing))
    migrations = PlanMigrations(database, now, changes, Comparing(database, now, book, rater), ground.background)
    bill_runs = _bill_runs(ground, means, book)
    kept = (
        Subscriptions(database, now, new_id, book, catalog, ground.names.subscriptions, giving), changes, migrations,
        Charges(database, now, new_id, book), bill_runs, _test_clocks(ground, means, bill_runs),
        Invoices(database, now, new_id, organizations, book, rater, issuance), finalizing,
        *_after_invoices(ground, means, book), *_looking(ground, means, catalog, book),
    )
    receivables = OpenInvoices(database, now, organizations, book, means.balances, MoneyJournal(new_id))
    return BillingRoom(kept, migrations, receivables)


def _means(ground: Ground, rater: Rater) -> _Means:
    database, now, organizations = ground.database, ground.now, ground.identity.organizations
    journal, balances, expiry = Journal(new_id), Balances(new_id), Expiry(new_id)
    issuing = Issuing(now, new_id, organizations, CreditJournal(journal), balances)
    return _Means(
        rater, journal, balances, Releases(database, now, journal), Expiries(database, now, organizations, expiry),
        Issuance(now, balances, Spending(expiry), journal), issuing, BeyondInvoices(issuing),
    )


def _bill_runs(ground: Ground, means: _Means, book: CustomerBook) -> BillRuns:
    running = Running(
        ground.database, ground.now, new_id, ground.identity.organizations, book, means.rater, means.releases,
        means.issuance, means.expiries, means.beyond,
    )
    return BillRuns(ground.database, ground.now, new_id, book, running, ground.background)


def _test_clocks(ground: Ground, means: _Means, bill_runs: BillRuns) -> TestClocks:
    database, identity = ground.database, ground.identity
    due = (
        DueReleases(database, means.releases), DueExpiries(database, means.expiries),
        DueBoundaries(database, identity.organizations, bill_runs),
    )
    return TestClocks(database, ground.now, new_id, identity.clocks, due, ground.background)


def _after_invoices(ground: Ground, means: _Means, book: CustomerBook) -> tuple[Any, ...]:  # Any: see Farthing
    """What corrects invoices, what pays for them before they are made, and what follows from them in the books."""
    database, now, organizations = ground.database, ground.now, ground.identity.organizations
    return (
        CreditNotes(database, book, means.issuing), WritingOff(database, now, means.journal),
        Wallets(database, now, new_id, organizations, book), means.releases, means.expiries,
        JournalExport(database, organizations, book), LineExport(database, organizations, book),
    )


def _looking(ground: Ground, means: _Means, catalog: LocalCatalog, book: CustomerBook) -> tuple[Any, ...]:
    """What only looks: at invoices to come, at what changes would cost, at how a line came about."""
    database, now, rater = ground.database, ground.now, means.rater
    coming = ComingInvoices(database, now, book, rater)
    return (
        Previews(database, now, book, rater, coming), ChangePreviews(database, now, catalog, book, coming),
        Explainer(database, catalog, rater),
        Documents(IssuedBooks(database), FolderFiles(ground.settings.home / "files")),
        kept_answers(database, ground.cache, ground.generations, "invoice", "inv", InvoiceSource(database)),
    )

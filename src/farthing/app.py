"""The composition root: settings in, services and a WSGI application out. The only place that knows all rooms."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from farthing.audited import UNAUDITED
from farthing.billing.balances.service import Balances, CustomersBalances
from farthing.billing.bill_runs.running import Running
from farthing.billing.bill_runs.service import Background, BillRuns
from farthing.billing.charges.service import Charges
from farthing.billing.coupons.giving import CustomersCoupons, Giving
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
from farthing.billing.journal.crediting import CreditJournal
from farthing.billing.journal.exporting import JournalExport
from farthing.billing.journal.receiving import MoneyJournal
from farthing.billing.journal.releasing import Releases
from farthing.billing.journal.service import Journal
from farthing.billing.journal.store import LOG, contents
from farthing.billing.line_exports.service import LineExport
from farthing.billing.plan_migrations.comparing import Comparing
from farthing.billing.plan_migrations.service import NotedMigrations, PlanMigrations
from farthing.billing.previews.changes import ChangePreviews
from farthing.billing.previews.coming import ComingInvoices
from farthing.billing.previews.service import Previews
from farthing.billing.remote import RemoteBalances, RemoteCoupons, RemoteMigrating, RemoteUses
from farthing.billing.subscriptions.changing import Changes
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.test_clock.falling_due import DueBoundaries, DueExpiries, DueReleases
from farthing.billing.test_clock.service import TestClocks
from farthing.billing.uses import BillingUses
from farthing.billing.wallets.expiring import Expiries, Expiry
from farthing.billing.wallets.service import Wallets
from farthing.billing.wallets.spending import Spending
from farthing.calls import ENDPOINTS, LATER, room_of
from farthing.catalog import MeterBook, Migrating
from farthing.catalog.coupons.service import Coupons
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.versions import PlanVersions
from farthing.catalog.remote import RemoteMeters
from farthing.catalog.service import LocalCatalog
from farthing.catalog.tax_rates.service import TaxRates
from farthing.customers import CustomerBalances, CustomerBook, CustomerCoupons, CustomerUses
from farthing.customers.places import CustomerPlace, customer_place
from farthing.customers.remote import RemoteCustomers
from farthing.customers.service import Customers
from farthing.hot import Application, Hot
from farthing.identity import ClockBook, OrganizationBook
from farthing.identity.opened import Identity, open_identity
from farthing.identity.tokens import services_routes
from farthing.kernel import audit
from farthing.kernel.answers import SqlAnswers
from farthing.kernel.application import Check, new_application, not_available_yet
from farthing.kernel.audit import AuditLog
from farthing.kernel.cache.answers import Answers
from farthing.kernel.cache.keeping import kept_answers
from farthing.kernel.cache.server import RedisServer
from farthing.kernel.clock import Clock, SandboxesApart, clock_from
from farthing.kernel.database import Database, open_database
from farthing.kernel.idempotency import Idempotency
from farthing.kernel.ids import new_id
from farthing.kernel.migrate import migrate
from farthing.kernel.offers import Offer, answer
from farthing.kernel.openapi import add_documents
from farthing.kernel.problems import Misconfigured
from farthing.kernel.processes import end_with_parent, repeat, settle_memory
from farthing.kernel.remote import Remote, Wire
from farthing.kernel.sealing import Sealing
from farthing.kernel.settings import ROOMS, Settings, load_settings
from farthing.kernel.telemetry import Telemetry, configure_logs, new_access_log, new_telemetry
from farthing.kernel.web import register
from farthing.payments.bank_transactions.service import BankTransactions
from farthing.payments.reconciliations.service import Reconciliations
from farthing.payments.service import Payments
from farthing.usage import Metering, Subjects
from farthing.usage.events.intake import Intake
from farthing.usage.events.opened import open_intake
from farthing.usage.events.service import Events
from farthing.usage.imports.service import Imports
from farthing.usage.owed import OwedSubjects, SqlOwedNames
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.service import Quantities
from farthing.usage.remote import RemoteMetering, RemoteSubjects
from farthing.usage.subjects.service import SubjectBook

S = TypeVar("S")
FOLLOW_SECONDS: Final = 1.0
OWED_SECONDS: Final = 1.0
REFRESH_SECONDS: Final = 20.0
RELEASE_SECONDS: Final = 60.0
SEAL_SECONDS: Final = 1.0
MIGRATIONS_SECONDS: Final = 10.0
COUNTING_SECONDS: Final = 60.0  # that usage may take to tell what counts for a chunk of a bill run


@dataclass(frozen=True, slots=True)
class Farthing:
    """A store opened, and the services on it, by their class.

    identity  who calls, and for which organisation: kept here or asked elsewhere
    offers    what other services may ask of this process
    away      the rooms that run elsewhere
    owed      what usage has still to be told
    """

    settings: Settings
    database: Database
    customers: CustomerPlace
    now: Clock
    telemetry: Telemetry
    identity: Identity
    cache: RedisServer | None
    services: Mapping[type, Any]  # Any: each an instance of its key
    offers: Sequence[Offer]
    away: Mapping[str, Remote]
    owed: Sequence[OwedSubjects]
    intake: Intake

    def __getitem__(self, kind: type[S]) -> S:
        """Raises Misconfigured for a service that this process does not keep itself."""
        if kind not in self.services:
            raise Misconfigured(f"{kind.__name__} are kept by another service: do this where they are.")
        return cast(S, self.services[kind])

    @property
    def here(self) -> tuple[str, ...]:
        """The rooms that this process serves."""
        return self.settings.only or tuple(room for room in ROOMS if room not in self.away)

    def close(self) -> None:
        """Let go of the stores' connections."""
        self.intake.close()
        self.customers.close()
        self.database.engine.dispose()
        if self.cache is not None:
            self.cache.close()


def at_once(work: Callable[[], object]) -> None:
    """Do a piece of work before going on."""
    work()


def open_farthing(
    settings: Settings, now: Clock | None = None, background: Background = at_once
) -> Farthing:
    """Open (or make) the store and put the services together; raises Misconfigured.

    background  runs the work that a request begins: at once unless told otherwise
    """
    real = now or clock_from(settings.now)
    settings.home.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url, settings.home)
    migrate(database)
    AuditLog(database, real, new_id, UNAUDITED).watch()  # what people did, and when, also in a sandbox
    counters = new_telemetry()
    identity = open_identity(settings, database, real)
    now = SandboxesApart(real, identity.clocks.time)
    away = {
        room: Remote(Wire(room, at), identity.passport)
        for room in ROOMS if (at := getattr(settings, f"{room}_at", "")) and room not in settings.only
    }
    place = customer_place("" if "customers" in away else settings.customers_url, database)
    names = _names(database, place, away)
    cache = RedisServer(settings.cache_url) if settings.cache_url else None
    intake = open_intake(database, settings.home, settings.event_keys)
    ground = _Ground(database, place, now, background, counters, identity, cache, away, names, intake)
    services, offers = _services(ground)
    return Farthing(
        settings, database, place, now, counters, identity, cache, services, offers, away, names.owed, intake
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """Whom rooms tell whose the names are under which usage arrives.

    owed  what may still have to be told: also where nothing is owed now, a process before this one may have left some
    """

    usage: Subjects
    customers: Subjects
    subscriptions: Subjects
    owed: Sequence[OwedSubjects]


def _names(database: Database, place: CustomerPlace, away: Mapping[str, Remote]) -> _Names:
    """Usage itself where it shares the transaction of whoever tells it, else what is owed to it."""
    usage: Subjects = RemoteSubjects(away["usage"]) if "usage" in away else SubjectBook(database)
    beside = OwedSubjects(SqlOwedNames(database), usage)
    apart = beside if place.mongo is None else OwedSubjects(place.owed, usage)
    joined = "usage" not in away
    return _Names(
        usage, customers=usage if joined and place.mongo is None else apart, subscriptions=usage if joined else beside,
        owed=(beside,) if apart is beside else (beside, apart),
    )


@dataclass(frozen=True, slots=True)
class _Ground:
    """What services stand on."""

    database: Database
    place: CustomerPlace
    now: Clock
    background: Background
    counters: Telemetry
    identity: Identity
    cache: RedisServer | None
    away: Mapping[str, Remote]
    names: _Names
    intake: Intake


def _services(ground: _Ground) -> tuple[dict[type, Any], list[Offer]]:  # Any: see Farthing
    database, now, away, organizations = ground.database, ground.now, ground.away, ground.identity.organizations
    place, names = ground.place, ground.names
    uses = BillingUses(database, now)
    asked_uses: CustomerUses = RemoteUses(away["billing"]) if "billing" in away else uses
    apart = place.mongo is not None or "billing" in away
    meters = Meters(database, now, new_id)
    plans = Plans(database, now, new_id, uses)
    tax_rates = TaxRates(database, now, new_id, uses)
    coupons = Coupons(database, now, new_id)
    catalog = LocalCatalog(meters, plans, coupons, tax_rates)
    giving = Giving(catalog, now, new_id)
    given = CustomersCoupons(database, giving)
    asked_given: CustomerCoupons = RemoteCoupons(away["billing"]) if "billing" in away else given
    had = CustomersBalances(database, now)
    asked_had: CustomerBalances = RemoteBalances(away["billing"]) if "billing" in away else had
    customers = Customers(
        place.store, now, new_id, organizations, names.customers, asked_uses, asked_given, asked_had, apart
    )
    book: CustomerBook = RemoteCustomers(away["customers"]) if "customers" in away else customers
    meter_book: MeterBook = RemoteMeters(away["catalog"]) if "catalog" in away else catalog
    follower = Follower(database, meter_book, ground.counters)
    quantities = Quantities(database, meter_book, book, organizations, follower)
    counting = replace(away["usage"], seconds=COUNTING_SECONDS) if "usage" in away else None
    metering: Metering = RemoteMetering(counting) if counting else quantities
    events = Events(database, now, meter_book, book, quantities, ground.counters, ground.intake)
    rater = Rater(database, catalog, metering)
    subscriptions = Subscriptions(database, now, new_id, book, catalog, names.subscriptions, giving)
    journal = Journal(new_id)
    releases, export = Releases(database, now, journal), JournalExport(database, organizations, book)
    balances, expiry = Balances(new_id), Expiry(new_id)
    expiries = Expiries(database, now, organizations, expiry)
    issuance = Issuance(now, balances, Spending(expiry), journal)
    issuing = Issuing(now, new_id, organizations, CreditJournal(journal), balances)
    beyond = BeyondInvoices(issuing)
    invoices = Invoices(database, now, new_id, organizations, book, rater, issuance)
    finalizing = Finalizing(database, now, new_id, organizations, book, rater, issuance, beyond)
    changes = Changes(database, now, catalog, OwnInvoices(finalizing))
    credit_notes = CreditNotes(database, book, issuing)
    writing_off = WritingOff(database, now, journal)
    comparing = Comparing(database, now, book, rater)
    migrations = PlanMigrations(database, now, changes, comparing, ground.background)
    migrating: Migrating = RemoteMigrating(away["billing"]) if "billing" in away else migrations
    versions = PlanVersions(database, plans, NotedMigrations(database, now, new_id), migrating)
    explainer = Explainer(database, catalog, rater)
    coming = ComingInvoices(database, now, book, rater)
    previews = Previews(database, now, book, rater, coming)
    change_previews = ChangePreviews(database, now, catalog, book, coming)
    running = Running(database, now, new_id, organizations, book, rater, releases, issuance, expiries, beyond)
    bill_runs = BillRuns(database, now, new_id, book, running, ground.background)
    due = (
        DueReleases(database, releases), DueExpiries(database, expiries),
        DueBoundaries(database, organizations, bill_runs),
    )
    test_clocks = TestClocks(database, now, new_id, ground.identity.clocks, due, ground.background)
    receivables = OpenInvoices(database, now, organizations, book, balances, MoneyJournal(new_id))
    reconciliations = Reconciliations(database, now, new_id, receivables)
    bank_transactions = BankTransactions(database, now, new_id, book)
    payments = Payments(database, now, new_id, receivables, book)
    answers = kept_answers(database, ground.cache, "invoice", "inv", InvoiceSource(database))
    kept = {
        "identity": ground.identity.services,
        "customers": (customers,),
        "catalog": (meters, plans, versions, coupons, tax_rates, catalog),
        "usage": (names.usage, quantities, follower, events, Imports(events)),
        "billing": (
            *(subscriptions, changes, Charges(database, now, new_id, book), previews, invoices, finalizing, explainer),
            *(bill_runs, change_previews, credit_notes, writing_off, migrations, test_clocks, answers, releases),
            *(expiries, export, LineExport(database, organizations, book)),
            Wallets(database, now, new_id, organizations, book),
        ),
        "payments": (payments, bank_transactions, reconciliations),
    }
    offers = [
        Offer("identity", "organizations", OrganizationBook, organizations),
        Offer("identity", "organizations", ClockBook, ground.identity.clocks),
        Offer("customers", "customers", CustomerBook, customers), Offer("catalog", "meters", MeterBook, catalog),
        Offer("usage", "names", Subjects, names.usage), Offer("usage", "metering", Metering, quantities),
        Offer("billing", "customer-uses", CustomerUses, uses), Offer("billing", "coupons", CustomerCoupons, given),
        Offer("billing", "balances", CustomerBalances, had), Offer("billing", "migrations", Migrating, migrations),
    ]
    services = {type(one): one for room, ones in kept.items() if room not in away for one in ones}
    services[Sealing] = Sealing(database, {LOG: contents, audit.LOG: audit.contents})
    return services, [offer for offer in offers if offer.room not in away]


def web_application(farthing: Farthing) -> Flask:
    """The WSGI application on an opened store: the rooms that are served here."""
    here, identity = farthing.here, farthing.identity
    app = new_application(_checks(farthing), farthing.telemetry, _helpful(farthing))
    app.extensions["farthing"] = farthing.services
    app.extensions["farthing_idempotency"] = {  # by the tag of an endpoint; "" for all others
        "": Idempotency(SqlAnswers(farthing.database), farthing.now),
        "customers": Idempotency(farthing.customers.answers, farthing.now),
    }
    register(app, [one for one in ENDPOINTS if room_of(one.path) in here], identity.authenticate)
    not_available_yet(app, [(method, path) for method, path in LATER if room_of(path) in here], identity.authenticate)
    add_documents(app, ENDPOINTS)
    answer(app, [offer for offer in farthing.offers if offer.room in here], identity.admit, identity.authenticate)
    if "identity" in here:
        register(app, services_routes.routes.endpoints, identity.authenticate)
    if farthing.settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, farthing.settings.proxies, 0, 0, 0, 0)  # type: ignore[method-assign]  # as Flask's own manual tells to
    return app


def _helpful(farthing: Farthing) -> dict[str, Check]:
    """Without which this process works on, slower or with less, by name."""
    checks: dict[str, Check] = {room: remote.version for room, remote in farthing.away.items()}
    if farthing.cache is not None:
        checks["cache"] = farthing.cache.version
    return checks


def _checks(farthing: Farthing) -> dict[str, Check]:
    """What this process depends on, by name."""
    checks: dict[str, Check] = {"database": farthing.database.version}
    if farthing.customers.mongo is not None:
        checks["mongodb"] = farthing.customers.mongo.version
    return checks


def served(farthing: Farthing) -> Application:
    """What a server runs: Flask, and in front of it what is asked for most."""
    behind, settings = web_application(farthing), farthing.settings
    if "billing" not in farthing.here:
        return behind
    log = new_access_log(settings.log_level, settings.log_format)
    return Hot(behind, farthing.identity.callers.known, farthing[Answers], farthing.telemetry, log)


def wsgi() -> Application:
    """What the server runs in its worker: everything from the environment."""
    end_with_parent()
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    worker = ThreadPoolExecutor(1, "farthing-background")
    farthing = open_farthing(settings, background=worker.submit)
    repeat(farthing.identity.refresh, REFRESH_SECONDS, "farthing-identity")
    if "usage" in farthing.here:
        repeat(farthing[Follower].follow_all, FOLLOW_SECONDS, "farthing-follower")
    if {"customers", "billing"} & set(farthing.here):
        for number, owed in enumerate(farthing.owed):
            repeat(owed.deliver_all, OWED_SECONDS, f"farthing-owed-names-{number}")
    repeat(farthing[Sealing].seal_all, SEAL_SECONDS, "farthing-sealing")
    if "billing" in farthing.here:
        farthing[BillRuns].resume()
        farthing[TestClocks].resume()
        repeat(farthing[PlanMigrations].resume, MIGRATIONS_SECONDS, "farthing-migrations")
        farthing[Answers].begin()
        repeat(farthing[Releases].release_all, RELEASE_SECONDS, "farthing-releases")
        repeat(farthing[Expiries].expire_all, RELEASE_SECONDS, "farthing-expiries")
    application = served(farthing)
    settle_memory()
    return application

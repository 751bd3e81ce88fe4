"""The composition root: settings in, services and a WSGI application out. The only place that knows all rooms."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from flask import Flask
from sqlalchemy import text

from farthing.billing.bill_runs import routes as bill_runs_routes
from farthing.billing.bill_runs.running import Running
from farthing.billing.bill_runs.service import Background, BillRuns
from farthing.billing.invoices import routes as invoices_routes
from farthing.billing.invoices.answers import InvoiceSource
from farthing.billing.invoices.explain import Explainer
from farthing.billing.invoices.rating import Rater
from farthing.billing.invoices.receivables import OpenInvoices
from farthing.billing.invoices.service import Invoices
from farthing.billing.subscriptions import routes as subscriptions_routes
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.uses import BillingUses
from farthing.catalog.meters import routes as meters_routes
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans import routes as plans_routes
from farthing.catalog.plans.service import Plans
from farthing.catalog.rates import routes as rates_routes
from farthing.catalog.service import LocalCatalog
from farthing.customers import routes as customers_routes
from farthing.customers.service import Customers
from farthing.identity.api_keys import routes as api_keys_routes
from farthing.identity.api_keys.service import PREFIX, ApiKeys
from farthing.identity.callers import CallerCache
from farthing.identity.organizations import routes as organizations_routes
from farthing.identity.organizations.service import Organizations
from farthing.identity.tokens import routes as tokens_routes
from farthing.identity.tokens.access import AccessTokens
from farthing.identity.tokens.keys import KeyRing
from farthing.identity.tokens.service import Tokens
from farthing.identity.tokens.throttle import Throttle
from farthing.identity.users.service import Users
from farthing.kernel.application import new_application, not_available_yet
from farthing.kernel.cache.keeping import kept_answers
from farthing.kernel.clock import Clock, clock_from
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database, open_database
from farthing.kernel.idempotency import Idempotency
from farthing.kernel.ids import new_id
from farthing.kernel.migrate import migrate
from farthing.kernel.openapi import add_documents
from farthing.kernel.processes import end_with_parent, repeat, settle_memory
from farthing.kernel.settings import Settings, load_settings
from farthing.kernel.telemetry import Telemetry, configure_logs, new_telemetry
from farthing.kernel.web import Endpoint, register
from farthing.payments import routes as payments_routes
from farthing.payments.service import Payments
from farthing.usage.events import routes as events_routes
from farthing.usage.events.service import Events
from farthing.usage.imports.service import Imports
from farthing.usage.quantities import routes as quantities_routes
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.service import Quantities
from farthing.usage.subjects.service import SubjectBook

S = TypeVar("S")
FOLLOW_SECONDS: Final = 1.0
ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(
    endpoint
    for routes in (
        tokens_routes.routes,
        organizations_routes.routes,
        api_keys_routes.routes,
        customers_routes.routes,
        meters_routes.routes,
        plans_routes.routes,
        rates_routes.routes,
        events_routes.routes,
        quantities_routes.routes,
        subscriptions_routes.routes,
        invoices_routes.routes,
        bill_runs_routes.routes,
        payments_routes.routes,
    )
    for endpoint in routes.endpoints
)

# calls of the interface that are not built yet: each answers 422 and its name, never silently nothing
LATER: Final[tuple[tuple[str, str], ...]] = (
    *(("POST", "/v1/customers/<one>/erase"), ("GET", "/v1/customers/<one>/balance")),
    ("POST", "/v1/customers/<one>/coupons"),
    *((method, f"/v1/{noun}") for noun in ("coupons", "tax-rates") for method in ("POST", "GET")),
    *((method, f"/v1/{noun}/<one>") for noun in ("coupons", "tax-rates") for method in ("GET", "PATCH", "DELETE")),
    *(("POST", f"/v1/subscriptions/<one>/{verb}") for verb in ("change", "uncancel", "pause", "resume", "coupons")),
    ("GET", "/v1/subscriptions/<one>/upcoming-invoice"),
    *(("POST", "/v1/invoices/<one>/write-off"), ("POST", "/v1/invoices/preview")),
    *(("GET", "/v1/invoices/<one>.pdf"), ("GET", "/v1/invoices/<one>.xml")),
    *(("POST", "/v1/charges"), ("POST", "/v1/simulations")),
    *(("POST", "/v1/credit-notes"), ("GET", "/v1/credit-notes"), ("GET", "/v1/credit-notes/<one>")),
    *(("POST", "/v1/wallets"), ("GET", "/v1/wallets"), ("GET", "/v1/wallets/<one>")),
    *(("POST", "/v1/wallets/<one>/top-ups"), ("GET", "/v1/wallets/<one>/top-ups")),
    *(("POST", "/v1/payments/<one>/refund"), ("POST", "/v1/bank-transactions"), ("GET", "/v1/bank-transactions")),
    *(("POST", "/v1/reconciliations"), ("GET", "/v1/reconciliations"), ("POST", "/v1/reconciliations/<one>/undo")),
    *((method, "/v1/webhook-endpoints") for method in ("POST", "GET")),
    *((method, "/v1/webhook-endpoints/<one>") for method in ("GET", "PATCH", "DELETE")),
    *(("GET", "/v1/stream"), ("POST", "/v1/test-clock/advance"), ("POST", "/v1/portal-sessions")),
    *(("POST", "/v1/imports"), ("GET", "/v1/exports/journal"), ("GET", "/v1/exports/lines")),
    ("GET", "/v1/exports/focus"),
)


@dataclass(frozen=True, slots=True)
class Farthing:
    """A store opened, and the services on it, by their class."""

    settings: Settings
    database: Database
    now: Clock
    telemetry: Telemetry
    services: Mapping[type, Any]  # Any: each an instance of its key

    def __getitem__(self, kind: type[S]) -> S:
        return cast(S, self.services[kind])

    def close(self) -> None:
        """Let go of the store's connections."""
        self.database.engine.dispose()


def at_once(work: Callable[[], object]) -> None:
    """Do a piece of work before going on."""
    work()


def open_farthing(
    settings: Settings, now: Clock | None = None, background: Background = at_once
) -> Farthing:
    """Open (or make) the store and put the services together; raises Misconfigured.

    background  runs the work that a request begins: at once unless told otherwise
    """
    now = now or clock_from(settings.now)
    settings.home.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url, settings.home)
    migrate(database)
    counters = new_telemetry()
    return Farthing(settings, database, now, counters, _services(settings, database, now, background, counters))


def _services(
    settings: Settings, database: Database, now: Clock, background: Background, counters: Telemetry
) -> dict[type, Any]:  # Any: see Farthing
    organizations = Organizations(database, now, new_id)
    callers = CallerCache(now)
    api_keys = ApiKeys(database, now, new_id, callers)
    users = Users(database, now, new_id)
    access = AccessTokens(KeyRing(settings.home / "keys", now), settings.issuer, now)
    tokens = Tokens(database, now, users, organizations, access, Throttle(database, now))
    subjects = SubjectBook(database)
    uses = BillingUses(database, now)
    customers = Customers(database, now, new_id, organizations, subjects, uses)
    meters = Meters(database, now, new_id)
    plans = Plans(database, now, new_id, uses)
    catalog = LocalCatalog(meters, plans)
    follower = Follower(database, catalog, counters)
    metering = Quantities(database, catalog, customers, organizations, follower)
    events = Events(database, now, catalog, customers, metering, counters)
    rater = Rater(catalog, metering)
    subscriptions = Subscriptions(database, now, new_id, customers, catalog, subjects)
    invoices = Invoices(database, now, new_id, organizations, customers, rater)
    explainer = Explainer(database, catalog, rater)
    running = Running(database, now, new_id, organizations, customers, rater)
    bill_runs = BillRuns(database, now, new_id, customers, running, background)
    payments = Payments(database, now, new_id, OpenInvoices(database, now), customers)
    answers = kept_answers(database, "invoice", "inv", InvoiceSource(database))
    organizations.first()
    services = (
        *(callers, users, tokens),
        *(organizations, api_keys, customers, meters, plans, catalog),
        *(subjects, events, metering, follower, Imports(events)),
        *(subscriptions, invoices, explainer, bill_runs, payments, answers),
    )
    return {type(service): service for service in services}


def web_application(farthing: Farthing) -> Flask:
    """The WSGI application on an opened store."""
    app = new_application({"database": lambda: _database_version(farthing.database)}, farthing.telemetry)
    app.extensions["farthing"] = farthing.services
    app.extensions["farthing_idempotency"] = Idempotency(farthing.database, farthing.now)
    register(app, ENDPOINTS, lambda token: _authenticate(farthing, token))
    not_available_yet(app, LATER, lambda token: _authenticate(farthing, token))
    add_documents(app, ENDPOINTS)
    return app


def _authenticate(farthing: Farthing, token: str) -> Caller:
    check = farthing[ApiKeys].authenticate if token.startswith(PREFIX) else farthing[Tokens].authenticate
    return farthing[CallerCache].caller(token, check)


def _database_version(database: Database) -> str:
    question = "SELECT sqlite_version()" if database.dialect == "sqlite" else "SELECT version()"
    with database.read() as connection:
        return f"{database.dialect} {connection.execute(text(question)).scalar_one()}"


def wsgi() -> Flask:
    """What the server runs in its worker: everything from the environment."""
    end_with_parent()
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    worker = ThreadPoolExecutor(1, "farthing-background")
    farthing = open_farthing(settings, background=worker.submit)
    repeat(farthing[Follower].follow_all, FOLLOW_SECONDS, "farthing-follower")
    farthing[BillRuns].resume()
    application = web_application(farthing)
    settle_memory()
    return application

"""The composition root: settings in, services and a WSGI application out. The only place that knows all rooms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from flask import Flask
from sqlalchemy import text

from farthing.catalog.meters import routes as meters_routes
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans import routes as plans_routes
from farthing.catalog.plans.service import Plans
from farthing.catalog.rates import routes as rates_routes
from farthing.catalog.service import LocalCatalog
from farthing.customers import CustomerUse
from farthing.customers import routes as customers_routes
from farthing.customers.service import Customers
from farthing.identity.api_keys import routes as api_keys_routes
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations import routes as organizations_routes
from farthing.identity.organizations.service import Organizations
from farthing.kernel.application import new_application
from farthing.kernel.clock import Clock, clock_from
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database, open_database
from farthing.kernel.idempotency import Idempotency
from farthing.kernel.ids import new_id
from farthing.kernel.migrate import migrate
from farthing.kernel.openapi import add_documents
from farthing.kernel.settings import Settings, load_settings
from farthing.kernel.telemetry import Telemetry, configure_logs, new_telemetry
from farthing.kernel.web import Endpoint, register

S = TypeVar("S")
ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(
    endpoint
    for routes in (
        organizations_routes.routes,
        api_keys_routes.routes,
        customers_routes.routes,
        meters_routes.routes,
        plans_routes.routes,
        rates_routes.routes,
    )
    for endpoint in routes.endpoints
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


def open_farthing(settings: Settings, now: Clock | None = None) -> Farthing:
    """Open (or make) the store and put the services together; raises Misconfigured."""
    now = now or clock_from(settings.now)
    settings.home.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url, settings.home)
    migrate(database)
    counters = new_telemetry()
    return Farthing(settings, database, now, counters, _services(database, now))


class _Nobody:
    """Stands in until usage and billing are put together here."""

    def bind(self, organization: str, names: Any, customer: str, subscription: str | None = None) -> None: ...
    def release(self, organization: str, names: Any) -> None: ...
    def use_of(self, organization: str, customer: str) -> CustomerUse:
        return CustomerUse()

    def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
        return False


def _services(database: Database, now: Clock) -> dict[type, Any]:  # Any: see Farthing
    organizations = Organizations(database, now, new_id)
    api_keys = ApiKeys(database, now, new_id)
    customers = Customers(database, now, new_id, organizations, _Nobody(), _Nobody())
    meters = Meters(database, now, new_id)
    plans = Plans(database, now, new_id, _Nobody())
    catalog = LocalCatalog(meters, plans)
    organizations.first()
    services = (organizations, api_keys, customers, meters, plans, catalog)
    return {type(service): service for service in services}


def web_application(farthing: Farthing) -> Flask:
    """The WSGI application on an opened store."""
    app = new_application({"database": lambda: _database_version(farthing.database)}, farthing.telemetry)
    app.extensions["farthing"] = farthing.services
    app.extensions["farthing_idempotency"] = Idempotency(farthing.database, farthing.now)
    register(app, ENDPOINTS, lambda token: _authenticate(farthing, token))
    add_documents(app, ENDPOINTS)
    return app


def _authenticate(farthing: Farthing, token: str) -> Caller:
    return farthing[ApiKeys].authenticate(token)


def _database_version(database: Database) -> str:
    question = "SELECT sqlite_version()" if database.dialect == "sqlite" else "SELECT version()"
    with database.read() as connection:
        return f"{database.dialect} {connection.execute(text(question)).scalar_one()}"


def wsgi() -> Flask:
    """What the server runs in its worker: everything from the environment."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    return web_application(open_farthing(settings))

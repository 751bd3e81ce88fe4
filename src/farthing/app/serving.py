"""Opened services over HTTP: the application, and what a server runs of it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from farthing.app.opening import Farthing, open_farthing
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.journal.releasing import Releases
from farthing.billing.plan_migrations.service import PlanMigrations
from farthing.billing.test_clock.service import TestClocks
from farthing.billing.wallets.expiring import Expiries
from farthing.calls import ENDPOINTS, LATER, room_of
from farthing.hot import Application, Hot, Taking
from farthing.identity.tokens import services_routes
from farthing.kernel.access_log import AccessLog
from farthing.kernel.answers import SqlAnswers
from farthing.kernel.application import Check, new_application, not_available_yet
from farthing.kernel.cache.answers import Answers
from farthing.kernel.idempotency import Idempotency
from farthing.kernel.offers import answer
from farthing.kernel.openapi import add_documents
from farthing.kernel.processes import end_with_parent, repeat, settle_memory
from farthing.kernel.sealing import Sealing
from farthing.kernel.settings import load_settings
from farthing.kernel.telemetry import configure_logs
from farthing.kernel.web import register
from farthing.usage.events.bodies import MOST_BYTES
from farthing.usage.events.routes import taken
from farthing.usage.events.service import Events
from farthing.usage.imports.service import Imports
from farthing.usage.quantities.follower import Follower

FOLLOW_SECONDS: Final = 1.0
OWED_SECONDS: Final = 1.0
REFRESH_SECONDS: Final = 20.0
RELEASE_SECONDS: Final = 60.0
SEAL_SECONDS: Final = 1.0
MIGRATIONS_SECONDS: Final = 10.0


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


def served(farthing: Farthing) -> Hot:
    """What a server runs: Flask, and in front of it what is asked for most."""
    behind, settings = web_application(farthing), farthing.settings
    answers = farthing[Answers] if "billing" in farthing.here else None
    takes = "usage" in farthing.here and not farthing.away  # else other rooms are asked, which is told to them by Flask
    taking = Taking(MOST_BYTES, partial(taken, farthing[Events])) if takes else None
    log = AccessLog(settings.log_level, settings.log_format)
    return Hot(behind, farthing.identity.callers.known, answers, taking, farthing.telemetry, log)


def wsgi() -> Application:
    """What the server runs in its worker: everything from the environment."""
    end_with_parent()
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    worker = ThreadPoolExecutor(1, "farthing-background")
    farthing = open_farthing(settings, None, worker.submit, ThreadPoolExecutor(1, "farthing-imports").submit)
    _begin_work(farthing)
    application = served(farthing)
    application.log.hold()
    settle_memory()
    return application


def _begin_work(farthing: Farthing) -> None:
    """What goes on beside the requests, and what a process before this one left under way."""
    repeat(farthing.identity.refresh, REFRESH_SECONDS, "farthing-identity")
    if "usage" in farthing.here:
        repeat(farthing[Follower].follow_all, FOLLOW_SECONDS, "farthing-follower")
        farthing[Imports].resume()
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

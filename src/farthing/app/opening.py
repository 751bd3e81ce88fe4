"""A store opened, and the services on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from farthing.app.assembly import services
from farthing.app.ground import Ground, names_on
from farthing.audited import UNAUDITED
from farthing.billing.bill_runs.service import Background
from farthing.customers.places import CustomerPlace, customer_place
from farthing.identity.opened import Identity, open_identity
from farthing.kernel.audit import AuditLog
from farthing.kernel.cache.keeping import generations_of
from farthing.kernel.cache.server import RedisServer
from farthing.kernel.clock import Clock, SandboxesApart, clock_from
from farthing.kernel.database import Database
from farthing.kernel.ids import new_id
from farthing.kernel.migrate import migrate
from farthing.kernel.offers import Offer
from farthing.kernel.opening import open_database
from farthing.kernel.problems import Misconfigured
from farthing.kernel.remote import Remote, Wire
from farthing.kernel.settings import ROOMS, Settings
from farthing.kernel.telemetry import Telemetry, new_telemetry
from farthing.usage.events.intake import Intake
from farthing.usage.events.opened import open_intake
from farthing.usage.owed import OwedSubjects

S = TypeVar("S")


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
    settings: Settings, now: Clock | None = None, background: Background = at_once, reading: Background = at_once
) -> Farthing:
    """Open (or make) the store and put the services together; raises Misconfigured.

    background  runs the work that a request begins: at once unless told otherwise
    reading     the same for files that are imported, which may take long
    """
    real = now or clock_from(settings.now)
    settings.home.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url, settings.home)
    migrate(database)
    AuditLog(database, real, new_id, UNAUDITED).watch()  # what people did, and when, also in a sandbox
    counters = new_telemetry()
    identity = open_identity(settings, database, real)
    now = SandboxesApart(real, identity.clocks.time)
    away = _away(settings, identity)
    place = customer_place("" if "customers" in away else settings.customers_url, database)
    names = names_on(database, place, away)
    cache = RedisServer(settings.cache_url) if settings.cache_url else None
    intake = open_intake(database, settings.home, settings.event_keys)
    kept, offers = services(Ground(
        settings, database, place, now, background, reading, counters, identity, cache, generations_of(database), away,
        names, intake,
    ))
    return Farthing(settings, database, place, now, counters, identity, cache, kept, offers, away, names.owed, intake)


def _away(settings: Settings, identity: Identity) -> dict[str, Remote]:
    """The rooms that run elsewhere."""
    return {
        room: Remote(Wire(room, at), identity.passport)
        for room in ROOMS if (at := getattr(settings, f"{room}_at", "")) and room not in settings.only
    }

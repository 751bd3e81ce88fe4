"""What the services of every room stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farthing.billing.bill_runs.service import Background
from farthing.customers.places import CustomerPlace
from farthing.identity.opened import Identity
from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.server import RedisServer
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database
from farthing.kernel.remote import Remote
from farthing.kernel.settings import Settings
from farthing.kernel.telemetry import Telemetry
from farthing.usage import Subjects
from farthing.usage.events.intake import Intake
from farthing.usage.owed import OwedSubjects, SqlOwedNames
from farthing.usage.remote import RemoteSubjects
from farthing.usage.subjects.service import SubjectBook


@dataclass(frozen=True, slots=True)
class Names:
    """Whom rooms tell whose the names are under which usage arrives.

    owed  what may still have to be told: also where nothing is owed now, a process before this one may have left some
    """

    usage: Subjects
    customers: Subjects
    subscriptions: Subjects
    owed: Sequence[OwedSubjects]


def names_on(database: Database, place: CustomerPlace, away: Mapping[str, Remote]) -> Names:
    """Usage itself where it shares the transaction of whoever tells it, else what is owed to it."""
    usage: Subjects = RemoteSubjects(away["usage"]) if "usage" in away else SubjectBook(database)
    beside = OwedSubjects(SqlOwedNames(database), usage)
    apart = beside if place.mongo is None else OwedSubjects(place.owed, usage)
    joined = "usage" not in away
    return Names(
        usage, customers=usage if joined and place.mongo is None else apart, subscriptions=usage if joined else beside,
        owed=(beside,) if apart is beside else (beside, apart),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """What services stand on.

    generations  by which all processes on one SQLite file tell each other what changes
    """

    settings: Settings
    database: Database
    place: CustomerPlace
    now: Clock
    background: Background
    reading: Background
    counters: Telemetry
    identity: Identity
    cache: RedisServer | None
    generations: Generations | None
    away: Mapping[str, Remote]
    names: Names
    intake: Intake

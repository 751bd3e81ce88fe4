"""The room of usage, put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from farthing.app.ground import Ground
from farthing.catalog import METERS, MeterBook
from farthing.customers import CustomerBook
from farthing.kernel.cache.remembered import Remembered
from farthing.kernel.ids import new_id
from farthing.usage import Metering
from farthing.usage.events.service import Events, MetersByType
from farthing.usage.imports.objects import Objects
from farthing.usage.imports.service import Imports
from farthing.usage.imports.spool import Spool
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.service import Quantities
from farthing.usage.remote import RemoteMetering

COUNTING_SECONDS: Final = 60.0  # that usage may take to tell what counts for a chunk of a bill run


@dataclass(frozen=True, slots=True)
class UsageRoom:
    """The services of usage, and how it is metered: here or where it is served."""

    kept: Sequence[Any]  # Any: see Farthing
    quantities: Quantities
    metering: Metering


def usage_room(ground: Ground, meters: MeterBook, book: CustomerBook) -> UsageRoom:
    """Events in, quantities out."""
    database, organizations = ground.database, ground.identity.organizations
    follower = Follower(database, meters, ground.counters)
    quantities = Quantities(database, meters, book, organizations, follower)
    meters_of: Remembered[MetersByType] = Remembered(None if "catalog" in ground.away else ground.generations)
    database.guards[METERS] = meters_of.changing
    events = Events(database, ground.now, meters, book, quantities, ground.counters, ground.intake, meters_of)
    away = ground.away.get("usage")
    metering: Metering = quantities if away is None else RemoteMetering(replace(away, seconds=COUNTING_SECONDS))
    return UsageRoom((ground.names.usage, quantities, follower, events, _imports(ground, events)), quantities, metering)


def _imports(ground: Ground, events: Events) -> Imports:
    prefixes: dict[str, list[str]] = {}
    for given in ground.settings.import_prefixes:
        organization, _, prefix = given.partition("=")
        prefixes.setdefault(organization, []).append(prefix)
    spool = Spool(ground.settings.home / "imports")
    return Imports(ground.database, ground.now, new_id, events, spool, Objects(), prefixes, ground.reading)

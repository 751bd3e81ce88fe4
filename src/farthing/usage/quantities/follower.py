"""Following the events: each meter reads every event once, in order, and remembers how far it has come.

Sequence numbers are in the order of commits and a stream's position is committed with its events, so that
"everything after N up to the position" can never skip an event that commits late.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from farthing.catalog import Meter, MeterBook
from farthing.kernel.database import Database
from farthing.kernel.telemetry import Telemetry
from farthing.pricing.aggregation import Partial
from farthing.usage.events.streams import StreamStore
from farthing.usage.quantities.rollup_store import RollupStore
from farthing.usage.quantities.rollups import Place, Slot, rolled_up, voided_slots
from farthing.usage.quantities.steps import step_of
from farthing.usage.quantities.store import QuantityStore

STEP: Final = 2_000  # points written in one transaction, at most, so that other writers wait for little
LEAST: Final = 100  # events in one transaction, however many meters read them


@dataclass(frozen=True, slots=True)
class Follower:
    """Brings meters up to a position; any number may run at once, and each event is read once."""

    database: Database
    catalog: MeterBook
    telemetry: Telemetry

    def follow(self, organization: str, meters: Sequence[Meter], upto: int) -> None:
        """Read the events up to this position into these meters, in short transactions."""
        known = {meter.id: meter for meter in meters}
        while behind := self._behind(organization, known, upto):
            old = min(behind.values())
            slowest = [known[id] for id, seq in behind.items() if seq == old]
            ahead = [seq for seq in behind.values() if seq > old]
            self._step(organization, slowest, old, min(old + max(STEP // len(slowest), LEAST), upto, *ahead))

    def follow_all(self) -> int:
        """Bring every meter of every organisation up to date; returns how many events were waiting."""
        waiting = 0
        with self.database.read() as connection:
            organizations = StreamStore(connection).all()
        for organization in organizations:
            waiting += self._caught_up(organization)
        self.telemetry.lag.set(waiting)
        return waiting

    def _caught_up(self, organization: str) -> int:
        meters = self.catalog.meters(organization)
        with self.database.read() as connection:
            upto = StreamStore(connection).position(organization)
            positions = QuantityStore(connection).positions(organization, [meter.id for meter in meters])
        behind = max((upto - positions.get(meter.id, 0) for meter in meters), default=0)
        if behind:
            self.telemetry.lag.set(behind)
            self.follow(organization, meters, upto)
        return behind

    def _behind(self, organization: str, meters: dict[str, Meter], upto: int) -> dict[str, int]:
        """Those that have not come this far, each with its position."""
        if not meters:
            return {}
        with self.database.read() as connection:
            positions = QuantityStore(connection).positions(organization, list(meters))
        if unknown := meters.keys() - positions.keys():
            with self.database.write() as connection:
                QuantityStore(connection).begin(organization, unknown)
            positions = {**positions, **dict.fromkeys(unknown, 0)}
        return {id: seq for id, seq in positions.items() if seq < upto}

    def _step(self, organization: str, meters: Sequence[Meter], old: int, new: int) -> None:
        types = list({meter.event_type for meter in meters})
        with self.database.read() as connection:
            events = QuantityStore(connection).events(organization, types, old, new)
        by_id = {meter.id: meter for meter in meters}
        step = step_of(meters, events)  # all of this before the transaction, which others wait for
        rollups = rolled_up(by_id, step.points)
        with self.database.write() as connection:
            store = QuantityStore(connection)
            if store.advance(organization, list(by_id), old, new):
                store.add(organization, step)
                _roll_up(RollupStore(connection), organization, by_id, rollups, voided_slots(by_id, step))


def _roll_up(
    store: RollupStore, organization: str, meters: Mapping[str, Meter], found: Mapping[Place, Partial],
    voided: Set[Slot],
) -> None:
    """Merge what a step found; quarter hours in which something was voided are put together anew."""
    store.merge(organization, {
        place: partial for place, partial in found.items()
        if Slot(place.meter, place.subject_ref, place.slot) not in voided
    } if voided else found)
    anew = sorted(voided, key=lambda slot: (slot.meter, slot.subject_ref, slot.start))
    standing = ((row, row.point(meters[row.meter].aggregation)) for row in store.standing(organization, anew))
    store.replace(organization, anew, rolled_up(meters, standing))

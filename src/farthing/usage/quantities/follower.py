"""Following the events: each meter reads every event once, in order, and remembers how far it has come.

Sequence numbers are in the order of commits and a stream's position is committed with its events, so that
"everything after N up to the position" can never skip an event that commits late.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from farthing.catalog import Meter, MeterBook
from farthing.kernel.clock import ticks
from farthing.kernel.database import Database
from farthing.kernel.processes import uncollected
from farthing.kernel.telemetry import Telemetry
from farthing.usage.events.streams import StreamStore
from farthing.usage.quantities.models import usage_days, usage_quarter_hours
from farthing.usage.quantities.rollup_store import RollupStore, standing_points
from farthing.usage.quantities.rollups import Rollups, Slot, day_of, days_of, rolled_up, voided_slots
from farthing.usage.quantities.steps import DAY, step_of
from farthing.usage.quantities.store import QuantityStore

STEP: Final = 2_000  # points written in the first transaction; the next ones are as large as the disk lets them be
MOST: Final = 64_000  # points in one transaction
LEAST: Final = 100  # events in one transaction, however many meters read them
HELD_SECONDS: Final = 0.25  # that a transaction may take, since other writers wait for it


@dataclass(frozen=True, slots=True)
class Follower:
    """Brings meters up to a position; any number may run at once, and each event is read once."""

    database: Database
    catalog: MeterBook
    telemetry: Telemetry

    def follow(self, organization: str, meters: Sequence[Meter], upto: int) -> None:
        """Read the events up to this position into these meters, in short transactions."""
        known, size = {meter.id: meter for meter in meters}, STEP
        while behind := self._behind(organization, known, upto):
            old = min(behind.values())
            slowest = [known[id] for id, seq in behind.items() if seq == old]
            ahead = [seq for seq in behind.values() if seq > old]
            new = min(old + max(size // len(slowest), LEAST), upto, *ahead)
            size = _next_size(size, self._step(organization, slowest, old, new))

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

    def _step(self, organization: str, meters: Sequence[Meter], old: int, new: int) -> float:
        """Read some events; for how many seconds others had to wait for that to be written."""
        types = list({meter.event_type for meter in meters})
        by_id = {meter.id: meter for meter in meters}
        with uncollected():
            with self.database.read() as connection:
                events = QuantityStore(connection).events(organization, types, old, new)
            step = step_of(meters, events)  # all of this before the transaction, which others wait for
            rollups, voided = rolled_up(by_id, step.points), voided_slots(by_id, step)
            with self.database.write() as connection:
                begun = ticks()
                store = QuantityStore(connection)
                if store.advance(organization, list(by_id), old, new):
                    store.add(organization, step)
                    _roll_up(connection, organization, by_id, rollups, voided, new)
        return ticks() - begun


def _next_size(size: int, seconds: float) -> int:
    """Large steps are cheaper for each event, as long as nobody waits long for them."""
    if seconds > HELD_SECONDS:
        return max(size // 2, STEP)
    return min(size * 2, MOST) if seconds < HELD_SECONDS / 2 else size


def _roll_up(
    connection: Connection, organization: str, meters: Mapping[str, Meter], found: Rollups, voided: Set[Slot], seq: int
) -> None:
    """Merge what a step found; quarter hours and days in which something was voided are put together anew."""
    quarters = RollupStore(connection, usage_quarter_hours, organization)
    days, voided_days = RollupStore(connection, usage_days, organization), {day_of(slot) for slot in voided}
    of_days = days_of((place, one) for place, one in found.items() if day_of(place.slot) not in voided_days)
    if voided:
        standing = (point.placed() for point in standing_points(connection, organization, voided))
        found = {place: one for place, one in found.items() if place.slot not in voided} | rolled_up(meters, standing)
    quarters.fold(found, voided, seq)
    if voided_days:
        of_days |= days_of(quarters.within(voided_days, DAY))
    days.fold(of_days, voided_days, seq)

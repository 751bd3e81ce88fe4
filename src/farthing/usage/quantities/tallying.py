"""What counts for subscriptions, from days and quarter hours instead of events (rule 16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from farthing.pricing.calendar import Period
from farthing.usage import Tallied, Wanted
from farthing.usage.quantities.late import LateStore
from farthing.usage.quantities.models import usage_days, usage_quarter_hours
from farthing.usage.quantities.rollup_store import RollupStore
from farthing.usage.quantities.rollups import NEED_POINTS, Rollup, split
from farthing.usage.quantities.tables import Group

AT_ONCE = 1_000  # subjects asked for in one query


@dataclass(slots=True)
class Tallies:
    """Of one organisation; those that cannot be told as they were known at `upto` are given up.

    refs   for each that is wanted, the subjects whose events count for it
    found  by the place of what is wanted, and by group
    """

    connection: Connection
    organization: str
    wanted: Sequence[Wanted]
    refs: Sequence[set[int]]
    upto: int
    found: list[dict[Group, Rollup] | None] = field(default_factory=list)

    def told(self) -> list[Sequence[Tallied] | None]:
        """One query for each meter and part of a period, and one for what came late."""
        self.found = [None if _needs_points(one) else {} for one in self.wanted]
        alike: dict[tuple[str, datetime, datetime], list[int]] = {}
        for place, one in enumerate(self.wanted):
            if self.found[place] is not None:
                alike.setdefault((one.meter.id, one.period.start, one.period.end), []).append(place)
        for (meter, start, end), places in alike.items():
            takers = takers_of(places, self.refs)
            days, quarters = split(Period(start, end)) or (None, [])
            for table, periods in ((usage_days, [days] if days else []), (usage_quarter_hours, quarters)):
                self._read(RollupStore(self.connection, table, self.organization), meter, takers, periods)
        self._give_up_changed()  # last: what is read in between may be of different moments
        return [
            None if groups is None else _tallied(one, groups)
            for one, groups in zip(self.wanted, self.found, strict=True)
        ]

    def _read(
        self, store: RollupStore, meter: str, takers: Mapping[int, Sequence[int]], periods: Sequence[Period]
    ) -> None:
        refs = sorted(takers)
        for start in range(0, len(refs), AT_ONCE):
            for period in periods:
                for ref, group, seq, rollup in store.tallies(meter, refs[start : start + AT_ONCE], period):
                    for place in takers[ref]:
                        self._add(place, group, seq, rollup)

    def _add(self, place: int, group: Group, seq: int, rollup: Rollup) -> None:
        groups = self.found[place]
        if groups is None:
            return
        if seq > self.upto:
            self.found[place] = None
        elif group in groups:
            groups[group].add(rollup)
        else:
            groups[group] = Rollup()
            groups[group].add(rollup)

    def _give_up_changed(self) -> None:
        """What was voided since is in no rollup any more; all that came late or was voided is noted."""
        every = {ref for place, some in enumerate(self.refs) if self.found[place] is not None for ref in some}
        changed = LateStore(self.connection).of_subjects(self.organization, every, self.upto) if every else {}
        for place, refs in enumerate(self.refs):
            if not changed.keys().isdisjoint(refs):
                self.found[place] = None


def _needs_points(one: Wanted) -> bool:
    return bool(one.closed) or one.meter.aggregation in NEED_POINTS or split(one.period) is None


def _tallied(one: Wanted, groups: Mapping[Group, Rollup]) -> list[Tallied]:
    names = one.meter.group_by
    return [Tallied(dict(zip(names, group, strict=True)), rollup.partial) for group, rollup in groups.items()]


def takers_of(places: Sequence[int], refs: Sequence[set[int]]) -> dict[int, list[int]]:
    """By subject, the places that want its events."""
    takers: dict[int, list[int]] = {}
    for place in places:
        for ref in refs[place]:
            takers.setdefault(ref, []).append(place)
    return takers

"""The use cases of quantities: what counts for whom, and how much it is."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table

from farthing.catalog import Meter, MeterBook
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.problems import FieldError, Invalid
from farthing.pricing.aggregation import Aggregation, Partial
from farthing.pricing.calendar import OutsideCalendar, Period, Window, windows
from farthing.usage import Arrival, Arrived, Point, Tallied, Wanted
from farthing.usage.events.streams import StreamStore
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.late import LateStore
from farthing.usage.quantities.models import usage_days, usage_quarter_hours
from farthing.usage.quantities.rollup_store import RollupStore
from farthing.usage.quantities.rollups import Cover, covered
from farthing.usage.quantities.steps import StoredPoint
from farthing.usage.quantities.store import QuantityStore
from farthing.usage.quantities.tables import Cell, Group, of_partials, of_points, partials_of
from farthing.usage.quantities.tallying import Tallies, takers_of
from farthing.usage.subjects.store import Subject, SubjectStore

MOST_WINDOWS: Final = 10_000
AT_ONCE: Final = 1_000  # subjects asked for in one query
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """What usage is asked for; customer and meter by id or key, no customer for all of them together."""

    customer: str | None
    meter: str
    start: datetime
    end: datetime
    window: Window
    group_by: Sequence[str]


@dataclass(frozen=True, slots=True)
class Quantities:
    """Keeps `Metering` of this room, and answers what usage there is."""

    database: Database
    catalog: MeterBook
    customers: CustomerBook
    organizations: OrganizationBook
    follower: Follower

    def position(self, organization: str) -> int:
        """The sequence number of the last thing that was acknowledged; 0 before the first."""
        with self.database.read() as connection:
            return StreamStore(connection).position(organization)

    def follow(self, organization: str, meters: Sequence[Meter], upto: int) -> None:
        """Read the events up to this position into these meters."""
        self.follower.follow(organization, meters, upto)

    def usage(self, caller: Caller, question: Question) -> list[Cell]:
        """Every window of the period, with all that was acknowledged before; raises what is not found, Invalid."""
        organization = caller.organization
        meter = self.catalog.meter(organization, question.meter)
        customer = self.customers.get(organization, question.customer) if question.customer else None
        zone = customer.timezone if customer else self.organizations.get(organization).timezone
        cut = _windows(question, ZoneInfo(zone))
        self.follow(organization, [meter], self.position(organization))
        with self.database.read() as connection:
            refs = _all_refs(SubjectStore(connection), organization, customer.id) if customer else None
            place = _Where(connection, organization, meter, refs)
            if cover := covered(meter, cut, question.group_by):
                return _from_rollups(place, cover, cut, question.group_by)
            begin = None if meter.aggregation is Aggregation.WEIGHTED_SUM else question.start
            points = place.points(begin, question.end)
        return of_points(meter.aggregation, points, cut, question.group_by)

    def points_of(self, organization: str, wanted: Sequence[Wanted], upto: int) -> Sequence[Sequence[Point]]:
        """What counts for each of these, in the order asked: one query for each meter and period (rule 16)."""
        self.follow(organization, list({one.meter.id: one.meter for one in wanted}.values()), upto)
        found: list[list[Point]] = [[] for _ in wanted]
        alike: dict[tuple[str, datetime, datetime], list[int]] = {}
        for place, one in enumerate(wanted):
            alike.setdefault((one.meter.id, one.period.start, one.period.end), []).append(place)
        with self.database.read() as connection:
            refs, bound = _refs_of(SubjectStore(connection), organization, wanted, upto)
            for places in alike.values():
                one, takers = wanted[places[0]], takers_of(places, refs)
                for row in _rows(QuantityStore(connection), organization, one, sorted(takers), upto):
                    known, point = max(row.seq, bound[row.subject_ref]), row.point(one.meter.aggregation)
                    for place in takers[row.subject_ref]:
                        if wanted[place].closed and not wanted[place].came_in_time(point.time, known):
                            continue  # late, and its meter ignores that
                        found[place].append(point)
        return found

    def tallies_of(
        self, organization: str, wanted: Sequence[Wanted], upto: int
    ) -> Sequence[Sequence[Tallied] | None]:
        """The same put together, from days and quarter hours; None where only points can tell it."""
        self.follow(organization, list({one.meter.id: one.meter for one in wanted}.values()), upto)
        with self.database.read() as connection:
            refs, _ = _refs_of(SubjectStore(connection), organization, wanted, upto)
            return Tallies(connection, organization, wanted, refs, upto).told()

    def late_arrivals(self, organization: str, asked: Sequence[Arrived]) -> Sequence[Sequence[Arrival]]:
        """What came late for each of these, in the order asked: two queries for all of them."""
        if not asked:
            return []
        with self.database.read() as connection:
            wanted = [(one.customer, one.subscription, one.own_usage) for one in asked]
            refs = _named_by(SubjectStore(connection), organization, wanted)
            every = {ref for some in refs for ref in some}
            found = LateStore(connection).of_subjects(organization, every, min(one.after for one in asked))
        return [
            list(dict.fromkeys(late for ref in sorted(some) for seq, late in found.get(ref, ()) if seq > one.after))
            for one, some in zip(asked, refs, strict=True)
        ]

    def late_customers(self, organization: str, after: int) -> Sequence[str]:
        """The customers for whom something came late after a position."""
        with self.database.read() as connection:
            return LateStore(connection).customers(organization, after)


@dataclass(frozen=True, slots=True)
class _Where:
    """One meter's usage of some subjects, or of all."""

    connection: Connection
    organization: str
    meter: Meter
    refs: Sequence[int] | None

    def points(self, start: datetime | None, end: datetime) -> list[Point]:
        rows = QuantityStore(self.connection).points(self.organization, self.meter.id, self.refs, start, end)
        return [row.point(self.meter.aggregation) for row in rows]

    def rollups(self, table: Table, periods: Sequence[Period]) -> Iterator[tuple[datetime, Group, Partial]]:
        return RollupStore(self.connection, table, self.organization).of(self.meter.id, self.refs, periods)


def _from_rollups(place: _Where, cover: Cover, cut: Sequence[Period], group_by: Sequence[str]) -> list[Cell]:
    """Whole days and quarter hours from rollups, and from points what is left of them at both ends."""
    positions = [place.meter.group_by.index(name) for name in group_by]
    starts = [window.start for window in cut]
    rolled = (
        (bisect_right(starts, slot) - 1, tuple([group[position] for position in positions]), partial)
        for table, periods in ((usage_days, cover.days), (usage_quarter_hours, cover.quarters))
        for slot, group, partial in place.rollups(table, periods)
    )
    edges = [point for period in cover.points for point in place.points(period.start, period.end)]
    return of_partials(place.meter.aggregation, chain(rolled, partials_of(edges, cut, group_by)), cut, group_by)


def _windows(question: Question, zone: ZoneInfo) -> list[Period]:
    if question.start >= question.end:
        raise Invalid("to must lie after from.", [FieldError("to", "must lie after from")])
    try:
        cut = windows(Period(question.start, question.end), question.window, zone)
        found = list(islice(cut, MOST_WINDOWS + 1))
    except OutsideCalendar as error:
        raise Invalid(str(error), [FieldError("from", "must lie within the calendar")]) from error
    if len(found) > MOST_WINDOWS:
        message = f"must not cut the time from `from` to `to` into more than {MOST_WINDOWS} windows"
        raise Invalid(f"window {message}.", [FieldError("window", message)])
    return found


def _all_refs(subjects: SubjectStore, organization: str, customer: str) -> list[int]:
    """The subjects of a customer and of its subscriptions."""
    return [subject.ref for subject in subjects.of_customers(organization, [customer])[customer]]


def _refs_of(
    subjects: SubjectStore, organization: str, wanted: Sequence[Wanted], upto: int
) -> tuple[list[set[int]], dict[int, int]]:
    """For each that is wanted, the subjects whose events count for it, as far as was known at `upto`; and from which
    position on each of them was somebody's."""
    rows = subjects.of_customers(organization, list({one.customer for one in wanted}))
    bound = {row.ref: row.bound_seq or 0 for some in rows.values() for row in some}
    return [{row.ref for row in rows[one.customer] if _counts_for(one, row, upto)} for one in wanted], bound


def _counts_for(one: Wanted, row: Subject, upto: int) -> bool:
    """An event that names a subscription counts for it alone; one that names the customer, unless own_usage."""
    if row.bound_seq is None or row.bound_seq > upto:
        return False
    return row.subscription == one.subscription if row.subscription else not one.own_usage


def _named_by(
    subjects: SubjectStore, organization: str, wanted: Sequence[tuple[str, str, bool]]
) -> list[set[int]]:
    """For each customer, subscription and `own_usage`, the subjects whose events may count for it."""
    rows = subjects.of_customers(organization, list({customer for customer, _, _ in wanted}))
    return [
        {row.ref for row in rows[customer] if row.subscription == name or (row.subscription is None and not own)}
        for customer, name, own in wanted
    ]


def _rows(
    store: QuantityStore, organization: str, one: Wanted, refs: Sequence[int], upto: int
) -> Iterator[StoredPoint]:
    for start in range(0, len(refs), AT_ONCE):
        some = refs[start : start + AT_ONCE]
        yield from store.points(organization, one.meter.id, some, one.period.start, one.period.end, upto)

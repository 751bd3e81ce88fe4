"""Usage: events in, duplicates out, quantities. What other rooms may use stands here."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from farthing.catalog import Meter
from farthing.pricing.aggregation import Point
from farthing.pricing.calendar import Period
from farthing.pricing.rating import Tallied

__all__ = ["Arrival", "Arrived", "Closed", "Metering", "Point", "Subjects", "Tallied", "Wanted"]


class Subjects(Protocol):
    """The names under which usage arrives, and for whom it counts; called inside the caller's transaction."""

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        """From now on these names mean this customer or subscription.

        What arrived before under a name that never belonged to anybody counts too; under one that did, only
        what arrives later. A name that is somebody's already stays so.
        """

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        """Those of these names that mean this customer are nobody's from now on; what arrived before stays his."""


class Closed(NamedTuple):
    """The end of a usage period, and the position at which it was first closed; None: it is open still."""

    at: datetime
    position: int | None


class Wanted(NamedTuple):
    """The usage that a price of a subscription looks at (rule 16).

    own_usage  whether only events that name the subscription count, not those that name its customer
    closed     the ends of usage periods, by time: what came for one after its position counts for nothing, in no
               period (rule 18); a void does
    """

    meter: Meter
    customer: str
    subscription: str
    own_usage: bool
    period: Period
    closed: tuple[Closed, ...] = ()

    def came_in_time(self, time: datetime, position: int) -> bool:
        """Whether what was known for this subscription from a position on was so before its period was closed."""
        place = bisect_right(self.closed, time, key=lambda one: one.at)
        through = self.closed[place].position if place < len(self.closed) else None
        return through is None or position <= through


class Arrived(NamedTuple):
    """What came late for a subscription after a position is asked for."""

    customer: str
    subscription: str
    own_usage: bool
    after: int


class Arrival(NamedTuple):
    """Where something came late, or was voided: never missing one, and sometimes naming more than came.

    meter             by id; None for any
    earliest, latest  the times between which it lies; None for any
    """

    meter: str | None
    earliest: datetime | None
    latest: datetime | None


class Metering(Protocol):
    """What billing asks of usage. Positions are event sequence numbers: an organisation's events in the order
    in which they were committed, so that the same `upto` gives the same answer for ever (rule 18).
    """

    def position(self, organization: str) -> int:
        """The sequence number of the last thing that was acknowledged; 0 before the first."""

    def follow(self, organization: str, meters: Sequence[Meter], upto: int) -> None:
        """Read the events up to this position into these meters. Call it before a transaction, not inside one:
        the calls below do so by themselves where it was not done, and then hold up other writers.
        """

    def points_of(self, organization: str, wanted: Sequence[Wanted], upto: int) -> Sequence[Sequence[Point]]:
        """What counts for each of these in its period, as far as was known at `upto`, by time; in the order asked."""

    def tallies_of(
        self, organization: str, wanted: Sequence[Wanted], upto: int
    ) -> Sequence[Sequence[Tallied] | None]:
        """The same points put together by the properties that their meter groups by, in the order asked; None where
        this cannot be told without them: ask for the points.
        """

    def late_arrivals(self, organization: str, asked: Sequence[Arrived]) -> Sequence[Sequence[Arrival]]:
        """What came for each of these when its time was over, or was voided, as far as events were followed."""

    def late_customers(self, organization: str, after: int) -> Sequence[str]:
        """The customers for whom, or for whose subscriptions, something came late after a position."""

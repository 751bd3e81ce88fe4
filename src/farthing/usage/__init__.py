"""Usage: events in, duplicates out, quantities. What other rooms may use stands here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from farthing.pricing.aggregation import Point
from farthing.pricing.calendar import Period

if TYPE_CHECKING:  # the catalogue's values only: customers, which the catalogue may ask, imports this file
    from farthing.catalog import Meter

__all__ = ["CountedEvent", "Metering", "Point", "Subjects", "Wanted"]


class Subjects(Protocol):
    """The names under which usage arrives, and for whom it counts; called inside the caller's transaction."""

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        """From now on these names mean this customer or subscription.

        What arrived before under a name that never belonged to anybody counts too; under one that did, only
        what arrives later. A name that is somebody's already stays so.
        """

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        """Those of these names that mean this customer are nobody's from now on; what arrived before stays his."""


class Wanted(NamedTuple):
    """The usage that a price of a subscription looks at (rule 16).

    own_usage  whether only events that name the subscription count, not those that name its customer
    """

    meter: "Meter"
    customer: str
    subscription: str
    own_usage: bool
    period: Period


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event that a quantity is made of; `position` says where the next page begins."""

    position: str
    source: str
    id: str
    time: datetime
    value: Decimal | str | None


class Metering(Protocol):
    """What billing asks of usage. Positions are event sequence numbers: an organisation's events in the order
    in which they were committed, so that the same `upto` gives the same answer for ever (rule 18).
    """

    def position(self, organization: str) -> int:
        """The sequence number of the last thing that was acknowledged; 0 before the first."""

    def follow(self, organization: str, meters: Sequence["Meter"], upto: int) -> None:
        """Read the events up to this position into these meters. Call it before a transaction, not inside one:
        the calls below do so by themselves where it was not done, and then hold up other writers.
        """

    def points(
        self, organization: str, meter: "Meter", customer: str, subscription: str, own_usage: bool, period: Period,
        upto: int,
    ) -> Sequence[Point]:
        """The events of the period that count for the subscription, as far as was known at `upto`, by time."""

    def points_of(self, organization: str, wanted: Sequence[Wanted], upto: int) -> Sequence[Sequence[Point]]:
        """The same for many at once, in the order asked, in a few queries."""

    def earlier(
        self, organization: str, meter: "Meter", customer: str, subscription: str, own_usage: bool, before: datetime,
        upto: int,
    ) -> Sequence[Point]:
        """All that counted before a period began: what leaves the level that a weighted sum starts from."""

    def listed(
        self, organization: str, meter: "Meter", customer: str, subscription: str, own_usage: bool, period: Period,
        upto: int, after: str, limit: int,
    ) -> Sequence[CountedEvent]:
        """Up to `limit` of the events behind `points`, by time, after a position ("" from the beginning)."""

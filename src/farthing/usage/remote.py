"""Usage where it runs elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from farthing.catalog import Meter
from farthing.kernel.remote import Remote
from farthing.usage import Arrival, Arrived, Metering, Point, Subjects, Tallied, Wanted


@dataclass(frozen=True, slots=True)
class RemoteSubjects:
    """Keeps `Subjects` by telling the service of usage; raises RoomAway where it does not answer."""

    usage: Remote

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        self.usage.ask(Subjects.bind, organization, names, customer, subscription)

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        self.usage.tell(Subjects.release, organization, names, customer)


@dataclass(frozen=True, slots=True)
class RemoteMetering:
    """Keeps `Metering` by asking the service of usage; raises RoomAway where it does not answer."""

    usage: Remote

    def position(self, organization: str) -> int:
        return self.usage.ask(Metering.position, organization)

    def follow(self, organization: str, meters: Sequence[Meter], upto: int) -> None:
        self.usage.ask(Metering.follow, organization, meters, upto)

    def points_of(self, organization: str, wanted: Sequence[Wanted], upto: int) -> Sequence[Sequence[Point]]:
        return self.usage.ask(Metering.points_of, organization, wanted, upto) if wanted else []

    def tallies_of(
        self, organization: str, wanted: Sequence[Wanted], upto: int
    ) -> Sequence[Sequence[Tallied] | None]:
        return self.usage.ask(Metering.tallies_of, organization, wanted, upto) if wanted else []

    def late_arrivals(self, organization: str, asked: Sequence[Arrived]) -> Sequence[Sequence[Arrival]]:
        return self.usage.ask(Metering.late_arrivals, organization, asked) if asked else []

    def late_customers(self, organization: str, after: int) -> Sequence[str]:
        return self.usage.ask(Metering.late_customers, organization, after)

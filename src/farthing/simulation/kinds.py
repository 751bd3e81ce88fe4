"""The table of what can happen: a new kind is one function here and there, and its rate."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from farthing.simulation.office import Office
from farthing.simulation.story import Happening, Person

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Scene:
    """Where something happens: to whom, when, and with which luck."""

    office: Office
    who: Person
    now: datetime
    chance: Random

    def subscriptions(self, *statuses: str) -> list[Json]:
        """The customer's, by age, in one of these states."""
        found = self.office.every(f"/v1/subscriptions?customer={self.who.key}")
        return [one for one in found if one["status"] in statuses]

    def invoices(self, status: str) -> list[Json]:
        """The customer's, by age."""
        return self.office.every(f"/v1/invoices?customer={self.who.key}&status={status}")

    def picked(self, found: list[Json]) -> Json | None:
        """One of them; None where there is none."""
        return self.chance.choice(found) if found else None


Act = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of happening.

    rate  in how many of a thousand days it happens to a customer
    """

    act: Act
    rate: int


KINDS: Final[dict[str, Kind]] = {}


def happens(rate: int) -> Callable[[Act], Act]:
    """Register a kind, by the name of its function."""
    def add(act: Act) -> Act:
        KINDS[act.__name__] = Kind(act, rate)
        return act

    return add


def carried_out(office: Office, one: Happening, now: datetime) -> None:
    """Let something happen; what the interface refuses is counted there."""
    KINDS[one.kind].act(Scene(office, one.who, now, Random(one.seed)))

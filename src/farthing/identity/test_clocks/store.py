"""Rows of test clocks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from farthing.identity.test_clocks.models import test_clocks

clock = test_clocks.c


@dataclass(frozen=True, slots=True)
class ClockStore:
    connection: Connection

    def add(self, organization: str, time: datetime) -> None:
        self.connection.execute(insert(test_clocks).values(organization=organization, time=time))

    def time(self, organization: str) -> datetime | None:
        """Where the clock stands; None for an organisation that has none."""
        query = select(clock.time).where(clock.organization == organization)
        return self.connection.execute(query).scalar_one_or_none()

    def move(self, organization: str, to: datetime) -> None:
        """Forward to this moment; a clock that is there already, or beyond it, stays."""
        behind = (clock.organization == organization) & (clock.time < to)
        self.connection.execute(update(test_clocks).where(behind).values(time=to))

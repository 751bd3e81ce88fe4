"""What a check is, and what it finds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from farthing.app import Farthing


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that breaks an invariant, and how, in words."""

    organization: str
    row: str
    problem: str


AT_ONCE = 1_000  # rows that a query hands over
ANY = ""  # a check that each service makes of its own store
Find = Callable[[Farthing, "Sequence[str] | None"], Iterator[Broken]]


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant by its name on the trust page, what it says, the room that keeps it, and how to look for it."""

    name: str
    claim: str
    room: str
    broken: Find


@dataclass(frozen=True, slots=True)
class Verified:
    """A check that has looked at all, and the rows that break it."""

    check: Check
    broken: list[Broken]

    @property
    def holds(self) -> bool:
        return not self.broken


def organizations_in(connection: Connection, table: Table, only: Sequence[str] | None) -> list[str]:
    """The organisations that have a row in a table, of those asked for."""
    known = connection.execute(select(table.c.organization).distinct().order_by(table.c.organization)).scalars()
    return [one for one in known if only is None or one in only]


def streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:  # Any: rows
    """The rows as they come, however many; nothing else is asked of the connection until they end."""
    yield from connection.execute(query.execution_options(yield_per=AT_ONCE))

"""Invoice numbers: a row for each series and year, locked by the transaction that takes the next ones (rule 21)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from farthing.billing.credit_notes.models import credit_notes
from farthing.billing.invoices.models import invoices, number_series
from farthing.kernel.database import insert_unless_there

column = number_series.c
NUMBERED: Final[Mapping[str, Table]] = {"INV": invoices, "CRN": credit_notes}  # what has the numbers of a series


@dataclass(frozen=True, slots=True)
class Counter:
    """The last number of a series in a year, and when it was given."""

    last: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """The counters of a series by year, held until the transaction ends, and the moment of issue."""

    series: str
    counters: Mapping[int, Counter]
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """The series of one organisation; a year is one of its time zone."""

    connection: Connection
    organization: str
    timezone: str

    def take(self, series: str, count: int, now: Callable[[], datetime]) -> tuple[list[str], datetime]:
        """The next `count` numbers and the moment of issue, without gaps, rising with it (rule 21).

        The time is read while the counters are held and is never earlier than the series' last, so that numbers
        rise with `issued_at` whoever finalises at the same time. Call it last: others wait until the commit.
        """
        held = self.hold(series, now)
        return self.give(held, count), held.issued_at

    def hold(self, series: str, now: Callable[[], datetime]) -> Held:
        """The counters of a series from now on nobody else's, and the moment of issue of all that they number."""
        counters = self._held(series, now)
        return Held(series, counters, max(now(), *(counter.issued_at for counter in counters.values())))

    def give(self, held: Held, count: int) -> list[str]:
        """The next `count` numbers of counters that are held: once."""
        series, year = held.series, self._year(held.issued_at)
        last = held.counters[year].last if year in held.counters else 0
        values = {"last": last + count, "issued_at": held.issued_at}
        if year in held.counters:
            self.connection.execute(update(number_series).where(self._mine(series), column.year == year).values(values))
        else:
            self._open(series, year, values)
        return [f"{series}-{year}-{number:06d}" for number in range(last + 1, last + count + 1)]

    def _held(self, series: str, now: Callable[[], datetime]) -> Mapping[int, Counter]:
        """All counters of the series, nobody else's until this transaction ends; the first one is made here.

        That one is of the year 0, so that of many who make it at once all make the same.
        """
        query = select(column.year, column.last, column.issued_at).where(self._mine(series)).order_by(column.year)
        rows = self.connection.execute(query.with_for_update()).all()
        if not rows:
            self._open(series, 0, {"last": 0, "issued_at": now()})
            rows = self.connection.execute(query.with_for_update()).all()
        return {row.year: Counter(row.last, row.issued_at) for row in rows}

    def _open(self, series: str, year: int, values: Mapping[str, object]) -> None:
        row = {"organization": self.organization, "series": series, "year": year, **values}
        insert_unless_there(self.connection, number_series, row)

    def _mine(self, series: str) -> ColumnElement[bool]:
        return (column.organization == self.organization) & (column.series == series)

    def _year(self, moment: datetime) -> int:
        return moment.astimezone(ZoneInfo(self.timezone)).year


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A series of one year: how far it has come, and the numbers that nothing has."""

    name: str
    last: int
    missing: tuple[int, ...]

    @property
    def told(self) -> str:
        """The report in words; auditors ask about holes."""
        missing = ", ".join(f"{number:06d}" for number in self.missing) or "none"
        return f"Series {self.name}: 000001 to {self.last:06d}, missing: {missing}"


def series_reports(connection: Connection, organization: str) -> Iterator[SeriesReport]:
    """Every series of an organisation, with its gaps (rule 21)."""
    query = select(column.series, column.year, column.last).where(column.organization == organization, column.year > 0)
    for series, year, last in connection.execute(query.order_by(column.series, column.year)).all():
        name = f"{series}-{year}"
        yield SeriesReport(name, last, tuple(_missing(connection, organization, name, last)))


def _missing(connection: Connection, organization: str, name: str, last: int) -> Iterator[int]:
    table = NUMBERED[name.partition("-")[0]]
    number = table.c.number
    mine = (table.c.organization == organization) & number.like(f"{name}-%")
    expected = 1
    for found in connection.execute(select(number).where(mine).order_by(func.length(number), number)).scalars():
        place = int(found.rpartition("-")[2])
        yield from range(expected, place)
        expected = place + 1
    yield from range(expected, last + 1)

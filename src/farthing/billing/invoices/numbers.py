"""Invoice numbers: a row for each series and year, locked by the transaction that takes the next ones (rule 21)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, select, update

from farthing.billing.invoices.models import number_series
from farthing.kernel.database import insert_unless_there

column = number_series.c


@dataclass(frozen=True, slots=True)
class Counter:
    """The last number of a series in a year, and when it was given."""

    last: int
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
        counters = self._held(series, now)
        issued_at = max(now(), *(counter.issued_at for counter in counters.values()))
        year = self._year(issued_at)
        last = counters[year].last if year in counters else 0
        values = {"last": last + count, "issued_at": issued_at}
        if year in counters:
            self.connection.execute(update(number_series).where(self._mine(series), column.year == year).values(values))
        else:
            self._open(series, year, values)
        return [f"{series}-{year}-{number:06d}" for number in range(last + 1, last + count + 1)], issued_at

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

"""Invoice numbers: one row a series and year, locked by the transaction that takes the next ones (rule 21)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from farthing.billing.invoices.models import number_series
from farthing.kernel.problems import Unavailable

column = number_series.c


@dataclass(frozen=True, slots=True)
class Numbers:
    """The series of one organisation."""

    connection: Connection
    organization: str
    timezone: str

    def take(self, series: str, count: int, now: Callable[[], datetime]) -> tuple[list[str], datetime]:
        """The next `count` numbers and the moment of issue, without gaps, rising with it (rule 21).

        The time is read while the counter is held, and is never earlier than the series' last, so that
        numbers rise with `issued_at` whoever finalises at the same time.
        """
        year = self._year(now())
        last, issued_at = self._held(series, year, now)
        moment = max(now(), issued_at)
        if self._year(moment) != year:  # the year turned while we waited: its counter is another row
            return self.take(series, count, now)
        mine = (column.organization == self.organization) & (column.series == series) & (column.year == year)
        self.connection.execute(
            update(number_series).where(mine).values(last=last + count, issued_at=moment)
        )
        return [f"{series}-{year}-{number:06d}" for number in range(last + 1, last + count + 1)], moment

    def _year(self, moment: datetime) -> int:
        return moment.astimezone(ZoneInfo(self.timezone)).year

    def _held(self, series: str, year: int, now: Callable[[], datetime]) -> tuple[int, datetime]:
        mine = (column.organization == self.organization) & (column.series == series)
        query = select(column.last, column.issued_at).where(mine & (column.year == year)).with_for_update()
        for _ in range(3):
            row = self.connection.execute(query).one_or_none()
            if row is not None:
                return row.last, row.issued_at
            earliest = self.connection.execute(select(func.max(column.issued_at)).where(mine)).scalar()
            values = {"organization": self.organization, "series": series, "year": year, "last": 0}
            try:
                with self.connection.begin_nested():
                    self.connection.execute(insert(number_series).values(**values, issued_at=earliest or now()))
            except IntegrityError:
                continue  # another transaction opened the year first: wait for its row
        raise Unavailable("The number series is being opened by others; try again.")

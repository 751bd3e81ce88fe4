"""I7: the numbers of invoices and credit notes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from farthing.app import Farthing
from farthing.billing.invoices.models import invoices, number_series
from farthing.billing.invoices.numbers import NUMBERED
from farthing.verification.values import Broken, organizations_in, streamed

DIGITS = 6  # of a number, at least


def numbers(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I7: each series is 1 to n without gaps or repeats, rises with `issued_at`, and ends where its counter is."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            yield from (Broken(organization, *each) for each in _of(connection, organization))


def _of(connection: Connection, organization: str) -> Iterator[tuple[str, str]]:
    last: dict[str, int] = {}
    for table in NUMBERED.values():
        yield from _in_order(connection, table, organization, last)
    yield from _counters(connection, organization, last)


def _in_order(
    connection: Connection, of: Table, organization: str, last: dict[str, int]
) -> Iterator[tuple[str, str]]:
    """What breaks the order of the numbers in one table; notes the last of each series."""
    table = of.c
    query = select(table.number, table.issued_at).where(table.organization == organization, table.number.is_not(None))
    issued: dict[str, datetime] = {}
    for number, issued_at in streamed(connection, query.order_by(func.length(table.number), table.number)):
        series, _, digits = number.rpartition("-")
        expected = last.get(series, 0) + 1
        if not digits.isdigit() or f"{int(digits):0{DIGITS}}" != digits:
            yield number, "is no number of a series"
            continue
        if int(digits) != expected:
            yield number, f"comes where {series}-{expected:0{DIGITS}} should: a gap or a repeat"
        if series in issued and issued_at < issued[series]:
            yield number, "was issued before the number that it follows"
        last[series], issued[series] = int(digits), issued_at


def _counters(connection: Connection, organization: str, last: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Counters that say something else than the last number of their series."""
    counter = number_series.c
    query = select(counter.series, counter.year, counter.last).where(counter.organization == organization)
    found = {f"{series}-{year}": count for series, year, count in connection.execute(query) if year}
    for series in sorted(found.keys() | last.keys()):
        if found.get(series, 0) != last.get(series, 0):
            yield series, f"the counter is at {found.get(series, 0)}, the last number is {last.get(series, 0)}"

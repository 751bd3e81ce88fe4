"""Invoices a second: from followed usage to numbered invoices."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from farthing.app import Farthing
from farthing.bench.figures import ROUNDS, Figure, Round, figure, per_second, require
from farthing.bench.stores import count_raw, insert_rows, our_store, raw_store
from farthing.billing.bill_runs.running import CHUNK
from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import COMPLETED
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.store import Search
from farthing.billing.subscriptions.schemas import SubscriptionIn
from farthing.billing.subscriptions.service import Subscriptions
from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.service import Meters
from farthing.catalog.plans.schemas import PlanIn
from farthing.catalog.plans.service import Plans
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.pagination import MOST, listing
from farthing.kernel.schemas import parsed
from farthing.kernel.strict_json import dumps, loads
from farthing.usage.events.bodies import Batch
from farthing.usage.events.service import Events
from farthing.usage.events.values import Sent
from farthing.usage.quantities.follower import Follower

AT_ONCE: Final = 100  # customers made in one transaction
BATCH: Final = 1_000
EVENTS: Final = 10  # for each customer and month
CALLS: Final = 150  # in each event
TOTAL: Final = Decimal("15.25")  # 1,500 calls: 500 above 1,000 at 0.0025, two packages at 2.00, and 10.00
LINES: Final = 3
MONTHS: Final = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in range(1, ROUNDS + 2))
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
PLAN: Final[dict[str, Any]] = {  # Any: JSON
    "key": "bench", "name": "Bench", "currency": "USD", "interval": "month", "prices": [
        {"key": "base", "name": "Base", "model": "flat", "billing": "in_arrears", "amount": "10.00"},
        {"key": "calls", "name": "Calls", "model": "graduated", "billing": "in_arrears", "meter": "calls",
         "tiers": [{"up_to": "1000", "unit_amount": "0"}, {"up_to": None, "unit_amount": "0.0025"}]},
        {"key": "packs", "name": "Packs", "model": "package", "billing": "in_arrears", "meter": "calls",
         "package_size": "1000", "package_amount": "2.00"},
    ],
}


@dataclass(frozen=True, slots=True)
class Made:
    """The rows of a run's invoices and of their lines, each with what makes its table and indexes."""

    schema: Sequence[str]
    invoices: Sequence[Sequence[Any]]  # Any: what SQLite stores
    lines: Sequence[Sequence[Any]]


def bill_run(folder: Path, rows: int) -> list[Figure]:
    """Ours counts, prices, checks, numbers and writes; the floor writes the same rows, as many at a time."""
    with our_store(folder, "ours", NOW) as farthing:
        caller = operator(farthing[Organizations].first().id)
        prepare(farthing, caller, rows)
        place = Path(str(farthing.database.engine.url.database))
        rounds = [_round(farthing, caller, month, rows, place, folder) for month in MONTHS[1:]]
    name = f"bill-run: {rows:,} invoices of {LINES} lines, {EVENTS} events each"
    return [figure(name, "invoices", ("the same rows and indexes, inserted",), rounds)]


def prepare(farthing: Farthing, caller: Caller, count: int) -> None:
    """Subscriptions with their usage of all months, followed and not billed."""
    farthing[Meters].create(caller, parsed(MeterIn, {
        "key": "calls", "name": "Calls", "event_type": "api.request", "aggregation": "sum", "value": "quantity",
    }))
    farthing[Plans].create(caller, parsed(PlanIn, loads(dumps(PLAN))))
    for start in range(0, count, AT_ONCE):
        with farthing.database.write():
            for number in range(start, min(start + AT_ONCE, count)):
                _subscribe(farthing, caller, number)
    for month in MONTHS[:-1]:
        events = [_event(month, number, place) for number in range(count) for place in range(EVENTS)]
        for start in range(0, len(events), BATCH):
            some = [Sent(index, event) for index, event in enumerate(events[start : start + BATCH])]
            farthing[Events].ingest(caller, Batch(some, False, False), skip=False)
    farthing[Follower].follow_all()  # as `serve` does all the time


def _subscribe(farthing: Farthing, caller: Caller, number: int) -> None:
    customer = {"key": f"customer-{number}", "name": f"Customer {number}", "currency": "USD", "timezone": "UTC"}
    farthing[Customers].create(caller, parsed(CustomerIn, customer))
    farthing[Subscriptions].create(caller, parsed(SubscriptionIn, {
        "customer": f"customer-{number}", "plan": "bench", "starts_at": instant_text(MONTHS[0]), "anchor": "calendar",
    }))


def _event(month: datetime, number: int, place: int) -> dict[str, object]:
    return {
        "id": f"{month:%m}-{number}-{place}", "type": "api.request", "subject": f"customer-{number}",
        "time": instant_text(month + timedelta(hours=place)), "data": {"quantity": str(CALLS)},
    }


def _round(farthing: Farthing, caller: Caller, end: datetime, count: int, place: Path, folder: Path) -> Round:
    """The month that ends at `end`, and then its rows once more with nothing around them."""
    body = parsed(BillRunIn, {"as_of": instant_text(end + timedelta(hours=2))})
    runs = []
    ours = per_second(count, lambda: runs.append(farthing[BillRuns].run(caller, body, lambda run: None)))
    [run] = runs
    require((run.status, run.parked, run.invoices), (COMPLETED, (), count), "the run")
    _check(farthing, caller, run.id, count)
    made = _made(place, run.id)
    with raw_store(folder / f"floor-{end:%m}.db", *made.schema) as connection:
        floor = per_second(count, lambda: _insert(connection, made))
        found = count_raw(connection, "invoices"), count_raw(connection, "invoice_lines")
        require(found, (count, count * LINES), "rows of the floor")
    return Round(ours, (floor,))


def _check(farthing: Farthing, caller: Caller, run: str, count: int) -> None:
    """Each invoice is numbered and comes to what was worked out by hand."""
    found: list[tuple[bool, Decimal]] = []
    after: str | None = None
    while True:
        page = farthing[Invoices].page(
            caller, Search(bill_run=run), listing("bench", caller.organization, MOST, after)
        )
        found += [(one.number is not None, one.totals.total) for one in page.data]
        after = page.next
        if after is None:
            break
    require(found, [(True, TOTAL)] * count, "numbers and totals")


def _made(place: Path, run: str) -> Made:
    with sqlite3.connect(place) as connection:
        tables = "('invoices', 'invoice_lines')"
        schema = connection.execute(
            f"SELECT sql FROM sqlite_master WHERE tbl_name IN {tables} AND sql IS NOT NULL ORDER BY type DESC"
        ).fetchall()
        made = connection.execute("SELECT * FROM invoices WHERE bill_run = ? ORDER BY id", (run,)).fetchall()
        lines = connection.execute(
            "SELECT invoice_lines.* FROM invoice_lines JOIN invoices ON invoices.id = invoice_lines.invoice "
            "WHERE invoices.bill_run = ? ORDER BY invoices.id, invoice_lines.position", (run,)
        ).fetchall()
    connection.close()
    return Made([sql for (sql,) in schema], made, lines)


def _insert(connection: sqlite3.Connection, made: Made) -> None:
    for start in range(0, len(made.invoices), CHUNK):
        connection.execute("BEGIN IMMEDIATE")
        insert_rows(connection, "invoices", made.invoices[start : start + CHUNK])
        insert_rows(connection, "invoice_lines", made.lines[start * LINES : (start + CHUNK) * LINES])
        connection.execute("COMMIT")

"""What-if questions a second: a month priced by its own terms and by others, beside a bill run that writes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from farthing.app import Farthing
from farthing.bench.bill_run import LINES, MONTHS, NOW, PLAN, TOTAL, prepare
from farthing.bench.figures import Figure, Round, figure, per_second, require
from farthing.bench.stores import our_store
from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import COMPLETED
from farthing.billing.previews.schemas import SimulationIn
from farthing.billing.previews.service import Previews
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.schemas import parsed
from farthing.kernel.strict_json import dumps, loads

PRICES: Final[list[dict[str, Any]]] = [  # Any: JSON
    price | ({"package_amount": "3.00"} if price["key"] == "packs" else {}) for price in PLAN["prices"]
]
MORE: Final = Decimal("2.00")  # two packages, each a dollar dearer


def simulation(folder: Path, rows: int) -> list[Figure]:
    """Ours prices each month twice; the floor finds, counts, prices and totals the same invoices once."""
    with our_store(folder, "ours", NOW) as farthing:
        caller = operator(farthing[Organizations].first().id)
        prepare(farthing, caller, rows)
        rounds = [_round(farthing, caller, start, end, rows) for start, end in pairwise(MONTHS)]
    name = f"simulation: {rows:,} subscriptions of {LINES} prices under dearer ones"
    return [figure(name, "subscriptions", ("a bill run that writes nothing",), rounds)]


def _round(farthing: Farthing, caller: Caller, start: datetime, end: datetime, count: int) -> Round:
    """Both over one month, which is billed afterwards."""
    floor = per_second(count, _run(farthing, caller, end, count, dry_run=True))
    asked = {"prices": PRICES, "from": instant_text(start), "to": instant_text(end)}
    body, found = parsed(SimulationIn, loads(dumps(asked))), []
    ours = per_second(count, lambda: found.append(farthing[Previews].simulate(caller, body)))
    sums = [(one.sums.current, one.sums.simulated, one.refused) for one in found[0].compared]
    require(sums, [(TOTAL, TOTAL + MORE, ())] * count, "what the month comes to")
    _run(farthing, caller, end, count, dry_run=False)()
    return Round(ours, (floor,))


def _run(farthing: Farthing, caller: Caller, end: datetime, count: int, dry_run: bool) -> Callable[[], None]:
    body = parsed(BillRunIn, {"as_of": instant_text(end + timedelta(hours=2)), "dry_run": dry_run})

    def work() -> None:
        run = farthing[BillRuns].run(caller, body, lambda run: None)
        require((run.status, run.parked, run.invoices), (COMPLETED, (), count), "the run")

    return work

"""Running the story: a sandbox of its own, a clock that moves from day to day, and what happens on each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from farthing.app import Farthing, web_application
from farthing.identity import Organization
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.service import Organizations
from farthing.identity.organizations.values import Sandbox
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Scope, operator
from farthing.kernel.problems import Misconfigured
from farthing.kernel.sealing import Sealing
from farthing.simulation import invoicing, paying, subscribing, transferring
from farthing.simulation.catalogue import METERS, TAX_RATES, coupons, plans
from farthing.simulation.kinds import KINDS, Json, carried_out
from farthing.simulation.office import Office, Unexpected
from farthing.simulation.story import CURRENCIES, FIRST_DAY, Day, Person, days, last_day, people
from farthing.simulation.subscribing import welcome
from farthing.simulation.totals import Sums, accounts, digest, sums
from farthing.verification import Verified, verify

MODULES: Final = (subscribing, invoicing, paying, transferring)  # whose kinds of happenings are in the table
Progress = Callable[[int, int], None]  # days that are over, of how many


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a simulation.

    done     how often each thing happened
    refused  how often something was refused, by what it was and the refusal's name
    digest   the same wherever the same seed is run
    """

    organization: str
    seed: int
    months: int
    customers: int
    invoices: int
    sums: Sequence[Sums]
    done: dict[str, int]
    refused: dict[str, int]
    digest: str
    verified: Sequence[Verified]

    @property
    def sound(self) -> bool:
        return all(one.holds for one in self.verified)


def simulate(
    farthing: Farthing, seed: int, months: int, customers: int, progress: Progress = lambda done, total: None
) -> Simulated:
    """Run the company of a seed through so many months from 2026 on, in a new sandbox; raises Misconfigured."""
    if farthing.away:
        raise Misconfigured(f"A simulation needs all rooms in one process; {', '.join(farthing.away)} run elsewhere.")
    sandbox = _sandbox(farthing, seed, months)
    key, secret = farthing[ApiKeys].create(operator(sandbox.id), [Scope.ADMIN], "simulation")
    office = Office(web_application(farthing).test_client(), secret)
    try:
        everybody = people(seed, months, customers)
        _open(office)
        _live(office, seed, months, everybody, progress)
        return _told(farthing, sandbox, office, seed, months, everybody)
    finally:
        farthing[ApiKeys].delete(operator(sandbox.id), key.id)


def _sandbox(farthing: Farthing, seed: int, months: int) -> Organization:
    begin = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    return farthing[Organizations].create(f"Simulation {seed} of {months} months", Sandbox(begin), currency="USD")


def _open(office: Office) -> None:
    """The price list, in every currency."""
    for meter in METERS:
        office.made("/v1/meters", meter)
    for rate in TAX_RATES:
        office.made("/v1/tax-rates", rate)
    for code in CURRENCIES:
        for plan in plans(code):
            if office.tried("plan", "POST", "/v1/plans", plan) is None:  # with what is not available yet
                office.made("/v1/plans", {name: plan[name] for name in plan if name != "minimum_commitment"})
        for coupon in coupons(code):
            office.made("/v1/coupons", coupon)


def _live(office: Office, seed: int, months: int, everybody: list[Person], progress: Progress) -> None:
    """Day by day: the clock moves, newcomers come, usage arrives, and things happen."""
    total = (last_day(months) - FIRST_DAY).days
    rates = {name: kind.rate for name, kind in KINDS.items()}
    for number, day in enumerate(days(seed, months, everybody, rates), start=1):
        _move(office, day.moment)
        for who in everybody:
            if who.joins == day.moment.date():
                welcome(office, who, day.moment, f"{seed}")
        _use(office, day)
        for one in day.happenings:
            carried_out(office, one, day.moment)
        progress(number, total)
    end = last_day(months)
    _move(office, datetime(end.year, end.month, end.day, 23, tzinfo=UTC))


def _move(office: Office, to: datetime) -> None:
    """The clock forward, with all that falls due on the way; raises Unexpected when that fails."""
    office.made("/v1/test-clock/advance", {"to": instant_text(to)})
    reached = office.get("/v1/test-clock")
    if reached["status"] != "completed":
        raise Unexpected(f"The clock stopped at {reached['now']} on its way to {instant_text(to)}: {reached['error']}")


def _use(office: Office, day: Day) -> None:
    """The usage that arrives on a day, and what was wrong with that of earlier ones."""
    if day.events:
        said = office.made("/v1/events", list(day.events))
        office.done["event"] += said["accepted"]
        office.done["repeated_event"] += said["duplicates"]
    for id in day.voids:
        office.tried("void_event", "POST", "/v1/events/void", {"id": id})


def _told(
    farthing: Farthing, sandbox: Organization, office: Office, seed: int, months: int, everybody: list[Person]
) -> Simulated:
    farthing[Sealing].seal_all()
    invoices = office.every("/v1/invoices")
    notes: list[Json] = []
    if (found := office.tried("credit_notes", "GET", "/v1/credit-notes?limit=1")) is not None and found["data"]:
        notes = office.every("/v1/credit-notes")
    journal = accounts(office)
    return Simulated(
        sandbox.id, seed, months, len(everybody), sum(1 for one in invoices if one["number"]),
        sums(invoices, journal), dict(sorted(office.done.items())),
        {f"{what}: {why}": count for (what, why), count in sorted(office.refused.items())},
        digest(invoices, notes, journal), list(verify(farthing, [sandbox.id])),
    )

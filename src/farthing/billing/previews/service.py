"""The use cases of previews: they read, price and store nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Final

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.rating import Rated, Rater
from farthing.billing.previews.coming import ComingInvoices
from farthing.billing.previews.schemas import SimulationIn
from farthing.billing.previews.steady import steady
from farthing.billing.previews.values import (
    BadSimulation,
    CannotBeRated,
    Compared,
    NothingUpcoming,
    Simulation,
    Sums,
    Upcoming,
)
from farthing.billing.subscriptions.agreed import Plans, agreement_by, agreement_of
from farthing.billing.subscriptions.closing import due_boundaries
from farthing.billing.subscriptions.overrides import overridden
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Plan, price_from
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.problems import FieldError, Invalid
from farthing.pricing.agreements import Agreement
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.boundaries import boundaries
from farthing.pricing.currencies import currency

FAR: Final = datetime(9998, 1, 1, tzinfo=UTC)
MOST: Final = 10_000  # subscriptions of one simulation
CHUNK: Final = 200  # boundaries that are priced together, or those of one subscription

Other = Callable[[Plan], "Plan | str"]  # the terms to compare with, or why there are none


@dataclass(frozen=True, slots=True)
class Previews:
    """The next invoice of a subscription, and what usage would cost by other terms."""

    database: Database
    now: Clock
    customers: CustomerBook
    rater: Rater
    coming: ComingInvoices

    def upcoming(self, caller: Caller, reference: str) -> Upcoming:
        """Raises SubscriptionNotFound, NothingUpcoming, CannotBeRated."""
        return steady(self.database, caller.organization, reference, self._upcoming)

    def _upcoming(self, one: Subscription) -> Upcoming:
        boundary = next(due_boundaries(one, FAR), None)
        if boundary is None:
            raise NothingUpcoming(f"Subscription {one.id} has ended, and its end is billed.")
        [told] = self.coming.invoices([Due(one, boundary)])
        if isinstance(told, str):
            raise CannotBeRated(told)
        return told

    def simulate(self, caller: Caller, body: SimulationIn) -> Simulation:
        """Price the usage periods that end in a time once more, by other terms, with the fees of the plan periods
        that end in it; before discounts and taxes. Raises BadSimulation, Invalid, and what is not found.
        """
        if body.start >= body.end:
            raise Invalid("to must lie after from.", [FieldError("to", "must lie after from")])
        other = self._other(caller.organization, body)
        position = self.rater.follow(caller.organization)
        compared: dict[tuple[str, str], Compared] = {}
        for chunk in _chunks(self._due(caller.organization, body)):
            for one, current, simulated in self._priced(caller.organization, chunk, other, position):
                if current.due.boundary.at > body.start or current.refused:  # what is only looked at is not counted
                    _add(compared, one, current, simulated)
        keys = self.customers.keys(caller.organization, {one.customer for one in compared.values()})
        return Simulation([compared[place] for place in sorted(compared)], dict(keys))

    def _other(self, organization: str, body: SimulationIn) -> Other:
        """By what is compared; raises BadSimulation, Invalid, PlanNotFound."""
        if (body.plan is None) == (body.prices is None):
            message = "must be given, or prices instead, and not both"
            raise BadSimulation(f"plan {message}.", [FieldError("plan", message)])
        if body.plan is not None:
            return _another_plan(self.rater.catalog.plan(organization, body.plan))
        meters = {meter.key: meter for meter in self.rater.catalog.meters(organization)}
        named = [str(sent.get("meter")) for sent in body.prices or () if sent.get("meter") is not None]
        if unknown := [name for name in named if name not in meters]:
            message = f"names no meter by its key: there is no {unknown[0][:120]}"
            raise BadSimulation(f"prices {message}.", [FieldError("prices", message)])

        def priced(plan: Plan) -> Plan:
            unit = currency(plan.currency)
            return replace(plan, prices=tuple(
                price_from(sent, unit, meters[sent["meter"]].aggregation if sent.get("meter") else None, f"prices[{n}]")
                for n, sent in enumerate(body.prices or ())
            ))

        return priced

    def _due(self, organization: str, body: SimulationIn) -> Iterator[list[Due]]:
        """By subscription, the usage periods that end in the time, each with the fees of the plan period that ends with
        it; and before them those of the first one's plan period, which its commitment looks at (rule 9)."""
        wanted = None
        if body.customers is not None:
            wanted = {one.id for one in self.customers.named(organization, body.customers).values()}
        for one in self._subscriptions(organization, wanted):
            asked = [each for each in boundaries(one.life, body.start, min(body.end, FAR)) if each.used is not None]
            ended = next((each.ended for each in asked if each.ended is not None), None)
            earlier = [] if ended is None else boundaries(one.life, ended.period.start, body.start)
            yield [Due(one, replace(each, started=each.ended)) for each in chain(earlier, asked)]

    def _subscriptions(self, organization: str, customers: set[str] | None) -> list[Subscription]:
        """All of them, or those of these customers; raises BadSimulation."""
        with self.database.read() as connection:
            rows = SubscriptionStore(connection).some(organization, customers, MOST + 1)
        if len(rows) > MOST:
            message = f"must name customers: there are more than {MOST} subscriptions"
            raise BadSimulation(f"customers {message}.", [FieldError("customers", message)])
        return rows

    def _priced(
        self, organization: str, chunk: Sequence[Due], other: Other, position: int
    ) -> Iterator[tuple[Subscription, Rated, Rated | str]]:
        """Each subscription's boundary by its own terms and by the others."""
        plans = self.rater.plans_of(organization, chunk)
        own = [agreement_of(due.subscription, plans) for due in chunk]
        others = [_by(other, due.subscription, plans) for due in chunk]
        asked = [(due, each) for due, each in zip(chunk, others, strict=True) if isinstance(each, Agreement)]
        agreed = [*own, *(each for _, each in asked)]
        rated = self.rater.rate_by(organization, [*chunk, *(due for due, _ in asked)], agreed, position)
        border = len(chunk)
        current = self.rater.committed(organization, rated[:border], own, alone=True)
        simulated = iter(self.rater.committed(organization, rated[border:], agreed[border:], alone=True))
        for due, one, each in zip(chunk, current, others, strict=True):
            yield due.subscription, one, next(simulated) if isinstance(each, Agreement) else each


def _chunks(due: Iterator[list[Due]]) -> Iterator[list[Due]]:
    """What is priced together, no subscription apart."""
    chunk: list[Due] = []
    for several in due:
        chunk += several
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _by(other: Other, one: Subscription, plans: Plans) -> Agreement | str:
    """The other terms, as they would have held all its life; or why there are none."""
    plan = other(overridden(plans[one.plan, one.plan_version], one.overrides))
    return plan if isinstance(plan, str) else agreement_by(plan, one)


def _another_plan(wanted: Plan) -> Other:
    def other(plan: Plan) -> Plan | str:
        return wanted if wanted.currency == plan.currency else f"plan {wanted.key} is in {wanted.currency}"

    return other


def _add(
    compared: dict[tuple[str, str], Compared], one: Subscription, current: Rated, simulated: Rated | str
) -> None:
    place = one.customer, one.currency
    known = compared.get(place, Compared(one.customer, Sums(one.currency)))
    why = simulated if isinstance(simulated, str) else simulated.refused
    reasons = [current.refused, f"Subscription {one.id}: {why}" if why else None]
    sums = known.sums if any(reasons) else known.sums.plus(_sum(current), _sum(simulated))
    refused = tuple(dict.fromkeys([*known.refused, *(reason for reason in reasons if reason)]))
    compared[place] = Compared(one.customer, sums, refused)


def _sum(rated: Rated | str) -> Decimal:
    with exactly():
        return ZERO if isinstance(rated, str) else sum((line.amount for line in rated.lines), ZERO)

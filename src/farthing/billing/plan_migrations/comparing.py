"""What a new version of a plan would change for those on earlier ones; it reads, prices and stores nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.rating import Rated, Rater
from farthing.billing.plan_migrations.deciding import kept_overrides, migrated
from farthing.billing.subscriptions.agreed import Plans, agreement_by, agreement_of, versions_of
from farthing.billing.subscriptions.overrides import overridden
from farthing.billing.subscriptions.sharing import refuse_shared_meters
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription, SubscriptionEnded
from farthing.catalog import ComparedSubscription, Costs, NextVersion, Plan, TooManySubscriptions
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database
from farthing.kernel.problems import Conflict, Invalid
from farthing.pricing.agreements import Agreement
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.boundaries import Boundary

MOST: Final = 10_000
CHUNK: Final = 200

_Priced = tuple[Due, Agreement]


@dataclass(frozen=True, slots=True)
class _Tried:
    """A subscription as it is and as a version would make it, or why it would not."""

    current: Subscription
    changed: Subscription
    refused: str | None


@dataclass(frozen=True, slots=True)
class Comparing:
    """Prices subscriptions by the version that they have and by one that nobody has."""

    database: Database
    now: Clock
    customers: CustomerBook
    rater: Rater

    def compare(self, organization: str, version: NextVersion, at: str) -> list[ComparedSubscription]:
        """Those that would change or be refused, by age; raises TooManySubscriptions, PlanNotFound."""
        plan = version.laid(self.rater.catalog.plan(organization, version.plan))
        with self.database.read() as connection:
            store = SubscriptionStore(connection)
            ids = store.on_plan(organization, plan.id, plan.version, "", MOST + 1)
        if len(ids) > MOST:
            raise TooManySubscriptions(MOST)
        position = self.rater.follow(organization)
        chunks = [ids[start:start + CHUNK] for start in range(0, len(ids), CHUNK)]
        rows = [row for chunk in chunks for row in self._rows(plan, at, chunk, position)]
        keys = self.customers.keys(organization, {row.customer for row in rows})
        return [replace(row, customer_key=keys.get(row.customer)) for row in rows]

    def _rows(self, plan: Plan, at: str, ids: Sequence[str], position: int) -> Iterator[ComparedSubscription]:
        now = self.now(plan.organization)
        with self.database.read() as connection:
            found = SubscriptionStore(connection).many(plan.organization, ids)
            known = self.rater.catalog.plans(plan.organization, versions_of(found.values()))
            plans = {**known, (plan.id, plan.version): plan}
            tried = []
            for _, one in sorted(found.items()):
                try:
                    decided = migrated(one, plan, at, plans, now)
                    if decided.subscription is not one:
                        refuse_shared_meters(connection, self.rater.catalog, decided.subscription, decided.day, plans)
                        tried.append(_Tried(one, decided.subscription, None))
                except SubscriptionEnded:
                    continue
                except (Conflict, Invalid) as refusal:
                    tried.append(_Tried(one, one, refusal.detail))
        yield from self._priced(plan, tried, plans, now, position)

    def _priced(
        self, plan: Plan, tried: Sequence[_Tried], plans: Plans, now: datetime, position: int
    ) -> Iterator[ComparedSubscription]:
        asked = [each for one in tried for each in _asked(one, plan, plans, now)]
        rated = iter(self.rater.rate_by(
            plan.organization, [due for due, _ in asked], [agreement for _, agreement in asked], position
        ))
        for one in tried:
            before, after, used, anew = (next(rated) for _ in range(4))
            reasons = [one.refused, *(each.refused for each in (before, after, used, anew))]
            yield ComparedSubscription(
                one.current.id, one.current.customer, None, one.current.currency, Costs(_sum(before), _sum(after)),
                Costs(_sum(used), _sum(anew)), next((reason for reason in reasons if reason), None),
            )


def _asked(one: _Tried, plan: Plan, plans: Plans, now: datetime) -> tuple[_Priced, ...]:
    """The fees of the next period as it is and as it would be, then the usage of the period so far, both ways."""
    own = agreement_of(one.current, plans)
    anew = own if one.changed is one.current else _always(one, plan, plans)
    used = _used(one.current, now)
    return (
        (_fees(one.current, one.current), own), (_fees(one.changed, one.current), agreement_of(one.changed, plans)),
        (Due(one.current, used), own), (Due(one.current, used), anew),
    )


def _always(one: _Tried, plan: Plan, plans: Plans) -> Agreement:
    """The new version as if it had held all its life, with the overrides that are kept."""
    taken = next(each for each in reversed(one.changed.agreements) if each.plan.version == plan.version)
    laid = overridden(plan, kept_overrides(taken, plan))
    return agreement_by(laid, replace(one.current, quantities=taken.quantities))


def _fees(one: Subscription, current: Subscription) -> Due:
    """The fees, in advance and in arrears, of the period after the current one."""
    period = current.current_period()
    at = current.starts_at if period is None else period.end
    part = None if one.ends_at is not None and at >= one.ends_at else one.life.fee_part(at)
    return Due(one, Boundary(at, None, part, part, None))


def _used(one: Subscription, now: datetime) -> Boundary:
    """The usage period that is under way; none before the first paid day and after the end."""
    lives = one.life.begins_at <= now and (one.ends_at is None or now < one.ends_at)
    part = one.life.usage_part(now) if lives else None
    return Boundary(now if part is None else part.period.end, part, None, None, None)


def _sum(rated: Rated) -> Decimal:
    with exactly():
        return sum((line.amount for line in rated.lines), ZERO)

"""The use cases of plans."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from farthing.catalog import PlanUses
from farthing.catalog.meters.store import MeterStore
from farthing.catalog.meters.values import Meter
from farthing.catalog.plans.schemas import PlanIn, PlanTerms, etag_of
from farthing.catalog.plans.store import PlanStore
from farthing.catalog.plans.values import NotTheNewestVersion, Plan, PlanInUse, PlanNotFound, PlanSubscribed
from farthing.catalog.prices.reading import Document, refuse, unlawful
from farthing.catalog.prices.schemas import document
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import BadCursor, Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import merged, parsed
from farthing.kernel.strict_json import dumps, loads
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.arithmetic import decimals_of, money
from farthing.pricing.calendar import Interval
from farthing.pricing.checks import LARGEST
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.prices import Price

VERSION: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plans:
    """What customers subscribe to; a version that somebody has subscribed to never changes."""

    database: Database
    now: Clock
    new_id: NewId
    uses: PlanUses

    def create(self, caller: Caller, body: PlanIn) -> Plan:
        """A plan with its first version; raises Invalid, PlanKeyTaken."""
        now = self.now(caller.organization)
        with self.database.write() as connection:
            terms = _terms(connection, caller.organization, body)
            plan = Plan(
                id=self.new_id("pln", now), organization=caller.organization, key=body.key, version=1, revision=1,
                created_at=now, updated_at=now, **terms.fields,
            )
            PlanStore(connection).add(plan, terms.meters)
        return plan

    def create_version(self, caller: Caller, reference: str, body: PlanTerms) -> Plan:
        """The next version, which new subscriptions get; raises PlanNotFound, Invalid."""
        with self.database.write() as connection:
            plan, meters = self._next(connection, caller, reference, body)
            PlanStore(connection).add_next(plan, meters)
        return plan

    def tried_version(self, caller: Caller, reference: str, body: PlanTerms) -> Plan:
        """The next version as it would be; nothing is stored. Raises as `create_version` does."""
        with self.database.write() as connection:
            return self._next(connection, caller, reference, body)[0]

    def _next(
        self, connection: Connection, caller: Caller, reference: str, body: PlanTerms
    ) -> tuple[Plan, frozenset[str]]:
        now = self.now(caller.organization)
        current = self._locked(connection, caller.organization, reference)
        terms = _terms(connection, caller.organization, body)
        plan = replace(
            current, version=current.version + 1, revision=1, created_at=now, updated_at=now, **terms.fields
        )
        return plan, terms.meters

    def get(self, organization: str, reference: str, hold: bool = False) -> Plan:
        """By id or key, the newest version unless `pro@2` names one; raises PlanNotFound.

        hold  the plan neither changes nor goes until the caller's transaction ends
        """
        name, version = _split(reference)
        with self.database.read() as connection:
            store = PlanStore(connection)
            if hold:
                store.lock(organization, name, shared=True)
            return _found(store.find(organization, name, version), reference)

    def many(self, organization: str, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
        """Those of these versions that exist."""
        with self.database.read() as connection:
            return PlanStore(connection).many(organization, frozenset(wanted))

    def page(self, caller: Caller, listing: Listing) -> Page[Plan]:
        """The newest version of each plan."""
        with self.database.read() as connection:
            rows = PlanStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda plan: plan.id)

    def versions(self, plan: Plan, listing: Listing) -> Page[Plan]:
        """All versions of a plan."""
        if listing.position and not VERSION.fullmatch(listing.position):
            raise BadCursor
        after = int(listing.position or 0)
        with self.database.read() as connection:
            rows = PlanStore(connection).versions(plan.organization, plan.id, after, listing.limit + 1)
        return listing.page(rows, lambda plan: str(plan.version))

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Plan:
        """Lay a JSON merge patch over the newest version while nobody has subscribed to it.

        raises  PlanNotFound, Stale, Invalid, PlanSubscribed, NotTheNewestVersion
        """
        with self.database.write() as connection:
            current = self._locked(connection, caller.organization, reference)
            precondition.demand(etag_of(current.version, current.revision))
            body = parsed(PlanIn, loads(dumps(merged(_as_sent(current), patch))))
            if body.key != current.key:
                refuse([FieldError("key", f"is fixed: this plan is {current.key}")])
            terms = _terms(connection, current.organization, body)
            changed = replace(current, **terms.fields)
            if changed == current:
                return current
            if self.uses.subscribed(current.organization, current.id, current.version):
                raise PlanSubscribed(current)
            changed = replace(changed, revision=current.revision + 1, updated_at=self.now(current.organization))
            PlanStore(connection).save(changed, terms.meters)
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Remove a plan with all its versions; raises PlanNotFound, Stale, PlanInUse."""
        if _split(reference)[1] is not None:
            raise Invalid("A version cannot be deleted by itself; delete the plan by its id or key.")
        with self.database.write() as connection:
            current = self._locked(connection, caller.organization, reference)
            precondition.demand(etag_of(current.version, current.revision))
            if self.uses.subscribed(current.organization, current.id):
                raise PlanInUse(current)
            PlanStore(connection).remove(current.organization, current.id)

    def _locked(self, connection: Connection, organization: str, reference: str) -> Plan:
        """The newest version, which stays that until the transaction ends."""
        name, version = _split(reference)
        store = PlanStore(connection)
        newest = store.lock(organization, name)
        plan = _found(store.find(organization, name, version), reference)
        if newest is not None and plan.version != newest:
            raise NotTheNewestVersion(plan, newest)
        return plan


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a version says, checked: the fields of Plan, and the ids of the meters it prices."""

    fields: dict[str, Any]  # Any: the fields of Plan
    meters: frozenset[str]


def _terms(connection: Connection, organization: str, body: PlanTerms) -> _Terms:
    """Raises Invalid naming each field of each price that is against a rule."""
    references = {price.meter for price in body.prices if price.meter is not None}
    meters = MeterStore(connection).held(organization, references) if references else {}
    unit = currency(body.currency)
    prices, errors = [], _twice([price.key for price in body.prices])
    for index, sent in enumerate(body.prices):
        at = f"prices[{index}]"
        meter = meters.get(sent.meter or "")
        if sent.meter is not None and meter is None:
            errors.append(FieldError(f"{at}.meter", f"names no meter: there is no {sent.meter[:120]}"))
        price = _naming(sent.value(), meter)
        errors += unlawful(price, unit, meter.aggregation if meter else None, at)
        prices.append(price)
    interval = Interval(body.interval, body.interval_count)
    usage_interval = Interval(body.usage_interval) if body.usage_interval else interval
    if not usage_interval.divides(interval):
        whole = f"{interval.count} {interval.unit} is no whole number of {usage_interval.unit}s"
        errors.append(FieldError("usage_interval", f"must divide the interval: {whole}"))
    errors += _unlawful_commitment(body.minimum_commitment, unit)
    refuse(errors)
    fields = {
        "name": body.name, "currency": body.currency, "interval": interval, "usage_interval": usage_interval,
        "trial_days": body.trial_days, "minimum_commitment": body.minimum_commitment,
        "prices": tuple(prices),
        "documents": tuple(document(sent, price.meter, unit) for sent, price in zip(body.prices, prices, strict=True)),
    }
    return _Terms(fields, frozenset(meter.id for meter in meters.values()))


def _unlawful_commitment(amount: Decimal | None, unit: Currency) -> list[FieldError]:
    """Money in the plan's currency, or none (rule 9)."""
    name = "minimum_commitment"
    if amount is None:
        return []
    if amount < 0:
        return [FieldError(name, "must not be negative")]
    if decimals_of(amount) > unit.decimals:
        return [FieldError(name, f"has more decimals than {unit.code}, which has {unit.decimals}")]
    return [FieldError(name, "is more than an invoice can hold")] if amount.scaleb(unit.decimals) > LARGEST else []


def _naming(price: Price, meter: Meter | None) -> Price:
    """The price with its meter named by key, however the author named it."""
    return price if meter is None else replace(price, meter=meter.key)


def _twice(keys: Sequence[str]) -> list[FieldError]:
    return [
        FieldError(f"prices[{index}].key", f"must be distinct within the plan; {key} is there already")
        for index, key in enumerate(keys) if key in keys[:index]
    ]


def _split(reference: str) -> tuple[str, int | None]:
    """`pro@2` as key and version; the version None where none is named; raises PlanNotFound."""
    name, at, version = reference.rpartition("@")
    if not at:
        return reference, None
    if not VERSION.fullmatch(version):
        raise PlanNotFound(reference)
    return name, int(version)


def _found(plan: Plan | None, reference: str) -> Plan:
    if plan is None:
        raise PlanNotFound(reference)
    return plan


def _as_sent(plan: Plan) -> dict[str, object]:
    """A version as its author would send it again."""
    documents: list[Document] = list(plan.documents)
    least = plan.minimum_commitment
    return {
        "key": plan.key, "name": plan.name, "currency": plan.currency, "interval": plan.interval.unit,
        "interval_count": plan.interval.count, "trial_days": plan.trial_days, "prices": documents,
        "usage_interval": None if plan.usage_interval == plan.interval else plan.usage_interval.unit,
        "minimum_commitment": None if least is None else money(least, currency(plan.currency)),
    }

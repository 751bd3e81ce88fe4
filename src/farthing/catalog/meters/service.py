"""The use cases of meters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.store import MeterStore
from farthing.catalog.meters.values import Meter, MeterInUse, MeterNotFound
from farthing.catalog.plans.store import PlanStore
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import merged, parsed
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.aggregation import Aggregation

FIXED = ("key", "event_type", "aggregation", "value", "group_by", "filter", "late_usage")


@dataclass(frozen=True, slots=True)
class Meters:
    """What usage counts; usage reads the meters itself and follows a new one from its first event on."""

    database: Database
    now: Clock
    new_id: NewId

    def create(self, caller: Caller, body: MeterIn) -> Meter:
        """Raises Invalid, MeterKeyTaken."""
        _refuse(_faults(body))
        now = self.now(caller.organization)
        meter = Meter(
            id=self.new_id("mtr", now), organization=caller.organization, key=body.key, name=body.name,
            event_type=body.event_type, aggregation=Aggregation(body.aggregation), value=body.value,
            group_by=tuple(body.group_by), filter={name: tuple(values) for name, values in body.filter.items()},
            late_usage=body.late_usage, version=1, created_at=now, updated_at=now,
        )
        with self.database.write() as connection:
            MeterStore(connection).add(meter)
        return meter

    def get(self, organization: str, reference: str) -> Meter:
        """By id or key; raises MeterNotFound."""
        with self.database.read() as connection:
            return _found(MeterStore(connection).find(organization, reference), reference)

    def all(self, organization: str) -> Sequence[Meter]:
        """All of an organisation's, oldest first."""
        with self.database.read() as connection:
            return MeterStore(connection).all(organization)

    def page(self, caller: Caller, listing: Listing) -> Page[Meter]:
        with self.database.read() as connection:
            rows = MeterStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda meter: meter.id)

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Meter:
        """Change the name by JSON merge patch; raises MeterNotFound, Stale, and Invalid for all that is fixed."""
        with self.database.write() as connection:
            store = MeterStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            before = parsed(MeterIn, _as_sent(current))
            after = parsed(MeterIn, merged(_as_sent(current), patch))
            fixed = [name for name in FIXED if getattr(before, name) != getattr(after, name)]
            rule = "is fixed, because usage has followed it already; make another meter"
            _refuse([FieldError(name, rule) for name in fixed])
            changed = replace(
                current, name=after.name, version=current.version + 1, updated_at=self.now(current.organization)
            )
            store.save(changed)
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raises MeterNotFound, Stale, and MeterInUse while a plan version prices it."""
        with self.database.write() as connection:
            store = MeterStore(connection)
            current = _found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            if user := PlanStore(connection).pricing_meter(current.organization, current.id):
                raise MeterInUse(current, *user)
            store.remove(current.organization, current.id)


def _faults(body: MeterIn) -> list[FieldError]:
    """What the fields of a meter make impossible together (rule 17)."""
    errors = []
    if body.aggregation == "count" and body.value is not None:
        errors.append(FieldError("value", "must be left out for a count, which counts events"))
    if body.aggregation != "count" and body.value is None:
        errors.append(FieldError("value", f"is required for {body.aggregation}: the property of data to look at"))
    if len(set(body.group_by)) < len(body.group_by):
        errors.append(FieldError("group_by", "must name each property once"))
    return errors


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)


def _found(meter: Meter | None, reference: str) -> Meter:
    if meter is None:
        raise MeterNotFound(reference)
    return meter


def _as_sent(meter: Meter) -> dict[str, object]:
    """A meter as its author would send it again."""
    return {
        "key": meter.key, "name": meter.name, "event_type": meter.event_type,
        "aggregation": meter.aggregation.value, "value": meter.value, "group_by": list(meter.group_by),
        "filter": {name: list(values) for name, values in meter.filter.items()},
        "late_usage": meter.late_usage,
    }

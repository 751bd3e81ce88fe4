"""What was changed in a subscription's life, as it is kept: changes, pauses, and the invoices that changes ask for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from farthing.kernel.clock import instant_from, instant_text
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import plain
from farthing.pricing.calendar import Interval

Overrides = Mapping[str, Mapping[str, Any]]  # Any: the fields of a price, as JSON


@dataclass(frozen=True, slots=True)
class TakenPlan:
    """A version of a plan as a subscription takes it."""

    id: str
    key: str
    version: int
    interval: Interval
    usage_interval: Interval


@dataclass(frozen=True, slots=True)
class Change:
    """What a call changed from a local midnight on; None for what it left as it was.

    plan        with the overrides that it starts with (rule 14)
    quantities  those that it named
    overrides   those that it named; without fields: as the plan has it
    """

    at: datetime
    made_at: datetime
    plan: TakenPlan | None = None
    quantities: Mapping[str, Decimal] | None = None
    overrides: Overrides | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Local days on which nothing is charged: from a local midnight up to another, None while it lasts (rule 15)."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnInvoice:
    """An invoice without a boundary that a change asked for, still to be made (rule 14).

    at      the change's day
    change  its number, by which the invoice is told from others
    """

    at: datetime
    change: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """What holds for a subscription from a local midnight on."""

    since: datetime
    plan: TakenPlan
    quantities: Mapping[str, Decimal]
    overrides: Overrides


def agreements(first: Agreed, changes: Sequence[Change]) -> tuple[Agreed, ...]:
    """What holds from when on, rising by days; of several changes on one day the last word of each counts (rule 13).

    A change holds on until another one of a later day says otherwise, whichever of the two was asked for first.
    """
    found = [first]
    for change in sorted(changes, key=lambda one: one.at):  # stable: in the order of the calls within a day
        last = found[-1]
        now = _changed(last, change)
        if change.at <= last.since:
            found[-1] = now
        else:
            found.append(now)
    return tuple(one for place, one in enumerate(found) if place == 0 or not _same(one, found[place - 1]))


def _changed(before: Agreed, change: Change) -> Agreed:
    overrides = {**(before.overrides if change.plan is None else {}), **(change.overrides or {})}
    return Agreed(
        max(change.at, before.since), change.plan or before.plan,
        {**before.quantities, **(change.quantities or {})},
        {key: fields for key, fields in overrides.items() if fields},
    )


def _same(one: Agreed, other: Agreed) -> bool:
    return (one.plan, one.quantities, one.overrides) == (other.plan, other.quantities, other.overrides)


def changes_text(changes: Sequence[Change]) -> str | None:
    """As a column of JSON; None for none."""
    return dumps([_change_json(one) for one in changes]).decode("utf-8") if changes else None


def changes_from(text: str | None) -> tuple[Change, ...]:
    return tuple(_change_from(one) for one in json.loads(text)) if text else ()


def _change_json(one: Change) -> dict[str, Any]:  # Any: JSON
    plan = one.plan and {
        "id": one.plan.id, "key": one.plan.key, "version": one.plan.version,
        "interval": [one.plan.interval.unit, one.plan.interval.count],
        "usage": [one.plan.usage_interval.unit, one.plan.usage_interval.count],
    }
    quantities = None if one.quantities is None else {key: plain(each) for key, each in one.quantities.items()}
    return {
        "at": instant_text(one.at), "made_at": instant_text(one.made_at), "plan": plan, "quantities": quantities,
        "overrides": None if one.overrides is None else dict(one.overrides),
    }


def _change_from(one: Mapping[str, Any]) -> Change:  # Any: JSON
    plan = one["plan"]
    taken = plan and TakenPlan(
        plan["id"], plan["key"], plan["version"], Interval(*plan["interval"]), Interval(*plan["usage"])
    )
    named = one["quantities"]
    quantities = None if named is None else {key: Decimal(each) for key, each in named.items()}
    return Change(instant_from(one["at"]), instant_from(one["made_at"]), taken, quantities, one["overrides"])


def pauses_text(pauses: Sequence[Pause]) -> str | None:
    """As a column of JSON; None for none."""
    rows = [[instant_text(one.start), one.end and instant_text(one.end)] for one in pauses]
    return dumps(rows).decode("utf-8") if rows else None


def pauses_from(text: str | None) -> tuple[Pause, ...]:
    return tuple(
        Pause(instant_from(start), instant_from(end) if end else None) for start, end in json.loads(text or "[]")
    )


def own_invoices_text(asked: Sequence[OwnInvoice]) -> str | None:
    """As a column of JSON; None for none."""
    return dumps([[instant_text(one.at), one.change] for one in asked]).decode("utf-8") if asked else None


def own_invoices_from(text: str | None) -> tuple[OwnInvoice, ...]:
    return tuple(OwnInvoice(instant_from(at), change) for at, change in json.loads(text or "[]"))


def instants_text(instants: Sequence[datetime]) -> str | None:
    """As a column of JSON; None for none."""
    return dumps([instant_text(one) for one in instants]).decode("utf-8") if instants else None


def instants_from(text: str | None) -> tuple[datetime, ...]:
    return tuple(instant_from(one) for one in json.loads(text or "[]"))

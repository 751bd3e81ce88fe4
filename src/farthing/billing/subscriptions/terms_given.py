"""Whether the terms that somebody asks for are lawful; the messages name field and rule."""

from collections.abc import Mapping
from decimal import Decimal

from farthing.billing.subscriptions.agreed import Plans
from farthing.billing.subscriptions.changes import Agreed, Change
from farthing.billing.subscriptions.overrides import checked_overrides, overridden
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Plan
from farthing.kernel.problems import FieldError, Invalid
from farthing.pricing.calendar import Anchor
from farthing.pricing.prices import Flat


def checked_quantities(plan: Plan, given: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Exactly the quantities that the plan's prices without a meter need (rule 10); raises Invalid."""
    needed = _taking(plan)
    errors = [FieldError(f"quantities.{key}", f"is no price of plan {plan.key} that takes a quantity")
              for key in given if key not in needed]
    errors += _missing(plan, given)
    _refuse(errors)
    return given


def refuse_unknown(changed: Subscription, change: Change, plans: Plans) -> None:
    """Raises Invalid for quantities and overrides of prices that its plan, on the day of the change, does not have."""
    agreed = changed.agreed_at(change.at)
    plan = plans[agreed.plan.id, agreed.plan.version]
    if change.overrides is not None:
        checked_overrides(plan, {key: fields for key, fields in change.overrides.items() if fields})
        _refuse([FieldError(f"overrides.{key}", f"is no price of plan {plan.key}") for key in change.overrides
                 if key not in {price.key for price in plan.prices}])
    known = _taking(overridden(plan, agreed.overrides))
    _refuse([FieldError(f"quantities.{key}", f"is no price of plan {plan.key} that takes a quantity")
             for key in change.quantities or {} if key not in known])


def check_agreements(changed: Subscription, plans: Plans) -> None:
    """Raises Invalid unless every plan of a subscription, from its day on, can be billed as the others were."""
    for agreed in changed.agreements:
        plan = plans[agreed.plan.id, agreed.plan.version]
        if plan.currency != changed.currency:
            message = f"must stay in {changed.currency}, and plan {plan.key} is in {plan.currency}"
            raise Invalid(f"plan {message} (rules 14 and 23).", [FieldError("plan", message)])
        if changed.anchor is Anchor.CALENDAR and plan.interval.count != 1:
            message = f"cannot be {plan.key}: calendar periods have an interval_count of 1 (rule 12)"
            raise Invalid(f"plan {message}.", [FieldError("plan", message)])
        _check_overrides(agreed, plan)
        _refuse(_missing(overridden(plan, agreed.overrides), agreed.quantities))


def _check_overrides(agreed: Agreed, plan: Plan) -> None:
    checked_overrides(plan, agreed.overrides)


def _taking(plan: Plan) -> set[str]:
    return {price.key for price in plan.prices if price.meter is None and not isinstance(price.charge, Flat)}


def _missing(plan: Plan, given: Mapping[str, Decimal]) -> list[FieldError]:
    return [FieldError(f"quantities.{key}", "is required: its price has no meter (rule 10)")
            for key in sorted(_taking(plan) - given.keys())]


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)

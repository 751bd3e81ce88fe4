"""What a price charges: the code that makes invoice lines, asked without storing anything."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from farthing.catalog.prices.reading import refuse, unlawful
from farthing.catalog.rates.schemas import RatedEventIn, RateIn, RateOut, RateStepOut
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import parsed
from farthing.pricing.aggregation import Aggregation, Properties
from farthing.pricing.arithmetic import money, plain, rounded, total
from farthing.pricing.calendar import Period
from farthing.pricing.charges import Step, UnpricedUsage
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.prices import Price
from farthing.pricing.rating import Rating, Usage, rate_metered, usage_of
from farthing.pricing.rating import rate as rate_usage

ANY_PERIOD: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC))


class UsageWithoutPrice(Invalid):
    """The price does not say what some of the usage costs (rule 10)."""


def rate_request(data: object) -> RateOut:
    """What `POST /v1/rate` answers to this body, also for the command line; raises Invalid, UsageWithoutPrice."""
    return rate(parsed(RateIn, data))


def rate(body: RateIn) -> RateOut:
    """Rate a quantity, or events with the price's filter and groups (rules 4 to 10).

    raises  Invalid naming each field, UsageWithoutPrice naming the values that have no amount
    """
    money_of = currency(body.currency)
    price = body.price.value()
    refuse(_faults(body, price, money_of))
    try:
        ratings = _ratings(price, body, money_of)
    except UnpricedUsage as error:
        raise UsageWithoutPrice(str(error), [FieldError("events", "are not priced in full")]) from error
    return RateOut(
        amount=money(rounded(total(rating.amount for rating in ratings), money_of), money_of),
        exact=plain(total(rating.exact for rating in ratings)),
        steps=[_shown(step) for rating in ratings for step in rating.steps],
    )


def _faults(body: RateIn, price: Price, money_of: Currency) -> list[FieldError]:
    found = unlawful(price, money_of, None, "price")
    if price.meter is None:  # the quantity or the events stand for the meter's
        found = [error for error in found if error.field != "price.meter"]
    if (body.quantity is None) == (body.events is None):
        found.append(FieldError("quantity", "is required, or else events, and not both"))
    return found


def _ratings(price: Price, body: RateIn, money_of: Currency) -> list[Rating]:
    if body.quantity is not None:
        return [rate_usage(price, Usage(body.quantity), money_of)]
    points = usage_of(_event(event) for event in body.events or ()).points
    groups = rate_metered(price, Aggregation.SUM, points, ANY_PERIOD, money_of)
    return [group.rating for group in groups]


def _event(event: RatedEventIn) -> tuple[Decimal, Properties]:
    return event.quantity, event.properties


def _shown(step: Step) -> RateStepOut:
    return RateStepOut(
        tier=step.tier, quantity=plain(step.quantity), amount=plain(step.amount), note=step.note,
        unit_amount=None if step.unit_amount is None else plain(step.unit_amount),
        flat_amount=None if step.flat_amount is None else plain(step.flat_amount),
    )

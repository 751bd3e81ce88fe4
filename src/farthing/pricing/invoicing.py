"""From a boundary to the lines of an invoice, in order, and their sums."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.agreements import Agreement, Segment, Stretch, fee_stretches
from farthing.pricing.arithmetic import ZERO, Exact, exactly, minus, rounded, times
from farthing.pricing.boundaries import Boundary, Part
from farthing.pricing.calendar import Period
from farthing.pricing.charges import Step
from farthing.pricing.currencies import Currency
from farthing.pricing.prices import Billing, Flat, PerUnit, Price
from farthing.pricing.rating import Group, GroupRating, Rating, Usage, rate
from farthing.pricing.taxes import Treatment

ONE = Decimal(1)
ELSEWHERE = ("proration", "late_usage")  # reasons of lines about periods that other invoices bill


class QuantityMissing(Exception):
    """A price without a meter for which the subscription has no quantity (rule 10)."""

    def __init__(self, price: str) -> None:
        super().__init__(f"Price {price} has no meter, and the subscription has no quantity for it.")


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon, by the identifier it was applied under, or granted credit takes from a line as entered."""

    coupon: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """What one price charges for one period; amounts in major units, rounded (rule 2).

    group      the values of the price's `group_by`, empty where it has none
    amount     as entered, until its tax is known; from then on net of tax
    reason     "usage", "fee", "proration", "late_usage", "commitment" or "one_off"
    discount   what is taken off the net; `tax` is on the rest
    tax_rates  by identifier
    entered    the amount as entered, once that is known
    charge     the one-off charge that it bills, by identifier (rule 26)
    prorated   the days it is for and those of the full period, where it is for fewer (rules 9 and 13)
    group_by   the names of the properties whose values `group` has
    corrects   the finalised invoice and line whose days or usage it corrects
    terms      tells the terms that it was priced by, where they are not those it began with
    carried    of a charge that takes the place of another: the share that discounts take of it; no coupon takes more
    taxed_as   of a credit: how the line was taxed that it gives back of
    rated      of a credit of usage: how much less the usage comes to, before discounts; not above zero
    """

    description: str
    price: str | None
    group: Group
    period: Period | None
    quantity: Exact
    unit_amount: Decimal | None
    amount: Decimal
    reason: str
    tax_code: str | None = None
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_rates: tuple[str, ...] = ()
    discounts: tuple[Discount, ...] = ()
    entered: Decimal | None = None
    prorated: tuple[int, int] | None = None
    group_by: tuple[str, ...] = ()
    corrects: tuple[str, str] | None = None
    terms: str | None = None
    charge: str | None = None
    carried: Fraction | None = None
    taxed_as: Treatment | None = None
    rated: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an invoice in major units; the identities of rule 19's figures hold by construction."""

    subtotal: Decimal
    discount_total: Decimal
    tax_total: Decimal
    total: Decimal


def boundary_lines(
    agreement: Agreement,
    boundary: Boundary,
    usage: Sequence[tuple[Segment, Sequence[GroupRating]]],
    currency: Currency,
    still: Callable[[Stretch], Iterable[Stretch]] = lambda one: (one,),
) -> tuple[Line, ...]:
    """The lines of the invoice that a subscription has at a boundary, in the order of rule 19 (rule 25).

    usage    the ratings of the usage period that ends here, by its segments
    still    what of a fee's days no other invoice charges yet: one may, where this one is billed anew
    returns  usage and then fees in arrears of the periods that end, fees in advance of the one that starts;
             only lines whose amount, or metered quantity, is not zero
    raises   QuantityMissing
    """
    lines = [usage_line(segment, one) for segment, ratings in usage for one in ratings]
    if boundary.ended is not None:
        lines += _fees(agreement, boundary.ended, Billing.IN_ARREARS, currency, still)
    if boundary.started is not None:
        lines += _fees(agreement, boundary.started, Billing.IN_ADVANCE, currency, still)
    return tuple(line for line in lines if line.amount or (line.reason == "usage" and line.quantity))


def usage_line(segment: Segment, one: GroupRating) -> Line:
    """What one group comes to in a part of a usage period."""
    price = segment.price
    names = ", ".join(
        f"{name} {value or 'none'}" for name, value in zip(price.group_by, one.group, strict=True)
    )
    description = f"{price.name} ({names})" if names else price.name
    days = segment.part.days, segment.part.of
    return _line(price, one.rating, segment.part.period, days, "usage", description, one.group, segment.mark)


def _fees(
    agreement: Agreement, part: Part, billing: Billing, currency: Currency,
    still: Callable[[Stretch], Iterable[Stretch]],
) -> list[Line]:
    return [stretch_line(one, currency) for each in fee_stretches(agreement, part, billing) for one in still(each)]


def stretch_line(one: Stretch, currency: Currency) -> Line:
    """What a fee charges for days that it charges alike; raises QuantityMissing."""
    quantities = {} if one.quantity is None else {one.price.key: one.quantity}
    rating = fee_rating(one.price, quantities, currency, one.days, one.of)
    shortened = one.price.prorate and one.days != one.of
    name = f"{one.price.name} ({one.days} of {one.of} days)" if shortened else one.price.name
    return _line(one.price, rating, one.period, (one.days, one.of), "fee", name, (), one.mark)


def fee_rating(
    price: Price, quantities: Mapping[str, Decimal], currency: Currency, days: int = 1, of: int = 1
) -> Rating:
    """What a price without a meter charges for `days` of the `of` days of a full period (rules 10 and 13).

    A fee without `prorate` is charged whole. Raises QuantityMissing.
    """
    if not isinstance(price.charge, Flat) and price.key not in quantities:
        raise QuantityMissing(price.key)
    quantity = ONE if isinstance(price.charge, Flat) else quantities[price.key]
    full = rate(price, Usage(quantity), currency)
    if days == of or not price.prorate:
        return full
    exact = times(full.exact, Fraction(days, of))
    step = Step(ZERO, minus(exact, full.exact), f"{days} of {of} days")
    return Rating(rounded(exact, currency), exact, full.quantity, (*full.steps, step))


def _line(
    price: Price, rating: Rating, period: Period, days: tuple[int, int], reason: str, description: str, group: Group,
    mark: str | None,
) -> Line:
    return Line(
        description, price.key, group, period, rating.quantity, _unit_amount(price, rating), rating.amount, reason,
        price.tax_code, prorated=days if price.prorate and days[0] != days[1] else None, group_by=price.group_by,
        terms=mark,
    )


def _unit_amount(price: Price, rating: Rating) -> Decimal | None:
    """What a unit costs, where that is one figure."""
    match price.charge:
        case Flat(amount=amount):
            return amount
        case PerUnit(unit_amount=unit_amount, free_units=free) if not free:
            return unit_amount
        case _:
            return None


def one_off_line(
    description: str, quantity: Decimal, unit_amount: Decimal, currency: Currency, tax_code: str | None = None,
    charge: str | None = None,
) -> Line:
    """A line that somebody wrote by hand, on the invoice itself or as a charge for the next one (rule 26)."""
    amount = one_off_rating(quantity, unit_amount, currency).amount
    return Line(description, None, (), None, quantity, unit_amount, amount, "one_off", tax_code, charge=charge)


def one_off_rating(quantity: Decimal, unit_amount: Decimal, currency: Currency) -> Rating:
    """Quantity x unit amount, rounded once (rule 2)."""
    with exactly():
        exact = quantity * unit_amount
        step = Step(quantity, exact, "quantity times unit amount", unit_amount=unit_amount)
        return Rating(rounded(exact, currency), exact, quantity, (step,))


def spanned(lines: Sequence[Line]) -> Period | None:
    """The period of an invoice: from the first start of its lines but late usage and credits to the last end (rule 25).
    """
    periods = [line.period for line in lines if line.period is not None and line.reason not in ELSEWHERE]
    if not periods:
        return None
    return replace(periods[0], start=min(p.start for p in periods), end=max(p.end for p in periods))

"""What a quantity costs: a function for each charge model, giving the steps that explain the amount."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import ceil
from typing import Protocol, TypeVar

from farthing.pricing.aggregation import Point, in_order
from farthing.pricing.arithmetic import (
    ZERO,
    Exact,
    NotADecimal,
    decimal_from,
    exactly,
    minus,
    plain,
    plus,
    times,
    total,
)
from farthing.pricing.prices import Matrix, Percentage, RateTier, Tier

ONE = Decimal(1)
_PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an amount, in major units and exact; the steps of a rating sum to it.

    quantity  in the meter's unit; of packages, the number of packages
    note      short English for those who read an invoice
    """

    quantity: Exact
    amount: Exact
    note: str
    tier: int | None = None
    unit_amount: Decimal | None = None
    flat_amount: Decimal | None = None


def amount_of(steps: Iterable[Step]) -> Exact:
    """What steps come to, in major units and exact."""
    return total(step.amount for step in steps)


class UnpricedUsage(ValueError):
    """Usage that its price does not say the amount of; `values` are the event's, in the price's order."""

    def __init__(self, values: tuple[str | None, ...], reason: str) -> None:
        self.values = values
        shown = ", ".join("null" if value is None else repr(value) for value in values)
        super().__init__(f"The price has no amount for ({shown}): {reason}.")


def flat(amount: Decimal) -> tuple[Step, ...]:
    """A fixed fee, whatever the quantity."""
    return (Step(ONE, amount, "fixed fee"),)


def per_unit(quantity: Exact, unit_amount: Decimal, free_units: Decimal = ZERO) -> tuple[Step, ...]:
    """Price each unit beyond the free ones.

    quantity  in the meter's unit, may be fractional, not below zero
    """
    free, paid = _free_first(quantity, free_units)
    if paid > 0:
        note = f"{plain(paid)} at {plain(unit_amount)} each"
        free += (Step(paid, times(paid, unit_amount), note, unit_amount=unit_amount),)
    return free


def _free_first(quantity: Exact, free_units: Decimal) -> tuple[tuple[Step, ...], Exact]:
    """The step that says what is free, and the units that are left to pay."""
    free = min(quantity, free_units)
    if free <= 0:
        return (), quantity
    return (Step(free, ZERO, f"{plain(free)} of {plain(free_units)} free units"),), minus(quantity, free)


class _Ends(Protocol):
    @property
    def up_to(self) -> Decimal | None: ...


_T = TypeVar("_T", bound=_Ends)


def _reached(quantity: Exact, tiers: Sequence[_T]) -> Iterable[tuple[int, _T, Exact, str]]:
    """The tiers that a quantity reaches: number, tier, units inside and the tier's name (rule 5).

    An `up_to` is inclusive and may be fractional; tiers rise strictly and the last one is open, which is checked
    where a price is made and not here.
    """
    start = ZERO
    for number, tier in enumerate(tiers, start=1):
        if quantity <= start:
            return
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield number, tier, minus(end, start), _named(number, start, tier.up_to)
        if tier.up_to is None:
            return
        start = tier.up_to


def _named(number: int, start: Decimal, up_to: Decimal | None) -> str:
    bounds = [f"over {plain(start)}"] if start else []
    bounds += [f"up to {plain(up_to)}"] if up_to is not None else []
    return f"tier {number}: {' '.join(bounds) or 'all units'}"


def graduated(quantity: Exact, tiers: Sequence[Tier]) -> tuple[Step, ...]:
    """Price the units inside each tier at that tier's own amounts (rule 6).

    quantity  in the meter's unit, may be fractional, not below zero
    returns   a step for each tier that any unit falls into, whose flat amount is due then; none for zero
    """
    return tuple(
        _tiered(units, tier, number, note) for number, tier, units, note in _reached(quantity, tiers)
    )


def volume(quantity: Exact, tiers: Sequence[Tier]) -> tuple[Step, ...]:
    """Price all units at the amounts of the tier that contains the whole quantity; none for zero.

    quantity  in the meter's unit, may be fractional, not below zero
    """
    *_, last = [None, *_reached(quantity, tiers)]
    if last is None:
        return ()
    number, tier, _, note = last
    return (_tiered(quantity, tier, number, note),)


def _tiered(units: Exact, tier: Tier, number: int, note: str) -> Step:
    amount = plus(times(units, tier.unit_amount), tier.flat_amount)
    return Step(units, amount, note, number, tier.unit_amount, tier.flat_amount)


def package(
    quantity: Exact, package_size: Decimal, package_amount: Decimal, free_units: Decimal = ZERO
) -> tuple[Step, ...]:
    """Price every started package of what is left beyond the free units (rule 7).

    quantity  in the meter's unit, may be fractional, not below zero
    """
    steps, paid = _free_first(quantity, free_units)
    if paid > 0:
        packages = Decimal(ceil(Fraction(paid) / Fraction(package_size)))
        note = f"{plain(paid)} in packages of {plain(package_size)}, each one begun counts"
        steps += (Step(packages, times(packages, package_amount), note, unit_amount=package_amount),)
    return steps


def graduated_percentage(quantity: Exact, tiers: Sequence[RateTier]) -> tuple[Step, ...]:
    """Charge each tier's own percentage of the metered amount inside it, and its flat amount.

    quantity  the metered amount in major units, not below zero
    """
    return tuple(
        Step(
            units,
            plus(times(times(units, tier.rate), _PERCENT), tier.flat_amount),
            f"{note}, {plain(tier.rate)} %",
            number,
            flat_amount=tier.flat_amount,
        )
        for number, tier, units, note in _reached(quantity, tiers)
    )


class _Kind(Enum):
    """What happens to an event's amount under a percentage, in the order the steps are listed."""

    WORTHLESS = "{count} of zero or less cost nothing"
    FREE_EVENT = "{count} of {charge.free_events} free"
    FREE_AMOUNT = "{quantity} of the free amount of {free_amount}"
    RATE = "{rate} % of {quantity}{fixed}"
    MINIMUM = "minimum {minimum} per event applies to {count}"
    MAXIMUM = "maximum {maximum} per event applies to {count}"


@dataclass(slots=True)
class _Tally:
    events: int = 0
    quantity: Decimal = ZERO
    amount: Decimal = ZERO


def percentage(points: Sequence[Point], charge: Percentage) -> tuple[Step, ...]:
    """Charge a share of each event's amount and a fixed amount, within bounds per event (rule 8).

    points   each event's amount is its value, in major units; sorted here, since allowances are used up in order
             of time: an event wholly inside costs nothing, one partly inside the rate on the rest and the whole
             fixed amount, one of zero or less nothing, and it uses up no allowance
    returns  a step for each kind of event, however many there are; none without events
    """
    tallies: dict[_Kind, _Tally] = defaultdict(_Tally)
    with exactly():
        share = charge.rate * _PERCENT
        for kind, amount in _after_allowances(points, charge):
            fee = ZERO
            if kind is _Kind.RATE:
                kind, fee = _held(amount * share + charge.fixed_amount, charge)
            tally = tallies[kind]
            tally.events += 1
            tally.quantity += amount
            tally.amount += fee
    return tuple(
        Step(tallies[kind].quantity, tallies[kind].amount, _note(kind, tallies[kind], charge))
        for kind in _Kind
        if kind in tallies
    )


def _after_allowances(points: Sequence[Point], charge: Percentage) -> Iterator[tuple[_Kind, Decimal]]:
    """Each event's amount, cut where an allowance ends; what is to be paid comes as RATE."""
    free_events, free_amount = charge.free_events, charge.free_amount
    for point in sorted(points, key=in_order) if free_events or free_amount else points:
        amount = point.value
        if not isinstance(amount, Decimal):
            continue
        if amount <= 0:
            yield _Kind.WORTHLESS, amount
        elif free_events:
            free_events -= 1
            yield _Kind.FREE_EVENT, amount
        else:
            free = min(amount, free_amount)
            free_amount -= free
            if free:
                yield _Kind.FREE_AMOUNT, free
            if amount > free:
                yield _Kind.RATE, amount - free


def _held(fee: Decimal, charge: Percentage) -> tuple[_Kind, Decimal]:
    if charge.minimum_per_event is not None and fee < charge.minimum_per_event:
        return _Kind.MINIMUM, charge.minimum_per_event
    if charge.maximum_per_event is not None and fee > charge.maximum_per_event:
        return _Kind.MAXIMUM, charge.maximum_per_event
    return _Kind.RATE, fee


def _note(kind: _Kind, tally: _Tally, charge: Percentage) -> str:
    count = _events(tally.events)
    return kind.value.format(
        count=count,
        charge=charge,
        quantity=plain(tally.quantity),
        free_amount=plain(charge.free_amount),
        rate=plain(charge.rate),
        fixed=f" and {plain(charge.fixed_amount)} for each of {count}" if charge.fixed_amount else "",
        minimum=plain(charge.minimum_per_event or ZERO),
        maximum=plain(charge.maximum_per_event or ZERO),
    )


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"


def matrix(quantities: Mapping[tuple[str | None, ...], Decimal], charge: Matrix) -> tuple[Step, ...]:
    """Price each combination of values by its own cell; one below zero costs nothing.

    returns  a step for each combination, values as text, null last
    raises   UnpricedUsage for a combination without a cell where there is no default
    """
    amounts = {cell.values: cell.unit_amount for cell in charge.cells}
    return tuple(
        _cell(values, quantities[values], amounts.get(values, charge.default_unit_amount), charge)
        for values in sorted(quantities, key=nulls_last)
    )


def _cell(values: tuple[str | None, ...], units: Decimal, amount: Decimal | None, charge: Matrix) -> Step:
    if amount is None:
        raise UnpricedUsage(values, f"no cell of {', '.join(charge.dimensions)} and no default")
    units = max(units, ZERO)
    named = ", ".join(
        f"{name} {'null' if value is None else value}"
        for name, value in zip(charge.dimensions, values, strict=True)
    )
    return Step(units, times(units, amount), named, unit_amount=amount)


def nulls_last(values: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    """What sorts groups and combinations: values as text, null last."""
    return tuple((value is None, value or "") for value in values)


def dynamic(points: Sequence[Point], amount_property: str) -> tuple[Step, ...]:
    """Charge the amount that each event carries; a missing one is zero, and so is a sum below zero.

    raises  UnpricedUsage for an amount that is not a number
    """
    if not points:
        return ()
    amount = total([_own_amount(point, amount_property) for point in points])
    note = f"amounts carried by {_events(len(points))}"
    quantity = total([point.value for point in points if isinstance(point.value, Decimal)])
    return (Step(quantity, amount if amount > 0 else ZERO, note),)


def _own_amount(point: Point, amount_property: str) -> Decimal:
    text = point.properties.get(amount_property)
    if text is None:
        return ZERO
    try:
        return decimal_from(text)
    except NotADecimal as error:
        raise UnpricedUsage((text,), f"{amount_property} of event {point.id!r} is not a number") from error

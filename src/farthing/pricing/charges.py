"""What a quantity costs: a function for each charge model, giving the steps that explain the amount."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Protocol, TypeVar

from farthing.pricing.aggregation import Point
from farthing.pricing.arithmetic import (
    ZERO,
    Exact,
    NotADecimal,
    decimal_from,
    minus,
    plain,
    plus,
    times,
    total,
)
from farthing.pricing.prices import Matrix, RateTier, Tier

ONE = Decimal(1)
PERCENT = Decimal("0.01")


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
    steps, paid = _free_first(quantity, free_units)
    if paid > 0:
        note = f"{plain(paid)} at {plain(unit_amount)} each"
        steps += (Step(paid, times(paid, unit_amount), note, unit_amount=unit_amount),)
    return steps


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

    An `up_to` is inclusive and may be fractional; tiers rise strictly and the last one is open, which is
    checked where a price is made and not here.
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
    reached = tuple(_reached(quantity, tiers))
    if not reached:
        return ()
    number, tier, _, note = reached[-1]
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
            plus(times(times(units, tier.rate), PERCENT), tier.flat_amount),
            f"{note}, {plain(tier.rate)} %",
            number,
            flat_amount=tier.flat_amount,
        )
        for number, tier, units, note in _reached(quantity, tiers)
    )


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
    note = f"amounts carried by {counted_events(len(points))}"
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


def counted_events(number: int) -> str:
    """`1 event`, `2 events`: for notes."""
    return "1 event" if number == 1 else f"{number} events"

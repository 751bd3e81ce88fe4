"""What a price is, and what makes one unlawful."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, TypeAlias

from farthing.pricing.aggregation import Aggregation
from farthing.pricing.arithmetic import ZERO, decimals_of
from farthing.pricing.currencies import Currency


class Billing(StrEnum):
    """Whether a price is charged at the start of its period or at the end."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


@dataclass(frozen=True, slots=True)
class Tier:
    """A range of units, from above the tier before up to and including `up_to`."""

    up_to: Decimal | None  # None on the last tier only
    unit_amount: Decimal = ZERO
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class RateTier:
    """A range of a metered amount; `rate` in percent."""

    up_to: Decimal | None  # inclusive; None on the last tier only
    rate: Decimal
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed fee a period."""

    model: ClassVar[str] = "flat"
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PerUnit:
    """So much for each unit beyond the free ones."""

    model: ClassVar[str] = "per_unit"
    unit_amount: Decimal
    free_units: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each tier prices the units inside it."""

    model: ClassVar[str] = "graduated"
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """The tier that the whole quantity falls into prices all of it."""

    model: ClassVar[str] = "volume"
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """So much for every started package beyond the free units."""

    model: ClassVar[str] = "package"
    package_size: Decimal
    package_amount: Decimal
    free_units: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of each event's amount, `rate` in percent, and a fixed amount per event."""

    model: ClassVar[str] = "percentage"
    rate: Decimal
    fixed_amount: Decimal = ZERO
    free_amount: Decimal = ZERO
    free_events: int = 0
    minimum_per_event: Decimal | None = None
    maximum_per_event: Decimal | None = None


@dataclass(frozen=True, slots=True)
class GraduatedPercentage:
    """Tiers over the metered amount, each with a rate in percent."""

    model: ClassVar[str] = "graduated_percentage"
    tiers: tuple[RateTier, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The unit amount of one combination; None stands for a property that is null or missing."""

    values: tuple[str | None, ...]
    unit_amount: Decimal


@dataclass(frozen=True, slots=True)
class Matrix:
    """Per unit by the values of properties; without a default every combination needs its cell."""

    model: ClassVar[str] = "matrix"
    dimensions: tuple[str, ...]
    cells: tuple[Cell, ...]
    default_unit_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Dynamic:
    """Each event carries its own amount in a property, in major units of the price's currency."""

    model: ClassVar[str] = "dynamic"
    amount_property: str


Charge: TypeAlias = (
    Flat | PerUnit | Graduated | Volume | Package | Percentage | GraduatedPercentage | Matrix | Dynamic
)


@dataclass(frozen=True, slots=True)
class Price:
    """A line of a plan; amounts in major units of the plan's currency.

    meter     None for a price of the subscription's own `quantities`
    filter    the values of properties that an event must have to count
    minimum   holds the amount of a usage period, as `maximum` does
    tax_code  what its lines are, for the tax rates that are for such (rule 27)
    """

    key: str
    name: str
    charge: Charge
    meter: str | None
    billing: Billing
    prorate: bool = True
    group_by: tuple[str, ...] = ()
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    tax_code: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a price is refused; `field` is a path in the price as the interface has it: `tiers[1].up_to`."""

    field: str
    message: str


_WITHOUT_METER = (Flat, PerUnit, Graduated, Volume, Package)
_NEEDS: Mapping[type, tuple[Aggregation, ...]] = {
    Percentage: (Aggregation.SUM,),
    GraduatedPercentage: (Aggregation.SUM,),
    Dynamic: (Aggregation.SUM,),
    Matrix: (Aggregation.SUM, Aggregation.COUNT),
}
_ABOVE_ZERO = ("up_to", "package_size")
_MONEY = ("amount", "minimum", "maximum")  # the others are unit prices, which may be finer than the currency
_BOUNDS = (("minimum", "maximum"), ("minimum_per_event", "maximum_per_event"))


def violations(price: Price, currency: Currency, aggregation: Aggregation | None) -> tuple[Violation, ...]:
    """Everything that makes a price unlawful, for whoever makes one; none for a lawful one.

    aggregation  the meter's; None while it is not known, and its part is not checked then
    """
    numbers = {path: number for part in (price, price.charge) for path, number in _numbers(part, "")}
    return (
        *_of_numbers(numbers, currency),
        *_of_tiers(getattr(price.charge, "tiers", None)),
        *(_of_matrix(price.charge) if isinstance(price.charge, Matrix) else ()),
        *(_without_meter(price) if price.meter is None else _with_meter(price, aggregation)),
    )


def _numbers(value: object, path: str) -> Iterator[tuple[str, Decimal | int]]:
    """Every number of a value, with its path; a price's charge is left out, whose fields stand beside it."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{path}[{index}]")
    elif is_dataclass(value) and path != "charge":
        for each in fields(value):
            yield from _numbers(getattr(value, each.name), f"{path}.{each.name}".lstrip("."))


def _of_numbers(numbers: Mapping[str, Decimal | int], currency: Currency) -> Iterator[Violation]:
    for path, number in numbers.items():
        if path.endswith(_ABOVE_ZERO):
            if number <= 0:
                yield Violation(path, "must be above zero")
        elif number < 0:
            yield Violation(path, "must not be negative")
        if path in _MONEY and decimals_of(Decimal(number)) > currency.decimals:
            yield Violation(path, f"has more decimals than {currency.code}, which has {currency.decimals}")
    for low, high in _BOUNDS:
        if low in numbers and high in numbers and numbers[low] > numbers[high]:
            yield Violation(high, f"must not be below {low}")


def _of_tiers(tiers: Sequence[Tier | RateTier] | None) -> Iterator[Violation]:
    if tiers is None:
        return
    if not tiers:
        yield Violation("tiers", "needs at least one tier")
        return
    for index, tier in enumerate(tiers[:-1]):
        before = tiers[index - 1].up_to if index else None
        if tier.up_to is None:
            yield Violation(f"tiers[{index}].up_to", "may be null on the last tier only")
        elif before is not None and tier.up_to <= before:
            yield Violation(f"tiers[{index}].up_to", "must be above the tier's before")
    if tiers[-1].up_to is not None:
        yield Violation(f"tiers[{len(tiers) - 1}].up_to", "must be null on the last tier")


def _of_matrix(matrix: Matrix) -> Iterator[Violation]:
    if not matrix.dimensions:
        yield Violation("dimensions", "needs at least one property")
    if len(set(matrix.dimensions)) < len(matrix.dimensions):
        yield Violation("dimensions", "must be distinct")
    seen: set[tuple[str | None, ...]] = set()
    for index, cell in enumerate(matrix.cells):
        if len(cell.values) != len(matrix.dimensions):
            yield Violation(f"cells[{index}].values", "needs a value for each dimension")
        if cell.values in seen:
            yield Violation(f"cells[{index}].values", "has a cell already")
        seen.add(cell.values)


def _without_meter(price: Price) -> Iterator[Violation]:
    if not isinstance(price.charge, _WITHOUT_METER):
        yield Violation("meter", f"is needed by a {price.charge.model} price")
    if price.group_by:
        yield Violation("group_by", "needs a meter")
    if price.filter:
        yield Violation("filter", "needs a meter")


def _with_meter(price: Price, aggregation: Aggregation | None) -> Iterator[Violation]:
    if isinstance(price.charge, Flat):
        yield Violation("meter", "is not for a flat price, which is a fixed fee")
    if price.billing is not Billing.IN_ARREARS:
        yield Violation("billing", "must be in_arrears for a metered price")
    needed = _NEEDS.get(type(price.charge))
    if needed and aggregation is not None and aggregation not in needed:
        names = " or ".join(needed)
        yield Violation("meter", f"of a {price.charge.model} price must be a {names}, not a {aggregation}")

"""The percentage model, which looks at each event and still explains itself in a few steps."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from farthing.pricing.aggregation import Point, in_order
from farthing.pricing.arithmetic import ZERO, exactly, plain
from farthing.pricing.charges import PERCENT, Step, counted_events
from farthing.pricing.prices import Percentage


class _Kind(Enum):
    """What happens to an event's amount, in the order in which the steps stand."""

    WORTHLESS = auto()
    FREE_EVENT = auto()
    FREE_AMOUNT = auto()
    RATE = auto()
    MINIMUM = auto()
    MAXIMUM = auto()


@dataclass(slots=True)
class _Tally:
    events: int = 0
    quantity: Decimal = ZERO
    amount: Decimal = ZERO


def percentage(points: Sequence[Point], charge: Percentage) -> tuple[Step, ...]:
    """Charge a share of each event's amount and a fixed amount, within bounds per event (rule 8).

    points   each event's amount is its value, in major units. Sorted here: allowances are used up in order of
             time. An event wholly inside costs nothing, one partly inside the rate on the rest and the whole
             fixed amount; one of zero or less costs nothing and uses up no allowance
    returns  a step for each kind of event, however many there are; none without events
    """
    tallies: dict[_Kind, _Tally] = defaultdict(_Tally)
    with exactly():
        share = charge.rate * PERCENT
        for kind, amount in _after_allowances(points, charge):
            fee = ZERO
            if kind is _Kind.RATE:
                kind, fee = _held(amount * share + charge.fixed_amount, charge)
            tally = tallies[kind]
            tally.events += 1
            tally.quantity += amount
            tally.amount += fee
    return tuple(_step(kind, tallies[kind], charge) for kind in _Kind if kind in tallies)


def _after_allowances(points: Sequence[Point], charge: Percentage) -> Iterator[tuple[_Kind, Decimal]]:
    """Each event's amount, cut in two where the free amount ends; what is to be paid comes as RATE."""
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


def _step(kind: _Kind, tally: _Tally, charge: Percentage) -> Step:
    return Step(tally.quantity, tally.amount, _note(kind, tally, charge))


def _note(kind: _Kind, tally: _Tally, charge: Percentage) -> str:
    count = counted_events(tally.events)
    match kind:
        case _Kind.WORTHLESS:
            return f"{count} of zero or less"
        case _Kind.FREE_EVENT:
            return f"free events: {tally.events} of {charge.free_events}"
        case _Kind.FREE_AMOUNT:
            return f"free amount: {plain(tally.quantity)} of {plain(charge.free_amount)}"
        case _Kind.RATE:
            fixed = f" and {plain(charge.fixed_amount)} for each of {count}" if charge.fixed_amount else ""
            return f"{plain(charge.rate)} % of {plain(tally.quantity)}{fixed}"
        case _Kind.MINIMUM:
            return f"minimum {plain(charge.minimum_per_event or ZERO)} applies to {count}"
        case _Kind.MAXIMUM:
            return f"maximum {plain(charge.maximum_per_event or ZERO)} applies to {count}"

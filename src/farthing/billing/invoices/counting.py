"""What boundaries have to know of usage, and whether it may be put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.measuring import wanted_of
from farthing.catalog import Meter
from farthing.pricing.aggregation import Over
from farthing.pricing.agreements import Agreement, Segment, outside
from farthing.pricing.boundaries import Part
from farthing.pricing.rating import looks_at
from farthing.usage import Wanted


@dataclass(frozen=True, slots=True)
class Counting:
    """Usage that is wanted, and by which prices."""

    wanted: Wanted
    segments: Sequence[Segment]
    agreement: Agreement

    @property
    def together(self) -> bool:
        """Whether its events may be put together: no price looks at less than the period, or at more than groups."""
        known = set(self.wanted.meter.group_by)
        for segment in self.segments:
            names = looks_at(segment.price)
            if names is None or not names <= known or segment.part.period != self.wanted.period:
                return False
        parts = [over(segment.part, self.agreement) for segment in self.segments]
        return not any(part.paused for part in parts if part is not None)


def meters_of(segments: Sequence[Segment]) -> list[str]:
    """The keys of the meters that some prices look at, each once."""
    return list(dict.fromkeys(one.price.meter for one in segments if one.price.meter is not None))


def looking(segments: Sequence[Segment], meter: str) -> list[Segment]:
    """Those whose price looks at a meter."""
    return [one for one in segments if one.price.meter == meter]


def metered(
    due: Due, agreement: Agreement, segments: Sequence[Segment], meters: Mapping[str, Meter]
) -> list[Counting]:
    """The usage that a boundary needs: of each meter once, however many prices look at it."""
    if due.boundary.used is None:
        return []
    return [
        Counting(wanted_of(due.subscription, meters[key], due.boundary.used.period), looking(segments, key), agreement)
        for key in meters_of(segments)
    ]


def over(part: Part, agreement: Agreement) -> Over | None:
    """Of which full period a part is, and its pauses; None where it is full and has none."""
    paused = tuple(outside(list(agreement.unpaused(part.period)), [part.period])) if agreement.pauses else ()
    return None if part.period == part.whole and not paused else Over(part.whole, paused)

"""What a preview tells, and the refusals about it; amounts in major units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.billing.invoices.rating import Rated
from farthing.billing.subscriptions.values import Subscription
from farthing.customers import Customer
from farthing.kernel.problems import Conflict, Invalid
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.crediting import Part
from farthing.pricing.totalling import Totalled


class NothingUpcoming(Conflict):
    """A subscription whose end is billed has no next invoice."""


class CannotBeRated(Conflict):
    """What would be billed cannot be told; the message says why."""


class BadSimulation(Invalid):
    """A simulation that has no terms, or two, or more subscriptions than it can look at."""


@dataclass(frozen=True, slots=True)
class ComingCredit:
    """A credit note that an invoice will bring about; `parts` by the line of which something is given back."""

    invoice: str
    parts: Mapping[str, Part]
    subtotal: Decimal
    tax_total: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The invoice that an open boundary of a subscription will have, from what is known by now.

    as_of    until when usage is known; the boundary lies later, or is due already
    credits  what it gives back and cannot bear, which becomes credit notes (rule 14)
    """

    rated: Rated
    buyer: Customer
    done: Totalled
    as_of: datetime
    credits: tuple[ComingCredit, ...] = ()

    @property
    def balance(self) -> Decimal:
        """What it asks for less what its credit notes give back."""
        with exactly():
            return self.done.totals.total - sum((one.total for one in self.credits), ZERO)


@dataclass(frozen=True, slots=True)
class Preview:
    """The invoice that a call would lead to, and the one that there would be without it; None for none.

    why  why the latter cannot be told, in words
    """

    subscription: Subscription
    buyer: Customer
    invoice: Upcoming | None
    without: Upcoming | None
    as_of: datetime
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What is charged and what would be, in one currency."""

    currency: str
    current: Decimal = ZERO
    simulated: Decimal = ZERO

    def plus(self, current: Decimal, simulated: Decimal) -> "Sums":
        with exactly():
            return Sums(self.currency, self.current + current, self.simulated + simulated)


@dataclass(frozen=True, slots=True)
class Compared:
    """A customer's sums in one currency, and why some of it has no price, in words."""

    customer: str
    sums: Sums
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """The comparison for each customer, oldest first, with the customers' keys, and in total."""

    compared: Sequence[Compared]
    keys: dict[str, str | None]

    @property
    def totals(self) -> list[Sums]:
        """One for each currency."""
        found: dict[str, Sums] = {}
        for one in self.compared:
            sums = found.get(one.sums.currency, Sums(one.sums.currency))
            found[one.sums.currency] = sums.plus(one.sums.current, one.sums.simulated)
        return list(found.values())

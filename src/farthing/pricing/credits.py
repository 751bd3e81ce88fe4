"""Credit that customers were granted or have paid in advance: which of it may be used, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.pricing.arithmetic import ZERO, exactly


@dataclass(frozen=True, slots=True)
class Credit:
    """What is left of one top-up.

    id          rises with age
    left        in major units, zero or above
    priority    a lower one is used first
    expires_at  from this instant on it cannot be used; None: never
    """

    id: str
    left: Decimal
    priority: int = 0
    expires_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether something of it can still be used at a moment (rule 28)."""
        return self.left > ZERO and (self.expires_at is None or at < self.expires_at)


def in_order(credits: Sequence[Credit], at: datetime) -> list[Credit]:
    """Those that can be used, of one kind, by priority, then expiry, then age (rule 28)."""
    live = [one for one in credits if one.is_live(at)]
    never = datetime.max.replace(tzinfo=at.tzinfo)
    return sorted(live, key=lambda one: (one.priority, one.expires_at or never, one.expires_at is None, one.id))


def available(credits: Sequence[Credit], at: datetime) -> Decimal:
    """All that can be used at a moment."""
    with exactly():
        return sum((one.left for one in credits if one.is_live(at)), ZERO)


def drawn(credits: Sequence[Credit], wanted: Decimal, at: datetime) -> list[tuple[Credit, Decimal]]:
    """What is used of each, in order, until there is what is wanted or nothing is left (rule 28).

    returns  only those of which something is used, each with a part above zero that is at most what is left of it
    """
    found: list[tuple[Credit, Decimal]] = []
    with exactly():
        for one in in_order(credits, at):
            part = min(one.left, wanted)
            if part <= ZERO:
                break
            found.append((one, part))
            wanted -= part
    return found

"""What coupons take from the lines of an invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.currencies import Currency
from farthing.pricing.sharing import shared

GRANTED: Final = "granted_credit"  # stands for a coupon where granted credit takes something


@dataclass(frozen=True, slots=True)
class Coupon:
    """A reduction that somebody was given: a percentage, or an amount for each invoice.

    id          tells it from the others on the same invoice
    percent     above zero, at most 100; None where it is an amount
    amount      in major units of `currency`; None where it is a percentage
    applies_to  the keys of prices; empty: all lines
    invoices    from how many it takes something; None: from all
    """

    id: str
    percent: Decimal | None
    amount: Decimal | None = None
    currency: str | None = None
    applies_to: frozenset[str] = frozenset()
    invoices: int | None = None

    def lasts(self, used: int) -> bool:
        """Whether it takes something from another invoice, when it did from so many (rule 19)."""
        return self.invoices is None or used < self.invoices

    def is_for(self, price: str | None) -> bool:
        """Whether it takes from a line of this price; None: a line that has none."""
        return not self.applies_to or price in self.applies_to


def discounts(
    prices: Sequence[str | None], amounts: Sequence[Decimal], coupons: Sequence[Coupon], currency: Currency
) -> tuple[tuple[Decimal, ...], ...]:
    """What each coupon takes from each line, in the order in which they were applied (rules 3 and 19).

    prices   the key of each line's price, None where it has none
    amounts  of the lines as entered, rounded, in major units; only from those above zero is anything taken
    returns  for each coupon a part for each line; all together never more than the line. What an amount has beyond
             the lines is lost
    """
    left = list(amounts)
    taken: list[tuple[Decimal, ...]] = []
    with exactly():
        for coupon in coupons:
            of = [
                max(amount, ZERO) if coupon.is_for(price) else ZERO
                for price, amount in zip(prices, left, strict=True)
            ]
            parts = shared(_whole(coupon, sum(of, ZERO), currency), of, currency)
            left = [amount - part for amount, part in zip(left, parts, strict=True)]
            taken.append(parts)
    return tuple(taken)


def credited(left: Sequence[Decimal], granted: Decimal, currency: Currency) -> tuple[Decimal, ...]:
    """What granted credit takes from each line: after coupons, and never more than they have left (rules 19 and 28).

    left     of the lines, rounded, in major units; only from those above zero is anything taken
    granted  what there is of it, at least zero
    returns  a part for each line (rule 3); what is not used stays
    """
    with exactly():
        of = [max(amount, ZERO) for amount in left]
        return shared(min(granted, sum(of, ZERO)), of, currency)


def _whole(coupon: Coupon, base: Decimal, currency: Currency) -> Decimal:
    """What a coupon takes from lines that come to `base`, rounded once; nothing where it is in another currency."""
    if coupon.percent is not None:
        return rounded(Fraction(base) * Fraction(coupon.percent) * Fraction(1, 100), currency)
    if coupon.amount is None or coupon.currency != currency.code:
        return rounded(ZERO, currency)
    return min(coupon.amount, base)

"""What of a line may still be given back, what tax goes with it, and where a credit note's money goes (rule 20)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.currencies import Currency
from farthing.pricing.posting import Account, Earned, Posting, moved, releases


@dataclass(frozen=True, slots=True)
class Standing:
    """A line of a finalised invoice and what was given back of it so far, in major units, rounded.

    net, tax       after discounts
    credited       by credit notes, net, and the tax that went with it
    corrected      by negative lines of other invoices, net and above zero, and the tax that these had
    """

    net: Decimal
    tax: Decimal
    credited: Decimal = ZERO
    tax_credited: Decimal = ZERO
    corrected: Decimal = ZERO
    tax_corrected: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What may still be given back of it, net: never below zero, and nothing of a credit (rule 20).

        Nor more than is left with the tax: what a price with tax in it gave back elsewhere was parted there anew.
        """
        with exactly():
            net = self.net - self.credited - self.corrected
            return max(min(net, net + self.tax - self.tax_credited - self.tax_corrected), ZERO * self.net)


@dataclass(frozen=True, slots=True)
class Part:
    """What a credit note gives back of a line: net, and the tax on it."""

    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a credit note's total goes: to what is due, to the customer's balance, and out as money."""

    applied: Decimal
    credited: Decimal
    refunded: Decimal


class TooMuch(Exception):
    """More than is left of a line (rule 20)."""

    def __init__(self, left: Decimal) -> None:
        super().__init__(left)
        self.left = left


def credited(line: Standing, amount: Decimal, currency: Currency) -> Part:
    """Give `amount` of a line back, net, above zero (rule 20); raises TooMuch.

    The tax is round(tax x credited so far / net) less what credit notes gave back before, so that all of them
    together give back the line's own; with what negative lines of other invoices had, never more than that.
    """
    if amount > line.left:
        raise TooMuch(line.left)
    with exactly():
        so_far = line.credited + amount
        tax = rounded(Fraction(line.tax) * Fraction(so_far) / Fraction(line.net), currency) - line.tax_credited
        return Part(amount, max(min(tax, line.tax - line.tax_credited - line.tax_corrected), ZERO * tax))


def given_back(line: Standing, part: Part) -> Standing:
    """The line once a credit note has given this back."""
    with exactly():
        return replace(line, credited=line.credited + part.amount, tax_credited=line.tax_credited + part.tax)


def settled(total: Decimal, due: Decimal, paid: Decimal, as_money: bool) -> Settled:
    """First less is due; only what had been paid is given back, to the balance or as money (rule 20).

    due, paid  of the invoice, `paid` in money and not given back before
    as_money   as far as money was paid; what had been paid by credit goes to the balance
    """
    with exactly():
        applied = min(total, due)
        refunded = min(total - applied, paid) if as_money else ZERO * total
        return Settled(applied, total - applied - refunded, refunded)


def lessened(
    before: Sequence[Earned], after: Sequence[Earned], issued_on: date, currency: Currency
) -> Mapping[date, Decimal]:
    """By how much less each month releases when lines bring less than before, by its last day (rule 22).

    before, after  the lines of an invoice as they were and as they are once more is credited
    """
    with exactly():
        found = {one.last_day: one.amount for one in releases(before, issued_on, currency)}
        for one in releases(after, issued_on, currency):
            found[one.last_day] = found.get(one.last_day, ZERO) - one.amount
    return {day: amount for day, amount in sorted(found.items()) if amount}


def credit_posted(net: Decimal, deferred: Decimal, tax: Decimal, to: Settled) -> tuple[Posting, ...]:
    """What a credit note writes (rule 22).

    deferred  how much of the net was not released yet
    """
    with exactly():
        return moved({
            Account.RECEIVABLES: -to.applied, Account.CASH: -to.refunded, Account.CUSTOMER_CREDIT: -to.credited,
            Account.DEFERRED_REVENUE: deferred, Account.REVENUE: net - deferred, Account.TAX_PAYABLE: tax,
        })

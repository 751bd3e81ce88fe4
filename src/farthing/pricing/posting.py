"""From what happened to balanced entries of the journal (rule 22); amounts in major units of one currency.

An entry is made of postings that each move an amount from one account to another, so one that does not balance
cannot even be written down. What happens to money is told as the change of each account, above zero for a debit:
a new kind of happening is another such mapping and needs no code here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.currencies import Currency

_DAY = timedelta(days=1)


class Account(StrEnum):
    """The accounts of the journal, in the order in which entries name them."""

    RECEIVABLES = "receivables"
    CASH = "cash"
    CUSTOMER_CREDIT = "customer_credit"
    PREPAID_CREDIT = "prepaid_credit"
    DEFERRED_REVENUE = "deferred_revenue"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    BAD_DEBT = "bad_debt"


class Unbalanced(Exception):
    """Changes of accounts that do not sum to zero: no entry can say them."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount, always above zero, debited to one account and credited to another."""

    debit: Account
    credit: Account
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Earned:
    """What a line brings net of tax and discount, and over which local days it is earned.

    first, end  half-open; both None for a line that is earned at once
    """

    net: Decimal
    first: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Deferred revenue that is earned in one month: from its last local day on, below zero for a credit."""

    last_day: date
    amount: Decimal


def moved(changes: Mapping[Account, Decimal]) -> tuple[Posting, ...]:
    """The postings that change these accounts so: a balanced entry (rule 22).

    changes  above zero for a debit, below for a credit
    returns  none when nothing changes; raises Unbalanced unless they sum to zero
    """
    with exactly():
        if sum(changes.values(), ZERO) != ZERO:
            told = ", ".join(f"{account.value} {amount}" for account, amount in changes.items())
            raise Unbalanced(f"The changes do not sum to zero: {told}.")
        known = [(account, changes[account]) for account in Account if account in changes]
        debits = [(account, amount) for account, amount in known if amount > ZERO]
        credits = [(account, -amount) for account, amount in known if amount < ZERO]
        return tuple(_paired(debits, credits))


def _paired(
    debits: Sequence[tuple[Account, Decimal]], credits: Sequence[tuple[Account, Decimal]]
) -> Iterator[Posting]:
    """Each debit against the credits, in order, until both are used up."""
    waiting = iter(credits)
    credit, left = Account.REVENUE, ZERO
    for debit, owed in debits:
        while owed > ZERO:
            if left == ZERO:
                credit, left = next(waiting)
            part = min(owed, left)
            yield Posting(debit, credit, part)
            owed, left = owed - part, left - part


def balances(postings: Sequence[Posting]) -> dict[Account, Decimal]:
    """How postings change each account, above zero for a debit; they sum to zero (rule 22)."""
    found: dict[Account, Decimal] = {}
    with exactly():
        for one in postings:
            found[one.debit] = found.get(one.debit, ZERO) + one.amount
            found[one.credit] = found.get(one.credit, ZERO) - one.amount
    return {account: found[account] for account in Account if found.get(account)}


def issued(lines: Sequence[Earned], tax: Decimal, issued_on: date, currency: Currency) -> tuple[Posting, ...]:
    """What finalising writes: owed, against revenue, what of it is deferred, and tax (rule 22; IFRS 15).

    tax        of the whole invoice
    issued_on  the local day of issue, which has begun: what is earned on later days is deferred
    """
    with exactly():
        net = sum((line.net for line in lines), ZERO)
        revenue = sum((earned(line, issued_on, currency) for line in lines), ZERO)
        return moved({
            Account.RECEIVABLES: net + tax, Account.REVENUE: -revenue,
            Account.DEFERRED_REVENUE: revenue - net, Account.TAX_PAYABLE: -tax,
        })


def earned(line: Earned, through: date, currency: Currency) -> Decimal:
    """How much of a line is earned once the local day `through` has begun (rule 22).

    Days count alike; the sum from the first day on is rounded, not each day, so that all of them are the line.
    """
    if line.first is None or line.end is None or line.end <= line.first:
        return line.net
    whole = (line.end - line.first).days
    begun = min(max((through - line.first).days + 1, 0), whole)
    return rounded(Fraction(line.net) * Fraction(begun, whole), currency)


def releases(lines: Sequence[Earned], issued_on: date, currency: Currency) -> tuple[Release, ...]:
    """What finalising deferred, by the month in which it is earned: each day in one of them (rule 22).

    returns  by month; in full what `issued` deferred; a month in which nothing is earned is left out
    """
    found: dict[date, Decimal] = {}
    with exactly():
        for line in lines:
            before = earned(line, issued_on, currency)
            for last in _months(line, issued_on):
                now = earned(line, last, currency)
                found[last] = found.get(last, ZERO) + now - before
                before = now
    return tuple(Release(last, found[last]) for last in sorted(found) if found[last])


def _months(line: Earned, issued_on: date) -> Iterator[date]:
    """The last days of the months in which a line has days after the day of issue."""
    if line.first is None or line.end is None or line.end <= line.first:
        return
    day = max(line.first, issued_on + _DAY)
    while day < line.end:
        last = last_of_month(day)
        yield last
        if last == date.max:
            return
        day = last + _DAY


def last_of_month(day: date) -> date:
    """The last day of the month that holds a day."""
    if (day.year, day.month) == (date.max.year, date.max.month):
        return date.max
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY


def released(amount: Decimal) -> tuple[Posting, ...]:
    """What was deferred and is earned now; below zero for what a credit had taken back in advance (rule 22)."""
    return moved({Account.DEFERRED_REVENUE: amount, Account.REVENUE: -amount})


def received(on_invoice: Decimal, on_balance: Decimal, written_off: bool = False) -> tuple[Posting, ...]:
    """Money that came in: for what was owed, or had been given up, and what is kept for its customer (rule 22)."""
    owed = Account.BAD_DEBT if written_off else Account.RECEIVABLES
    with exactly():
        return moved({
            Account.CASH: on_invoice + on_balance, owed: -on_invoice, Account.CUSTOMER_CREDIT: -on_balance,
        })


def written_off(due: Decimal) -> tuple[Posting, ...]:
    """What is owed and not expected any more (rule 22)."""
    return moved({Account.BAD_DEBT: due, Account.RECEIVABLES: -due})


def applied(taken: Mapping[Account, Decimal]) -> tuple[Posting, ...]:
    """Credit set against what is owed (rule 22).

    taken  how much from each account of credit, above zero
    """
    with exactly():
        return moved({**taken, Account.RECEIVABLES: -sum(taken.values(), ZERO)})


def topped_up(amount: Decimal) -> tuple[Posting, ...]:
    """Credit that was paid for in advance: an untaxed receipt (rules 22 and 28)."""
    return moved({Account.CASH: amount, Account.PREPAID_CREDIT: -amount})


def lapsed(amount: Decimal) -> tuple[Posting, ...]:
    """Paid credit that expired before anybody used it (rule 22)."""
    return moved({Account.PREPAID_CREDIT: amount, Account.REVENUE: -amount})


def reversed_(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """What takes back all that these have done (rules 20 and 22)."""
    return moved({account: -amount for account, amount in balances(postings).items()})

"""The invariants that books end with, whatever happened to them (I4, I5, I7 and I8 of the trust page)."""

from decimal import Decimal
from itertools import groupby, pairwise

from farthing.app import Farthing
from farthing.billing.invoices.rating import Due
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.store import Search
from farthing.billing.invoices.values import DRAFT, VOID, Invoice
from farthing.billing.subscriptions.closing import boundary_at
from farthing.billing.subscriptions.service import Subscriptions
from farthing.billing.subscriptions.store import Search as SubscriptionSearch
from farthing.billing.subscriptions.values import Subscription
from farthing.kernel.credentials import operator
from farthing.kernel.pagination import MOST, listing
from farthing.pricing.arithmetic import plain, to_minor
from farthing.pricing.currencies import currency


def sound_books(farthing: Farthing, organization: str) -> list[Invoice]:
    """All invoices of an organisation, once nothing is wrong with them."""
    invoices = every_invoice(farthing, organization)
    sums_hold(invoices)
    numbers_have_no_gaps(invoices)
    nothing_is_billed_twice(invoices)
    lines_come_from_their_events(farthing, organization, invoices)
    return invoices


def every_invoice(farthing: Farthing, organization: str) -> list[Invoice]:
    """Page by page."""
    found: list[Invoice] = []
    after: str | None = None
    while True:
        place = listing("oracle", organization, MOST, after)
        page = farthing[Invoices].page(operator(organization), Search(), place)
        found += page.data
        if page.next is None:
            return found
        after = page.next


def sums_hold(invoices: list[Invoice]) -> None:
    """I5: by the figures, each at its currency's own decimals."""
    for one in invoices:
        unit, sums = currency(one.currency), one.totals
        assert sum((line.amount for line in one.lines), Decimal(0)) == sums.subtotal
        assert sums.subtotal - sums.discount_total + sums.tax_total == sums.total
        assert sums.total - one.credit_applied - one.amount_paid == one.amount_due >= 0
        assert sum((each.amount for each in one.settlements), Decimal(0)) == one.amount_paid
        for amount in (sums.total, one.amount_due, *(line.amount for line in one.lines)):
            to_minor(amount, unit)


def numbers_have_no_gaps(invoices: list[Invoice]) -> None:
    """I7: 1 to n in each year, rising with the time of issue; a draft has none."""
    assert all((one.number is None) == (one.status == DRAFT) for one in invoices)
    issued = [(one.number, one.issued_at) for one in invoices if one.number and one.issued_at]
    issued.sort(key=lambda each: (each[0][:9], len(each[0]), each[0]))
    for series, members in groupby(issued, key=lambda each: each[0][:9]):
        given = list(members)
        assert [number for number, _ in given] == [f"{series}{place:06}" for place in range(1, len(given) + 1)]
    assert all(one[1] <= other[1] for one, other in pairwise(issued))


def nothing_is_billed_twice(invoices: list[Invoice]) -> None:
    """I4: of what stands, no two lines bill a subscription's price, group and reason for the same time."""
    billed = sorted(
        (str((one.subscription, line.price, line.group, line.reason)), line.period.start, line.period.end)
        for one in invoices if one.status != VOID for line in one.lines if line.period is not None
    )
    for one, other in pairwise(billed):
        assert one[0] != other[0] or one[2] <= other[1], (one, other)


def lines_come_from_their_events(farthing: Farthing, organization: str, invoices: list[Invoice]) -> None:
    """I8: the events up to the invoice's position, rated again, give its lines."""
    by_position: dict[int, list[Invoice]] = {}
    for invoice in invoices:
        if invoice.place is not None and invoice.position is not None:
            by_position.setdefault(invoice.position, []).append(invoice)
    owners = every_subscription(farthing, organization)
    rater = farthing[Invoices].rater
    for position, members in by_position.items():
        due = [_due(owners, invoice) for invoice in members]
        for rated, invoice in zip(rater.rate(organization, due, position), members, strict=True):
            assert [(line.price, line.group, plain(line.quantity), line.amount) for line in rated.lines] == [
                (line.price, line.group, line.quantity, line.amount) for line in invoice.lines
            ]


def _due(owners: dict[str, Subscription], invoice: Invoice) -> Due:
    assert invoice.place is not None
    subscription, at = invoice.place
    boundary = boundary_at(owners[subscription], at)
    assert boundary is not None
    return Due(owners[subscription], boundary)


def every_subscription(farthing: Farthing, organization: str) -> dict[str, Subscription]:
    """By id."""
    service = farthing[Subscriptions]
    found: dict[str, Subscription] = {}
    after: str | None = None
    while True:
        place = listing("oracle", organization, MOST, after)
        page = service.page(operator(organization), SubscriptionSearch(service.now(organization)), place)
        found |= {one.id: one for one in page.data}
        if page.next is None:
            return found
        after = page.next

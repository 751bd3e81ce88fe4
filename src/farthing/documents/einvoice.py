"""An invoice or credit note as EN 16931 knows it: one mapping, which UBL and CII only write down; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from farthing.billing import Invoice, InvoiceLine, Issued
from farthing.documents.days import Days, days_of, issued_day, local_day
from farthing.documents.lacking import demand_complete
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.taxes import OUTSIDE, Tax

INVOICE, CREDIT_NOTE = "380", "381"
CENT: Final = Decimal("0.01")
ONE: Final = Decimal(1)
DISCOUNT: Final = "Discount"


@dataclass(frozen=True, slots=True)
class Category:
    """How lines are taxed (BT-151, BT-152); `percent` is None outside the scope of tax."""

    code: str
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25. `net` is quantity x price less `allowance`, rounded to two decimals."""

    id: str
    name: str
    note: str | None
    quantity: Decimal
    price: Decimal
    allowance: Decimal
    net: Decimal
    period: Days | None
    category: Category


@dataclass(frozen=True, slots=True)
class Subtotal:
    """BG-23: what one category comes to."""

    category: Category
    taxable: Decimal
    tax: Decimal
    reason: str | None


@dataclass(frozen=True, slots=True)
class Party:
    """BG-4 or BG-7. `vat` is a number that begins with its country; `registration` any other tax number."""

    name: str
    address: Mapping[str, str]
    email: str | None
    vat: str | None
    registration: str | None


@dataclass(frozen=True, slots=True)
class EInvoice:
    """The document; amounts in major units with two decimals.

    paid       what was set against it when it was issued (BT-113)
    preceding  of a credit note: number and day of its invoice (BG-3)
    """

    type: str
    number: str
    issued: date
    due: date | None
    currency: str
    buyer_reference: str | None
    period: Days | None
    seller: Party
    buyer: Party
    bank: Mapping[str, str]
    lines: tuple[Line, ...]
    subtotals: tuple[Subtotal, ...]
    net: Decimal
    tax: Decimal
    paid: Decimal
    reason: str | None
    preceding: tuple[str, date] | None

    @property
    def total(self) -> Decimal:
        with exactly():
            return self.net + self.tax

    @property
    def due_amount(self) -> Decimal:
        with exactly():
            return self.total - self.paid


def einvoice(issued: Issued) -> EInvoice:
    """Raises IncompleteInvoice, which names what EN 16931 asks for and is not there."""
    demand_complete(issued)
    invoice, note = issued.invoice, issued.note
    zone = str(invoice.seller["timezone"])
    lines = _lines(issued) if note is None else _note_lines(issued)
    subtotals = _of_invoice(invoice) if note is None else _of_note(issued, lines)
    return EInvoice(
        type=INVOICE if note is None else CREDIT_NOTE, number=str(invoice.number if note is None else note.number),
        issued=issued_day(issued), due=local_day(invoice.due_at, zone) if invoice.due_at and note is None else None,
        currency=invoice.currency, buyer_reference=invoice.buyer.get("buyer_reference"),
        period=days_of(invoice.period, issued.timezone) if invoice.period is not None else None,
        seller=_party(invoice.seller), buyer=_party(invoice.buyer), bank=invoice.seller.get("bank") or {},
        lines=lines, subtotals=subtotals, net=_sum(line.net for line in lines), tax=_sum(one.tax for one in subtotals),
        paid=invoice.credit_applied if note is None else ZERO, reason=None if note is None else note.reason,
        preceding=None if note is None else (note.invoice_number, issued_day(Issued(invoice, issued.timezone))),
    )


def _lines(issued: Issued) -> tuple[Line, ...]:
    categories = _categories(issued.invoice)
    return tuple(
        _line(str(place), line, categories[line.id], days_of(line.period, issued.timezone) if line.period else None)
        for place, line in enumerate(issued.invoice.lines, 1)
    )


def _line(id: str, line: InvoiceLine, category: Category, period: Days | None) -> Line:
    """As it was rated where quantity times price is its amount, else one of what it comes to."""
    quantity, price, note = Decimal(line.quantity), line.unit_amount, None
    with exactly():
        plain = price is not None and price >= ZERO
        if not plain or price is None or (quantity * price).quantize(CENT, ROUND_HALF_UP) != line.amount:
            note = f"Quantity: {line.quantity}"
            quantity, price = (ONE if line.amount >= ZERO else -ONE), abs(line.amount)
    return Line(id, line.description, note, quantity, price, line.discount, line.net, period, category)


def _note_lines(issued: Issued) -> tuple[Line, ...]:
    assert issued.note is not None, "lines of a credit note"
    categories = _categories(issued.invoice)
    return tuple(
        Line(str(place), line.description, None, ONE, line.amount, ZERO, line.amount, None, categories[line.line])
        for place, line in enumerate(issued.note.lines, 1)
    )


def _categories(invoice: Invoice) -> dict[str, Category]:
    """How each line is taxed, by its identifier."""
    by_rate = {tax.rate: tax for tax in invoice.taxes}
    return {line.id: category_of(by_rate[next(iter(line.tax_rates), None)]) for line in invoice.lines}


def category_of(tax: Tax) -> Category:
    """Its category and percentage."""
    return Category(tax.category, None if tax.category == OUTSIDE else tax.percent)


def _of_invoice(invoice: Invoice) -> tuple[Subtotal, ...]:
    """Rates of one category and percentage are one to EN 16931."""
    found: dict[Category, list[Tax]] = {}
    for tax in invoice.taxes:
        found.setdefault(category_of(tax), []).append(tax)
    return tuple(
        Subtotal(category, _sum(one.taxable for one in taxes), _sum(one.amount for one in taxes), reason_of(taxes[0]))
        for category, taxes in found.items()
    )


def _of_note(issued: Issued, lines: tuple[Line, ...]) -> tuple[Subtotal, ...]:
    assert issued.note is not None, "what a credit note gives back"
    reasons = {category_of(tax): reason_of(tax) for tax in issued.invoice.taxes}
    found: dict[Category, list[tuple[Decimal, Decimal]]] = {}
    for line, given in zip(lines, issued.note.lines, strict=True):
        found.setdefault(line.category, []).append((given.amount, given.tax))
    return tuple(
        Subtotal(category, _sum(net for net, _ in parts), _sum(tax for _, tax in parts), reasons[category])
        for category, parts in found.items()
    )


def reason_of(tax: Tax) -> str | None:
    """Why it is not taxed, which every category but S and Z has to say (BR-E-10 and its like)."""
    return None if tax.category in ("S", "Z") else tax.reason or tax.name


def _party(snapshot: Mapping[str, Any]) -> Party:
    numbers = snapshot.get("tax_ids") or ()
    vat = next((one["value"] for one in numbers if one["type"].endswith("_vat")), None)
    other = next((one["value"] for one in numbers if not one["type"].endswith("_vat")), None)
    name = snapshot.get("legal_name") or snapshot["name"]
    return Party(name, snapshot.get("address") or {}, snapshot.get("email"), vat, other)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with exactly():
        return sum(amounts, Decimal("0.00"))

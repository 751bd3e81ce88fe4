"""What stands on the pages of a document, in the order and words in which it is read; pure, no layout."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from farthing.billing import CreditNote, CreditNoteLine, Invoice, InvoiceLine, Issued
from farthing.documents.days import days_of, issued_at, local_day
from farthing.documents.languages import Language, language
from farthing.documents.parties import bank_rows, party, payment_code
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import currency
from farthing.pricing.taxes import Tax

Page = dict[str, Any]  # Any: JSON
Row = tuple[str, str]
CARRIED_FROM = 12  # lines: fewer never leave the first page


def page(issued: Issued) -> Page:
    """An invoice or credit note as `page.typ` reads it."""
    invoice, note = issued.invoice, issued.note
    say = language(str(invoice.seller["locale"]))
    lines = _invoice_lines(issued, say) if note is None else _note_lines(note, say)
    title = say("Invoice") if note is None else say("Credit note")
    return {
        "language": say.locale.language, "title": title, "number": (note or invoice).number,
        "issued_at": issued_at(issued).isoformat(), "seller": party(invoice.seller, say),
        "buyer": party(invoice.buyer, say), "facts": _facts(issued, say), "lines": lines,
        "carried": len(lines) > CARRIED_FROM,
        "totals": _totals(invoice, say) if note is None else _note_totals(note, say),
        "taxes": [] if note is not None else [_tax(one, invoice.currency, say) for one in invoice.taxes],
        "notes": _notes(issued, say), "bank": bank_rows(invoice, say) if note is None else [],
        "code": payment_code(invoice) if note is None else None,
        "labels": {name: say(text) for name, text in LABELS.items()} | {"currency": invoice.currency},
    }


LABELS = {
    "bill_to": "Bill to", "description": "Description", "quantity": "Quantity", "unit_price": "Unit price",
    "amount": "Amount", "carried": "Carried forward", "brought": "Brought forward", "tax": "Tax", "rate": "Rate",
    "net": "Net", "page": "Page", "of": "of", "pay": "Payment", "scan": "Scan to pay",
}


def _facts(issued: Issued, say: Language) -> list[Row]:
    invoice, note = issued.invoice, issued.note
    zone = str(invoice.seller["timezone"])
    rows = [(say("Date of issue"), say.date(local_day(issued_at(issued), zone)))]
    if note is not None:
        return [*rows, (say("For invoice"), note.invoice_number), (say("Reason"), note.reason)]
    if invoice.due_at is not None:
        rows.append((say("Due"), say.date(local_day(invoice.due_at, zone))))
    if invoice.period is not None:
        rows.append((say("Period"), _days(invoice.period, issued.timezone, say)))
    if reference := invoice.buyer.get("buyer_reference"):
        rows.append((say("Your reference"), reference))
    return rows


def _days(period: Period, timezone: str, say: Language) -> str:
    first, last = days_of(period, timezone)
    return say.date(first) if first == last else f"{say.date(first)} – {say.date(last)}"


def _invoice_lines(issued: Issued, say: Language) -> list[Page]:
    sums = _running([line.amount for line in issued.invoice.lines])
    unit = currency(issued.invoice.currency)
    return [
        {
            "description": line.description, "amount": say.amount(line.amount, unit),
            "quantity": say.number(Decimal(line.quantity)), "unit": _unit_price(line, unit.decimals, say),
            "period": _days(line.period, issued.timezone, say) if line.period is not None else "",
            "sum": say.amount(so_far, unit),
        }
        for line, so_far in zip(issued.invoice.lines, sums, strict=True)
    ]


def _unit_price(line: InvoiceLine, decimals: int, say: Language) -> str:
    """Where quantity times it is what the line comes to, and not where a step, a share of days or tax is in it."""
    if line.unit_amount is None:
        return ""
    with exactly():
        if abs(Decimal(line.quantity) * line.unit_amount - line.amount) >= Decimal(1).scaleb(-decimals):
            return ""
    return say.number(line.unit_amount, decimals)


def _note_lines(note: CreditNote, say: Language) -> list[Page]:
    unit = currency(note.currency)
    rows: Sequence[tuple[CreditNoteLine, Decimal]] = list(
        zip(note.lines, _running([line.amount for line in note.lines]), strict=True)
    )
    return [
        {
            "description": line.description, "quantity": "", "unit": "", "period": "",
            "amount": say.amount(line.amount, unit), "sum": say.amount(so_far, unit),
        }
        for line, so_far in rows
    ]


def _running(amounts: Sequence[Decimal]) -> list[Decimal]:
    with exactly():
        return list(accumulate(amounts))


def _totals(invoice: Invoice, say: Language) -> list[Row]:
    totals, code = invoice.totals, invoice.currency
    rows = [(say("Subtotal"), say.money(totals.subtotal, code))]
    if totals.discount_total:
        rows.append((say("Discounts"), say.money(-totals.discount_total, code)))
    rows.append((say("Tax"), say.money(totals.tax_total, code)))
    rows.append((say("Total"), say.money(totals.total, code)))
    if invoice.credit_applied > ZERO:
        rows.append((say("Credit applied"), say.money(-invoice.credit_applied, code)))
    return [*rows, (say("Amount due"), say.money(invoice.amount_due, code))]


def _note_totals(note: CreditNote, say: Language) -> list[Row]:
    return [
        (say("Subtotal"), say.money(note.subtotal, note.currency)),
        (say("Tax"), say.money(note.tax_total, note.currency)),
        (say("Total credited"), say.money(note.total, note.currency)),
    ]


def _tax(tax: Tax, code: str, say: Language) -> tuple[str, str, str, str]:
    unit = currency(code)
    rate = f"{say.number(tax.percent)} %"
    return say(tax.name), rate, say.amount(tax.taxable, unit), say.amount(tax.amount, unit)


def _notes(issued: Issued, say: Language) -> list[str]:
    """Why no tax is asked for, and who owes it, where that is so."""
    found: list[str] = []
    for tax in issued.invoice.taxes:
        if tax.category == "AE":
            found.append(say("Reverse charge: the customer owes the tax."))
        if tax.reason:
            found.append(tax.reason)
    return list(dict.fromkeys(found))

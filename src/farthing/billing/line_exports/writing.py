"""An invoice line as a row of CSV (RFC 4180): no text that a spreadsheet would run, numbers that stay numbers (T53)."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from farthing.billing.invoices.values import Invoice, InvoiceLine
from farthing.billing.journal.writing import safe
from farthing.kernel.clock import instant_text
from farthing.pricing.arithmetic import money, plain
from farthing.pricing.calendar import Period, local_day
from farthing.pricing.currencies import currency

COLUMNS: Final = (
    *("number", "issued_at", "status", "customer", "customer_key", "customer_name", "subscription", "line"),
    *("reason", "description", "price", "group", "period_from", "period_to", "first_day", "last_day", "quantity"),
    *("unit_amount", "currency", "amount", "discount", "net", "tax", "rates", "corrects_invoice", "corrects_line"),
)
INSTANT: Final = timedelta(microseconds=1)


def cells(invoice: Invoice, line: InvoiceLine, zone: ZoneInfo, numbers: Mapping[str, str]) -> tuple[str, ...]:
    """What the columns say of a line.

    zone     in which its days begin
    numbers  of the invoices that lines correct, by id
    """
    unit, buyer = currency(invoice.currency), invoice.buyer
    corrects = line.corrects or ("", "")
    return (
        invoice.number or "", _told(invoice.issued_at), invoice.status, invoice.customer, safe(buyer["key"] or ""),
        safe(buyer["name"]), invoice.subscription or "", line.id, line.reason, safe(line.description),
        safe(line.price or ""), safe(_group(line)), *_period(line.period, zone), line.quantity,
        "" if line.unit_amount is None else plain(line.unit_amount), unit.code, money(line.amount, unit),
        money(line.discount, unit), money(line.net, unit), money(line.tax, unit), safe(_rates(invoice, line)),
        numbers.get(corrects[0], corrects[0]), corrects[1],
    )


def row(values: Sequence[str]) -> str:
    """A line of the file, quoted where it must be."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _told(moment: datetime | None) -> str:
    return "" if moment is None else instant_text(moment)


def _period(period: Period | None, zone: ZoneInfo) -> tuple[str, str, str, str]:
    """Its instants, and its first and last local day."""
    if period is None:
        return "", "", "", ""
    first, last = local_day(period.start, zone), local_day(max(period.start, period.end - INSTANT), zone)
    return instant_text(period.start), instant_text(period.end), first.isoformat(), last.isoformat()


def _group(line: InvoiceLine) -> str:
    """The values of its group by name; nothing after the sign for a value that is missing."""
    return "; ".join(f"{name}={value or ''}" for name, value in zip(line.group_by, line.group, strict=True))


def _rates(invoice: Invoice, line: InvoiceLine) -> str:
    """Its tax rates as they were when it was finalised."""
    return "; ".join(f"{tax.key} {plain(tax.percent)} %" for tax in invoice.taxes if tax.rate in line.tax_rates)

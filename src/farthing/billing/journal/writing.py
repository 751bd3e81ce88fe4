"""The journal as text: CSV for spreadsheets, and Beancount's plain-text accounting."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from farthing.billing.invoices.numbers import SeriesReport
from farthing.billing.journal.values import (
    APPLIED,
    CREDIT_NOTE,
    EXPIRY,
    INVOICE,
    ON_ACCOUNT,
    PAYMENT,
    REFUND,
    RELEASE,
    REVERSAL,
    TOP_UP,
    VOID,
    WRITE_OFF,
    JournalEntry,
)
from farthing.kernel.clock import instant_text
from farthing.pricing.arithmetic import ZERO, money
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account, balances

COLUMNS: Final = (
    *("entry", "day", "recorded_at", "kind", "customer", "customer_key", "customer_name", "invoice", "number"),
    *("payment", "currency", "account", "debit", "credit"),
)
FORMULAS: Final = tuple("=+-@\t\r\n＝＋－＠")  # what a spreadsheet may take for the beginning of one (T53)
ACCOUNTS: Final[Mapping[Account, str]] = {
    Account.RECEIVABLES: "Assets:Receivables",
    Account.CASH: "Assets:Cash",
    Account.CUSTOMER_CREDIT: "Liabilities:CustomerCredit",
    Account.PREPAID_CREDIT: "Liabilities:PrepaidCredit",
    Account.DEFERRED_REVENUE: "Liabilities:DeferredRevenue",
    Account.REVENUE: "Income:Revenue",
    Account.TAX_PAYABLE: "Liabilities:TaxPayable",
    Account.BAD_DEBT: "Expenses:BadDebt",
}
NARRATIONS: Final[Mapping[str, str]] = {
    INVOICE: "Invoice {number}", PAYMENT: "Payment of {number}", RELEASE: "Revenue of {number} earned",
    VOID: "{number} voided", APPLIED: "Credit set against {number}",
    CREDIT_NOTE: "Credit note on {number}", WRITE_OFF: "{number} written off",
    ON_ACCOUNT: "Payment on account", REFUND: "Payment given back {number}", REVERSAL: "Payment taken back {number}",
    TOP_UP: "Prepaid credit topped up", EXPIRY: "Prepaid credit expired",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry with what tells its reader whom and what it is about: the invoice's number and its buyer's names."""

    entry: JournalEntry
    number: str
    customer_key: str | None
    customer_name: str


Written = Callable[[Iterable[Told], str, Iterator[SeriesReport]], Iterator[str]]


def as_csv(entries: Iterable[Told], title: str, series: Iterator[SeriesReport]) -> Iterator[str]:
    """A row for each account that an entry changes, then the series of numbers as comments (RFC 4180)."""
    yield _row(COLUMNS)
    for told in entries:
        one = told.entry
        unit = currency(one.currency)
        about = (
            one.id, one.day.isoformat(), instant_text(one.recorded_at), one.kind, one.customer,
            safe(told.customer_key or ""), safe(told.customer_name), one.invoice or "", told.number, one.payment or "",
            one.currency,
        )
        for account, amount in balances(one.postings).items():
            debit, credit = (money(amount, unit), "") if amount > ZERO else ("", money(amount.copy_abs(), unit))
            yield _row((*about, account.value, debit, credit))
    for report in series:
        yield f"# {report.told}\r\n"


def safe(text: str) -> str:
    """A text cell that no spreadsheet runs: what would begin a formula gets a leading apostrophe (T53)."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def _row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def as_beancount(entries: Iterable[Told], title: str, series: Iterator[SeriesReport]) -> Iterator[str]:
    """Transactions that `bean-check` accepts, then the series of numbers as comments."""
    yield f'option "title" "{_quoted(title)}"\n\n'
    for name in ACCOUNTS.values():
        yield f"1970-01-01 open {name}\n"
    for told in entries:
        one = told.entry
        unit = currency(one.currency)
        narration = NARRATIONS[one.kind].format(number=told.number).rstrip()
        link = f" ^{told.number}" if told.number else ""
        yield f'\n{one.day.isoformat()} * "{_quoted(told.customer_name)}" "{narration}"{link}\n'
        yield f'  entry: "{one.id}"\n  customer: "{one.customer}"\n'
        for account, amount in balances(one.postings).items():
            yield f"  {ACCOUNTS[account]}  {money(amount, unit)} {unit.code}\n"
    yield "\n"
    for report in series:
        yield f"; {report.told}\n"


def _quoted(text: str) -> str:
    """A text for between Beancount's quotation marks, on one line."""
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split())


FORMATS: Final[Mapping[str, tuple[str, Written]]] = {  # by name: the media type, and what writes it
    "csv": ("text/csv", as_csv), "beancount": ("text/x-beancount", as_beancount),
}

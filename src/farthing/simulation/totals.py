"""What came of it: sums by currency, and a digest that is the same wherever the same seed was run."""

from collections.abc import Sequence
from csv import DictReader
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Final

from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.currencies import currency
from farthing.simulation.office import Json, Office

INVOICE: Final = (
    "number", "status", "currency", "boundary", "period", "issued_at", "due_at", "taxes", "subtotal",
    "discount_total", "tax_total", "credit_applied", "total", "amount_paid", "amount_due",
)
LINE: Final = (
    "description", "price", "group", "period", "quantity", "unit_amount", "amount", "tax", "tax_rates", "discount",
    "reason",
)
NOTE: Final = ("number", "subtotal", "tax_total", "total", "currency")


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one currency, in major units.

    invoiced  the totals of all invoices that have a number and are not void
    paid      cash in, less what went out again, as the journal has it
    due       what open invoices still ask for
    credit    what the company owes its customers: unapplied money, credit notes and prepaid credit
    """

    currency: str
    invoiced: Decimal
    paid: Decimal
    due: Decimal
    credit: Decimal

    @property
    def shown(self) -> dict[str, str]:
        unit = currency(self.currency)
        amounts = {"invoiced": self.invoiced, "paid": self.paid, "due": self.due, "credit": self.credit}
        return {"currency": self.currency} | {name: money(amount, unit) for name, amount in amounts.items()}


def digest(invoices: Sequence[Json], notes: Sequence[Json], journal: dict[tuple[str, str], Decimal]) -> str:
    """SHA-256 over all that is the same in every run: numbers, lines, sums and accounts, but no identifiers."""
    told = [_told(one) for one in sorted(invoices, key=lambda one: (one["number"] or "", one["boundary"] or ""))]
    accounts = [[*account, format(amount, "f")] for account, amount in sorted(journal.items())]
    credit = [{name: one.get(name) for name in NOTE} for one in sorted(notes, key=lambda one: str(one["number"]))]
    return sha256(dumps([told, credit, accounts])).hexdigest()


def _told(one: Json) -> Json:
    lines = [{name: line.get(name) for name in LINE} for line in one["lines"]]
    taxes = [{name: value for name, value in tax.items() if name != "rate"} for tax in one["taxes"]]
    for line in lines:
        line["tax_rates"] = len(line["tax_rates"] or ())  # by identifiers; `taxes` names them
    said = {name: one.get(name) for name in INVOICE}
    return said | {"lines": lines, "taxes": taxes, "customer": one["customer"]["key"]}


def accounts(office: Office) -> dict[tuple[str, str], Decimal]:
    """How each account stands in each currency, above zero for a debit, from the exported journal."""
    found: dict[tuple[str, str], Decimal] = {}
    text = office.text("/v1/exports/journal?format=csv")
    rows = DictReader(line for line in text.splitlines() if not line.startswith("# "))
    with exactly():
        for row in rows:
            place = row["account"], row["currency"]
            amount = Decimal(row["debit"] or "0") - Decimal(row["credit"] or "0")
            found[place] = found.get(place, ZERO) + amount
    return found


def sums(invoices: Sequence[Json], journal: dict[tuple[str, str], Decimal]) -> list[Sums]:
    """By currency."""
    found = []
    for code in sorted({one["currency"] for one in invoices}):
        mine = [one for one in invoices if one["currency"] == code and one["number"] and one["status"] != "void"]
        with exactly():
            invoiced = sum((Decimal(one["total"]) for one in mine), ZERO)
            due = sum((Decimal(one["amount_due"]) for one in mine if one["status"] == "open"), ZERO)
            credit = -(journal.get(("customer_credit", code), ZERO) + journal.get(("prepaid_credit", code), ZERO))
        found.append(Sums(code, invoiced, journal.get(("cash", code), ZERO), due, credit))
    return found

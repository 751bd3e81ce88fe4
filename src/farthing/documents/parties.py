"""Who sells and who buys, and where money goes, as documents print it."""

import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import segno
from segno import helpers

from farthing.billing import Invoice
from farthing.documents.languages import Language
from farthing.pricing.arithmetic import ZERO

MOST_BY_TRANSFER: Final = Decimal("999999999.99")  # of an EPC payment code
LONGEST_NAME: Final = 70
Party = dict[str, Any]  # Any: JSON


def party(snapshot: Mapping[str, Any], say: Language) -> Party:
    """The name, address and tax numbers of a seller or buyer."""
    address = snapshot.get("address") or {}
    city = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    country = address.get("country")
    named = say.locale.territories.get(country, country) if country else None
    rows = [address.get("line1"), address.get("line2"), city, address.get("region"), named, snapshot.get("email")]
    rows += [f"{say('Tax number')}: {one['value']}" for one in snapshot.get("tax_ids") or ()]
    return {"name": snapshot.get("legal_name") or snapshot["name"], "rows": [row for row in rows if row]}


def bank_rows(invoice: Invoice, say: Language) -> list[tuple[str, str]]:
    """Where to pay, and with which reference; nothing where nothing is due."""
    bank = invoice.seller.get("bank") or {}
    if not bank.get("iban") or invoice.amount_due <= ZERO:
        return []
    iban = bank["iban"]
    rows = [("IBAN", " ".join(iban[place : place + 4] for place in range(0, len(iban), 4)))]
    rows += [("BIC", bank["bic"])] if bank.get("bic") else []
    return [*rows, (say("Payment reference"), str(invoice.number))]


def payment_code(invoice: Invoice) -> str | None:
    """The EPC code of a transfer in euros as SVG; None where there is nothing to be paid so."""
    bank, due = invoice.seller.get("bank") or {}, invoice.amount_due
    if invoice.currency != "EUR" or not bank.get("iban") or not ZERO < due <= MOST_BY_TRANSFER:
        return None
    name = str(invoice.seller.get("legal_name") or invoice.seller["name"])[:LONGEST_NAME]
    code: segno.QRCode = helpers.make_epc_qr(
        name=name, iban=bank["iban"], amount=due, text=str(invoice.number), bic=bank.get("bic"), encoding="utf-8"
    )
    out = io.BytesIO()
    code.save(out, kind="svg", border=2, xmldecl=False)
    return out.getvalue().decode()

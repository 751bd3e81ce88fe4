"""An e-invoice in UBL 2.1."""

from datetime import date
from decimal import Decimal
from typing import Final

from farthing.documents.einvoice import CREDIT_NOTE, DISCOUNT, Category, EInvoice, Line, Party
from farthing.documents.markup import Node, cents, figure, root

SPACE: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
PREFIXES: Final = {"cbc": f"{SPACE}CommonBasicComponents-2", "cac": f"{SPACE}CommonAggregateComponents-2"}
EN_16931: Final = "urn:cen.eu:en16931:2017"
SEPA, TRANSFER = "58", "30"  # of UNTDID 4461
EACH: Final = "C62"


def ubl(of: EInvoice) -> bytes:
    """The document, an Invoice or a CreditNote."""
    kind = "CreditNote" if of.type == CREDIT_NOTE else "Invoice"
    doc = root(f"{SPACE}{kind}-2", kind, PREFIXES | {kind.lower(): f"{SPACE}{kind}-2"})
    doc.add("cbc:CustomizationID", EN_16931)
    doc.add("cbc:ID", of.number)
    doc.add("cbc:IssueDate", of.issued.isoformat())
    doc.maybe("cbc:DueDate", of.due.isoformat() if of.due else None)
    doc.add(f"cbc:{kind}TypeCode", of.type)
    doc.maybe("cbc:Note", of.reason)
    doc.add("cbc:DocumentCurrencyCode", of.currency)
    doc.maybe("cbc:BuyerReference", of.buyer_reference)
    _period(doc, of.period)
    _preceding(doc, of)
    _party(doc.add("cac:AccountingSupplierParty").add("cac:Party"), of.seller, outside=_outside(of))
    _party(doc.add("cac:AccountingCustomerParty").add("cac:Party"), of.buyer, outside=_outside(of))
    _payment(doc, of)
    _taxes(doc, of)
    _totals(doc, of)
    for line in of.lines:
        _line(doc, line, kind, of.currency)
    return doc.written()


def _preceding(doc: Node, of: EInvoice) -> None:
    if of.preceding is not None:
        before = doc.add("cac:BillingReference").add("cac:InvoiceDocumentReference")
        before.add("cbc:ID", of.preceding[0])
        before.add("cbc:IssueDate", of.preceding[1].isoformat())


def _outside(of: EInvoice) -> bool:
    return any(one.category.percent is None for one in of.subtotals)


def _period(to: Node, period: tuple[date, date] | None) -> None:
    if period is not None:
        inner = to.add("cac:InvoicePeriod")
        inner.add("cbc:StartDate", period[0].isoformat())
        inner.add("cbc:EndDate", period[1].isoformat())


def _party(to: Node, party: Party, outside: bool) -> None:
    """Its VAT number stays out of what is outside the scope of tax (BR-O-02)."""
    to.maybe("cbc:EndpointID", party.email, schemeID="EM")
    place = to.add("cac:PostalAddress")
    names = {
        "StreetName": "line1", "AdditionalStreetName": "line2", "CityName": "city", "PostalZone": "postal_code",
        "CountrySubentity": "region",
    }
    for element, name in names.items():
        place.maybe(f"cbc:{element}", party.address.get(name))
    place.add("cac:Country").add("cbc:IdentificationCode", party.address["country"])
    for number, scheme in ((None if outside else party.vat, "VAT"), (party.registration, "TAX")):
        if number:
            tax = to.add("cac:PartyTaxScheme")
            tax.add("cbc:CompanyID", number)
            tax.add("cac:TaxScheme").add("cbc:ID", scheme)
    to.add("cac:PartyLegalEntity").add("cbc:RegistrationName", party.name)


def _payment(doc: Node, of: EInvoice) -> None:
    if of.bank.get("iban") and of.type != CREDIT_NOTE:
        means = doc.add("cac:PaymentMeans")
        means.add("cbc:PaymentMeansCode", SEPA if of.currency == "EUR" else TRANSFER)
        means.add("cbc:PaymentID", of.number)
        account = means.add("cac:PayeeFinancialAccount")
        account.add("cbc:ID", of.bank["iban"])
        if of.bank.get("bic"):
            account.add("cac:FinancialInstitutionBranch").add("cbc:ID", of.bank["bic"])


def _taxes(doc: Node, of: EInvoice) -> None:
    whole = doc.add("cac:TaxTotal")
    _amount(whole, "TaxAmount", of.tax, of.currency)
    for one in of.subtotals:
        part = whole.add("cac:TaxSubtotal")
        _amount(part, "TaxableAmount", one.taxable, of.currency)
        _amount(part, "TaxAmount", one.tax, of.currency)
        _category(part.add("cac:TaxCategory"), one.category, one.reason)


def _category(to: Node, category: Category, reason: str | None = None) -> None:
    to.add("cbc:ID", category.code)
    if category.percent is not None:
        to.add("cbc:Percent", figure(category.percent))
    to.maybe("cbc:TaxExemptionReason", reason)
    to.add("cac:TaxScheme").add("cbc:ID", "VAT")


def _totals(doc: Node, of: EInvoice) -> None:
    sums = doc.add("cac:LegalMonetaryTotal")
    _amount(sums, "LineExtensionAmount", of.net, of.currency)
    _amount(sums, "TaxExclusiveAmount", of.net, of.currency)
    _amount(sums, "TaxInclusiveAmount", of.total, of.currency)
    if of.paid:
        _amount(sums, "PrepaidAmount", of.paid, of.currency)
    _amount(sums, "PayableAmount", of.due_amount, of.currency)


def _line(doc: Node, line: Line, kind: str, currency: str) -> None:
    to = doc.add(f"cac:{kind}Line")
    to.add("cbc:ID", line.id)
    to.maybe("cbc:Note", line.note)
    quantity = "CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity"
    to.add(f"cbc:{quantity}", figure(line.quantity), unitCode=EACH)
    _amount(to, "LineExtensionAmount", line.net, currency)
    _period(to, line.period)
    if line.allowance:
        less = to.add("cac:AllowanceCharge")
        less.add("cbc:ChargeIndicator", "true" if line.allowance < 0 else "false")
        less.add("cbc:AllowanceChargeReason", DISCOUNT)
        _amount(less, "Amount", abs(line.allowance), currency)
    item = to.add("cac:Item")
    item.add("cbc:Name", line.name)
    _category(item.add("cac:ClassifiedTaxCategory"), line.category)
    to.add("cac:Price").add("cbc:PriceAmount", figure(line.price), currencyID=currency)


def _amount(to: Node, name: str, amount: Decimal, currency: str) -> None:
    to.add(f"cbc:{name}", cents(amount), currencyID=currency)

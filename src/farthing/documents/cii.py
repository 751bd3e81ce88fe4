"""An e-invoice in UN/CEFACT CII D16B, as Factur-X has it in its PDF."""

from datetime import date
from typing import Final

from farthing.documents.einvoice import CREDIT_NOTE, DISCOUNT, Category, EInvoice, Line, Party
from farthing.documents.markup import Node, cents, figure, root
from farthing.documents.ubl import EACH, EN_16931, SEPA, TRANSFER

SPACE: Final = "urn:un:unece:uncefact:data:standard:"
PREFIXES: Final = {
    "rsm": f"{SPACE}CrossIndustryInvoice:100", "udt": f"{SPACE}UnqualifiedDataType:100",
    "ram": f"{SPACE}ReusableAggregateBusinessInformationEntity:100", "qdt": f"{SPACE}QualifiedDataType:100",
}
YYYYMMDD: Final = "102"


def cii(of: EInvoice) -> bytes:
    """The document."""
    doc = root(PREFIXES["rsm"], "CrossIndustryInvoice", PREFIXES)
    context = doc.add("rsm:ExchangedDocumentContext")
    context.add("ram:GuidelineSpecifiedDocumentContextParameter").add("ram:ID", EN_16931)
    head = doc.add("rsm:ExchangedDocument")
    head.add("ram:ID", of.number)
    head.add("ram:TypeCode", of.type)
    _day(head.add("ram:IssueDateTime"), of.issued)
    if of.reason:
        head.add("ram:IncludedNote").add("ram:Content", of.reason)
    trade = doc.add("rsm:SupplyChainTradeTransaction")
    for line in of.lines:
        _line(trade.add("ram:IncludedSupplyChainTradeLineItem"), line)
    agreement = trade.add("ram:ApplicableHeaderTradeAgreement")
    agreement.maybe("ram:BuyerReference", of.buyer_reference)
    outside = any(one.category.percent is None for one in of.subtotals)
    _party(agreement.add("ram:SellerTradeParty"), of.seller, outside)
    _party(agreement.add("ram:BuyerTradeParty"), of.buyer, outside)
    trade.add("ram:ApplicableHeaderTradeDelivery")
    _settlement(trade.add("ram:ApplicableHeaderTradeSettlement"), of)
    return doc.written()


def _line(to: Node, line: Line) -> None:
    about = to.add("ram:AssociatedDocumentLineDocument")
    about.add("ram:LineID", line.id)
    if line.note:
        about.add("ram:IncludedNote").add("ram:Content", line.note)
    to.add("ram:SpecifiedTradeProduct").add("ram:Name", line.name)
    price = to.add("ram:SpecifiedLineTradeAgreement").add("ram:NetPriceProductTradePrice")
    price.add("ram:ChargeAmount", figure(line.price))
    to.add("ram:SpecifiedLineTradeDelivery").add("ram:BilledQuantity", figure(line.quantity), unitCode=EACH)
    settled = to.add("ram:SpecifiedLineTradeSettlement")
    tax = settled.add("ram:ApplicableTradeTax")
    tax.add("ram:TypeCode", "VAT")
    _category(tax, line.category)
    _period(settled, line.period)
    if line.allowance:
        less = settled.add("ram:SpecifiedTradeAllowanceCharge")
        less.add("ram:ChargeIndicator").add("udt:Indicator", "true" if line.allowance < 0 else "false")
        less.add("ram:ActualAmount", cents(abs(line.allowance)))
        less.add("ram:Reason", DISCOUNT)
    settled.add("ram:SpecifiedTradeSettlementLineMonetarySummation").add("ram:LineTotalAmount", cents(line.net))


def _party(to: Node, party: Party, outside: bool) -> None:
    to.add("ram:Name", party.name)
    place = to.add("ram:PostalTradeAddress")
    names = {"PostcodeCode": "postal_code", "LineOne": "line1", "LineTwo": "line2", "CityName": "city"}
    for element, name in names.items():
        place.maybe(f"ram:{element}", party.address.get(name))
    place.add("ram:CountryID", party.address["country"])
    place.maybe("ram:CountrySubDivisionName", party.address.get("region"))
    if party.email:
        to.add("ram:URIUniversalCommunication").add("ram:URIID", party.email, schemeID="EM")
    for number, scheme in ((party.registration, "FC"), (None if outside else party.vat, "VA")):
        if number:
            to.add("ram:SpecifiedTaxRegistration").add("ram:ID", number, schemeID=scheme)


def _settlement(to: Node, of: EInvoice) -> None:
    by_transfer = of.bank.get("iban") and of.type != CREDIT_NOTE
    if by_transfer:
        to.add("ram:PaymentReference", of.number)
    to.add("ram:InvoiceCurrencyCode", of.currency)
    if by_transfer:
        means = to.add("ram:SpecifiedTradeSettlementPaymentMeans")
        means.add("ram:TypeCode", SEPA if of.currency == "EUR" else TRANSFER)
        means.add("ram:PayeePartyCreditorFinancialAccount").add("ram:IBANID", of.bank["iban"])
        if of.bank.get("bic"):
            means.add("ram:PayeeSpecifiedCreditorFinancialInstitution").add("ram:BICID", of.bank["bic"])
    _taxes(to, of)
    _period(to, of.period)
    if of.due is not None:
        _day(to.add("ram:SpecifiedTradePaymentTerms").add("ram:DueDateDateTime"), of.due)
    _totals(to.add("ram:SpecifiedTradeSettlementHeaderMonetarySummation"), of)
    if of.preceding is not None:
        before = to.add("ram:InvoiceReferencedDocument")
        before.add("ram:IssuerAssignedID", of.preceding[0])
        day = before.add("ram:FormattedIssueDateTime")
        day.add("qdt:DateTimeString", format(of.preceding[1], "%Y%m%d"), format=YYYYMMDD)


def _taxes(to: Node, of: EInvoice) -> None:
    for one in of.subtotals:
        tax = to.add("ram:ApplicableTradeTax")
        tax.add("ram:CalculatedAmount", cents(one.tax))
        tax.add("ram:TypeCode", "VAT")
        tax.maybe("ram:ExemptionReason", one.reason)
        tax.add("ram:BasisAmount", cents(one.taxable))
        _category(tax, one.category)


def _totals(to: Node, of: EInvoice) -> None:
    to.add("ram:LineTotalAmount", cents(of.net))
    to.add("ram:TaxBasisTotalAmount", cents(of.net))
    to.add("ram:TaxTotalAmount", cents(of.tax), currencyID=of.currency)
    to.add("ram:GrandTotalAmount", cents(of.total))
    if of.paid:
        to.add("ram:TotalPrepaidAmount", cents(of.paid))
    to.add("ram:DuePayableAmount", cents(of.due_amount))


def _category(to: Node, category: Category) -> None:
    to.add("ram:CategoryCode", category.code)
    if category.percent is not None:
        to.add("ram:RateApplicablePercent", figure(category.percent))


def _period(to: Node, period: tuple[date, date] | None) -> None:
    if period is not None:
        inner = to.add("ram:BillingSpecifiedPeriod")
        _day(inner.add("ram:StartDateTime"), period[0])
        _day(inner.add("ram:EndDateTime"), period[1])


def _day(to: Node, day: date) -> None:
    to.add("udt:DateTimeString", format(day, "%Y%m%d"), format=YYYYMMDD)

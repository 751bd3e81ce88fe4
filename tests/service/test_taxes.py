"""Tax rates from the catalogue to the invoice (rules 19 and 27)."""

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from farthing.pricing.arithmetic import plain
from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, SUPPORT, Books
from tests.service.conftest import Api
from tests.service.test_journal import accounts
from tests.unit.pricing.naive_invoice import NaiveCoupon, NaiveLine, NaiveRate
from tests.unit.pricing.naive_invoice import invoice as naive_invoice

pytestmark = pytest.mark.books

GERMAN: dict[str, Any] = {"country": "DE"}
VAT: dict[str, Any] = {"key": "de-vat", "name": "VAT", "percent": "19", "country": "DE"}
BRITISH: dict[str, Any] = {"key": "gb-vat", "name": "VAT", "percent": "20", "country": "GB", "inclusive": True}


def refused(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return [error["field"] for error in (answer.json or {})["errors"]]


def drafted(books: Books, *units: str, **fields: Any) -> dict[str, Any]:
    """A draft of lines that somebody wrote."""
    lines = [{"description": "Setup", "quantity": "1", "unit_amount": unit} for unit in units]
    return books.api.made("/v1/invoices", {"customer": "acme", "currency": "USD", "lines": lines} | fields)


def of_lines(invoice: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(line["amount"], line["discount"], line["tax"]) for line in invoice["lines"]]


def of_taxes(invoice: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(tax["category"], tax["percent"], tax["taxable"], tax["amount"]) for tax in invoice["taxes"]]


def sums_hold(invoice: dict[str, Any]) -> None:
    """EN 16931: BR-CO-10, 13, 14 and 15, each exactly (I5)."""
    lines, taxes = invoice["lines"], invoice["taxes"]
    amount = {name: Decimal(invoice[name]) for name in ("subtotal", "discount_total", "tax_total", "total")}
    assert amount["subtotal"] == sum(Decimal(line["amount"]) for line in lines)
    assert amount["discount_total"] == sum(Decimal(line["discount"]) for line in lines)
    assert amount["tax_total"] == sum(Decimal(line["tax"]) for line in lines)
    assert amount["tax_total"] == sum(Decimal(tax["amount"]) for tax in taxes)
    assert amount["total"] == amount["subtotal"] - amount["discount_total"] + amount["tax_total"]


def test_a_rate_is_put_on_usage(books: Books) -> None:
    """Three calls at 0.10 and 19 percent: 0.30 and 0.06 (0.057, rounded)."""
    rate = books.api.made("/v1/tax-rates", dict(VAT))
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z", customer={"address": GERMAN})
    books.use("1", "2026-10-07T12:00:00Z", "3")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert invoice["taxes"] == [{
        "rate": rate["id"], "rate_key": "de-vat", "name": "VAT", "percent": "19", "category": "S",
        "taxable": "0.30", "amount": "0.06",
    }]
    [line] = invoice["lines"]
    assert (line["amount"], line["discount"], line["tax"], line["tax_rates"]) == ("0.30", "0.00", "0.06", [rate["id"]])
    assert (invoice["subtotal"], invoice["tax_total"], invoice["total"]) == ("0.30", "0.06", "0.36")
    assert books.api.get(f"/v1/invoices/{invoice['id']}").json == invoice
    assert books.api.delete("/v1/tax-rates/de-vat").status_code == 409


def test_a_tax_rate_says_all_that_the_interface_promises(api: Api) -> None:
    made = api.made("/v1/tax-rates", dict(VAT))
    assert made == {
        "id": made["id"], "key": "de-vat", "name": "VAT", "percent": "19", "inclusive": False, "country": "DE",
        "region": None, "tax_code": None, "category": "S", "reason": None, "version": 1,
        "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
    }
    assert api.get("/v1/tax-rates/de-vat").json == api.get(f"/v1/tax-rates/{made['id']}").json == made
    assert api.every("/v1/tax-rates") == [made]
    assert api.post("/v1/tax-rates", VAT).status_code == 409


@pytest.mark.parametrize(("change", "field"), [
    ({"percent": "-1"}, "percent"), ({"percent": "101"}, "percent"), ({"percent": None}, "percent"),
    ({"percent": "NaN"}, "percent"), ({"country": "de"}, "country"), ({"country": "Germany"}, "country"),
    ({"country": None, "region": "QC"}, "region"), ({"category": "L"}, "category"), ({"inclusive": "no"}, "inclusive"),
    ({"category": "AE"}, "percent"), ({"category": "Z", "percent": "0.1"}, "percent"), ({"key": "tax_1"}, "key"),
    ({"name": ""}, "name"), ({"id": "tax_1"}, "id"), ({"surprise": 1}, "surprise"),
])
def test_an_unlawful_tax_rate_is_refused(api: Api, change: dict[str, Any], field: str) -> None:
    """T14, T45: every field and rule by name."""
    sent = {name: value for name, value in (VAT | change).items() if value is not None}
    assert field in refused(api.post("/v1/tax-rates", sent))
    assert api.every("/v1/tax-rates") == []


def test_inclusive_and_exclusive_rates_of_one_place_are_refused(api: Api) -> None:
    """They would fall on the same lines (rule 19); elsewhere, or for another code, they do not."""
    api.made("/v1/tax-rates", dict(VAT))
    assert refused(api.post("/v1/tax-rates", VAT | {"key": "b", "inclusive": True})) == ["inclusive"]
    api.made("/v1/tax-rates", VAT | {"key": "b", "inclusive": True, "tax_code": "books"})
    assert refused(api.patch("/v1/tax-rates/b", {"tax_code": None})) == ["inclusive"]


def test_what_may_still_change_of_a_tax_rate_does(books: Books) -> None:
    """Finalised invoices keep what they have; a draft takes the new when it is finalised (rule 20)."""
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    final, draft = books.post(drafted(books, "100"), "finalize"), drafted(books, "100")
    path = "/v1/tax-rates/de-vat"
    changed = books.api.patch(path, {"percent": "20", "name": "MwSt"}, headers={"If-Match": '"1"'}).json or {}
    assert (changed["percent"], changed["name"], changed["version"]) == ("20", "MwSt", 2)
    assert books.api.patch(path, {"percent": "21"}, headers={"If-Match": '"1"'}).status_code == 412
    assert refused(books.api.patch(path, {"key": "other"})) == ["key"]
    assert refused(books.api.patch(path, {"version": 9})) == ["version"]
    assert books.api.get(f"/v1/invoices/{final['id']}").json == final
    assert books.post(draft, "finalize")["total"] == "120.00"


def test_a_tax_rate_goes_when_no_invoice_has_it(books: Books) -> None:
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    draft = drafted(books, "1")
    assert books.api.delete("/v1/tax-rates/de-vat").status_code == 409
    books.api.delete(f"/v1/invoices/{draft['id']}")
    assert books.api.delete("/v1/tax-rates/de-vat").status_code == 204
    assert books.api.get("/v1/tax-rates/de-vat").status_code == 404


@pytest.mark.parametrize(("units", "taxes", "total"), [
    (["0.005"] * 3, ["0.01", "0.00", "0.00"], "0.04"),
    (["0.14"] * 7, ["0.03"] * 5 + ["0.02"] * 2, "1.17"),
    (["0.0049"] * 1000, ["0.00"] * 1000, "0.00"),
])
def test_tax_is_rounded_over_the_invoice(books: Books, units: list[str], taxes: list[str], total: str) -> None:
    """T15: per rate, and then shared; the sums hold to the cent (rules 3 and 19)."""
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    draft = drafted(books, *units)
    assert [line["tax"] for line in draft["lines"]] == taxes
    assert draft["total"] == total
    sums_hold(draft)


def test_discounts_come_before_tax(books: Books) -> None:
    """100.00 and 50.00 less a tenth: 90.00 and 45.00 are taxed with 17.10 and 8.55 (rule 19)."""
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    books.api.made("/v1/coupons", {"key": "tenth", "name": "Tenth", "percent": "10", "duration": "forever"})
    books.api.made("/v1/customers/acme/coupons", {"coupon": "tenth"})
    draft = drafted(books, "100", "50")
    assert of_lines(draft) == [("100.00", "10.00", "17.10"), ("50.00", "5.00", "8.55")]
    assert (draft["discount_total"], draft["tax_total"], draft["total"]) == ("15.00", "25.65", "160.65")


def test_an_inclusive_price_is_shown_net(books: Books) -> None:
    """Three times 9.99 with 20 percent in it comes to 29.97 again; the unit amount stays as entered (rule 19)."""
    books.customer(address={"country": "GB"})
    books.api.made("/v1/tax-rates", dict(BRITISH))
    draft = drafted(books, "9.99", "9.99", "9.99")
    assert of_lines(draft) == [("8.33", "0.00", "1.66"), ("8.33", "0.00", "1.66"), ("8.32", "0.00", "1.67")]
    assert {line["unit_amount"] for line in draft["lines"]} == {"9.99"}
    assert of_taxes(draft) == [("S", "20", "24.98", "4.99")]
    assert (draft["subtotal"], draft["total"]) == ("24.98", "29.97")
    books.api.made("/v1/coupons", {"key": "tenth", "name": "Tenth", "percent": "10", "duration": "forever"})
    books.api.made("/v1/customers/acme/coupons", {"coupon": "tenth"})
    final = books.post(draft, "finalize")  # 3.00 off the gross: 26.97, of which 22.48 (22.475) is net
    assert (final["subtotal"], final["discount_total"], final["tax_total"]) == ("24.98", "2.50", "4.49")
    assert final["total"] == "26.97"
    sums_hold(final)


def test_several_rates_work_each_on_the_net(books: Books) -> None:
    books.customer(address={"country": "CA", "region": "QC"})
    for key, percent in (("gst", "5"), ("qst", "9.975")):
        place = {"country": "CA", "region": "QC"}
        books.api.made("/v1/tax-rates", {"key": key, "name": key.upper(), "percent": percent} | place)
    draft = drafted(books, "100")
    assert of_taxes(draft) == [("S", "5", "100.00", "5.00"), ("S", "9.975", "100.00", "9.98")]
    assert (draft["lines"][0]["tax"], draft["total"]) == ("14.98", "114.98")


def test_a_line_takes_the_rates_of_its_code(books: Books) -> None:
    """Also a price's lines; a code that no rate is for takes those without one (rule 27)."""
    books.api.made("/v1/tax-rates", dict(VAT))
    reduced = VAT | {"key": "de-7", "percent": "7", "tax_code": "books"}
    books.api.made("/v1/tax-rates", reduced)
    prices = [BASE | {"tax_code": "books"}, SUPPORT | {"billing": "in_advance", "tax_code": "other"}]
    books.customer_on(*prices, starts_at="2026-11-01T00:00:00Z", customer={"address": GERMAN})
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert of_taxes(invoice) == [("S", "7", "10.00", "0.70"), ("S", "19", "5.00", "0.95")]
    line = {"description": "Book", "quantity": "1", "unit_amount": "10", "tax_code": "books"}
    assert drafted(books, lines=[line])["tax_total"] == "0.70"


@pytest.mark.parametrize(("treatment", "category"), [("exempt", "E"), ("reverse_charge", "AE")])
def test_a_relieved_customer_pays_the_net(books: Books, treatment: str, category: str) -> None:
    """Zero with category and reason, and of an inclusive price the net of each line (rule 27)."""
    books.api.made("/v1/tax-rates", dict(BRITISH))
    books.customer(address={"country": "GB"}, tax_treatment=treatment, tax_reason="Says so")
    draft = drafted(books, "9.99", "9.99", "9.99")
    assert of_lines(draft) == [("8.33", "0.00", "0.00")] * 3
    [tax] = draft["taxes"]
    assert (tax["rate"], tax["category"], tax["reason"]) == (None, category, "Says so")
    assert (tax["taxable"], tax["amount"], draft["total"]) == ("24.99", "0.00", "24.99")


def test_an_exempt_customer_needs_no_country(books: Books) -> None:
    books.api.made("/v1/tax-rates", dict(VAT))
    books.customer(tax_treatment="exempt")
    assert of_taxes(books.post(drafted(books, "10"), "finalize")) == [("E", "0", "10.00", "0.00")]


def test_a_place_without_a_rate_is_category_o(books: Books) -> None:
    books.api.made("/v1/tax-rates", dict(VAT))
    books.customer(address={"country": "US"})
    final = books.post(drafted(books, "10"), "finalize")
    assert (of_taxes(final), final["total"]) == ([("O", "0", "10.00", "0.00")], "10.00")


def test_without_a_country_nothing_is_finalised_untaxed(books: Books) -> None:
    """A run leaves the draft and names the subscription among `parked`, until the country is there (rule 27)."""
    books.api.made("/v1/tax-rates", dict(VAT))
    subscription = books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    run = books.run("2026-11-20T00:00:00Z")
    [parked] = run["parked"]
    assert parked["subscription"] == subscription["id"]
    assert "no country" in parked["reason"]
    answer = books.api.get(f"/v1/subscriptions/{subscription['id']}/upcoming-invoice")
    assert (answer.status_code, "no country" in (answer.json or {})["detail"]) == (409, True)
    [draft] = books.invoices()
    assert (draft["status"], draft["tax_total"], draft["taxes"]) == ("draft", "0.00", [])
    answer = books.api.post(f"/v1/invoices/{draft['id']}/finalize")
    assert (answer.status_code, "no country" in (answer.json or {})["detail"]) == (409, True)
    assert books.api.post(f"/v1/invoices/{drafted(books, '1')['id']}/finalize").status_code == 409
    books.api.patch("/v1/customers/acme", {"address": GERMAN})
    run = books.run("2026-11-20T00:00:00Z")
    assert (run["parked"], run["invoices"]) == ([], 1)
    [final] = books.invoices(status="open")
    assert (final["id"], final["total"]) == (draft["id"], "11.90")


@pytest.mark.parametrize(("code", "unit", "taxed", "total"), [
    ("JPY", "50", "10", "60"), ("KWD", "0.05", "0.010", "0.060"),
])
def test_tax_has_its_currencys_own_decimals(books: Books, code: str, unit: str, taxed: str, total: str) -> None:
    """T13: JPY none, KWD three; 9.5 and 0.0095, half away from zero (rule 2)."""
    books.api.made("/v1/tax-rates", dict(VAT))
    books.customer(currency=code, address=GERMAN)
    draft = drafted(books, unit, currency=code)
    assert (draft["tax_total"], draft["total"]) == (taxed, total)


def test_a_draft_of_other_lines_is_taxed_anew(books: Books) -> None:
    books.api.made("/v1/tax-rates", dict(VAT))
    books.customer(address=GERMAN)
    draft = drafted(books, "10")
    lines = [{"description": "Other", "quantity": "2", "unit_amount": "50"}]
    changed = books.api.patch(f"/v1/invoices/{draft['id']}", {"lines": lines}).json or {}
    assert (changed["tax_total"], changed["total"]) == ("19.00", "119.00")


def explained(books: Books, invoice: dict[str, Any], line: int = 0) -> dict[str, Any]:
    return books.api.get(f"/v1/invoices/{invoice['id']}/lines/{invoice['lines'][line]['id']}/explain").json or {}


def test_a_line_explains_its_discount_and_its_tax(books: Books) -> None:
    """Two coupons and a rate over two lines, each with its whole and the line's part of it."""
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    for coupon in (
        {"key": "tenth", "name": "Tenth", "percent": "10", "duration": "forever"},
        {"key": "ten", "name": "Ten", "amount": "10.00", "currency": "USD", "duration": "once"},
    ):
        books.api.made("/v1/coupons", coupon)
        books.api.made("/v1/customers/acme/coupons", {"coupon": coupon["key"]})
    told = explained(books, drafted(books, "100", "50"))
    assert [(each["coupon_key"], each["amount"], each["note"]) for each in told["discounts"]] == [
        ("tenth", "10.00", "Tenth: 10 % of 150.00 over 2 lines is 15.00; this line's part is 10.00"),
        ("ten", "6.67", "Ten: 10.00 off 135.00 over 2 lines takes 10.00; this line's part is 6.67"),
    ]
    [tax] = told["taxes"]
    assert (tax["rate_key"], tax["percent"], tax["category"], tax["amount"]) == ("de-vat", "19", "S", "15.83")
    assert tax["note"] == "19 % of 125.00 over 2 lines is 23.75; the part of this line's 83.33 is 15.83"
    assert (told["amount"], told["net"], told["discount"], told["tax"]) == ("100.00", "100.00", "16.67", "15.83")


def test_an_inclusive_line_explains_what_is_in_it(books: Books) -> None:
    books.customer(address={"country": "GB"})
    books.api.made("/v1/tax-rates", dict(BRITISH))
    told = explained(books, drafted(books, "9.99", "9.99", "9.99"), 2)
    assert (told["amount"], told["net"], told["tax"]) == ("9.99", "8.32", "1.67")
    [tax] = told["taxes"]
    assert tax["note"] == (
        "20 % is in 29.97 over 3 lines, which is 24.98 net and 4.99 tax; of this line 1.67 is tax"
    )


def test_a_relieved_line_explains_why_there_is_no_tax(books: Books) -> None:
    books.customer(address={"country": "GB"}, tax_treatment="reverse_charge", tax_reason="Art. 196")
    books.api.made("/v1/tax-rates", dict(BRITISH))
    told = explained(books, drafted(books, "12.00"))
    assert [tax["note"] for tax in told["taxes"]] == [
        "Reverse charge: no tax is asked, category AE, Art. 196; 12.00 as entered is 10.00 without the tax in it"
    ]


def test_usage_under_an_inclusive_rate_is_rated_again_as_it_was(books: Books) -> None:
    """I5 and I8 hold over discounts and taxes, and the line of usage explains all of its amount."""
    books.api.made("/v1/tax-rates", dict(BRITISH))
    books.api.made("/v1/coupons", {"key": "tenth", "name": "Tenth", "percent": "10", "duration": "forever"})
    books.customer_on(CALLS, BASE, customer={"address": {"country": "GB"}}, coupons=["tenth"])
    books.use("1", "2026-10-07T12:00:00Z", "333")
    invoices = books.billed("2026-11-20T00:00:00Z")
    for invoice in invoices:
        sums_hold(invoice)
    told = explained(books, invoices[2])
    assert (told["amount"], told["events"]["data"][0]["value"], len(told["discounts"])) == ("33.30", "333", 1)
    sound_books(books.api.farthing, books.api.organization)


def test_the_journal_has_the_tax_and_the_net_after_discounts(books: Books) -> None:
    """119.00 owed: 100.00 earned, 19.00 of tax (rule 22)."""
    books.customer(address=GERMAN)
    books.api.made("/v1/tax-rates", dict(VAT))
    books.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "forever"})
    books.api.made("/v1/customers/acme/coupons", {"coupon": "half"})
    final = books.post(drafted(books, "200"), "finalize")
    assert final["total"] == "119.00"
    assert accounts(books) == {
        "receivables": Decimal("119.00"), "revenue": Decimal("-100.00"), "tax_payable": Decimal("-19.00"),
    }
    sound_books(books.api.farthing, books.api.organization)


@pytest.mark.parametrize("seed", range(8))
def test_invoices_over_http_are_what_the_rules_read_naively_say(books: Books, seed: int) -> None:
    """Random rates, coupons and lines against the model of the unit tests (rules 3, 19 and 27)."""
    chance = Random(seed)
    inclusive = chance.random() < 0.4
    rates = [
        NaiveRate(Fraction(percent), inclusive, country, None, code)
        for percent, country, code in (
            ("19", "DE", None), ("9.975", "DE", None), ("7", "DE", "books"), ("2", None, None),
        )
        if chance.random() < 0.7
    ]
    for place, rate in enumerate(rates):
        sent = {"percent": plain(rate.percent), "inclusive": inclusive, "country": rate.country, "tax_code": rate.code}
        books.api.made("/v1/tax-rates", {"key": f"t{place}", "name": "Tax"} | sent)
    relief = chance.choice([None, None, "E", "AE"])
    treatment = {None: "standard", "E": "exempt", "AE": "reverse_charge"}[relief]
    books.customer(address=GERMAN, tax_treatment=treatment)
    coupons = [
        NaiveCoupon(Fraction(chance.randint(1, 99)), None, frozenset())
        if chance.random() < 0.5 else NaiveCoupon(None, chance.randint(1, 9000), frozenset())
        for _ in range(chance.randint(0, 2))
    ]
    for place, one in enumerate(coupons):
        amount = {"percent": plain(one.percent)} if one.percent is not None else {
            "amount": f"{(one.amount or 0) // 100}.{(one.amount or 0) % 100:02}", "currency": "USD",
        }
        books.api.made("/v1/coupons", {"key": f"c{place}", "name": "Off", "duration": "forever"} | amount)
        books.api.made("/v1/customers/acme/coupons", {"coupon": f"c{place}"})
    lines = [
        NaiveLine(None, chance.choice([None, "books"]), chance.randint(0, 30000)) for _ in range(chance.randint(1, 9))
    ]
    final = books.post(drafted(books, lines=[
        {"description": "A", "quantity": "1", "unit_amount": f"{line.amount // 100}.{line.amount % 100:02}",
         "tax_code": line.code}
        for line in lines
    ]), "finalize")
    expected = naive_invoice(lines, coupons, rates, "DE", None, relief)
    cents = [tuple(int(Decimal(each) * 100) for each in line) for line in of_lines(final)]
    assert cents == list(zip(expected.net, expected.discount, expected.tax, strict=True))
    sums_hold(final)
    sound_books(books.api.farthing, books.api.organization)

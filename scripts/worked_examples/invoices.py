"""From lines to what is owed: discounts, taxes, and when it is earned."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from farthing.pricing.arithmetic import from_minor, money, to_minor
from farthing.pricing.crediting import Standing, credited, given_back, settled
from farthing.pricing.currencies import Currency
from farthing.pricing.discounts import Coupon
from farthing.pricing.invoicing import Line, one_off_line
from farthing.pricing.matching import find_pair
from farthing.pricing.posting import Earned, balances, issued, releases
from farthing.pricing.taxes import Taxpayer, TaxRate
from farthing.pricing.totalling import Totalled, totalled
from worked_examples.pages import EUR, JPY, USD, d, section, table, usd


def line(amount: str, unit: Currency = USD, tax_code: str | None = None, price: str | None = None) -> Line:
    made = one_off_line(price or "Work", Decimal(1), d(amount), unit, tax_code)
    return made if price is None else Line(**{name: getattr(made, name) for name in made.__slots__} | {"price": price})


def discounts() -> str:
    def row(words: str, *coupons: Coupon) -> tuple[object, ...]:
        lines = [line("10.00", price="base"), line("5.00", price="seats"), line("0.35", price="calls")]
        found = totalled(lines, coupons, [], Taxpayer(), USD)
        return words, *(usd(one.discount) for one in found.lines), usd(found.totals.total)

    return section(
        "Coupons", "rule 19",
        """An invoice of three lines: a base fee of 10.00, seats of 5.00 and calls of 0.35. Coupons are taken off in the
        order in which they were given, each from what the ones before have left, and never below zero.""",
        table(("coupons, in order", "off base", "off seats", "off calls", "total"), [
            row("10 %", Coupon("a", d("10"))),
            row("33.333 % on both fees", Coupon("a", d("33.333"), applies_to=frozenset(("base", "seats")))),
            row("3.00", Coupon("a", None, d("3.00"), "USD")),
            row("20.00", Coupon("a", None, d("20.00"), "USD")),
            row("10 %, then 3.00", Coupon("a", d("10")), Coupon("b", None, d("3.00"), "USD")),
            row("3.00, then 10 %", Coupon("b", None, d("3.00"), "USD"), Coupon("a", d("10"))),
        ]),
    )


def rate(key: str, percent: str, inclusive: bool = False, tax_code: str | None = None) -> TaxRate:
    return TaxRate(key, key, key, d(percent), inclusive, "DE", None, tax_code)


def taxed(
    amounts: Sequence[str], rates: Sequence[TaxRate], unit: Currency = EUR, coupons: Sequence[Coupon] = (),
    treatment: str = "standard",
) -> Totalled:
    lines = [line(amount, unit) for amount in amounts]
    return totalled(lines, coupons, rates, Taxpayer("DE", None, treatment), unit)


def row_of(words: str, amounts: Sequence[str], found: Totalled, unit: Currency = EUR) -> tuple[object, ...]:
    def each(name: str) -> str:
        return ", ".join(money(getattr(one, name), unit) for one in found.lines)

    sums = found.totals
    return (
        words, ", ".join(amounts), each("amount"), each("discount"), each("tax"), money(sums.tax_total, unit),
        money(sums.total, unit),
    )


COLUMNS = ("rates", "lines as entered", "net lines", "discount", "tax of each", "tax", "total")


def taxes_on_top() -> str:
    rows = []
    for words, amounts, rates in (
        ("19 %", ("10.00",), [rate("a", "19")]), ("19 %", ("0.03", "0.03", "0.03", "0.03"), [rate("a", "19")]),
        ("5 % and 0.65 %", ("99.99",), [rate("a", "5"), rate("b", "0.65")]),
    ):
        rows.append(row_of(words, amounts, taxed(amounts, rates)))
    yen = ("333", "333", "334")
    rows.append(row_of("10 % (yen)", yen, taxed(yen, [rate("a", "10")], JPY), JPY))
    return section(
        "Taxes on top of the price", "rules 19 and 27",
        """The tax of each rate is worked out and rounded once over the whole invoice, as EN 16931 wants it, and then
        shared over the lines. Four lines of 0.03 at 19 percent bear 0.02 together, which is 0.0228 rounded, and not
        four times the 0.01 that each alone would be rounded to.""",
        table(COLUMNS, rows),
    )


def taxes_inside() -> str:
    half = Coupon("c", d("50"))
    inside = [rate("a", "19", True)]
    rows = [
        row_of("19 % inside", ("119.00",), taxed(("119.00",), inside)),
        row_of("19 % inside", ("10.00", "10.00", "10.00"), taxed(("10.00", "10.00", "10.00"), inside)),
        row_of("19 % inside, 50 % off", ("9.99",), taxed(("9.99",), inside, coupons=[half])),
        row_of("12 % and 7 % inside", ("119.00",), taxed(("119.00",), [rate("a", "12", True), rate("b", "7", True)])),
        row_of("19 % inside, reverse charge", ("119.00",), taxed(("119.00",), inside, treatment="reverse_charge")),
    ]
    return section(
        "Taxes inside the price", "rules 19 and 27",
        """With an inclusive rate, prices, coupons and credits are gross. The net is the gross divided by 1 + rate, the
        tax is the rest, and the net is shared over the lines. Several inclusive rates count as their sum. Who is exempt
        or reverse-charged pays the net.""",
        table(COLUMNS, rows),
    )


def earning() -> str:
    fee = Earned(d("365.00"), date(2026, 10, 15), date(2027, 10, 15))
    setup = Earned(d("50.00"))
    day, tax = date(2026, 10, 15), d("78.85")
    posted = balances(issued([fee, setup], tax, day, USD))
    later = releases([fee, setup], day, USD)
    return section(
        "When revenue is earned", "rule 22",
        """A yearly fee of 365.00 from 15 October 2026 on and a setup of 50.00, invoiced on that day with 78.85 of tax.
        The days not begun at issue are deferred, and released by day with one entry a month. The first day is earned at
        once: 1.00.""",
        table(("account, at issue", "debit", "credit"), [
            (account.value, usd(amount) if amount > 0 else "", usd(-amount) if amount < 0 else "")
            for account, amount in posted.items()
        ]),
        table(("released on", "amount"), [*((one.last_day, usd(one.amount)) for one in later), (
            "**together**", usd(sum((one.amount for one in later), Decimal("0.00"))),
        )]),
    )


def credit_notes() -> str:
    rows = []
    line = Standing(d("10.00"), d("1.90"))
    for amount in ("3.33", "3.33", "3.34"):
        part = credited(line, d(amount), USD)
        line = given_back(line, part)
        rows.append((amount, usd(part.tax), usd(line.left), usd(line.credited + line.tax_credited)))

    def row(total: str, due: str, paid: str, as_money: bool) -> tuple[object, ...]:
        to = settled(d(total), d(due), d(paid), as_money)
        words = "as money" if as_money else "to the balance"
        return total, due, paid, words, usd(to.applied), usd(to.credited), usd(to.refunded)

    return section(
        "Credit notes", "rule 20",
        """A line of 10.00 with 1.90 of tax is given back in three parts. The tax of each is what all parts so far bear,
        rounded, less what was given back before: so all of them together give back the line to the cent.""",
        table(("credited", "its tax", "left of the line", "given back so far"), rows),
        "A credit note first lowers what is due; only what had been paid goes to the balance or back as money.",
        table(("total", "due", "paid in money", "asked for", "less is due", "to the balance", "as money"), [
            row("11.90", "50.00", "0.00", False), row("11.90", "5.00", "45.00", False),
            row("11.90", "5.00", "45.00", True), row("11.90", "0.00", "4.00", True),
        ]),
    )


def transfers() -> str:
    due = [1200, 1990, 3010, 4500, 8800]

    def cents(units: int) -> str:
        return usd(from_minor(units, USD))

    def row(target: str) -> tuple[object, ...]:
        found = find_pair(due, to_minor(d(target), USD))
        return target, "no pair" if found is None else " + ".join(cents(due[place]) for place in found)

    return section(
        "A transfer for two invoices", "rule 24",
        f"""Open invoices of {', '.join(map(cents, due))}. Two pointers, one from each end of the sorted amounts, find a
        pair that sums to the transfer, or that there is none, in a single pass.""",
        table(("transfer", "pays"), [row(text) for text in ("50.00", "57.00", "118.10", "24.00")]),
    )


SECTIONS = (discounts, taxes_on_top, taxes_inside, credit_notes, earning, transfers)

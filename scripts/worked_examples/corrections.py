"""Worked examples of what happens after an invoice: changes, late usage, commitments, credit and credit notes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.agreements import Agreement, Stretch, Terms, fee_stretches
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import true_up
from farthing.pricing.crediting import Standing, credited, given_back
from farthing.pricing.credits import Credit, drawn
from farthing.pricing.prices import Billing, Flat, Graduated, PerUnit, Price, Tier
from farthing.pricing.proration import BilledFee, adjusting_lines
from farthing.pricing.rating import Usage, rate
from farthing.pricing.taxes import Treatment
from farthing.pricing.totalling import untaxed
from worked_examples.pages import USD, d, section, table, usd
from worked_examples.times import UTC_ZONE, span

NOVEMBER = Part(Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)), 30, 30)
SEATS = Price("seats", "Seats", PerUnit(d("2.50")), None, Billing.IN_ADVANCE)


def fee(amount: str) -> Price:
    return Price("base", "Base fee", Flat(d(amount)), None, Billing.IN_ADVANCE)


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


def owed(*terms: tuple[int, Price, str], pause: tuple[int, int] | None = None) -> list[Stretch]:
    """What is owed for November when these prices, in these quantities, hold from which day on."""
    known = tuple(
        (day(since), Terms(price.name + str(since), (price,), {"seats": d(quantity)}))
        for since, price, quantity in terms
    )
    paused = () if pause is None else ((day(pause[0]), day(pause[1])),)
    return fee_stretches(Agreement(known, UTC_ZONE, paused), NOVEMBER, Billing.IN_ADVANCE)


def billed(price: Price, quantity: str, amount: str, discount: str = "0.00") -> list[BilledFee]:
    [stretch] = owed((1, price, quantity))
    left = d(amount) - d(discount)
    return [BilledFee("invoice", "line", price.name, stretch, d(amount), d(discount), Treatment(), (), left)]


def changes() -> str:
    def row(words: str, before: Sequence[BilledFee], now: Sequence[Stretch]) -> tuple[object, ...]:
        lines = adjusting_lines(before, now, (None, NOVEMBER.period.end), UTC_ZONE, USD)
        done = untaxed(lines, (), USD)
        given = sum((one.amount for one in lines if one.amount < ZERO), d("0.00"))
        charged = [one for one in lines if one.amount > ZERO]
        kept = sum((one.amount - one.discount for one in done.lines), d("0.00"))
        days = ", ".join(span(one.period.start, one.period.end) for one in charged if one.period) or "none"
        noted = sum((one.amount for one in done.beyond), d("0.00"))
        return words, usd(given), usd(sum((one.amount for one in charged), d("0.00"))), days, usd(kept), usd(noted)

    small = billed(fee("10.00"), "1", "10.00")
    rows = [
        row("10.00 to 40.00 a month on the 20th", small, owed((1, fee("10.00"), "1"), (20, fee("40.00"), "1"))),
        row("the same, half off the first", billed(fee("10.00"), "1", "10.00", "5.00"),
            owed((1, fee("10.00"), "1"), (20, fee("40.00"), "1"))),
        row("40.00 to 10.00 on the 20th", billed(fee("40.00"), "1", "40.00"),
            owed((1, fee("40.00"), "1"), (20, fee("10.00"), "1"))),
        row("3 to 5 seats of 2.50 on the 11th", billed(SEATS, "3", "7.50"), owed((1, SEATS, "3"), (11, SEATS, "5"))),
        row("10.00 to 40.00 and back on one day", small, owed((1, fee("10.00"), "1"))),
        row("paused after the 20th, going on from the 25th", small, owed((1, fee("10.00"), "1"), pause=(21, 25))),
        row("ended after the 20th", small, [replace(one, period=Period(day(1), day(21)), days=20) for one in owed((
            1, fee("10.00"), "1"))]),
    ]
    return section(
        "Changes in the middle of a period", "rules 13 to 15 and 19",
        """November is billed in advance. What a change gives back is the unused days' share of what was paid after its
        discount; what it charges are the same days on the new terms, less the share of discount that the old line had.
        An invoice of these lines alone bears credits only as far as its charges last: the rest is a credit note on the
        invoice of November.""",
        table(("change", "given back", "charged", "for the days", "invoice", "credit note"), rows),
    )


def late() -> str:
    tiers = Price(
        "calls", "Calls", Graduated((Tier(d("100"), d("0.10")), Tier(None, d("0.05")))), "calls", Billing.IN_ARREARS
    )

    def rows() -> Iterator[tuple[object, ...]]:
        charged = d("0.00")
        for words, quantity in (
            ("in time", "90"), ("30 come late", "120"), ("20 more come late", "140"), ("60 are voided", "80"),
        ):
            amount = rate(tiers, Usage(d(quantity)), USD).amount
            yield words, d(quantity), usd(amount), usd(charged), usd(amount - charged)
            charged = amount

    return section(
        "Usage that comes late", "rule 18",
        """0.10 a call up to 100 and 0.05 beyond. What comes late is priced with all that its period had, less what the
        period's lines charge already, so that all of them come to what one invoice would have said.""",
        table(("calls of the period", "all of them", "price of all", "charged before", "line"), rows()),
    )


def commitments() -> str:
    def row(words: str, share: tuple[int, int], lines: str) -> tuple[object, ...]:
        amount = Fraction(50) * Fraction(*share)
        return words, f"{share[0]} of {share[1]}", amount, lines, usd(true_up(amount, Fraction(d(lines)), USD))

    return section(
        "Minimum commitments", "rule 9",
        """A plan commits to 50.00 a month. At the end of a plan period what its lines come to, before discounts, is
        compared with the commitment, which shrinks with a partial period and with paused days.""",
        table(("period", "days", "commitment, exact", "lines", "true-up"), [
            row("all of November", (30, 30), "42.10"), row("all of November", (30, 30), "61.00"),
            row("begun on the 12th", (19, 30), "20.00"), row("paused for ten days", (20, 30), "33.34"),
        ]),
    )


def credit_notes() -> str:
    def rows() -> Iterator[tuple[object, ...]]:
        line = Standing(d("100.00"), d("19.00"))
        for amount in ("33.33", "33.33", "33.34"):
            part = credited(line, d(amount), USD)
            line = given_back(line, part)
            yield amount, usd(part.tax), usd(part.amount + part.tax), usd(line.left)

    return section(
        "An invoice credited in parts", "rule 20",
        """A line of 100.00 net with 19.00 of tax. The tax of each part is the tax of all that was credited so far, less
        what went before, so that crediting everything gives back the total.""",
        table(("credited, net", "its tax", "credit note", "left of the line, net"), rows()),
    )


def wallets() -> str:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    credits = [
        Credit("1, the oldest", d("10.00")),
        Credit("2, expires first", d("10.00"), 0, datetime(2026, 12, 1, tzinfo=UTC)),
        Credit("3, priority 1", d("10.00"), 1, datetime(2026, 11, 25, tzinfo=UTC)),
        Credit("4, expired", d("10.00"), 0, datetime(2026, 11, 19, tzinfo=UTC)),
    ]

    def row(wanted: str) -> tuple[object, ...]:
        used = drawn(credits, d(wanted), at)
        told = ", ".join(f"{usd(part)} of {one.id.partition(',')[0]}" for one, part in used)
        return wanted, told, usd(d(wanted) - sum((part for _, part in used), Decimal(0)))

    return section(
        "Credit that was granted or paid before", "rule 28",
        f"""Four top-ups of 10.00: {'; '.join(one.id for one in credits)}. Of each kind, what has the lower priority is
        used first, then what expires first, then the oldest.""",
        table(("wanted", "used", "not covered"), [row("5.00"), row("15.00"), row("25.00"), row("45.00")]),
    )


SECTIONS = (changes, late, commitments, credit_notes, wallets)

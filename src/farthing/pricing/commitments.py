"""What a plan's minimum commitment adds to the lines of a plan period, and how later lines correct it (rules 9, 18)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.agreements import Agreement, days_of, outside
from farthing.pricing.arithmetic import ZERO, exactly, money, rounded
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.charges import Step
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import ONE, Line
from farthing.pricing.rating import Rating
from farthing.pricing.taxes import Treatment

COMMITMENT = "commitment"
USED = ("usage", "late_usage")
REASONS: Mapping[str, str] = {"usage": "usage", "late_usage": "late usage", "fee": "fixed fee"}
NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line as a commitment looks at it; amounts in major units.

    line       `amount` as entered, `discount` of that; `rated`, where it is there, is what counts of usage, and of a
               correction that is not finalised yet what it lowers the true-up by, below zero, before discounts
    at         the finalised invoice and line, by identifier; None while it is not finalised
    credited   of a fee: days that credit notes gave back
    lowered    of a true-up: what finalised corrections lowered it by, before discounts
    left       of a true-up: what may still be given back, after discounts
    treatment  of a true-up: how it was taxed
    """

    line: Line
    at: tuple[str, str] | None = None
    credited: tuple[Period, ...] = ()
    lowered: Decimal = ZERO
    left: Decimal = ZERO
    treatment: Treatment | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What a plan held of a plan period.

    period    from its first to its last day there
    days, of  its days that were not paused, and those of the full period
    """

    plan: str
    commitment: Decimal
    period: Period
    days: int
    of: int

    @property
    def amount(self) -> Fraction:
        """The commitment, shrunk by the days (rule 9); exact, in major units."""
        return Fraction(self.commitment) * Fraction(self.days, self.of)


def shares(agreement: Agreement, part: Part) -> tuple[Share, ...]:
    """The shares of a plan period of the plans that have a commitment, in order of time."""
    found: dict[str, Share] = {}
    for period, terms in agreement.within(part.period):
        if terms.commitment:
            was = found.get(terms.plan)
            start, days = (was.period.start, was.days) if was else (period.start, 0)
            days += agreement.days(period)
            found[terms.plan] = Share(terms.plan, terms.commitment, Period(start, period.end), days, part.of)
    return tuple(found.values())


def true_up(commitment: Fraction, billed: Fraction, currency: Currency) -> Decimal:
    """What is owed beside the lines of a plan period, rounded once; nothing where they reach the commitment."""
    return rounded(max(commitment - billed, NOTHING), currency)


def commitment_lines(
    agreement: Agreement, part: Part, billed: Sequence[BilledLine], currency: Currency
) -> tuple[Line, ...]:
    """The lines that make what true-ups charge for a plan period what is owed (rules 9 and 18).

    billed   all lines of the subscription that touch the period, older ones first, with those of this invoice
    returns  for each plan what is missing, or a correction of each true-up that charges too much; none where all is
             right
    """
    with exactly():
        found: list[Line] = []
        for share in shares(agreement, part):
            counted = sum((amount for _, amount in counted_for(share.plan, agreement, part, billed, currency)), NOTHING)
            charged = [one for one in billed if _is_of(share, one, agreement, part)]
            found += _lines(share, true_up(share.amount, counted, currency), charged, currency)
        return tuple(found)


def counted_for(
    plan: str, agreement: Agreement, part: Part, billed: Sequence[BilledLine], currency: Currency
) -> Iterator[tuple[BilledLine, Fraction]]:
    """The lines that count for a plan in a plan period, each with how much of it, before discounts (rule 9).

    Usage counts for the plan of its time; a fee, as far as its days were not given back, for the plans that hold them.
    """
    for one in billed:
        amount = NOTHING
        if one.line.reason in USED and _begins_in(one, part) and _plan_of(one, agreement) == plan:
            amount = Fraction(one.line.amount if one.line.rated is None else one.line.rated)
        elif one.line.reason == "fee" and one.line.period is not None:
            amount = _fee_for(plan, agreement, part, one, _back(one, billed), currency)
        if amount:
            yield one, amount


def commitment_rating(
    share: Share, agreement: Agreement, part: Part, billed: Sequence[BilledLine], amount: Decimal, currency: Currency
) -> Rating:
    """How a line of a commitment came about, in steps that sum to the exact amount (rule 9).

    billed  as for `commitment_lines`, without the line itself
    amount  of the line, as entered
    """
    with exactly():
        steps = [Step(ONE, Fraction(share.commitment), f"minimum commitment of {money(share.commitment, currency)}")]
        if share.days != share.of:
            less = share.amount - Fraction(share.commitment)
            steps.append(Step(ZERO, less, f"{share.days} of {share.of} days"))
        for one, counted in counted_for(share.plan, agreement, part, billed, currency):
            steps.append(Step(ZERO, -counted, f"{one.line.description}, {REASONS[one.line.reason]}"))
        if (over := -sum((Fraction(step.amount) for step in steps), NOTHING)) > NOTHING:
            steps.append(Step(ZERO, over, "which is reached: nothing is missing"))
        now = sum((Fraction(each) for each in _charged_now(share, agreement, part, billed)), NOTHING)
        if now:
            steps.append(Step(ZERO, -now, "charged for it already"))
        exact = sum((Fraction(step.amount) for step in steps), NOTHING)
        if amount < ZERO and rounded(exact, currency) != amount:
            steps.append(Step(ZERO, Fraction(amount) - exact, "less the share of discount that the corrected line had"))
            exact = Fraction(amount)
        return Rating(amount, exact, ONE if amount >= ZERO else -ONE, tuple(steps))


def _charged_now(
    share: Share, agreement: Agreement, part: Part, billed: Sequence[BilledLine]
) -> Iterator[Decimal]:
    """What each true-up that stands charges, corrections taken off, before discounts."""
    charged = [one for one in billed if _is_of(share, one, agreement, part)]
    for one in charged:
        if one.line.amount > ZERO:
            yield one.line.amount - _lowered(one, charged)


def _fee_for(
    plan: str, agreement: Agreement, part: Part, one: BilledLine, back: Sequence[Period], currency: Currency
) -> Fraction:
    """A plan's part, by days, of what is left of a fee: the credits of all its other days are rounded together."""
    days = _charged_days(agreement, part, one.line, back)
    used = sum(days.values())
    if one.line.period is None or not days.get(plan):
        return NOTHING
    entered, of = Fraction(one.line.amount), days_of(one.line.period, agreement.zone)
    kept = entered
    if _is_prorated(agreement, one.line) and used < of:
        kept -= Fraction(rounded(entered * Fraction(of - used, of), currency))
    return kept * Fraction(days[plan], used)


def _charged_days(agreement: Agreement, part: Part, line: Line, back: Sequence[Period]) -> dict[str, int]:
    """By plan, the days of a plan period that a fee charges: those on which it holds as it was charged.

    A fee without `prorate` charges whatever days there are, of every plan that has it (rule 13).
    """
    charged = agreement.marked(line.terms, line.price or "")
    found: dict[str, int] = {}
    if line.period is None or charged is None:
        return found
    of = line.prorated[1] if line.prorated else days_of(line.period, agreement.zone)
    start, end = max(line.period.start, part.period.start), min(line.period.end, part.period.end)
    for period, terms in agreement.within(Period(start, end)) if start < end else ():
        price, was = terms.price(line.price or ""), charged.price(line.price or "")
        if price is None or was is None:
            continue
        if was.prorate and (price, terms.quantity(price), part.of) != (was, charged.quantity(was), of):
            continue
        pieces = [piece for one in agreement.unpaused(period) for piece in outside(back, [one])]
        count = sum(days_of(piece, agreement.zone) for piece in pieces)
        if count:
            found[terms.plan] = found.get(terms.plan, 0) + count
    return found


def _is_prorated(agreement: Agreement, line: Line) -> bool:
    terms = agreement.marked(line.terms, line.price or "")
    price = None if terms is None else terms.price(line.price or "")
    return price is not None and price.prorate


def _back(one: BilledLine, billed: Sequence[BilledLine]) -> list[Period]:
    """The days of a fee that credits gave back."""
    return [*one.credited, *(
        each.line.period for each in billed
        if each.line.reason == "proration" and each.line.period is not None and one.at is not None
        and each.line.corrects == one.at
    )]


def _is_of(share: Share, one: BilledLine, agreement: Agreement, part: Part) -> bool:
    return one.line.reason == COMMITMENT and _begins_in(one, part) and _plan_of(one, agreement) == share.plan


def _begins_in(one: BilledLine, part: Part) -> bool:
    return one.line.period is not None and one.line.period.start in part.period


def _plan_of(one: BilledLine, agreement: Agreement) -> str | None:
    """The plan that holds where a line's period begins."""
    return None if one.line.period is None else agreement.at(one.line.period.start).plan


def _lines(share: Share, owed: Decimal, charged: Sequence[BilledLine], currency: Currency) -> Iterator[Line]:
    """What makes the lines that charge something already what is owed."""
    standing = [one for one in charged if one.line.amount > ZERO]
    lowered = [_lowered(one, charged) for one in standing]
    now = sum((one.line.amount - less for one, less in zip(standing, lowered, strict=True)), ZERO)
    if owed > now:
        yield _true_up_line(share, owed - now, corrects=bool(standing))
    excess = now - owed
    for one, less in zip(standing, lowered, strict=True):
        part = min(excess, one.line.amount - less)
        if part > ZERO and one.at is not None:
            excess -= part
            correction = _correction(one, less, part, currency)
            if correction.amount:
                yield correction


def _lowered(one: BilledLine, charged: Sequence[BilledLine]) -> Decimal:
    """What corrections lowered a true-up by already, before discounts."""
    lines = [each.line for each in charged if one.at is not None and each.line.corrects == one.at]
    return one.lowered - sum((line.rated or ZERO for line in lines), ZERO)


def _true_up_line(share: Share, amount: Decimal, corrects: bool) -> Line:
    partial = share.days != share.of
    told = f" ({share.days} of {share.of} days)" if partial else ""
    return Line(
        f"Minimum commitment{told}{', corrected' if corrects else ''}", None, (), share.period, ONE, None, amount,
        COMMITMENT, prorated=(share.days, share.of) if partial else None,
    )


def _correction(one: BilledLine, before: Decimal, part: Decimal, currency: Currency) -> Line:
    """Gives back a part of a true-up, lessened by the share of discount that it had, at its tax rates (rule 18)."""
    line = one.line
    after = Fraction(line.amount - line.discount) / Fraction(line.amount)
    given = rounded(after * Fraction(before + part), currency) - rounded(after * Fraction(before), currency)
    told = f"{line.description}: {money(part, currency)} less is missing"
    return Line(
        told, None, (), line.period, -ONE, None, -min(given, one.left), COMMITMENT, corrects=one.at,
        taxed_as=one.treatment, prorated=line.prorated, rated=-part,
    )

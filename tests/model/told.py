"""A subscription told twice: to the product over its interface, and to the model; and what the two then say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.model import charged, owed
from tests.model.days import DAY, Days, begins, ends, local_day, midnight
from tests.model.life import Change, Life
from tests.model.owed import Event
from tests.model.paper import Paper
from tests.service.books import Books

GRACE = timedelta(hours=1)


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Told:
    """What was said of one subscription so far, and how far it has been billed."""

    books: Books
    id: str
    life: Life
    events: dict[str, Event] = field(default_factory=dict)
    closed: date | None = None  # the last closed boundary (rule 25)
    reached: date | None = None

    @property
    def current(self) -> date:
        """Where the current period begins (rule 13)."""
        return self.closed or self.life.start

    @property
    def is_over(self) -> bool:
        """Whether its end is billed."""
        return self.life.end is not None and self.closed is not None and self.closed >= self.life.end

    def at(self, day: date) -> Life:
        """Its life as far as `day`."""
        return replace(self.life, until=day)

    def period_end(self) -> date:
        life = self.at(self.current + DAY * 800)
        segment = life.segment(self.current)
        return segment.lived(segment.plan_period(self.current)).end

    def __repr__(self) -> str:
        return f"<told of {self.id}>"

    def call(self, verb: str, **body: Any) -> dict[str, Any]:
        return self.books.api.made(f"/v1/subscriptions/{self.id}/{verb}", body)

    def change(
        self, at: datetime | None, invoice: str | None, plan: Mapping[str, Any] | None, **given: Mapping[str, Any]
    ) -> None:
        """Another plan, quantities or overrides from the day of `at`, or from the end of the period."""
        day = self.period_end() if at is None else begins(at, self.life.zone)
        said: dict[str, Any] = {name: value for name, value in given.items() if value}
        said |= {"plan": plan["key"]} if plan is not None else {}
        said |= {"invoice": invoice} if invoice is not None else {}
        self.call("change", at="period_end" if at is None else written(at), **said)
        made = Change(day, plan, given.get("quantities", {}), given.get("overrides", {}))
        self.life = replace(self.life, changes=(*self.life.changes, made))

    def pause(self, at: datetime) -> None:
        self.call("pause", at=written(at))
        self.life = replace(self.life, pauses=(*self.life.pauses, (ends(at, self.life.zone), None)))

    def resume(self, at: datetime) -> None:
        """A resumption on the day of its pause undoes it (rule 13)."""
        self.call("resume", at=written(at))
        *others, (start, _) = self.life.pauses
        stop = begins(at, self.life.zone)
        kept = ((start, stop),) if stop > start else ()
        self.life = replace(self.life, pauses=(*others, *kept))

    def cancel(self, at: datetime | None) -> None:
        end = self.period_end() if at is None else ends(at, self.life.zone)
        self.call("cancel", at="period_end" if at is None else written(at))
        self.life = replace(self.life, end=end)

    def uncancel(self) -> None:
        self.call("uncancel")
        self.life = replace(self.life, end=None)

    def ran(self, as_of: datetime) -> bool:
        """A run reached this far: whether it came to a boundary that none had come to before (rules 25 and 26)."""
        zone = self.life.zone
        boundaries = self.at(local_day(as_of, zone) + DAY).boundaries
        due = [day for day in boundaries if midnight(day, zone) <= as_of]
        shut = [day for day in due if midnight(day, zone) + GRACE <= as_of]
        over = self.is_over  # then what is late has an invoice at once
        anew = bool(due) and (over or self.reached is None or due[-1] > self.reached)
        self.closed = shut[-1] if shut else self.closed
        self.reached = due[-1] if due else self.reached
        return anew

    def told_so_far(self) -> str:
        """The calls in short."""
        life = self.life
        said = [f"{life.first.plan['key']} {life.anchor} in {life.zone} from {life.start} to {life.end}"]
        said += [f"{life.first.quantities} {life.first.overrides}, reached {self.reached}, closed {self.closed}"]
        said += [f"{c.day} {c.plan and c.plan['key']} {c.quantities} {c.overrides}" for c in life.changes]
        return "\n".join(["", *said, str([[str(day) for day in pause] for pause in life.pauses]), ""])

    def check(self, invoices: list[dict[str, Any]], paper: Paper) -> None:
        """All that is over is charged as the rules say, by price and day, and by price and stretch of usage."""
        assert self.reached is not None
        until, zone = self.reached, self.life.zone
        life = self.at(until + DAY)  # a day more: a period may end where another begins
        far = self.at(until + DAY * 800)  # which has all that could be charged in advance
        lines = [line for one in invoices if one["status"] != "void" for line in paper.read(one, far)]
        days = charged.fees_by_day(lines, zone, paper.lines)
        given = charged.given_back(lines, zone, paper)
        self._check_fees(life, until, days, given, invoices)
        whole, expected_whole = charged.whole_fees(lines, zone, far), owed.whole_fees(life, until)
        for key, day in sorted({*expected_whole, *(one for one in whole if one[1] < until)}):
            if (key, day) in expected_whole:
                both = whole.get((key, day), Fraction(0)), expected_whole[key, day]
                self._agree(*both, Fraction(0), ("whole", key, day), invoices)
        usage = charged.usage_by_stretch(lines, zone, paper)
        expected = owed.usage_by_stretch(life, until, list(self.events.values()))
        for stretch in sorted({*(key for key in usage if key[1].end <= until), *expected}, key=str):
            found = usage.get(stretch, (Fraction(0), Fraction(0)))
            if found is not None:
                self._agree(found[0], expected.get(stretch, Fraction(0)), found[1], stretch, invoices)

    def _check_fees(
        self, life: Life, until: date, found: Mapping[tuple[str, date], tuple[Fraction, Fraction]],
        given: Mapping[tuple[str, Days], Fraction], invoices: list[dict[str, Any]],
    ) -> None:
        """Day by day; where credit notes gave something back, which do not say of which days, together."""
        expected = owed.fees_by_day(life, until)
        nothing = Fraction(0), Fraction(0)
        together = {(key, day) for key, days in given for day in days.each()}
        for key, day in sorted({*expected, *(one for one in found if one[1] < until)} - together):
            if (key, day) in expected:
                amount, slack = found.get((key, day), nothing)
                self._agree(amount, expected[key, day], slack, (key, day), invoices)
        for (key, days), back in given.items():
            if days.end <= until:
                amounts = [found.get((key, day), nothing) for day in days.each()]
                amount, slack = (sum((one[place] for one in amounts), Fraction(0)) for place in (0, 1))
                wanted = sum((expected.get((key, day), Fraction(0)) for day in days.each()), Fraction(0))
                self._agree(amount - back, wanted, slack + charged.HALF * 4, (key, days), invoices)

    def _agree(
        self, amount: Fraction, wanted: Fraction, slack: Fraction, what: object, invoices: list[dict[str, Any]]
    ) -> None:
        assert abs(amount - wanted) <= slack, (
            str(what), float(amount), float(wanted), self.told_so_far(), in_lines(invoices)
        )


def in_lines(invoices: list[dict[str, Any]]) -> str:
    """What invoices say, for one who looks for what went wrong."""
    return "\n".join(
        f"{one['number']} {one['status']} {one['boundary']}: {line['reason']} {line['price']} {line['quantity']}:"
        f" {line['amount']} -{line['discount']} {line['period'] and (line['period']['from'], line['period']['to'])}"
        for one in reversed(invoices) for line in one["lines"]
    )

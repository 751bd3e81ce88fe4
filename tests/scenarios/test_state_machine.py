"""The product plays against a model that was built from the rules alone, over the public interface."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from farthing.app import Farthing
from tests.model.bills import Rate, cents
from tests.model.days import DAY, begins, ends, midnight
from tests.model.life import Life, Terms
from tests.model.owed import Event
from tests.model.paper import COUPONS, REGIMES, Paper
from tests.model.plans import PLANS, TRIALS, ZONES
from tests.model.told import Told, in_lines, written
from tests.oracle import sound_books
from tests.service.books import Books
from tests.service.conftest import TestClock, api_of

CATALOGUE = {plan["key"]: plan for plan in (*PLANS, *TRIALS)}
plans = st.sampled_from([plan["key"] for plan in PLANS])
moments = st.builds(timedelta, days=st.integers(-12, 40), hours=st.sampled_from([0, 0, 7, 18]))
QUANTITIES = st.integers(0, 7).map(lambda n: {"seats": str(n)})
OVERRIDES = st.sampled_from([{}, {}, {"base": {"amount": "620.00"}}, {"base": {"amount": "0.00"}}])


class Billing(RuleBasedStateMachine):
    """One customer or more, each on a subscription, whose clock goes on and who change their minds."""

    def __init__(self, farthing: Farthing, client: FlaskClient, clock: TestClock) -> None:
        super().__init__()
        self.farthing, self.clock = farthing, clock
        self.told: list[Told] = []
        clock.at = datetime(2026, 1, 20, 12, tzinfo=UTC)
        self.books = Books(api_of(farthing, client, clock))
        self.sent = 0
        self.wallets: dict[str, str] = {}
        self.credited: dict[str, int] = {}  # of charges, by line, in cents
        self.is_sound = False

    @property
    def now(self) -> datetime:
        return self.clock.at

    @initialize(rates=st.sampled_from(REGIMES))
    def catalogue(self, rates: tuple[Rate, ...]) -> None:
        self.books.meter()
        for plan in (*PLANS, *TRIALS):
            self.books.api.made("/v1/plans", plan)
        for coupon in COUPONS:
            self.books.api.made("/v1/coupons", coupon | {"name": coupon["key"]})
        for rate in rates:
            said: dict[str, Any] = {"key": rate.key, "name": rate.key, "percent": str(float(rate.percent))}
            said |= {"inclusive": rate.inclusive, "country": "DE"}
            self.books.api.made("/v1/tax-rates", said | ({"tax_code": rate.tax_code} if rate.tax_code else {}))
        self.paper = Paper(self.books, rates)

    @precondition(lambda self: len(self.told) < 2)
    @rule(
        plan=st.sampled_from(sorted(CATALOGUE)), zone=st.sampled_from(ZONES), back=st.integers(-10, 60),
        anchor=st.sampled_from(["calendar", "anniversary"]), quantities=QUANTITIES, overrides=OVERRIDES,
        coupons=st.lists(st.sampled_from(range(len(COUPONS))), max_size=2, unique=True),
    )
    def subscribe(
        self, plan: str, zone: str, back: int, anchor: str, quantities: dict[str, Any],
        overrides: dict[str, Any], coupons: list[int],
    ) -> None:
        key, first = f"c{len(self.told)}", CATALOGUE[plan]
        terms = Terms(first, quantities if needs_seats(first) else {}, overrides)
        start = self.now - timedelta(days=back)
        self.books.customer(key, timezone=zone, address={"country": "DE"})
        made = self.books.subscribe(
            customer=key, plan=plan, starts_at=written(start), anchor=anchor, overrides=overrides,
            quantities=terms.quantities, coupons=[COUPONS[place]["key"] for place in coupons],
        )
        self.paper.given[made["id"]] = [COUPONS[place] for place in coupons]
        day = begins(start, zone)
        life = Life(zone, day, anchor, terms, day)
        self.told.append(Told(self.books, made["id"], life))

    def drawn(self, data: st.DataObject) -> Told:
        return self.one_of(data, self.told)

    def one_of(self, data: st.DataObject, some: list[Told]) -> Told:
        return some[data.draw(st.integers(0, len(some) - 1))]

    def moment(self, one: Told, data: st.DataObject) -> datetime:
        """A time that a change may have: not before the current period, and not before the trial's end."""
        first = midnight(max(one.current, one.life.paid_from), one.life.zone)
        exact = data.draw(st.booleans())
        at = max(self.now + data.draw(moments), first)
        return midnight(begins(at, one.life.zone), one.life.zone) if exact else at

    @precondition(lambda self: any(one.life.end is None for one in self.told))
    @rule(data=st.data(), plan=plans, quantities=QUANTITIES, overrides=OVERRIDES,
          invoice=st.sampled_from([None, None, "now", "next"]))
    def change_plan(self, data: st.DataObject, plan: str, quantities: dict[str, Any],
                    overrides: dict[str, Any], invoice: str | None) -> None:
        one = self.one_of(data, [one for one in self.told if one.life.end is None])
        ending = one.closed is not None and data.draw(st.integers(0, 3)) == 0
        at = None if ending else self.moment(one, data)
        given = quantities if needs_seats(CATALOGUE[plan]) else {}
        one.change(at, invoice, CATALOGUE[plan], quantities=given, overrides=overrides)

    @precondition(lambda self: any(one.life.end is None for one in self.told))
    @rule(data=st.data(), quantities=QUANTITIES, invoice=st.sampled_from([None, None, "now", "next"]))
    def change_quantity(self, data: st.DataObject, quantities: dict[str, Any], invoice: str | None) -> None:
        one = self.one_of(data, [one for one in self.told if one.life.end is None])
        at = self.moment(one, data)
        day = begins(at, one.life.zone)
        later = [change.day for change in one.life.changes]
        if needs_seats(one.at(max([day, *later]) + DAY).terms[day].plan):
            one.change(at, invoice, None, quantities=quantities)

    @precondition(lambda self: any(one.life.end is None and not one.life.pauses for one in self.told))
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        one = self.one_of(data, [one for one in self.told if one.life.end is None and not one.life.pauses])
        one.pause(self.moment(one, data))

    @precondition(lambda self: any(one.life.pauses and one.life.pauses[-1][1] is None for one in self.told))
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        paused = [one for one in self.told if one.life.pauses and one.life.pauses[-1][1] is None]
        one = self.one_of(data, paused)
        first = midnight(one.life.pauses[-1][0], one.life.zone)
        one.resume(max(self.moment(one, data), first))

    @precondition(lambda self: any(one.life.end is None for one in self.told))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        one = self.one_of(data, [one for one in self.told if one.life.end is None])
        at = self.moment(one, data)
        if all(change.day < ends(at, one.life.zone) for change in one.life.changes) and not one.life.pauses:
            one.cancel(at)

    @precondition(lambda self: any(one.life.end is not None for one in self.told))
    @rule(data=st.data())
    def uncancel(self, data: st.DataObject) -> None:
        one = self.one_of(data, [one for one in self.told if one.life.end is not None])
        if not one.is_over:
            one.uncancel()

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), back=st.integers(0, 100), quantity=st.sampled_from(["1", "2.5", "7", "-1"]))
    def use(self, data: st.DataObject, back: int, quantity: str) -> None:
        """In the current period or, late, in one that is closed."""
        one, at = self.drawn(data), self.now - timedelta(days=back)
        self.sent += 1
        self.books.use(f"e{self.sent}", written(at), quantity, subject=one.id)
        one.events[f"e{self.sent}"] = Event(at, Fraction(quantity))

    @precondition(lambda self: any(one.events for one in self.told))
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The same event again, which counts once (rule 16)."""
        one = self.one_of(data, [one for one in self.told if one.events])
        id = data.draw(st.sampled_from(sorted(one.events)))
        told = one.events[id]
        sent = {"id": id, "type": "call", "subject": one.id, "time": written(told.at),
                "data": {"quantity": str(float(told.quantity))}}
        assert self.books.api.made("/v1/events", [sent])["duplicates"] == 1

    @precondition(lambda self: any(one.events for one in self.told))
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        one = self.one_of(data, [one for one in self.told if one.events])
        id = data.draw(st.sampled_from(sorted(one.events)))
        self.books.void_event(id)
        del one.events[id]

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), coupon=st.sampled_from(COUPONS))
    def give(self, data: st.DataObject, coupon: dict[str, Any]) -> None:
        one = self.drawn(data)
        if coupon not in self.paper.given[one.id] and not one.is_over:
            self.books.api.made(f"/v1/subscriptions/{one.id}/coupons", {"coupon": coupon["key"]})
            self.paper.given[one.id].append(coupon)

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), amount=st.sampled_from(["0.01", "19.99", "333.33"]))
    def charge(self, data: st.DataObject, amount: str) -> None:
        key = f"c{self.told.index(self.drawn(data))}"
        said = {"customer": key, "currency": "USD", "description": "Setup", "quantity": "1", "unit_amount": amount}
        self.books.api.made("/v1/charges", said)

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), part=st.sampled_from([1, 1, 2, 3]))
    def pay(self, data: st.DataObject, part: int) -> None:
        """All that is due of an invoice, or a part of it."""
        due = [one for one in self.books.invoices(status="open") if cents(one["amount_due"]) >= part]
        if due:
            one = due[data.draw(st.integers(0, len(due) - 1))]
            self.sent += 1
            amount = Fraction(cents(one["amount_due"]) // part, 100)
            self.books.api.made("/v1/payments", {
                "invoice": one["id"], "amount": f"{float(amount):.2f}", "currency": "USD", "method": "transfer",
                "received_at": written(self.now), "reference": f"p{self.sent}",
            })

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), amount=st.sampled_from(["25.00", "300.00"]), kind=st.sampled_from(["paid", "granted"]))
    def top_up(self, data: st.DataObject, amount: str, kind: str) -> None:
        key = f"c{self.told.index(self.drawn(data))}"
        if key not in self.wallets:
            said = {"customer": key, "currency": "USD", "name": "Credit"}
            self.wallets[key] = self.books.api.made("/v1/wallets", said)["id"]
        self.books.api.made(f"/v1/wallets/{self.wallets[key]}/top-ups", {"amount": amount, "kind": kind})

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data(), amount=st.sampled_from(["0.01", "10.00"]))
    def credit(self, data: st.DataObject, amount: str) -> None:
        """A part of a charge, on an invoice that is open or paid."""
        of = [
            (invoice, line) for invoice in self.books.invoices() if invoice["status"] in ("open", "paid")
            for line in invoice["lines"] if line["reason"] == "one_off"
        ]
        if of:
            invoice, line = of[data.draw(st.integers(0, len(of) - 1))]
            left = cents(line["amount"]) - cents(line["discount"]) - self.credited.get(line["id"], 0)
            said = {"invoice": invoice["id"], "lines": [{"line": line["id"], "amount": amount}], "reason": "Kindness"}
            answer = self.books.api.post("/v1/credit-notes", said)
            assert (answer.status_code == 201) == (cents(amount) <= left), (answer.json, left)
            if cents(amount) <= left:
                self.credited[line["id"]] = self.credited.get(line["id"], 0) + cents(amount)

    @precondition(lambda self: bool(self.told))
    @rule(data=st.data())
    def bill_anew(self, data: st.DataObject) -> None:
        """Take an invoice back, where rule 20 lets that be done, and bill its boundary again."""
        due = [one for one in self.books.invoices(status="open") if one["subscription"] is not None]
        if due:
            one = due[data.draw(st.integers(0, len(due) - 1))]
            answer = self.books.api.post(f"/v1/invoices/{one['id']}/void", {"rebill": True})
            assert answer.status_code in (200, 409), answer.json
            self.bill(self.now)

    @rule(by=st.builds(timedelta, days=st.integers(0, 35), hours=st.sampled_from([0, 1, 12])))
    def move(self, by: timedelta) -> None:
        self.clock.at = self.now + by
        self.bill(self.now)

    def bill(self, as_of: datetime) -> None:
        self.is_sound = False
        run = self.books.run(written(as_of))
        for one in self.told:
            of = [each for each in run["parked"] if each["subscription"] == one.id]
            assert not of, f"{of} {one.told_so_far()} {in_lines(self.books.invoices(subscription=one.id))}"
        anew = [one for one in self.told if one.ran(as_of)]
        sound_books(self.farthing, self.books.api.organization)
        invoices = self.books.api.every("/v1/invoices")
        for invoice in invoices:
            self.paper.read(invoice, self.whose(invoice))
        self.paper.look_at_notes()
        for one in anew:
            mine = [invoice for invoice in invoices if invoice["subscription"] == one.id]
            one.check(mine, self.paper)
        self.is_sound = True

    def teardown(self) -> None:
        """Whatever was credited already: all that is left, in two parts, and then nothing is charged any more."""
        if self.is_sound:
            self.is_sound = False
            for invoice in self.books.invoices():
                if invoice["status"] in ("open", "paid"):
                    self.credit_all_of(invoice)
            self.all_was_given_back()
            sound_books(self.farthing, self.books.api.organization)

    def all_was_given_back(self) -> None:
        """Of each line that no other invoice corrects exactly what it came to, and its tax (rule 20)."""
        given: dict[str, tuple[int, int]] = {}
        for note in self.books.api.every("/v1/credit-notes"):
            for line in note["lines"]:
                net, tax = given.get(line["line"], (0, 0))
                given[line["line"]] = net + cents(line["amount"]), tax + cents(line["tax"])
        lines = [line for one in self.books.invoices() if one["status"] in ("open", "paid") for line in one["lines"]]
        corrected = {line["corrects"]["line"] for line in lines if cents(line["amount"]) < 0}
        for line in lines:
            net = cents(line["amount"]) - cents(line["discount"])
            if net > 0 and line["id"] not in corrected:
                assert given[line["id"]] == (net, cents(line["tax"])), line

    def credit_all_of(self, invoice: Mapping[str, Any]) -> None:
        said = {"invoice": invoice["id"], "reason": "The end"}
        some = [
            {"line": line["id"], "amount": f"{float(Fraction(part, 100)):.2f}"} for line in invoice["lines"]
            for part in [(cents(line["amount"]) - cents(line["discount"])) // 3] if part > 0
        ]
        if some:
            self.books.api.post("/v1/credit-notes", said | {"lines": some})  # refused where less is left of one
        answer = self.books.api.post("/v1/credit-notes", said | {"amount": "all"})
        assert answer.status_code in (201, 409), answer.json

    def whose(self, invoice: Mapping[str, Any]) -> Life | None:
        """The life of the subscription that an invoice is of, far enough for all that it charges."""
        return next((one.at(one.current + DAY * 800) for one in self.told if one.id == invoice["subscription"]), None)


def needs_seats(plan: Mapping[str, Any]) -> bool:
    return any(price["key"] == "seats" for price in plan["prices"])


SHORT = settings(max_examples=10, stateful_step_count=14, deadline=None, derandomize=True)
EXAMPLES = os.environ.get("FARTHING_EXAMPLES")  # then other ones each time, told as they were found
LONG = settings(
    max_examples=int(EXAMPLES or "20"), stateful_step_count=30, deadline=None, derandomize=EXAMPLES is None,
    phases=[Phase.generate] if EXAMPLES else list(Phase),
)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("how", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)], ids=["short", "long"])
def test_the_product_agrees_with_the_rules_read_naively(
    farthing: Farthing, client: FlaskClient, clock: TestClock, how: settings
) -> None:
    """Rules 11 to 17 and 25: whatever is said in whatever order."""
    machine: Any = partial(Billing, farthing, client, clock)
    run_state_machine_as_test(machine, settings=how)

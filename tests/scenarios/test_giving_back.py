"""Whatever is billed, paid, given back, voided and written off, in any order, is what the rules read naively say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farthing.app import open_farthing, web_application
from farthing.kernel.clock import instant_from
from farthing.kernel.settings import load_settings
from tests.oracle import sound_books
from tests.service.books import Books
from tests.service.conftest import Api, TestClock, api_of

PERCENT = st.integers(1, 100)
WHICH = st.integers(0, 4)
BILL = st.tuples(st.just("bill"), st.lists(st.integers(1, 30_000), min_size=1, max_size=3))
PAY = st.tuples(st.just("pay"), WHICH, PERCENT)
CREDIT = st.tuples(st.just("credit"), WHICH, st.lists(PERCENT, min_size=1, max_size=3), st.booleans())
ENDS = st.one_of(
    st.tuples(st.just("all"), WHICH, st.booleans()), st.tuples(st.just("void"), WHICH),
    st.tuples(st.just("write-off"), WHICH),
)
# what ends an invoice comes seldom, or little would be left to happen to it
STEPS = st.lists(st.sampled_from([BILL, PAY, PAY, CREDIT, CREDIT, CREDIT, ENDS]).flatmap(lambda one: one), min_size=8,
                 max_size=20)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home: Path = tmp_path_factory.mktemp("giving-back")
    clock = TestClock(instant_from("2026-11-20T12:00:00Z"))
    opened = open_farthing(load_settings({}, home=str(home), log_level="error"), clock)
    yield api_of(opened, web_application(opened).test_client(), clock)
    opened.close()


def cents(money: str) -> int:
    return int(money.replace(".", ""))


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


@dataclass
class Line:
    """What a line is, and what was given back of it, in cents."""

    id: str
    net: int
    tax: int
    given: int = 0
    given_tax: int = 0

    def give(self, amount: int) -> int:
        """The gross that goes back with so much net."""
        self.given += amount
        tax = (2 * self.tax * self.given + self.net) // (2 * self.net) - self.given_tax
        self.given_tax += tax
        return amount + tax


@dataclass
class Bill:
    """An invoice in cents, as a person would keep it on paper."""

    id: str
    lines: list[Line]
    total: int
    status: str = "open"
    credit: int = 0
    taken: int = 0
    paid: int = 0
    notes: int = 0

    @property
    def due(self) -> int:
        return self.total - self.credit - self.paid

    @property
    def shown(self) -> tuple[str, str, str, str]:
        return self.status, money(self.credit), money(self.paid), money(self.due)

    def settle(self) -> None:
        if self.due == 0:
            self.status = "paid"


@dataclass
class Paper:
    """The books of one customer on paper, and the program beside them."""

    books: Books
    bills: list[Bill] = field(default_factory=list)
    balance: int = 0
    notes: int = 0

    def bill(self, amounts: Sequence[int]) -> None:
        lines = [{"description": "x", "quantity": "1", "unit_amount": money(each)} for each in amounts]
        made = self.books.one_off("0", lines=lines)
        kept = [Line(one["id"], cents(one["amount"]), cents(one["tax"])) for one in made["lines"]]
        bill = Bill(made["id"], kept, sum(one.net + one.tax for one in kept))
        bill.taken = bill.credit = min(self.balance, bill.total)
        self.balance -= bill.taken
        bill.settle()
        self.bills.append(bill)

    def pay(self, bill: Bill, percent: int) -> None:
        amount = max(1, bill.due * percent // 100)
        said = {"invoice": bill.id, "amount": money(amount), "currency": "USD", "method": "wire"}
        status = self.books.api.post("/v1/payments", said).status_code
        assert status == (201 if bill.status in ("open", "uncollectible") else 409)
        if status == 201:
            bill.paid += amount
            bill.settle()

    def credit(self, bill: Bill, percents: Sequence[int], back: bool) -> None:
        parts = [(one, (one.net - one.given) * each // 100) for one, each in zip(bill.lines, percents, strict=False)]
        parts = [(one, amount) for one, amount in parts if amount]
        if parts:
            said = [{"line": one.id, "amount": money(amount)} for one, amount in parts]
            self._noted(bill, {"lines": said}, parts, back)

    def all(self, bill: Bill, back: bool) -> None:
        parts = [(one, one.net - one.given) for one in bill.lines if one.net > one.given]
        self._noted(bill, {"amount": "all"}, parts, back)

    def _noted(self, bill: Bill, what: dict[str, Any], parts: Sequence[tuple[Line, int]], back: bool) -> None:
        said = {"invoice": bill.id, "reason": "Wrong", "refund": "payment" if back else "credit"} | what
        answer = self.books.api.post("/v1/credit-notes", said)
        assert answer.status_code == (201 if bill.status in ("open", "paid") and parts else 409), answer.json
        if answer.status_code == 409:
            return
        total = sum(one.give(amount) for one, amount in parts)
        applied = min(total, bill.due)
        refunded = min(total - applied, bill.paid) if back else 0
        bill.credit += applied + refunded
        bill.paid -= refunded
        self.balance += total - applied - refunded
        bill.notes += 1
        self.notes += 1
        bill.settle()
        note = answer.json or {}
        assert [note[name] for name in ("total", "applied", "credited", "refunded")] == [
            money(total), money(applied), money(total - applied - refunded), money(refunded),
        ]
        assert note["number"] == f"CRN-2026-{self.notes:06}"

    def void(self, bill: Bill) -> None:
        status = self.books.api.post(f"/v1/invoices/{bill.id}/void").status_code
        lawful = bill.status in ("open", "paid") and not bill.paid and not bill.notes
        assert status == (200 if lawful else 409)
        if lawful:
            self.balance += bill.taken
            bill.status, bill.credit = "void", 0

    def write_off(self, bill: Bill) -> None:
        status = self.books.api.post(f"/v1/invoices/{bill.id}/write-off").status_code
        assert status == (200 if bill.status == "open" else 409)
        if status == 200:
            bill.status = "uncollectible"

    def check(self) -> None:
        """The program says what the paper says."""
        names = ("status", "credit_applied", "amount_paid", "amount_due")
        for bill in self.bills:
            found = self.books.api.get(f"/v1/invoices/{bill.id}").json or {}
            assert tuple(found[name] for name in names) == bill.shown
            assert (found["total"], len(found["credit_notes"])) == (money(bill.total), bill.notes)
        found = self.books.api.get("/v1/customers/acme/balance").json or {}
        assert found["data"] == [
            {"currency": "USD", "amount": money(self.balance), "prepaid": "0.00", "granted": "0.00"}
        ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, percent=st.sampled_from(["0", "7", "19", "33.3"]), inclusive=st.booleans())
def test_any_order_of_billing_and_giving_back_is_what_paper_says(
    root: Api, steps: list[tuple[Any, ...]], percent: str, inclusive: bool
) -> None:
    """Rules 19 to 22: to the last cent after every step, and the books are sound at the end."""
    books = Books(root.stranger())
    books.customer(address={"country": "DE"})
    books.api.made("/v1/tax-rates", {"key": "v", "name": "V", "percent": percent, "inclusive": inclusive})
    paper = Paper(books)
    paper.bill([10_000, 333])
    for step, *said in steps:
        if step == "bill":
            paper.bill(*said)
        else:
            which, *rest = said
            deed = getattr(paper, step.replace("-", "_"))
            deed(paper.bills[which % len(paper.bills)], *rest)
        paper.check()
    sound_books(books.api.farthing, books.api.organization)

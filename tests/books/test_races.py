"""Many at once: each boundary is billed once, numbers have no gaps, and nobody reads half of a change (T38, I4, I7)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, update

from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.subscriptions.accounts import hold_account
from farthing.customers.models import customers
from farthing.kernel.database import Database
from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, Books
from tests.service.conftest import Api

pytestmark = pytest.mark.books
T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What the work gives in each of several threads that begin together."""
    start = threading.Barrier(count)

    def begin(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


def ten_customers(books: Books, **fields: Any) -> None:
    books.meter()
    books.plan(BASE, CALLS)
    for number in range(10):
        books.customer(f"c{number}")
        books.subscribe(customer=f"c{number}", **fields)
        books.use(str(number), "2026-09-07T12:00:00Z", subject=f"c{number}")


def numbers_of(books: Books) -> list[str]:
    return sorted(one["number"] for one in books.invoices() if one["number"])


def test_runs_at_once_make_one_set_of_invoices(books: Books) -> None:
    """T38: three for one moment, and the first numbers of the organisation among them."""
    ten_customers(books)

    def run(_: int) -> int:
        api = books.api.farthing_client()
        begun = api.made("/v1/bill-runs", {"as_of": "2026-11-20T00:00:00Z"})
        ended = api.get(f"/v1/bill-runs/{begun['id']}").json or {}
        assert (ended["status"], ended["parked"]) == ("completed", [])
        return int(ended["invoices"])

    assert sum(at_once(3, run)) == 30
    found = books.invoices()
    assert len({(one["subscription"], one["boundary"]) for one in found}) == len(found) == 30
    assert numbers_of(books) == [f"INV-2026-{number:06}" for number in range(1, 31)]
    assert {one["total"] for one in found} == {"10.00", "10.10"}
    sound_books(books.api.farthing, books.api.organization)


def test_drafts_made_at_once_are_made_once(books: Books) -> None:
    ten_customers(books, starts_at="2026-11-01T00:00:00Z")
    at_once(3, lambda _: Books(books.api.farthing_client()).run("2026-11-01T00:10:00Z"))
    found = books.invoices()
    assert len({one["subscription"] for one in found}) == len(found) == 10


def test_a_draft_finalized_at_once_has_one_number(books: Books) -> None:
    """T38: and the next draft gets the next."""
    books.customer()
    first, second = books.one_off("1", finalize=False), books.one_off("2", finalize=False)

    def finalize(_: int) -> int:
        return books.api.farthing_client().post(f"/v1/invoices/{first['id']}/finalize").status_code

    assert sorted(at_once(4, finalize)) == [200, 409, 409, 409]
    assert books.post(second, "finalize")["number"] == "INV-2026-000002"


def test_different_drafts_finalized_at_once_leave_no_gap(books: Books) -> None:
    """Also when nobody has a number yet (rule 21)."""
    books.customer()
    drafts = [books.one_off("1", finalize=False) for _ in range(8)]
    made = at_once(8, lambda place: Books(books.api.farthing_client()).post(drafts[place], "finalize"))
    assert sorted(one["number"] for one in made) == [f"INV-2026-{number:06}" for number in range(1, 9)]


def test_a_run_and_a_person_finalize_a_draft_once(books: Books) -> None:
    """Whoever comes first closes the boundary (rule 26)."""
    ten_customers(books, starts_at="2026-11-01T00:00:00Z")
    drafts = books.billed("2026-11-01T00:10:00Z")

    def work(place: int) -> None:
        api = books.api.farthing_client()
        if place == 10:
            Books(api).run("2026-11-20T00:00:00Z")
        else:
            answer = api.post(f"/v1/invoices/{drafts[place]['id']}/finalize")
            assert answer.status_code in (200, 409), answer.get_data(as_text=True)

    at_once(11, work)
    assert numbers_of(books) == [f"INV-2026-{number:06}" for number in range(1, 11)]


def test_voiding_and_running_at_once_bill_each_boundary_once(books: Books) -> None:
    ten_customers(books, starts_at="2026-11-01T00:00:00Z")
    made = books.billed("2026-11-20T00:00:00Z")

    def work(place: int) -> None:
        api = books.api.farthing_client()
        if place < 5:
            Books(api).post(made[place], "void")
        Books(api).run("2026-11-20T00:00:00Z")

    at_once(8, work)
    books.run("2026-11-20T00:00:00Z")
    standing = [one for one in books.invoices() if one["status"] == "open"]
    assert len({one["subscription"] for one in standing}) == len(standing) == 10
    assert numbers_of(books) == [f"INV-2026-{number:06}" for number in range(1, 16)]
    sound_books(books.api.farthing, books.api.organization)


def test_a_draft_changed_by_hand_is_not_overrun(books: Books) -> None:
    """What a person set while runs went on is still there."""
    ten_customers(books, starts_at="2026-11-01T00:00:00Z")
    drafts = books.billed("2026-11-01T00:10:00Z")

    def work(place: int) -> None:
        api = books.api.farthing_client()
        if place == 10:
            Books(api).run("2026-11-01T00:20:00Z")
        else:
            answer = api.patch(f"/v1/invoices/{drafts[place]['id']}", {"due_at": "2027-01-01T00:00:00Z"})
            assert answer.status_code == 200, answer.get_data(as_text=True)

    books.api.patch("/v1/organization", {"name": "Renamed"})  # so that each draft is made again
    at_once(11, work)
    assert {one["due_at"] for one in books.invoices()} == {"2027-01-01T00:00:00Z"}


def test_a_reader_sees_an_invoice_before_or_after_a_change(books: Books) -> None:
    """I5 in every answer: lines and sums of one moment."""
    books.customer()
    draft = books.one_off("1.00", finalize=False)
    organization, database = books.api.organization, books.api.farthing.database

    with database.read() as reading:
        before = InvoiceStore(reading).page(organization, Search(), "", 1)
        with ThreadPoolExecutor(1) as other:
            other.submit(_change_lines, database, draft["id"]).result()
        assert InvoiceStore(reading).page(organization, Search(), "", 1) == before
    [line] = books.api.farthing[Invoices].get(organization, draft["id"]).lines
    assert line.description == "Changed"


def _change_lines(database: Database, invoice: str) -> None:
    with database.write() as writing:
        writing.execute(update(invoice_lines).where(invoice_lines.c.invoice == invoice).values(description="Changed"))
        writing.execute(update(invoices).where(invoices.c.id == invoice).values(version=2))


@contextmanager
def account_held(books: Books, customer: str) -> Iterator[Callable[[], None]]:
    """Somebody else holds the customer's account, and takes the customer away before letting go."""
    database, held, go_on = books.api.farthing.database, threading.Event(), threading.Event()

    def take_away() -> None:
        with database.write() as connection:
            hold_account(connection, books.api.organization, customer)
            held.set()
            go_on.wait(20)
            connection.execute(delete(customers).where(customers.c.id == customer))

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(take_away)
        held.wait(20)
        yield go_on.set
        go_on.set()
        done.result()


@pytest.mark.together
@pytest.mark.parametrize("path", ["/v1/subscriptions", "/v1/invoices"])
def test_nothing_is_made_for_a_customer_that_is_going(books: Books, path: str) -> None:
    """It was still there when the request looked first."""
    books.plan(BASE)
    customer = books.customer()
    line = {"description": "a", "quantity": "1", "unit_amount": "1"}
    body = books.subscription() if path == "/v1/subscriptions" else {
        "customer": "acme", "currency": "USD", "lines": [line],
    }
    with account_held(books, customer["id"]) as let_go:
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(books.api.farthing_client().post, path, body)
            _until_it_waits(books.api)
            let_go()
            assert answer.result().status_code == 404
    assert books.api.every(path) == []


def _until_it_waits(api: Api) -> None:
    """Until a writer waits for the account; on SQLite it waits for the whole store, so there is nothing to see."""
    questions = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        "mysql": "SELECT variable_value FROM information_schema.global_status "
        "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'",
    }
    if question := questions.get(api.farthing.database.dialect):
        with api.farthing.database.engine.connect() as connection:
            for _ in range(100_000):
                if int(connection.exec_driver_sql(question).scalar_one()):
                    return
                connection.rollback()  # or its view of who waits stays as it is
            pytest.fail("nobody waits for the account")


def credit_of(books: Books, customer: str, kind: str, amount: str) -> str:
    """A wallet with something in it."""
    wallet = books.api.made("/v1/wallets", {"customer": customer, "currency": "USD", "name": "Credit"})
    books.api.made(f"/v1/wallets/{wallet['id']}/top-ups", {"amount": amount, "kind": kind})
    return str(wallet["id"])


def remaining(books: Books, wallet: str) -> str:
    [top_up] = books.api.every(f"/v1/wallets/{wallet}/top-ups")
    return str(top_up["remaining"])


@pytest.mark.parametrize("kind", ["paid", "granted"])
def test_credit_is_spent_once_by_invoices_finalized_at_once(books: Books, kind: str) -> None:
    """25.00 for eight invoices of 10.00 each: together they take all of it and no more (rule 28)."""
    books.customer()
    wallet = credit_of(books, "acme", kind, "25.00")
    drafts = [books.one_off("10", finalize=False) for _ in range(8)]
    made = at_once(8, lambda place: Books(books.api.farthing_client()).post(drafts[place], "finalize"))
    taken = "discount_total" if kind == "granted" else "credit_applied"
    assert sorted(one[taken] for one in made) == ["0.00"] * 5 + ["10.00", "10.00", "5.00"]
    assert remaining(books, wallet) == "0.00"
    assert numbers_of(books) == [f"INV-2026-{number:06}" for number in range(1, 9)]
    sound_books(books.api.farthing, books.api.organization)


def test_runs_and_people_spend_credit_once(books: Books) -> None:
    """Two runs, invoices finalised by hand and voided meanwhile, and customers without credit among them."""
    ten_customers(books, starts_at="2026-10-01T00:00:00Z")
    wallets = [credit_of(books, f"c{number}", kind, "12.00") for number in range(5) for kind in ("paid", "granted")]
    drafts = [books.one_off("10", finalize=False, customer=f"c{number}") for number in range(8)]

    def work(place: int) -> None:
        api = books.api.farthing_client()
        if place >= 8:
            Books(api).run("2026-11-20T00:00:00Z")
            return
        made = Books(api).post(drafts[place], "finalize")
        if place % 2:
            Books(api).post(made, "void")

    at_once(10, work)
    books.run("2026-11-20T00:00:00Z")
    sound_books(books.api.farthing, books.api.organization)
    left = [remaining(books, wallet) for wallet in wallets]
    assert all(Decimal(each) == 0 for each in left[:2]), left


def test_a_charge_is_billed_once_by_runs_at_once(books: Books) -> None:
    """Each on one line of one invoice, whoever comes first (rule 26)."""
    ten_customers(books, starts_at="2026-11-01T00:00:00Z")
    for number in range(10):
        books.api.made("/v1/charges", {
            "customer": f"c{number}", "description": "Setup", "quantity": "1", "unit_amount": "5", "currency": "USD",
        })
    at_once(3, lambda _: Books(books.api.farthing_client()).run("2026-11-20T00:00:00Z"))
    billed = [line for one in books.invoices() for line in one["lines"] if line["reason"] == "one_off"]
    assert len(billed) == 10
    assert {one["status"] for one in books.api.every("/v1/charges")} == {"billed"}
    sound_books(books.api.farthing, books.api.organization)

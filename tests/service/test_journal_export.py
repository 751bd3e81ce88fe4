"""The journal as text: CSV that no spreadsheet runs, and Beancount that its own checker accepts (rule 22, T53)."""

import csv
import io
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete

from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.journal import exporting
from farthing.billing.journal.releasing import Releases
from farthing.billing.journal.writing import safe
from tests.service.books import BASE, CALLS, Books
from tests.service.conftest import Api

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
BALANCES = """\
import sys
from beancount import loader
from beancount.core import inventory
entries, errors, _ = loader.load_file(sys.argv[1])
assert not errors, errors
found = {}
for entry in entries:
    for posting in getattr(entry, "postings", ()):
        found.setdefault(posting.account, inventory.Inventory()).add_position(posting)
for account, held in sorted(found.items()):
    for position in held:
        print(account, position.units.number, position.units.currency)
"""


def export(api: Api, query: str = "", **headers: str) -> str:
    answer = api.get(f"/v1/exports/journal{query}", headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("# ")]
    return list(csv.DictReader(io.StringIO("".join(lines))))


def pay(books: Books, invoice: str, amount: str, code: str = "USD") -> None:
    body = {"invoice": invoice, "amount": amount, "currency": code, "method": "wire"}
    books.api.made("/v1/payments", body)


def some_company(books: Books) -> None:
    """Three currencies, deferred and released revenue, payments in parts, a voided invoice."""
    books.meter()
    for code, amount in (("USD", "10.00"), ("JPY", "1000"), ("KWD", "1.234")):
        key = code.lower()
        books.plan(BASE | {"amount": amount}, CALLS, key=key, currency=code)
        books.customer(key, currency=code, name=f'{code} "quoted" \\ Ltd')
        books.subscribe(customer=key, plan=key, starts_at="2026-11-01T00:00:00Z")
        books.use(key, "2026-11-07T12:00:00Z", "50", subject=key)
    books.run("2026-11-20T00:00:00Z")
    books.api.clock.to("2026-12-02T00:00:00Z")
    books.run("2026-12-02T00:00:00Z")
    [first, second] = books.invoices(customer="usd")
    pay(books, first["id"], "4.00")
    books.post(second, "void", {"rebill": False})
    [whole, _] = books.invoices(customer="jpy")
    pay(books, whole["id"], "1000", "JPY")


def test_csv_has_a_row_for_each_account_and_the_series_at_the_end(books: Books) -> None:
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice["id"], "40.00")
    answer = books.api.get("/v1/exports/journal")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.get_data(as_text=True)
    short = [(one["kind"], one["number"], one["account"], one["debit"], one["credit"]) for one in rows(text)]
    assert short == [
        ("invoice", "INV-2026-000001", "receivables", "100.00", ""),
        ("invoice", "INV-2026-000001", "revenue", "", "100.00"),
        ("payment", "INV-2026-000001", "receivables", "", "40.00"),
        ("payment", "INV-2026-000001", "cash", "40.00", ""),
    ]
    assert {(one["day"], one["currency"], one["customer_key"]) for one in rows(text)} == {("2026-11-20", "USD", "acme")}
    assert text.endswith("# Series INV-2026: 000001 to 000001, missing: none\r\n")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠1"])
def test_no_cell_begins_a_formula(books: Books, name: str) -> None:
    """T53: text cells get an apostrophe, columns of numbers stay numbers."""
    books.customer(name=name)
    books.one_off("12.30")
    assert {(one["customer_name"], one["debit"] or one["credit"]) for one in rows(export(books.api))} == {
        (f"'{name}", "12.30"),
    }


def test_control_characters_begin_no_formula_either() -> None:
    """T53: names cannot hold them, other texts may."""
    assert [safe(f"{one}=1") for one in ("\t", "\r", "\n", "a")] == ["'\t=1", "'\r=1", "'\n=1", "a=1"]


def test_days_are_half_open_and_the_organizations(books: Books) -> None:
    assert books.api.patch("/v1/organization", {"timezone": "Asia/Tokyo"}).status_code == 200
    books.customer()
    books.one_off("1")
    books.api.clock.to("2026-11-20T15:00:00Z")  # midnight there
    books.one_off("2")

    def debits(query: str) -> list[str]:
        return [one["debit"] for one in rows(export(books.api, query)) if one["debit"]]

    assert debits("") == ["1.00", "2.00"]
    assert debits("?from=2026-11-21") == ["2.00"]
    assert debits("?to=2026-11-21") == ["1.00"]
    assert debits("?from=2026-11-20T15:00:00Z") == ["2.00"]
    assert debits("?from=2026-11-20T23:30:00%2B09:00&to=2026-11-21") == ["1.00"]


@pytest.mark.parametrize("query", ["?from=today", "?from=2026-13-01", "?to=1", "?format=xml", "?until=2026-01-01"])
def test_what_is_asked_wrongly_is_refused(api: Api, query: str) -> None:
    answer = api.get(f"/v1/exports/journal{query}")
    assert answer.status_code == 422
    assert (answer.json or {})["errors"][0]["field"] == query[1:].partition("=")[0]


def test_accept_chooses_the_format_unless_the_query_does(api: Api) -> None:
    assert export(api, Accept="text/x-beancount").startswith("option")
    assert export(api, "?format=csv", Accept="text/x-beancount").startswith("entry,")
    assert export(api, Accept="*/*").startswith("entry,")
    assert api.with_scopes("ingest").get("/v1/exports/journal").status_code == 403


def test_a_stranger_sees_none_of_it(books: Books) -> None:
    """T44."""
    books.customer()
    books.one_off("100")
    assert rows(export(books.api.stranger())) == []


@pytest.mark.together
def test_a_number_that_is_gone_is_told(books: Books) -> None:
    """The report looks at the invoices themselves, not at the counter alone (rule 21)."""
    books.customer()
    gone = [books.one_off("1") for _ in range(4)][1]
    with books.api.farthing.database.write() as connection:
        connection.execute(delete(invoice_lines).where(invoice_lines.c.invoice == gone["id"]))
        connection.execute(delete(invoices).where(invoices.c.id == gone["id"]))
    assert "# Series INV-2026: 000001 to 000004, missing: 000002\r\n" in export(books.api)
    assert "; Series INV-2026: 000001 to 000004, missing: 000002\n" in export(books.api, "?format=beancount")


def test_a_long_journal_is_told_whole(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, nothing twice and nothing left out."""
    monkeypatch.setattr(exporting, "PAGE", 2)
    books.customer()
    invoice = books.one_off("100")
    for _ in range(6):
        pay(books, invoice["id"], "1.00")
    found = [one["entry"] for one in rows(export(books.api)) if one["account"] == "receivables"]
    assert len(found) == len(set(found)) == 7


def test_bean_check_accepts_it_and_its_balances_are_ours(books: Books, tmp_path: Path) -> None:
    """Rule 22: receivables are what is due on open invoices, in each currency."""
    some_company(books)
    place = tmp_path / "journal.beancount"
    place.write_text(export(books.api, "?format=beancount"), "utf-8")
    done = subprocess.run([BEAN_CHECK, str(place)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    told = subprocess.run(
        [sys.executable, "-c", BALANCES, str(place)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    receivables = {
        code: Decimal(number) for account, number, code in map(str.split, told) if account == "Assets:Receivables"
    }
    due: dict[str, Decimal] = defaultdict(Decimal)
    for one in books.invoices(status="open"):
        due[one["currency"]] += Decimal(one["amount_due"])
    assert receivables == due
    assert set(due) == {"USD", "JPY", "KWD"}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _, number, code in map(str.split, told):
        sums[code] += Decimal(number)
    assert set(sums.values()) == {Decimal(0)}


def test_a_released_month_is_in_the_months_books(books: Books) -> None:
    """An accountant who asks for November gets its releases, not December's invoices."""
    some_company(books)
    kinds = {(one["kind"], one["day"]) for one in rows(export(books.api, "?from=2026-11-01&to=2026-12-01"))}
    assert kinds == {("invoice", "2026-11-20"), ("release", "2026-11-30")}
    books.api.farthing[Releases].release_all()  # of whoever else is in this store
    assert books.api.farthing[Releases].release_all() == 0

"""Reconciliations over HTTP: transfers are matched, by rule 24 or by choice, and matches are taken back."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import Books

pytestmark = pytest.mark.books

PATH = "/v1/reconciliations"


def transfer(books: Books, amount: str, reference: str = "", **fields: Any) -> str:
    """A transfer that came in; its identifier."""
    body = {"booked_at": "2026-11-18", "amount": amount, "currency": "USD", "reference": reference} | fields
    if "id" not in body:
        body["id"] = f"{amount}/{reference}/{sorted(fields.items())}"
    return str(books.api.made("/v1/bank-transactions", body)["ids"][0])


def reconcile(books: Books, **body: Any) -> dict[str, Any]:
    return books.api.made(PATH, body)


def undo(books: Books, one: Mapping[str, Any]) -> dict[str, Any]:
    return books.api.made(f"{PATH}/{one['id']}/undo", None)


def state(books: Books, invoice: Mapping[str, Any]) -> tuple[str, str, str]:
    one = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    return one["status"], one["amount_paid"], one["amount_due"]


def status(books: Books, transaction: str) -> str:
    return str((books.api.get(f"/v1/bank-transactions/{transaction}").json or {})["status"])


def balance(books: Books, customer: str = "acme") -> str:
    found = books.api.get(f"/v1/customers/{customer}/balance").json or {}
    return str(found["data"][0]["amount"])


def accounts(books: Books) -> dict[str, int]:
    """How the accounts of the journal stand, in minor units."""
    text = books.api.get("/v1/exports/journal").get_data(as_text=True).replace(".", "")
    found: dict[str, int] = {}
    for row in (line.split(",") for line in text.splitlines()[1:] if not line.startswith("#")):
        found[row[11]] = found.get(row[11], 0) + int(row[12] or 0) - int(row[13] or 0)
    return {account: amount for account, amount in found.items() if amount}


def test_a_transfer_is_proposed_and_applied(books: Books) -> None:
    """Rule 24: proposed with the reason in words, and with `auto` paid."""
    books.customer()
    invoice = books.one_off("100")
    id = transfer(books, "100.00", f"thanks, {invoice['number'].lower().replace('-', ' ')}")
    proposed = reconcile(books)
    assert (proposed["kind"], proposed["status"], proposed["transactions"], proposed["matched"]) == (
        "proposed", "proposed", 1, 0,
    )
    assert proposed["proposals"] == [{
        "transaction": id, "kind": "reference", "ambiguous": False, "applied": False,
        "reason": f"{invoice['number']} in its reference is due with exactly that.",
        "candidates": [[{"invoice": invoice["id"], "number": invoice["number"], "amount": "100.00"}]],
    }]
    assert (status(books, id), *state(books, invoice)) == ("proposed", "open", "0.00", "100.00")
    done = reconcile(books, transactions=[id], auto=True)
    assert (done["kind"], done["status"], done["matched"]) == ("auto", "applied", 1)
    assert done["proposals"] == [proposed["proposals"][0] | {"applied": True}]
    assert (status(books, id), *state(books, invoice)) == ("matched", "paid", "100.00", "0.00")
    [payment] = books.api.every("/v1/payments")
    assert (payment["method"], payment["reference"], payment["bank_transaction"], payment["received_at"]) == (
        "bank_transfer", "thanks, inv 2026 000001", id, "2026-11-18T00:00:00Z",
    )
    assert books.api.every("/v1/bank-transactions?status=matched")[0]["reconciliation"] == done["id"]
    assert books.api.get(f"{PATH}/{done['id']}").json == done
    assert [one["id"] for one in books.api.every(PATH)] == [proposed["id"], done["id"]]
    assert reconcile(books, auto=True)["transactions"] == 0
    sound_books(books.api.farthing, books.api.organization)


def test_each_kind_is_found_in_its_order(books: Books) -> None:
    """Rule 24: an amount, a pair, and three of the customer that is known by an earlier transfer's account."""
    books.customer()
    iban: dict[str, Any] = {"counterparty": {"name": "A. Payer", "iban": "DE 1"}}
    for amount in ("11", "100", "20", "41", "70.50", "80.25", "60.05"):
        books.one_off(amount)
    ids = [
        transfer(books, "11.00", "INV-2026-000001", **iban), transfer(books, "100.00"),
        transfer(books, "61.00"), transfer(books, "210.80", **iban), transfer(books, "999.99"),
        transfer(books, "41.00", currency="EUR"),
    ]
    done = reconcile(books, auto=True)
    told = {one["transaction"]: (one["kind"], one["applied"]) for one in done["proposals"]}
    assert [told[id] for id in ids] == [
        ("reference", True), ("amount", True), ("pair", True), ("set", True), ("none", False), ("none", False),
    ]
    reasons = {one["transaction"]: one["reason"] for one in done["proposals"]}
    assert reasons[ids[5]] == "No open invoice is due in EUR."
    assert {one["status"] for one in books.invoices()} == {"paid"}
    sound_books(books.api.farthing, books.api.organization)


def test_what_is_ambiguous_is_only_proposed(books: Books) -> None:
    """Rule 24: and a person chooses."""
    books.customer()
    one, other = books.one_off("100"), books.one_off("100")
    id = transfer(books, "100.00")
    done = reconcile(books, auto=True)
    assert (done["matched"], done["proposals"][0]["ambiguous"], len(done["proposals"][0]["candidates"])) == (0, True, 2)
    assert (status(books, id), books.api.every("/v1/payments")) == ("proposed", [])
    chosen = reconcile(books, apply=[{"transaction": id, "invoices": [other["number"]]}])
    assert (chosen["kind"], chosen["matched"]) == ("chosen", 1)
    assert (state(books, one)[0], state(books, other)[0], status(books, id)) == ("open", "paid", "matched")
    again = books.api.post(PATH, {"apply": [{"transaction": id, "invoices": [one["id"]]}]})
    assert (again.status_code, chosen["id"] in (again.json or {})["detail"]) == (409, True)
    assert books.api.post(PATH, {"transactions": [id], "auto": True}).status_code == 409


def test_all_is_as_before_once_it_is_undone(books: Books) -> None:
    """Balances, what is due, statuses and the journal, by entries that reverse; it can be applied again."""
    books.customer()
    invoices = [books.one_off(amount) for amount in ("100", "50", "30")]
    first, second = transfer(books, "150.00", "INV-2026-000001 INV-2026-000002"), transfer(books, "44.00")
    before = [state(books, one) for one in invoices], balance(books), accounts(books)
    chosen = reconcile(books, apply=[
        {"transaction": first, "invoices": [invoices[0]["id"], invoices[1]["id"]]},
        {"transaction": second, "invoices": [invoices[2]["id"]]},
    ])
    assert [state(books, one)[0] for one in invoices] == ["paid", "paid", "paid"]
    assert balance(books) == "14.00"
    undone = undo(books, chosen)
    assert (undone["status"], undone["undone_at"]) == ("undone", "2026-11-20T12:00:00Z")
    assert ([state(books, one) for one in invoices], balance(books), accounts(books)) == before
    assert [one["status"] for one in books.api.every("/v1/payments")] == ["reversed"] * 3
    assert [status(books, id) for id in (first, second)] == ["unmatched", "unmatched"]
    assert books.api.post(f"{PATH}/{chosen['id']}/undo").status_code == 409
    assert reconcile(books, auto=True)["matched"] == 1
    assert [state(books, one)[0] for one in invoices] == ["paid", "paid", "open"]
    text = books.api.get("/v1/exports/journal?format=beancount").get_data(as_text=True)
    assert '"Payment taken back INV-2026-000001"' in text
    sound_books(books.api.farthing, books.api.organization)


def test_what_was_touched_since_cannot_be_undone(books: Books) -> None:
    """A balance that was used, a payment that was given back, a credit note: it is named."""
    books.customer()
    invoice = books.one_off("100")
    spent = reconcile(books, apply=[{"transaction": transfer(books, "120.00"), "invoices": [invoice["id"]]}])
    other = books.one_off("15")
    answer = books.api.post(f"{PATH}/{spent['id']}/undo")
    assert (answer.status_code, "balance" in (answer.json or {})["detail"]) == (409, True)
    assert state(books, invoice) == ("paid", "100.00", "0.00")
    refunded = reconcile(books, apply=[{"transaction": transfer(books, "7.00"), "customer": "acme"}])
    payment = books.api.every("/v1/payments")[-1]
    books.api.made(f"/v1/payments/{payment['id']}/refund", {"amount": "1"})
    answer = books.api.post(f"{PATH}/{refunded['id']}/undo")
    assert (answer.status_code, payment["id"] in (answer.json or {})["detail"]) == (409, True)
    third = books.one_off("40")
    credited = reconcile(books, apply=[{"transaction": transfer(books, "40.00"), "invoices": [third["id"]]}])
    books.api.made("/v1/credit-notes", {"invoice": third["id"], "amount": "all", "reason": "Sorry"})
    answer = books.api.post(f"{PATH}/{credited['id']}/undo")
    assert (answer.status_code, third["number"] in (answer.json or {})["detail"]) == (409, True)
    assert other["credit_applied"] == "15.00"
    sound_books(books.api.farthing, books.api.organization)


def test_a_transfer_may_go_to_a_balance(books: Books) -> None:
    """In the customer's own currency (rule 23); undone, it is there no more."""
    customer = books.customer()
    id = transfer(books, "33.00")
    done = reconcile(books, apply=[{"transaction": id, "customer": "acme"}])
    assert (done["proposals"][0]["kind"], balance(books)) == ("balance", "33.00")
    shown = books.api.get(f"/v1/bank-transactions/{id}").json or {}
    assert (shown["status"], shown["customer"]) == ("matched", customer["id"])
    undo(books, done)
    assert (balance(books), status(books, id)) == ("0.00", "unmatched")
    euros = transfer(books, "5.00", currency="EUR")
    assert books.api.post(PATH, {"apply": [{"transaction": euros, "customer": "acme"}]}).status_code == 422
    sound_books(books.api.farthing, books.api.organization)


def test_a_choice_that_cannot_be_is_refused(books: Books) -> None:
    """By its index, and nothing of it is done."""
    books.customer()
    one, other, third = books.one_off("100"), books.one_off("50"), books.one_off("5")
    id, euros = transfer(books, "100.00"), transfer(books, "9.00", currency="EUR")
    books.api.made("/v1/payments", {"invoice": third["id"], "amount": "5", "currency": "USD", "method": "cash"})
    for chosen, expected in (
        ([{"transaction": id, "invoices": [one["id"], other["id"]]}], 422),  # which leaves nothing for the second
        ([{"transaction": id}], 422), ([{"transaction": id, "invoices": [one["id"]], "customer": "acme"}], 422),
        ([{"transaction": id, "invoices": [one["id"]]}, {"transaction": id, "customer": "acme"}], 422),
        ([{"transaction": euros, "invoices": [one["id"]]}], 422), ([{"transaction": id, "invoices": ["INV-1"]}], 404),
        ([{"transaction": "btx_none", "invoices": [one["id"]]}], 404), ([{"transaction": id, "customer": "no"}], 404),
        ([{"transaction": id, "invoices": [third["id"]]}], 409), ([{"transaction": id, "amount": "1"}], 422), ([], 422),
    ):
        assert books.api.post(PATH, {"apply": chosen}).status_code == expected, chosen
    assert books.api.post(PATH, {"apply": [{"transaction": id, "customer": "acme"}], "auto": True}).status_code == 422
    assert books.api.post(PATH, {"transactions": ["btx_none"]}).status_code == 404
    assert books.api.post(PATH, {"transactions": []}).status_code == 422
    assert (len(books.api.every("/v1/payments")), books.api.every(PATH)) == (1, [])


def test_reconciliations_at_once_pay_once(books: Books) -> None:
    """I6: whoever comes second sees what the first has done; the same for undoing."""
    books.customer()
    invoices = [books.one_off(f"{amount}") for amount in range(10, 16)]
    for invoice in invoices:
        transfer(books, invoice["total"], invoice["number"])
    callers = [books.api.farthing_client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda caller: caller.made(PATH, {"auto": True}), callers))
    assert sorted(one["matched"] for one in done) == [0, 0, 0, 6]
    assert len(books.api.every("/v1/payments")) == 6
    [applied] = [one for one in done if one["matched"]]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda caller: caller.post(f"{PATH}/{applied['id']}/undo"), callers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {state(books, invoice)[0] for invoice in invoices} == {"open"}
    sound_books(books.api.farthing, books.api.organization)


def test_a_reconciliation_is_its_organizations_alone(books: Books) -> None:
    """T44: nor does another's transfer or invoice have a part in it."""
    books.customer()
    invoice = books.one_off("100")
    id = transfer(books, "100.00", invoice["number"])
    stranger = Books(books.api.stranger())
    assert reconcile(stranger, auto=True)["transactions"] == 0
    assert stranger.api.post(PATH, {"transactions": [id]}).status_code == 404
    theirs = transfer(stranger, "100.00", invoice["number"])
    assert reconcile(stranger, auto=True)["matched"] == 0
    body = {"apply": [{"transaction": theirs, "invoices": [invoice["id"]]}]}
    assert stranger.api.post(PATH, body).status_code == 404
    done = reconcile(books, auto=True)
    assert stranger.api.get(f"{PATH}/{done['id']}").status_code == 404
    assert stranger.api.post(f"{PATH}/{done['id']}/undo").status_code == 404
    assert books.api.with_scopes("read").post(PATH, {}).status_code == 403
